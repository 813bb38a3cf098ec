"""How alike two snapshots are, as far as both are known. Pure."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from tracer.values import (
    WHOLE_DIGEST,
    Key,
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
    ValuePath,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Grade(IntEnum):
    """How much a recorded value and that of a call have in common, the best first."""

    EQUAL = 0
    PRIVATE = 1  # but for attributes with a leading underscore
    UNKNOWN = 2  # as far as both were looked at
    DIFFERENT = 3


class Likeness(NamedTuple):
    """The grade of two values, and where they differ first: a path and what stands there, None where there is nothing."""

    grade: Grade
    path: ValuePath = ValuePath()
    recorded: Value | None = None
    called: Value | None = None


_EQUAL = Likeness(Grade.EQUAL)


def likeness(recorded: Value, called: Value, path: ValuePath = ValuePath()) -> Likeness:  # noqa: B008, PLR0911, C901  (frozen; a table of cases)
    """Compare a recorded value with one of today. An order of keys carries no meaning."""
    match recorded, called:
        case Scalar(a), Scalar(b):
            same = type(a) is type(b) and (a == b or (a != a and b != b))  # noqa: PLR0124  (both are no number)
            return _EQUAL if same else Likeness(Grade.DIFFERENT, path, recorded, called)
        case Redacted(), Redacted():
            return _EQUAL
        case Redacted(), _:
            return Likeness(Grade.UNKNOWN)
        case _, Redacted():
            return Likeness(Grade.UNKNOWN)
        case Reference(a), Reference(b):
            return _EQUAL if a == b else Likeness(Grade.UNKNOWN)
        case Opaque(type=a), Opaque(type=b) if a == b:
            return _EQUAL  # nothing more is known of either, and there is nothing to tell two apart by
        case Sequence(type=a), Sequence(type=b) if a == b and len(recorded.items) == len(called.items):
            return _worst(
                likeness(x, y, path.child(at))
                for at, (x, y) in enumerate(zip(recorded.items, called.items, strict=True))
            )
        case Mapping(), Mapping():
            return _mappings(recorded, called, path)
        case Object(type=a), Object(type=b) if a == b:
            return _objects(recorded, called, path)
        case Truncated(), Truncated() if recorded == called and len(recorded.digest) == WHOLE_DIGEST:
            return _EQUAL
        case (Opaque() | Truncated() | Reference(), _) | (_, Opaque() | Truncated() | Reference()):
            return _partly(recorded, called, path)
    return _EQUAL if recorded == called else Likeness(Grade.DIFFERENT, path, recorded, called)


def _worst(found: Iterable[Likeness]) -> Likeness:
    """Return the worst of several; the first that differs ends it."""
    worst = _EQUAL
    for each in found:
        if each.grade is Grade.DIFFERENT:
            return each
        if each.grade > worst.grade:
            worst = each
    return worst


def _mappings(recorded: Mapping, called: Mapping, path: ValuePath) -> Likeness:
    old, new = dict(recorded.items), dict(called.items)
    return _worst(_entries(old, new, path))


def _entries(old: dict[Value, Value], new: dict[Value, Value], path: ValuePath) -> Iterator[Likeness]:
    for key, value in old.items():
        inner = path.child(Key(_key_text(key)))
        yield likeness(value, new[key], inner) if key in new else Likeness(Grade.DIFFERENT, inner, value, None)
    for key, value in new.items():
        if key not in old:
            yield Likeness(Grade.DIFFERENT, path.child(Key(_key_text(key))), None, value)


def _key_text(key: Value) -> str:
    return repr(key.value) if isinstance(key, Scalar) else "..."


def _objects(recorded: Object, called: Object, path: ValuePath) -> Likeness:
    old, new = dict(recorded.fields), dict(called.fields)
    found = _worst(_fields(old, new, path))
    if found.grade is Grade.DIFFERENT or recorded.payload is None or called.payload is None:
        return found
    return _worst((found, likeness(recorded.payload, called.payload, path)))


def _fields(old: dict[str, Value], new: dict[str, Value], path: ValuePath) -> Iterator[Likeness]:
    for name in (*old, *(name for name in new if name not in old)):
        a, b = old.get(name), new.get(name)
        each = (
            Likeness(Grade.DIFFERENT, path.child(name), a, b)
            if a is None or b is None
            else likeness(a, b, path.child(name))
        )
        private = name.startswith("_") and not name.endswith("__")
        yield Likeness(Grade.PRIVATE) if private and each.grade is Grade.DIFFERENT else each


def _partly(recorded: Value, called: Value, path: ValuePath) -> Likeness:
    """Compare two of which one was not looked at, or only in part: by type, and what their heads tell."""
    a, b = _type(recorded), _type(called)
    if a and b and a != b:
        return Likeness(Grade.DIFFERENT, path, recorded, called)
    sizes = {_size(recorded), _size(called)} - {None}
    if len(sizes) > 1:
        return Likeness(Grade.DIFFERENT, path, recorded, called)
    old, new = _items(recorded), _items(called)
    heads = (likeness(x, y, path.child(at)) for at, (x, y) in enumerate(zip(old, new, strict=False)))
    found = _worst(heads)
    return found if found.grade is Grade.DIFFERENT else Likeness(Grade.UNKNOWN)


def _size(value: Value) -> int | None:
    match value:
        case Truncated(size=size):
            return size
        case Sequence(items=items) | Mapping(items=items):
            return len(items)
        case Scalar(value=str() | bytes() as text):
            return len(text)
        case _:
            return None


def _items(value: Value) -> tuple[Value, ...]:
    """Return the first items of a list or tuple, whole or cut."""
    match value:
        case Truncated(type="list" | "tuple", head=items) | Sequence(type="list" | "tuple", items=items):
            return items
        case _:
            return ()


def _type(value: Value) -> str:
    """Return a value's type, "" where that is not told."""
    match value:
        case Scalar(value=plain):
            return type(plain).__name__
        case Mapping():
            return "dict"
        case Named() | Redacted() | Reference():
            return ""
        case _:
            return value.type
