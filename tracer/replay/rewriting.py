"""A replayed cassette: the recorded one with today's callables, and with the outcomes of today where they are others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tracer.replay.picking import Calls
from tracer.select.patterns import compile_patterns, covers
from tracer.storage.store import write_cassette

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tracer.model import Call, Callable, RecordedRun, Recording
    from tracer.replay.ledger import Ledger
    from tracer.replay.task import Nested, Options, Outcomes, Spot, Survey


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
    calls = Calls(run)
    passed = {
        (lane, calls.numbers_inside(lane, number)[nested.place]): nested
        for (lane, number), outcomes in sorted(ledger.changed.items(), key=lambda each: each[0])
        for nested in outcomes.inside
    }
    lanes = {lane.name: _lane(run, lane.name, ledger, passed) for lane in run.lanes}
    write_cassette(target, recording, lanes, {lane.name: lane.thinned for lane in run.lanes})


def _lane(run: RecordedRun, lane: str, ledger: Ledger, passed: Mapping[Spot, Nested]) -> Iterator[Call]:
    """Yield the calls of a lane with their outcomes of today.

    A call to which another one passed something else is as it was made there, what cannot be called any more is not called.
    """
    # Of each recorded call: its own place among those that are kept, or that of the one around it; -1 for none.
    places: list[int] = []
    kept = 0
    for number, call in enumerate(run.calls(lane)):
        around = places[number - call.parent] if 0 < call.parent <= number else -1
        if (lane, number) in ledger.gone:
            places.append(around)
            continue
        places.append(kept)
        today: Nested | Outcomes | None = passed.get((lane, number)) or ledger.changed.get((lane, number))
        parent = kept - around if around >= 0 else 0
        yield replace(call if today is None else today.instead(call), parent=parent)
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
