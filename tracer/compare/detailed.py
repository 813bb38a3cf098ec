"""A recorded run without the calls of which only sums are kept: what a replay is held against, which makes none of those."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracer.model import BlockSummary, Call, CallColumns, LaneSummary, RecordedRun, Recording


class Detailed:
    """The calls of a run that are kept in detail. Digests of lanes stay as they are: held against one another are runs of which both are without."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._lanes = tuple(replace(lane, thinned=()) for lane in run.lanes)

    @property
    def recording(self) -> Recording:
        """What is known of the run beside its calls."""
        return self._run.recording

    @property
    def lanes(self) -> Sequence[LaneSummary]:
        """The lanes, sorted by name."""
        return self._lanes

    def blocks(self, lane: str) -> Sequence[BlockSummary]:
        """Return the blocks of a lane in order."""
        return self._run.blocks(lane)

    def calls(self, lane: str, block: int | None = None) -> Iterator[Call]:
        """Yield the calls of a lane in the order they began; only those of one block when `block` is given."""
        return self._run.calls(lane, block)

    def columns(self, lane: str, block: int) -> CallColumns:
        """Return the calls of one block, part by part."""
        return self._run.columns(lane, block)


def with_or_without_sums(run: RecordedRun, *, with_sums: bool) -> RecordedRun:
    """Return a run as it is, or without the calls of which only sums are kept."""
    return run if with_sums else Detailed(run)
