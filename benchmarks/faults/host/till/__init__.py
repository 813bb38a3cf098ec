"""Another watched component."""
