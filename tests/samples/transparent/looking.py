"""Items to look at, by name, and how they are printed."""

from __future__ import annotations

import re

ITEMS = {}


def item(work):
    """Register a function that prints what it sees."""
    ITEMS[work.__name__] = work
    return work


def show(*values):
    """Print values without their addresses."""
    print(*(re.sub("0x[0-9a-f]+", "0x", str(value)) for value in values), flush=True)  # noqa: T201  (what it is for)


def attempt(label, work, *rest):
    """Print what a call returned or raised."""
    try:
        show(label, work(*rest))
    except Exception as error:
        show(label, "raises", type(error).__name__, error)
