"""A run of a real program to journals: what happens at each crossing."""
