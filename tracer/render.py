"""Snapshot values as short Python-like text, for people: `Cart(total=Decimal('10.0'), items=[...])`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracer.model import ItemKind
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
    from collections.abc import Iterable, Iterator

LIMIT: Final = 120
PASSED: Final = {
    ItemKind.YIELDED: "yields",
    ItemKind.SENT: "is sent",
    ItemKind.THROWN: "is thrown",
    ItemKind.SUMMED: "and so on:",
}
"""What is said of what passes through a generator, before its value."""
_MORE: Final = "..."
_BRACKETS: Final = {
    "list": "[]",
    "tuple": "()",
    "set": "{}",
    "bytearray": ("bytearray(", ")"),
    "frozenset": ("frozenset({", "})"),
}

_DEEPEST: Final = 64
_MOST_NAMED: Final = 8


def most_counted(counts: Iterable[tuple[str, int]]) -> str:
    """Name the callables with the most of something, each with how much: `shop.tax:vat (2,900), shop.cart:total (12) and 3 more`."""
    by_size = sorted(counts, key=lambda item: (-item[1], item[0]))
    names = ", ".join(f"{name} ({count:,})" for name, count in by_size[:_MOST_NAMED])
    return f"{names} and {len(by_size) - _MOST_NAMED:,} more" if len(by_size) > _MOST_NAMED else names


def render(value: Value, limit: int = LIMIT) -> str:
    """Return a value as text of at most `limit` characters (8 at least), with `...` where something is left out.

    Control characters and whatever else does not print are escaped, so that the text is safe on a terminal.
    """
    room = max(limit, 8)
    pieces: list[str] = []
    size = 0
    for piece in _pieces(value, room, 0):
        pieces.append(piece)
        size += len(piece)
        if size > room:
            return "".join(pieces)[: room - len(_MORE)] + _MORE
    return "".join(pieces)


def render_error(error: Value, limit: int = LIMIT) -> str:
    """Return an exception as it is written, by its type and arguments: `KeyError('tea')`. Other values as `render` does."""
    if isinstance(error, Object) and error.form is Form.EXCEPTION:
        arguments = dict(error.fields).get("args")
        if isinstance(arguments, Sequence):
            return f"{short(error.type)}({', '.join(render(argument, limit) for argument in arguments.items)})"
    return render(error, limit)


def short(name: str) -> str:
    """Return the last part of a `module:qualname`."""
    return printable(name.rpartition(":")[2].rpartition(".")[2])


def printable(text: str) -> str:
    """Return text with everything that does not print escaped."""
    return text if text.isprintable() else "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _pieces(value: Value, room: int, level: int) -> Iterator[str]:
    """Yield the parts of a value's text; lazily, so that nothing beyond the limit is made."""
    if level > _DEEPEST:
        yield _MORE
        return
    match value:
        case Scalar(value=scalar):
            yield _scalar(scalar, room)
        case Sequence():
            yield from _sequence(value, room, level)
        case Mapping(items=pairs):
            yield from _mapping(pairs, room, level)
        case Object():
            yield from _object(value, room, level)
        case Truncated():
            yield from _truncated(value, room, level)
        case _:
            yield _leaf(value)


def _scalar(value: object, room: int) -> str:
    if isinstance(value, (str, bytes)) and len(value) > room:
        return repr(value[:room])[:-1] + _MORE
    if (
        type(value) is int and value.bit_length() > 4 * room
    ):  # repr of a huge int is slow, and refused from 4,300 digits
        return f"{value:#x}"[:room] + _MORE
    return repr(value)


def _leaf(value: Atom | Named | Opaque | Reference | Redacted) -> str:  # noqa: PLR0911  (one per kind)
    match value:
        case Atom(type="builtins:range" | "builtins:complex", text=text):
            return printable(text)
        case Atom(type="decimal:Decimal" | "fractions:Fraction" | "uuid:UUID" as name, text=text):
            return f"{short(name)}({text!r})"
        case Atom(type=name, text=text) if name.startswith(
            ("datetime:", "pathlib:", "zoneinfo:", "logging:", "numpy:")
        ):
            return f"{short(name)}({text!r})"
        case Atom(type=name, text=text):
            return f"{short(name)}.{printable(text)}"
        case Named(name=name):
            return f"<{printable(value.kind)} {printable(name)}>"
        case Opaque(type=name):
            return f"<{printable(name).replace(':', '.')}>"
        case Reference(ordinal=ordinal):
            return f"<same as #{ordinal}>"
        case Redacted():
            return "<redacted>"


def _sequence(value: Sequence, room: int, level: int) -> Iterator[str]:
    start, end = _BRACKETS.get(value.type, "[]")
    if not value.items and value.type in {"set", "frozenset"}:
        yield f"{value.type}()"
        return
    yield start
    yield from _joined(_pieces(item, room, level + 1) for item in value.items)
    yield f",{end}" if value.type == "tuple" and len(value.items) == 1 else end


def _mapping(pairs: tuple[tuple[Value, Value], ...], room: int, level: int) -> Iterator[str]:
    yield "{"
    yield from _joined(_pair(key, item, room, level) for key, item in pairs)
    yield "}"


def _pair(key: Value, item: Value, room: int, level: int) -> Iterator[str]:
    yield from _pieces(key, room, level + 1)
    yield ": "
    yield from _pieces(item, room, level + 1)


def _object(value: Object, room: int, level: int) -> Iterator[str]:
    yield f"{short(value.type)}("
    parts = [] if value.payload is None else [_pieces(value.payload, room, level + 1)]
    parts += [_field(name, item, room, level) for name, item in value.fields if not name.startswith("_")]
    yield from _joined(iter(parts))
    yield ")"


def _field(name: str, item: Value, room: int, level: int) -> Iterator[str]:
    yield f"{printable(name)}="
    yield from _pieces(item, room, level + 1)


def _truncated(value: Truncated, room: int, level: int) -> Iterator[str]:
    yield f"<{short(value.type)}" if value.size is None else f"<{short(value.type)} of {value.size}"
    if value.head:
        yield ": "
        yield from _joined(_pieces(item, room, level + 1) for item in value.head)
        yield f", {_MORE}"
    yield ">"


def _joined(parts: Iterator[Iterator[str]]) -> Iterator[str]:
    for place, part in enumerate(parts):
        if place:
            yield ", "
        yield from part
