"""A lane's calls as columns of 64-bit keys, which is what is held in memory of a long lane; and the calls themselves, by number."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracer.model import LaneSummary, columns_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tracer.model import BlockSummary, Call, CallColumns, RecordedRun

_KEPT_CALLS = 20_000  # in blocks that were read last
NO_PARENT = -1


class LaneReader:
    """Reads the calls of one lane by number, keeping the blocks that were read last. Without a lane it has no calls."""

    def __init__(self, run: RecordedRun, lane: LaneSummary | None) -> None:
        self._run = run
        lane = lane or LaneSummary("", 0, b"")
        self.lane = lane.name
        blocks = tuple(run.blocks(lane.name)) if lane.calls else ()
        self.blocks: tuple[BlockSummary, ...] = blocks if sum(block.calls for block in blocks) == lane.calls else ()
        self.length = lane.calls
        self.names: dict[str, int] = {}
        self.starts = [0]
        for block in self.blocks:
            self.starts.append(self.starts[-1] + block.calls)
        self._kept: OrderedDict[int, CallColumns] = OrderedDict()

    def call(self, number: int) -> Call:
        """Return one call. Cheap for calls near those that were asked for before."""
        block = bisect_right(self.starts, number) - 1 if self.blocks else 0
        return self._block(block).call(number - self.starts[block])

    def callable(self, number: int) -> str:
        """Return the callable of one call."""
        block = bisect_right(self.starts, number) - 1 if self.blocks else 0
        return self._block(block).callables[number - self.starts[block]]

    def parent(self, number: int) -> int:
        """Return how many calls before one the call began that encloses it, 0 where none does."""
        block = bisect_right(self.starts, number) - 1 if self.blocks else 0
        return self._block(block).parents[number - self.starts[block]]

    def count(self, name: str) -> int:
        """Return how many calls of a callable there are."""
        return sum(each == name for each in self.callables(0, self.length))

    def parts(self, start: int, stop: int) -> Iterator[tuple[CallColumns, slice]]:
        """Yield a range of calls in order, block by block: the calls of a block, and which of them are in the range."""
        number = bisect_right(self.starts, start) - 1 if self.blocks else 0
        while start < stop:
            first = start - self.starts[number]
            yield self._block(number), slice(first, first + stop - start)
            number += 1
            start = self.starts[number] if self.blocks else stop

    def callables(self, start: int, stop: int) -> Iterator[str]:
        """Yield the callables of a range of calls in order."""
        for calls, within in self.parts(start, stop):
            yield from calls.callables[within]

    def _block(self, number: int) -> CallColumns:
        kept = self._kept.pop(number, None)
        if kept is None:
            run, lane = self._run, self.lane
            kept = run.columns(lane, number) if self.blocks else columns_of(run.calls(lane))
            room = _KEPT_CALLS - len(kept)
            while self._kept and sum(map(len, self._kept.values())) > max(room, 0):
                self._kept.popitem(last=False)
        self._kept[number] = kept
        return kept


@dataclass(frozen=True, slots=True)
class Columns:
    """Keys of a stretch of a lane, which begins at call number `start`. Equal keys mean equal parts of calls.

    whole: everything of the call but where it stands.  placed: that, and the callables that enclose it.
    inputs: callable, caller and arguments, and the callables that enclose it.  context: the callable and those that enclose it.
    bare: callable and arguments alone.  parents: position of the enclosing call in this stretch, or `NO_PARENT`.
    names: the callable, as its number in the reader's `names`.
    """

    start: int
    whole: array[int]
    placed: array[int]
    inputs: array[int]
    context: array[int]
    bare: array[int]
    parents: array[int]
    names: array[int]

    def __len__(self) -> int:
        return len(self.whole)

    def until(self, stop: int) -> Columns:
        """Return the front of the stretch."""
        columns = self.whole, self.placed, self.inputs, self.context, self.bare, self.parents, self.names
        return Columns(self.start, *(column[:stop] for column in columns))


def read_columns(lane: LaneReader, start: int, stop: int) -> Columns:
    """Read a range of calls into columns. Keys hold within one process; two that differ agree with a chance of 1 in 2**61."""
    columns = Columns(start, *(array("q") for _ in range(7)))
    for calls, within in lane.parts(start, stop):
        _extend(columns, calls, within, lane.names)
    return columns


def _extend(columns: Columns, calls: CallColumns, within: slice, numbers: dict[str, int]) -> None:
    """Add the calls of one block, column by column, so that most of the work is done in C."""
    callables = calls.callables[within]
    around = _enclosed(columns, callables, calls.parents[within])
    asked = _keys(callables, calls.arguments[within])
    both = _keys(asked, calls.callers[within])
    whole = _keys(
        both,
        calls.flows[within],
        calls.endings[within],
        calls.outcomes[within],
        calls.items[within],
        calls.after[within],
    )
    columns.whole.extend(whole)
    columns.placed.extend(_keys(around, whole))
    columns.inputs.extend(_keys(around, both))
    columns.bare.extend(asked)
    for name in dict.fromkeys(callables):
        numbers.setdefault(name, len(numbers))
    columns.names.extend(map(numbers.__getitem__, callables))


def _keys(*columns: Iterable[object]) -> list[int]:
    return list(map(hash, zip(*columns, strict=True)))


def _enclosed(columns: Columns, callables: Sequence[str], distances: Sequence[int]) -> list[int]:
    """Add parents and contexts of calls that follow; return the key of what encloses each."""
    context, parents = columns.context, columns.parents
    found = []
    for position, (name, distance) in enumerate(zip(callables, distances, strict=True), len(context)):
        parent, around = NO_PARENT, 0
        if distance and distance <= position:
            parent = position - distance
            around = context[parent]
        found.append(around)
        context.append(hash((around, name)))
        parents.append(parent)
    return found
