"""Blocks read back: the columns of a block, checked, since a stranger may have written them."""

from __future__ import annotations

import sys
from array import array
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

from tracer import model
from tracer.storage.blocks import AFTER, FAR, RAISED, RETURNED, SECTIONS, UNFINISHED, reopen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LITTLE: Final = sys.byteorder == "little"
_FLOWS: Final = tuple(model.Flow)
_ENDINGS: Final[dict[int, model.Ending]] = {
    RETURNED: model.Returned,
    RAISED: model.Raised,
    UNFINISHED: model.Unfinished,
}


def _numbers(data: memoryview, code: str = "I") -> array[int]:
    numbers = array(code)
    numbers.frombytes(data)
    if not _LITTLE:
        numbers.byteswap()
    return numbers


class _Columns:
    """The sections of one block, checked against each other: what a stranger may have written."""

    def __init__(self, body: bytes) -> None:
        sizes = SECTIONS.unpack_from(body)
        ends = list(accumulate(sizes, initial=SECTIONS.size))
        if ends[-1] != len(body):
            raise ValueError("the sections do not fill the block")
        view = memoryview(body)
        parts = [view[start:end] for start, end in pairwise(ends)]
        self.names = [str(name, "utf-8", "surrogatepass") for name in _pieces(parts[0], parts[1])]
        self.values = _pieces(parts[2], parts[3])
        self.callables, self.callers = _numbers(parts[4]), _numbers(parts[5])
        self.rises = _numbers(parts[6], "i")
        self.flows, self.kinds = bytes(parts[7]), bytes(parts[8])
        self.arguments, self.outcomes, self.far = _numbers(parts[9]), _numbers(parts[10]), _numbers(parts[11])
        self.extra_calls, self.extra_kinds = _numbers(parts[12]), bytes(parts[13])
        self.extra_positions, self.extra_values = _numbers(parts[14]), _numbers(parts[15])
        per_call = (self.callables, self.callers, self.rises, self.flows, self.kinds, self.arguments, self.outcomes)
        per_extra = (self.extra_calls, self.extra_kinds, self.extra_positions, self.extra_values)
        if len(set(map(len, per_call))) != 1 or len(set(map(len, per_extra))) != 1:
            raise ValueError("the columns differ in length")


def _pieces(lengths: memoryview, blob: memoryview) -> list[bytes]:
    ends = list(accumulate(_numbers(lengths), initial=0))
    if ends[-1] != len(blob):
        raise ValueError("the pieces do not fill their section")
    return [bytes(blob[start:end]) for start, end in pairwise(ends)]


def decode(body: bytes, first: int, open_calls: Sequence[int]) -> Iterator[model.Call]:
    """Yield the calls of a block. `first` and `open_calls` are those of its `Block`.

    Raises:
        ValueError, IndexError, struct.error: the block is malformed.
    """
    columns = read_columns(body, first, open_calls)
    return map(columns.call, range(len(columns)))


def read_columns(body: bytes, first: int, open_calls: Sequence[int]) -> model.CallColumns:
    """Return the calls of a block, part by part. Arguments and errors as `decode`."""
    columns = _Columns(body)
    name, value = columns.names.__getitem__, columns.values.__getitem__
    if not _ENDINGS.keys() >= set(columns.kinds):
        message = f"no outcome has one of the numbers {sorted(set(columns.kinds))}"
        raise ValueError(message)
    extras = _extras_by_call(columns)
    calls = range(len(columns.kinds))
    return model.CallColumns(
        callables=list(map(name, columns.callables)),
        callers=list(map(name, columns.callers)),
        parents=_distances(columns.rises, columns.far, first, open_calls),
        flows=list(map(_FLOWS.__getitem__, columns.flows)),
        arguments=list(map(value, columns.arguments)),
        endings=list(map(_ENDINGS.__getitem__, columns.kinds)),
        outcomes=list(map(value, columns.outcomes)),
        items=[extras[at][0] if at in extras else () for at in calls] if extras else [()] * len(calls),
        after=[extras[at][1] if at in extras else () for at in calls] if extras else [()] * len(calls),
    )


_Extras: TypeAlias = "tuple[tuple[model.Item, ...], tuple[tuple[int, bytes], ...]]"


def _extras_by_call(columns: _Columns) -> dict[int, _Extras]:
    found: dict[int, tuple[list[model.Item], list[tuple[int, bytes]]]] = {}
    for call, kind, position, value in zip(
        columns.extra_calls, columns.extra_kinds, columns.extra_positions, columns.extra_values, strict=True
    ):
        items, after = found.setdefault(call, ([], []))
        if kind == AFTER:
            after.append((position, columns.values[value]))
        else:
            items.append(model.Item(model.ItemKind(kind), columns.values[value]))
    return {call: (tuple(items), tuple(after)) for call, (items, after) in found.items()}


def _distances(rises: Sequence[int], far: Sequence[int], first: int, open_calls: Sequence[int]) -> list[int]:
    """Return how far before each call its parent began, 0 for none: `BlockCutter._nested` backwards."""
    if any(not 0 < distance <= first for distance in open_calls):
        raise ValueError("an enclosing call lies outside of the lane")
    stack = [first - distance for distance in open_calls]
    overtaken = iter(far)
    distances = []
    for position, rise in enumerate(rises, first):
        if rise == FAR:
            distance = next(overtaken, 0)
            if not 0 < distance <= position:
                raise ValueError("a parent lies outside of the lane")
            reopen(stack, position - distance, position)
            distances.append(distance)
            continue
        open_before = len(stack)
        depth = rise + open_before - 1
        if not 0 <= depth <= open_before:
            raise ValueError("a call lies deeper than the calls that could enclose it")
        distances.append(position - stack[depth - 1] if depth else 0)
        if rise:
            stack[depth:] = (position,)
        else:
            stack[-1] = position
    return distances
