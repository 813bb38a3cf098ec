"""The nearest valid word, for sentences about ones that are not."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def suggestion(word: str, valid: Iterable[str]) -> str:
    """Return "Did you mean 'x'? " for the valid word that resembles another most, "" where none does."""
    close = get_close_matches(word, list(valid), n=1)
    return f"Did you mean {close[0]!r}? " if close else ""
