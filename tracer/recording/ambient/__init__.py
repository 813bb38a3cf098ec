"""What a program reads of its surroundings: recorded where it is read, and played back."""
