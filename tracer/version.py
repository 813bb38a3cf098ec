"""Which tracer this is."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
"""The version of this installation; the processes of one replay or comparison must all have it."""
