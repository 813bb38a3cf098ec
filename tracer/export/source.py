"""A recorded value as Python source: from the tree of its snapshot, with the imports and helpers that it needs.

What goes in (`Inward`) is written with all of its state; what is expected (`Outward`) with what it shows: fields whose name begins
with an underscore are left out. Nothing of the recorded code is imported here.
"""

from __future__ import annotations

from typing import Final

from tracer.decode import containers
from tracer.export import names as reasons
from tracer.export.atoms import at_place, atom
from tracer.export.layout import Expression, Group, Item, Leaf, call, flat
from tracer.export.literals import literal
from tracer.export.names import Names, Unwritable
from tracer.export.objects import Certain, write_object
from tracer.values import (
    Atom,
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

LARGEST: Final = 6_000
"""So many characters of source are still read in a test."""
_DEEPEST: Final = 30


class Writer:
    """Writes the values of one snapshot.

    `shows` leaves out private fields, and writes what is shared once more. `certain(type name, field names)` says whether a class's
    constructor, given these fields by name, certainly gives that state and does nothing else.
    """

    def __init__(self, root: Value, names: Names, certain: Certain, *, shows: bool = False) -> None:
        self.names = names
        self.certain = certain
        self.shows = shows
        self._containers = containers(root)
        self._inside: list[Value] = []

    def bounded(self, value: Value) -> Expression:
        """Return the source of a value.

        Raises:
            Unwritable: it has none, or one that nobody would read.
        """
        expression = self.expression(value)
        if len(flat(expression)) > LARGEST:
            raise Unwritable(reasons.TOO_LARGE)
        return expression

    def expression(self, value: Value) -> Expression:
        """Return the source of a value inside another one. Raises `Unwritable`."""
        if len(self._inside) > _DEEPEST:
            raise Unwritable(reasons.TOO_LARGE)
        self._inside.append(value)
        try:
            return self._expression(value)
        finally:
            self._inside.pop()

    def _expression(self, value: Value) -> Expression:  # noqa: C901, PLR0911  (one per kind)
        match value:
            case Scalar(value=scalar):
                if isinstance(scalar, str) and at_place(scalar):
                    raise Unwritable(reasons.PLACE)
                return Leaf(literal(scalar))
            case Sequence():
                return self._sequence(value)
            case Mapping(items=pairs):
                return self.mapping(pairs)
            case Object():
                return write_object(value, self)
            case Atom():
                return atom(value, self.names)
            case Named():
                return self._named(value)
            case Reference(ordinal=ordinal):
                return self._again(ordinal)
            case Opaque():
                raise Unwritable(reasons.OPAQUE)
            case Truncated():
                raise Unwritable(reasons.CUT)
            case Redacted():
                raise Unwritable(reasons.REDACTED)

    def items(self, values: tuple[Value, ...]) -> tuple[Item, ...]:
        """Return the source of values one after another."""
        return tuple(Item(self.expression(value)) for value in values)

    def mapping(self, pairs: tuple[tuple[Value, Value], ...]) -> Group:
        """Return a dictionary."""
        items = (Item(self.expression(item), f"{flat(self.expression(key))}: ") for key, item in pairs)
        return Group("{", tuple(items), "}")

    def _sequence(self, value: Sequence) -> Expression:
        items = self.items(value.items)
        match value.type:
            case "tuple":
                return Group("(", items, ")")
            case "set":
                return Group("{", items, "}") if items else Leaf("set()")
            case "frozenset":
                return call("frozenset", *([Group("{", items, "}")] if items else []))
            case "bytearray":
                return call("bytearray", *items)
            case _:
                return Group("[", items, "]")

    def _named(self, value: Named) -> Expression:
        if value.kind == "module":
            return Leaf(self.names.module(value.name))
        if value.kind == "function" and "." in value.name.partition(":")[2]:
            raise Unwritable(reasons.OPAQUE)  # a method may have been bound to something, which is not told
        return Leaf(self.names.recorded(value.name))

    def _again(self, ordinal: int) -> Expression:
        """Write what stands in the snapshot a second time; where it goes in, two would not be one."""
        shared = self._containers[ordinal] if ordinal < len(self._containers) else None
        if not self.shows or shared is None or any(each is shared for each in self._inside):
            raise Unwritable(reasons.SHARED)
        return self.expression(shared)
