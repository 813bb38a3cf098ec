"""The calls of a recorded run that a task names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tracer.model import Call, RecordedRun
    from tracer.replay.task import Pick, Spot


def places(picks: Iterable[Pick]) -> Iterator[Spot]:
    """Yield where the calls of some picks stand, in that order."""
    return ((pick.lane, number) for pick in picks for number in range(pick.first, pick.stop))


class Calls:
    """Reads single calls of a recorded run; neighbours are found without reading their block again."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._lane = ""
        self._first = 0
        self._block: tuple[Call, ...] = ()
        self._indexed = ""
        self._made: dict[int, list[int]] = {}

    def call(self, lane: str, number: int) -> Call:
        """Return one call, by its number in the lane, counted from 0.

        Raises:
            CassetteDamaged: its block cannot be read.
            IndexError: there is no such call.
        """
        if lane != self._lane or not self._first <= number < self._first + len(self._block):
            self._load(lane, number)
        return self._block[number - self._first]

    def inside(self, lane: str, number: int) -> Iterator[Call]:
        """Yield the calls that a call of a lane made itself, in the order they began.

        Raises:
            CassetteDamaged: a block cannot be read.
        """
        for each in self.numbers_inside(lane, number):
            yield self.call(lane, each)

    def numbers_inside(self, lane: str, number: int) -> Sequence[int]:
        """Return the numbers of these calls."""
        if lane != self._indexed:
            self._indexed, self._made = lane, {}
            for at, call in enumerate(self._run.calls(lane)):
                if 0 < call.parent <= at:
                    self._made.setdefault(at - call.parent, []).append(at)
        return self._made.get(number, ())

    def _load(self, lane: str, number: int) -> None:
        first = 0
        for block, summary in enumerate(self._run.blocks(lane)):
            if number < first + summary.calls:
                self._lane, self._first = lane, first
                self._block = tuple(self._run.calls(lane, block))
                return
            first += summary.calls
        raise IndexError(number)
