"""Snapshot bytes to the tree of `tracer.values`. Inert: nothing is imported, and hostile bytes end in `CassetteDamaged`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tracer import wire
from tracer.errors import CassetteDamaged
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
    from collections.abc import Callable, Iterator

_SEQUENCES: Final = {wire.TUPLE: "tuple", wire.SET: "set", wire.FROZENSET: "frozenset"}
_FORMS: Final = {form.value: form for form in Form}
_SHARED_SEQUENCES: Final = ("list", "set", "bytearray")


def decode(data: bytes) -> Value:
    """Read one snapshot.

    Raises:
        CassetteDamaged: the bytes are no snapshot, or nested deeper than any snapshot is.
    """
    try:
        return _tree(wire.unpack(data), 0)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CassetteDamaged("read a recorded value", str(error) or type(error).__name__) from error


def decode_arguments(data: bytes) -> tuple[Value, ...]:
    """Read the snapshot of a call's arguments: one value per parameter.

    Where the arguments could not be looked at, the one value that says so.

    Raises:
        CassetteDamaged: as `decode`.
    """
    tree = decode(data)
    return tree.items if isinstance(tree, Sequence) and tree.type == "list" else (tree,)


def containers(tree: Value) -> tuple[Value, ...]:
    """Return the containers of a snapshot by ordinal, as a `Reference` outside of sets counts them."""
    return tuple(_containers(tree))


def _containers(tree: Value) -> Iterator[Value]:
    """Yield containers in the order they were entered; those inside a set are forgotten after it, and not yielded."""
    pending: list[tuple[Value, bool]] = [(tree, True)]
    while pending:
        value, counts = pending.pop()
        below: list[tuple[Value, bool]] = []
        match value:
            case Sequence(type=name, items=items):
                if counts and name in _SHARED_SEQUENCES:
                    yield value
                below = [] if name in {"set", "frozenset"} else [(item, True) for item in items]
            case Mapping(items=pairs):
                if counts:
                    yield value
                below = [(each, True) for pair in pairs for each in pair]
            case Object(fields=fields, payload=payload):
                yield value
                below = [(each, True) for _, each in fields] + ([(payload, False)] if payload is not None else [])
            case Truncated(head=head):
                below = [(each, True) for each in head]
            case _:
                pass
        pending += reversed(below)


def _tree(raw: Any, level: int) -> Value:
    """Build the tree of an unpacked value. One frame per level, so that the limit is reached before Python's own."""
    if level > wire.MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(raw, wire.Extension):
        return _READERS[raw.code](raw.data, level + 1)
    if isinstance(raw, list):
        items = []
        for item in raw:
            items.append(_tree(item, level + 1))  # noqa: PERF401  (a comprehension is a second frame before Python 3.12)
        return Sequence("list", tuple(items))
    if isinstance(raw, dict):
        pairs = []
        for key, item in raw.items():
            if not isinstance(key, str):
                raise TypeError("a map's key is no text")
            pairs.append((Scalar(key), _tree(item, level + 1)))
        return Mapping(tuple(pairs))
    if raw is None or isinstance(raw, (bool, int, float, str, bytes)):
        return Scalar(raw)
    raise TypeError(f"no snapshot holds a {type(raw).__name__}")


def _array(data: bytes, *sizes: int) -> list[Any]:
    """Unpack an array, of one of these lengths where any are given."""
    raw = wire.unpack(data)
    if not isinstance(raw, list) or (sizes and len(raw) not in sizes):
        raise ValueError("an extension's payload has the wrong shape")
    return raw


def _values(raw: Any, level: int) -> tuple[Value, ...]:
    if not isinstance(raw, list):
        raise TypeError("an extension's payload has the wrong shape")
    items = []
    for item in raw:
        items.append(_tree(item, level))  # noqa: PERF401  (as in _tree)
    return tuple(items)


def _text(raw: Any) -> str:
    """Return a text part, which may be one with lone surrogates."""
    if isinstance(raw, wire.Extension) and raw.code == wire.STR:
        return str(raw.data, "utf-8", "surrogatepass")
    if not isinstance(raw, str):
        raise TypeError("a name is no text")
    return raw


def _number(raw: Any) -> int:
    if type(raw) is not int or raw < 0:
        raise ValueError("a count is no number")
    return raw


def _sequence(code: int) -> Callable[[bytes, int], Value]:
    return lambda data, level: Sequence(_SEQUENCES[code], _values(_array(data), level))


def _mapping(data: bytes, level: int) -> Value:
    parts = _values(_array(data), level)
    if len(parts) % 2:
        raise ValueError("a mapping has a key without a value")
    return Mapping(tuple(zip(parts[::2], parts[1::2], strict=True)))


def _object(data: bytes, level: int) -> Value:
    name, form, names, values, *payload = _array(data, 4, 5)
    if not isinstance(names, list) or not isinstance(values, list) or len(names) != len(values):
        raise ValueError("an object's fields do not match their names")
    fields = tuple(zip([_text(each) for each in names], _values(values, level), strict=True))
    return Object(_text(name), _FORMS[_text(form)], fields, _tree(payload[0], level) if payload else None)


def _truncated(data: bytes, level: int) -> Value:
    name, size, head, digest = _array(data, 4)
    if not isinstance(digest, bytes):
        raise TypeError("a digest is no bytes")
    return Truncated(_text(name), None if size is None else _number(size), _values(head, level), digest)


def _atom(data: bytes, _: int) -> Value:
    name, text = _array(data, 2)
    return Atom(_text(name), _text(text))


def _named(data: bytes, _: int) -> Value:
    kind, name = map(_text, _array(data, 2))
    return Named("function", name, bound=True) if kind == "method" else Named(kind, name)


def _opaque(data: bytes, _: int) -> Value:
    name, ordinal = _array(data, 2)
    return Opaque(_text(name), _number(ordinal))


_READERS: Final[dict[int, Callable[[bytes, int], Value]]] = {
    wire.BIG_INT: lambda data, _: Scalar(int.from_bytes(data, "big", signed=True)),
    wire.TUPLE: _sequence(wire.TUPLE),
    wire.SET: _sequence(wire.SET),
    wire.FROZENSET: _sequence(wire.FROZENSET),
    wire.MAPPING: _mapping,
    wire.BYTEARRAY: lambda data, _: Sequence("bytearray", (Scalar(data),)),
    wire.STR: lambda data, _: Scalar(data.decode("utf-8", "surrogatepass")),
    wire.ATOM: _atom,
    wire.OBJECT: _object,
    wire.NAMED: _named,
    wire.OPAQUE: _opaque,
    wire.REFERENCE: lambda data, _: Reference(_number(wire.unpack(data))),
    wire.TRUNCATED: _truncated,
    wire.REDACTED: lambda _data, _: Redacted(),
}
