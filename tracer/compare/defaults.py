"""Parameters that callers left at their default, where the default itself is another one now: nobody passed anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracer.compare.parts import type_name
from tracer.values import Named, Object, Scalar, Sequence, Value, scalar_text

if TYPE_CHECKING:
    from tracer.model import Callable

_MOST_TEXT: Final = 80  # what signatures keep of a default's text
_DEEPEST: Final = 20
_MORE: Final = "\N{HORIZONTAL ELLIPSIS}"


def changed_defaults(old: Callable | None, new: Callable | None) -> dict[str, tuple[str, str]]:
    """Return the texts of both defaults by parameter, for parameters that have another one on each side."""
    if old is None or new is None:
        return {}
    before, after = _defaults(old), _defaults(new)
    return {name: (before[name], after[name]) for name in before if name in after and before[name] != after[name]}


def holds_default(arguments: Value, name: str, default: str) -> bool:
    """Whether a call's arguments, as one object, hold in a parameter what its default's text stands for."""
    fields = arguments.fields if isinstance(arguments, Object) else ()
    return any(field == name and _text(value) == default for field, value in fields)


def _defaults(callable_: Callable) -> dict[str, str]:
    return {each.name: each.default for each in callable_.parameters if each.default is not None}


def _text(value: Value) -> str:
    """Return a value as signatures write a default: constants as they are, all else by its type."""
    text = _constant(value, _DEEPEST)
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + _MORE


def _constant(value: Value, depth: int) -> str:
    match value:
        case Scalar(value=str() as text):
            return repr(text[:_MOST_TEXT])
        case Scalar(value=plain):
            return scalar_text(plain)
        case Sequence(type="tuple", items=items) if depth:
            return f"({', '.join(_constant(item, depth - 1) for item in items)}{',' if len(items) == 1 else ''})"
        case Sequence(type="frozenset", items=items) if depth:
            return f"frozenset({{{', '.join(sorted(_constant(item, depth - 1) for item in items))}}})"
        case Named(kind="class"):
            return "<type>"
        case _:
            return f"<{type_name(value).removeprefix('builtins:').replace(':', '.')}>"
