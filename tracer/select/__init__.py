"""Which modules are components, and which callables of theirs are watched. Looks, never calls."""
