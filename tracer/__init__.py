"""Record every call that crosses a module boundary, and name what a change did to them."""

__version__ = "0.1.0"
