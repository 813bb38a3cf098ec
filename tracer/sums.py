"""Sums over snapshots: what is kept of a call whose detail is not.

A sum is a number to each of two prime moduli. That of bytes is the number they are, read big-endian; that of a sequence is a polynomial of its
parts, so the sum of two runs of calls after one another follows from those of the two. What is equal has equal sums; two unequal snapshots have
equal ones if they differ, as numbers, by a multiple of both primes, about 2**125: never by chance.

`tracer/recording/_thin.c` does the same.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from tracer import wire
from tracer.model import ItemKind, Raised, Returned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.model import Call, Item

Sum: TypeAlias = "tuple[int, int]"

ONE: Final = 2**61 - 1
TWO: Final = 2**64 - 59
BASES: Final = (0x1B873593CC9E2D51 % ONE, 0x9E3779B97F4A7C15 % TWO)
NOTHING: Final[Sum] = (0, 0)
SIZE: Final = 16
"""Bytes of a sum where it is written down."""

ITEM: Final = 1  # + `model.ItemKind`
END: Final = 8  # + 0 returned, 1 raised, 2 unfinished: as `journal.RETURNED` and so on
AFTER: Final = 16  # + the position of the argument
RETURNED, RAISED, UNFINISHED = END, END + 1, END + 2
_ITEMS: Final = "items"
_PARTS_OF_ITEM: Final = 2  # its tag and its value, as `noted` takes them in


def of(data: bytes) -> Sum:
    """Return the sum of bytes."""
    number = int.from_bytes(data, "big")
    return number % ONE, number % TWO


def followed(before: Sum, part: Sum) -> Sum:
    """Return the sum of a sequence with one more part behind it."""
    return (before[0] * BASES[0] + part[0]) % ONE, (before[1] * BASES[1] + part[1]) % TWO


def noted(before: Sum, tag: int, data: bytes) -> Sum:
    """Return the sum of what came out of a call with one more thing that did; `tag` says what it is."""
    return followed(followed(before, (tag, tag)), of(data))


def joined(before: Sum, after: Sum, count: int) -> Sum:
    """Return the sum of two sequences after one another; the second has `count` parts."""
    return (
        (before[0] * pow(BASES[0], count, ONE) + after[0]) % ONE,
        (before[1] * pow(BASES[1], count, TWO) + after[1]) % TWO,
    )


def written(found: Sum) -> bytes:
    """Return a sum as bytes."""
    return found[0].to_bytes(8, "big") + found[1].to_bytes(8, "big")


def read(data: bytes) -> Sum:
    """Return the sum that `written` made bytes of. Raises ValueError where it cannot be one."""
    if len(data) != SIZE:
        raise ValueError("a sum has 16 bytes")
    return int.from_bytes(data[:8], "big"), int.from_bytes(data[8:], "big")


def items_snapshot(count: int, found: Sum) -> bytes:
    """Return what stands for so many items of which only the sum is kept: a value past its budget, with the sum in the place of its digest."""
    pack = wire.packer()
    return pack(wire.Extension(wire.TRUNCATED, pack([_ITEMS, count, [], written(found)])))


def of_items(snapshot: bytes) -> tuple[int, Sum]:
    """Return what `items_snapshot` made a snapshot of; no items where it cannot be one."""
    with suppress(ValueError, TypeError, AttributeError):
        kind, count, _, found = wire.unpack(wire.unpack(snapshot).data)
        if kind == _ITEMS and type(count) is int and count > 0:
            return count, read(found)
    return 0, NOTHING


def items_together(items: Iterable[Item]) -> tuple[int, Sum]:
    """Return how many items there are, those in sums included, and the sum of all."""
    count, found = 0, NOTHING
    for item in items:
        if item.kind is ItemKind.SUMMED:
            more, part = of_items(item.value)
            found = joined(found, part, _PARTS_OF_ITEM * more)
            count += more
        else:
            found = noted(found, ITEM + int(item.kind), item.value)
            count += 1
    return count, found


def of_call(call: Call) -> tuple[Sum, Sum]:
    """Return the sums of what a call was given, and of what came out of it."""
    _, found = items_together(call.items)
    for position, value in call.after:
        found = noted(found, AFTER + position, value)
    match call.outcome:
        case Returned(value):
            found = noted(found, RETURNED, value)
        case Raised(value):
            found = noted(found, RAISED, value)
        case _:
            found = noted(found, UNFINISHED, b"")
    return of(call.arguments), found
