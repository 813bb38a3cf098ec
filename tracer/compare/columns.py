"""A lane's calls as columns of 64-bit keys, which is what is held in memory of a long lane; and the calls themselves, by number."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from tracer.model import LaneSummary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.model import BlockSummary, Call, RecordedRun

_KEPT_CALLS = 20_000  # in blocks that were read last
NO_PARENT = -1


class LaneReader:
    """Reads the calls of one lane by number, keeping the blocks that were read last. Without a lane it has no calls."""

    def __init__(self, run: RecordedRun, lane: LaneSummary | None) -> None:
        self._run = run
        lane = lane or LaneSummary("", 0, b"")
        self._lane = lane.name
        blocks = tuple(run.blocks(lane.name)) if lane.calls else ()
        self.blocks: tuple[BlockSummary, ...] = blocks if sum(block.calls for block in blocks) == lane.calls else ()
        self.length = lane.calls
        self.names: dict[str, int] = {}
        self.starts = [0]
        for block in self.blocks:
            self.starts.append(self.starts[-1] + block.calls)
        self._kept: OrderedDict[int, list[Call]] = OrderedDict()

    def call(self, number: int) -> Call:
        """Return one call. Cheap for calls near those that were asked for before."""
        block = bisect_right(self.starts, number) - 1 if self.blocks else 0
        return self._block(block)[number - self.starts[block]]

    def calls(self, start: int, stop: int) -> Iterator[Call]:
        """Yield a range of calls in order."""
        if start >= stop:
            return
        if not self.blocks:
            yield from islice(self._block(0), start, stop)
            return
        number = bisect_right(self.starts, start) - 1
        while start < stop:
            calls = self._block(number)
            first = start - self.starts[number]
            yield from islice(calls, first, first + stop - start)
            number += 1
            start = self.starts[number]

    def _block(self, number: int) -> list[Call]:
        kept = self._kept.pop(number, None)
        if kept is None:
            kept = list(self._run.calls(self._lane, number if self.blocks else None))
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
    numbers = lane.names
    context, parents = columns.context, columns.parents
    whole, placed, inputs, bare = (
        columns.whole.append,
        columns.placed.append,
        columns.inputs.append,
        columns.bare.append,
    )
    for position, call in enumerate(lane.calls(start, stop)):
        parent = position - call.parent if call.parent and call.parent <= position else NO_PARENT
        around = context[parent] if parent >= 0 else 0
        asked = hash((call.callable, call.arguments))
        both = hash((asked, call.caller))
        key = hash((both, call.flow, call.outcome, call.items, call.after, type(call.outcome).__name__))
        whole(key)
        placed(hash((around, key)))
        inputs(hash((around, both)))
        bare(asked)
        context.append(hash((around, call.callable)))
        parents.append(parent)
        columns.names.append(numbers.setdefault(call.callable, len(numbers)))
    return columns
