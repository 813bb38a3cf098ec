"""What people decide about changes, and which recordings are used: nouns, their files, and what follows from them."""
