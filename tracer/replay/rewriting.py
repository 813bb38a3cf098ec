"""A replayed cassette: the recorded one with today's callables, and with the outcomes of today where they are others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tracer.select.patterns import compile_patterns, covers
from tracer.storage.store import write_cassette

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from tracer.model import Call, Callable, RecordedRun, Recording
    from tracer.replay.ledger import Ledger
    from tracer.replay.task import Options, Outcomes, Spot, Survey


def write_replayed(target: Path, run: RecordedRun, ledger: Ledger, survey: Survey, options: Options) -> None:
    """Write what a recording of the same calls on today's code would hold.

    Raises:
        CassetteError: the recorded one cannot be read, or the new one not be written.
    """
    recording = replace(
        run.recording,
        python=survey.python,
        callables=tuple(_callables(run.recording, survey, options)),
        noise=(),
    )
    lanes = {lane.name: _lane(run, lane.name, ledger.changed, ledger.gone) for lane in run.lanes}
    write_cassette(target, recording, lanes)


def _lane(run: RecordedRun, lane: str, changed: Mapping[Spot, Outcomes], gone: Collection[Spot]) -> Iterator[Call]:
    """Yield the calls of a lane with their outcomes of today; what cannot be called any more is not, what it called is."""
    places: list[
        int
    ] = []  # of each recorded call: its own among those that are kept, or that of the one around it; -1 for none
    kept = 0
    for number, call in enumerate(run.calls(lane)):
        around = places[number - call.parent] if 0 < call.parent <= number else -1
        if (lane, number) in gone:
            places.append(around)
            continue
        places.append(kept)
        outcomes = changed.get((lane, number))
        parent = kept - around if around >= 0 else 0
        yield replace(call if outcomes is None else outcomes.instead(call), parent=parent)
        kept += 1


def _callables(recording: Recording, survey: Survey, options: Options) -> Iterator[Callable]:
    """Yield today's callables of the modules that were looked at, the recorded ones of all others."""
    failed = {name for name, _ in survey.failed} - set(survey.gone)
    wanted = compile_patterns(options.only, ())

    def looked_at(name: str) -> bool:
        module = name.partition(":")[0]
        trusted = any(covers(prefix, module) for prefix in options.trusted)
        return trusted and module not in failed and wanted(name)

    yield from (each for each in recording.callables if not looked_at(each.name))
    yield from (each for each in survey.callables if looked_at(each.name))
