"""Callables and classes that have other names today: their recorded calls are read under the new ones."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from tracer.compare.homes import find_renaming
from tracer.compare.renaming import Renamed, Renaming
from tracer.model import columns_of
from tracer.replay.task import Names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tracer.model import BlockSummary, Call, Callable, CallColumns, LaneSummary, RecordedRun, Recording


class _CodeAlone:
    """A run of which only the callables are known."""

    lanes: Sequence[LaneSummary] = ()

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    def blocks(self, lane: str) -> Sequence[BlockSummary]:
        """Return nothing."""
        del lane
        return ()

    def calls(self, lane: str, block: int | None = None) -> Iterator[Call]:
        """Yield nothing."""
        del lane, block
        yield from ()

    def columns(self, lane: str, block: int) -> CallColumns:
        """Return the parts of no call."""
        del lane, block
        return columns_of(())


def find_names(run: RecordedRun, today: tuple[Callable, ...], declared: Mapping[str, str]) -> tuple[Names, ...]:
    """Return what has another name today: modules as the user declared them, then what can be found out from the code."""
    names = (Names(modules=dict(declared)),) if declared else ()
    before = renamed(run, names)
    found = find_renaming(before, _CodeAlone(replace(run.recording, callables=today)))
    return (*names, Names(**asdict(found))) if found else names


def renamed(run: RecordedRun, renamings: tuple[Names, ...]) -> RecordedRun:
    """Return a run under its names of today."""
    for names in renamings:
        run = Renamed(run, Renaming(names.callables, names.classes, names.modules))
    return run
