"""Where a code object keeps its parameters."""

from __future__ import annotations

from inspect import CO_VARARGS, CO_VARKEYWORDS
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType


def parameter_slots(code: CodeType) -> list[int]:
    """Return the indices in `co_varnames` of the parameters, in the order of `inspect.signature`."""
    positional = code.co_argcount
    named = positional + code.co_kwonlyargcount
    slots = list(range(positional))
    after = named
    if code.co_flags & CO_VARARGS:
        slots.append(after)
        after += 1
    slots += range(positional, named)
    if code.co_flags & CO_VARKEYWORDS:
        slots.append(after)
    return slots
