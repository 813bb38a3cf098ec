"""The calls of a recorded run that a task names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracer.model import Call, RecordedRun
    from tracer.replay.task import Pick


class Calls:
    """Reads single calls of a recorded run; neighbours are found without reading their block again."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._lane = ""
        self._first = 0
        self._block: tuple[Call, ...] = ()

    def picked(self, picks: Iterable[Pick]) -> Iterator[tuple[str, Call]]:
        """Yield the calls of some picks with their lanes, in that order.

        Raises:
            CassetteDamaged: a block cannot be read.
        """
        for pick in picks:
            for number in range(pick.first, pick.stop):
                yield pick.lane, self.call(pick.lane, number)

    def call(self, lane: str, number: int) -> Call:
        """Return one call, by its number in the lane, counted from 0.

        Raises:
            CassetteDamaged: its block cannot be read.
            IndexError: there is no such call.
        """
        if lane != self._lane or not self._first <= number < self._first + len(self._block):
            self._load(lane, number)
        return self._block[number - self._first]

    def _load(self, lane: str, number: int) -> None:
        first = 0
        for block, summary in enumerate(self._run.blocks(lane)):
            if number < first + summary.calls:
                self._lane, self._first = lane, first
                self._block = tuple(self._run.calls(lane, block))
                return
            first += summary.calls
        raise IndexError(number)
