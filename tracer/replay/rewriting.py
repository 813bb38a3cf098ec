"""A replayed cassette: the recorded one with today's callables, and with the outcomes of today where they are others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tracer.select.patterns import compile_patterns, covers
from tracer.storage.store import write_cassette

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tracer.model import Call, Callable, Recording
    from tracer.replay.task import Options, Outcomes, Spot, Survey
    from tracer.storage.reader import Cassette


def write_replayed(
    target: Path, cassette: Cassette, changed: Mapping[Spot, Outcomes], survey: Survey, options: Options
) -> None:
    """Write what a recording of the same calls on today's code would hold.

    Raises:
        CassetteError: the recorded one cannot be read, or the new one not be written.
    """
    recording = replace(
        cassette.recording,
        python=survey.python,
        callables=tuple(_callables(cassette.recording, survey, options)),
        noise=(),
    )
    lanes = {lane.name: _lane(cassette, lane.name, changed) for lane in cassette.lanes}
    write_cassette(target, recording, lanes)


def _lane(cassette: Cassette, lane: str, changed: Mapping[Spot, Outcomes]) -> Iterator[Call]:
    for number, call in enumerate(cassette.calls(lane)):
        outcomes = changed.get((lane, number))
        yield call if outcomes is None else outcomes.instead(call)


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
