"""What is known of a node by itself: its type, size and head, and the text of a key. Cut values answer like whole ones, as far as they can."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from tracer.compare.fingerprint import UNORDERED
from tracer.values import (
    Atom,
    Key,
    Mapping,
    Named,
    Object,
    Opaque,
    Redacted,
    Scalar,
    Sequence,
    Truncated,
    Value,
    scalar_text,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

T = TypeVar("T")

_TEXTS = frozenset({"str", "bytes", "bytearray"})
_UNITARY = _TEXTS | UNORDERED  # no parts that could be held against each other one by one
_ITEMS = frozenset({"list", "tuple"})
_KEY_LENGTH = 60
_DEEPEST_KEY = 20


def type_name(value: Value) -> str:
    """Return the name of a value's type as snapshots write it."""
    match value:
        case Scalar(value=plain):
            return type(plain).__name__
        case Mapping():
            return "dict"
        case Named(kind=kind):
            return kind
        case Redacted():
            return "redacted"
        case Sequence() | Object() | Atom() | Opaque() | Truncated():
            return value.type
        case _:
            return "reference"


def key_text(key: Value, depth: int = _DEEPEST_KEY) -> str:
    """Return the text that stands between brackets for a mapping key, bounded; of what lies deeper than any key the type."""
    match key:
        case Scalar(value=plain):
            text = scalar_text(plain)
        case Atom(text=text) | Named(name=text):
            pass
        case Sequence(items=items) if depth:
            text = f"({', '.join(key_text(item, depth - 1) for item in items[:4])})"
        case _:
            text = f"<{type_name(key)}>"
    return text if len(text) <= _KEY_LENGTH else text[: _KEY_LENGTH - 1] + "\N{HORIZONTAL ELLIPSIS}"


def size(value: Value) -> int | None:
    """Return how many items, fields or characters a value has; None where that means nothing."""
    match value:
        case Truncated(size=known):
            return known
        case Sequence(type="bytearray", items=(Scalar(value=bytes() as data),)):
            return len(data)
        case Scalar(value=str() | bytes() as text):
            return len(text)
        case Sequence(items=items) | Mapping(items=items) | Object(fields=items):
            return len(items)
        case _:
            return None


def without(others: Iterable[Hashable], items: Iterable[tuple[Hashable, T]]) -> list[T]:
    """Return the items of a list, each given with its key, that another one, given by keys, does not hold as often."""
    left = Counter(others)
    kept = []
    for number, item in items:
        if left[number]:
            left[number] -= 1
        else:
            kept.append(item)
    return kept


def common_heads(old: Value, new: Value) -> list[tuple[str | int | Key, Value, Value]]:
    """Return what both sides hold of a cut value: items by position, those of mappings and objects by name."""
    if type_name(old) in _UNITARY:
        return []
    if type_name(old) in _ITEMS:
        return [(n, a, b) for n, (a, b) in enumerate(zip(listed_parts(old), listed_parts(new), strict=False))]
    before, after = named_parts(old), named_parts(new)
    return [(step, before[step], after[step]) for step in before if step in after]


def same_start(old: Value, new: Value) -> bool:
    """Whether two texts or byte strings agree as far as both are held. Other values do."""
    if type_name(old) not in _TEXTS:
        return True
    match _text(old), _text(new):
        case (str() as before, str() as after) | (bytes() as before, bytes() as after):
            common = min(len(before), len(after))
            return before[:common] == after[:common]
        case _:
            return True


def _text(value: Value) -> object:
    match value:
        case Scalar(value=text) | Truncated(head=(Scalar(value=text),)) | Sequence(items=(Scalar(value=text),)):
            return text
        case _:
            return None


def listed_parts(value: Value) -> tuple[Value, ...]:
    """Return the items of a sequence, as many as are held."""
    match value:
        case Truncated(head=items) | Sequence(items=items):
            return items
        case _:
            return ()


def named_parts(value: Value) -> dict[str | Key, Value]:
    """Return what a mapping or an object holds by the step that leads there, as much as is held."""
    match value:
        case Truncated(type=kind, head=pairs):
            return {_step(key, kind): item for key, item in map(_pair, pairs)}
        case Mapping(items=items):
            return {Key(key_text(key)): item for key, item in items}
        case Object(fields=fields):
            return dict(fields)
        case _:
            return {}


def _pair(value: Value) -> tuple[Value, Value]:
    match value:
        case Sequence(items=(key, item)):
            return key, item
        case _:
            return value, value


def _step(key: Value, kind: str) -> str | Key:
    """Return the step that leads to a part of a cut value: a key's for a dict, a name for an object."""
    if kind != "dict" and isinstance(key, Scalar) and isinstance(key.value, str):
        return key.value
    return Key(key_text(key))


def digest(value: Value) -> bytes:
    """Return a digest that covers the whole value; one over samples proves a difference only."""
    return value.digest if isinstance(value, Truncated) else b""
