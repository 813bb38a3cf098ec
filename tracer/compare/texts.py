"""Short texts of what a finding shows, focused on the place that differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.render import render
from tracer.values import Object, Scalar

if TYPE_CHECKING:
    from tracer.values import Value

LIMIT = 200
ABSENT = "(absent)"
_AROUND = 40  # characters shown before the first that differs
_MORE = "..."


def focused(before: Value | str | None, after: Value | str | None, limit: int = LIMIT) -> tuple[str, str]:
    """Return both sides of a change in at most `limit` characters each; of long texts the part where they begin to differ."""
    match before, after:
        case Scalar(value=str() | bytes() as old), Scalar(value=str() | bytes() as new) if type(old) is type(new):
            start = max(_first_difference(old, new) - _AROUND, 0)
            if start and max(len(old), len(new)) > limit // 2:
                return _cut(old, start, limit), _cut(new, start, limit)
    return shown(before, limit), shown(after, limit)


def shown(value: Value | str | None, limit: int = LIMIT) -> str:
    """Return one side of a change as text."""
    if value is None:
        return ABSENT
    return _bounded(value, limit) if isinstance(value, str) else _bounded(render(value, limit), limit)


def _bounded(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - len(_MORE)] + _MORE


def _cut(text: str | bytes, start: int, limit: int) -> str:
    return _bounded(_MORE + render(Scalar(text[start : start + limit]), limit - len(_MORE)), limit)


def _first_difference(old: str | bytes, new: str | bytes) -> int:
    """Bisect on equal heads: comparing slices is done in C."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[:middle] == new[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def arguments_text(arguments: Value, limit: int = LIMIT) -> str:
    """Return the arguments of a call as text, `name=value` with commas between."""
    if not isinstance(arguments, Object):
        return shown(arguments, limit)
    parts = (f"{name}={render(value, limit)}" for name, value in arguments.fields)
    return _bounded(", ".join(parts), limit)
