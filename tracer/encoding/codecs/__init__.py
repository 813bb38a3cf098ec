"""How the types of one outside library are described, one file for each."""
