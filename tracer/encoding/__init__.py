"""Live objects to canonical bytes, in one step and without calling user code."""
