"""Which tracer this is."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
"""The version of this installation; the processes of one replay or comparison must all have it."""


def mismatch(asking: str) -> str:
    """Return why a task that the tracer of some version asks for cannot be carried out by this one; empty where it can."""
    return "" if asking == VERSION else f"a worker has tracer {VERSION}, and tracer {asking or 'of another time'} asks"
