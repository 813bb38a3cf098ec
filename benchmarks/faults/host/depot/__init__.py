"""A watched component."""
