"""The shape of how a call ended: types, keys and fields, without values or lengths. Two calls of one shape are examples of the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from tracer.decode import decode
from tracer.model import ItemKind, Raised, Returned
from tracer.values import (
    Atom,
    Form,
    Mapping,
    Named,
    Object,
    Opaque,
    Redacted,
    Reference,
    Scalar,
    Sequence,
    Truncated,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.model import Call

Shape: TypeAlias = "tuple[object, ...]"

_DEEPEST: Final = 6
_MOST: Final = 200  # items looked at in one container
_REMEMBERED: Final = 20_000


class Shapes:
    """Finds the shapes of calls; what snapshots look like is remembered, since most of them come again."""

    def __init__(self) -> None:
        self._known: dict[bytes, Shape] = {}

    def of(self, call: Call) -> Shape:
        """Return the shape of a call's ending: what it returned or raised, what it yielded, and which arguments it changed."""
        changed = tuple(position for position, _ in call.after)
        yielded = _together(self._snapshot(item.value) for item in call.items if item.kind == ItemKind.YIELDED)
        kinds = tuple(sorted({int(item.kind) for item in call.items}))
        match call.outcome:
            case Returned(value):
                return "returned", self._snapshot(value), yielded, kinds, changed
            case Raised(error):
                return "raised", self._snapshot(error), yielded, kinds, changed
            case _:
                return "unfinished", (), yielded, kinds, changed

    def _snapshot(self, data: bytes) -> Shape:
        shape = self._known.get(data)
        if shape is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            shape = self._known[data] = shape_of(decode(data))
        return shape


def shape_of(value: Value, level: int = 0) -> Shape:  # noqa: C901, PLR0911  (one per kind)
    """Return the shape of a value. True and False are two shapes: a program branches on them."""
    if level > _DEEPEST:
        return ("...",)
    match value:
        case Scalar(value=scalar):
            return (type(scalar).__name__, scalar) if isinstance(scalar, bool) else (type(scalar).__name__,)
        case Sequence(type="tuple", items=items):
            return "tuple", *(shape_of(item, level + 1) for item in items[:_MOST])
        case Sequence(type=name, items=items):
            return name, *_together(shape_of(item, level + 1) for item in items[:_MOST])
        case Mapping(items=pairs):
            return "dict", *_together(_pair(key, item, level) for key, item in pairs[:_MOST])
        case Object(form=Form.EXCEPTION):
            return ("exception", value.type)
        case Object(fields=fields, payload=payload):
            shown = tuple((name, shape_of(each, level + 1)) for name, each in fields if not name.startswith("_"))
            return "object", value.type, shown, () if payload is None else shape_of(payload, level + 1)
        case Atom(type=name) | Opaque(type=name) | Truncated(type=name):
            return type(value).__name__, name
        case Named(kind=kind):
            return "named", kind
        case Reference():
            return ("reference",)
        case Redacted():
            return ("redacted",)


def _pair(key: Value, item: Value, level: int) -> Shape:
    """Return the shape of an entry: a key that is a short text is a part of it, as a field's name is."""
    named = isinstance(key, Scalar) and isinstance(key.value, str) and key.value.isidentifier()
    return (key.value if named and isinstance(key, Scalar) else shape_of(key, level + 1)), shape_of(item, level + 1)


def _together(shapes: Iterable[Shape]) -> Shape:
    return tuple(sorted(set(shapes), key=repr))
