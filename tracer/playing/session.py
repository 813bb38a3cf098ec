"""Components of this process being played back, from start to stop."""

from __future__ import annotations

import os
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracer.ambient import CALLERS
from tracer.errors import ReplayError
from tracer.instrument.standins import StandInEngine, StandIns, answering
from tracer.model import DEFAULT_LEFT_OUT, OUTSIDE
from tracer.playing.player import Player
from tracer.playing.recorded import Recorded, covered
from tracer.playing.taking import Take
from tracer.recording.ambient.played import PlayedSurroundings
from tracer.recording.child import open_encoder, open_selection
from tracer.recording.crossing import Callers
from tracer.recording.recorder import Recorder
from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from collections.abc import Callable as Function
    from collections.abc import Sequence

    from tracer.instrument.discovery import CallableCode
    from tracer.instrument.probe import Probe
    from tracer.model import Callable, Recording
    from tracer.playing.options import Options
    from tracer.recording.settings import Settings
    from tracer.select.selection import Selection

_turn: Final = threading.Lock()
_played: Final[list[tuple[str, ...]]] = []
"""The components of each playback of this process that is active."""


class Playing:
    """One playback, from `start` to `stop`, in all threads of the process.

    settings: as of a recording; its selection watches the components that are played back.
    cassette: the file to play, None where there is none.

    Raises:
        CassetteError: the cassette cannot be read.
        ReplayError: it holds no call of a component, and nothing is recorded.
    """

    def __init__(self, settings: Settings, options: Options, cassette: Path | None) -> None:
        self._options = options
        redactor, secrets, encoder = open_encoder(settings)
        selection = open_selection(settings)
        recorded = read_recorded(cassette, options) if cassette is not None and options.plays else None
        name = os.path.relpath(cassette) if cassette is not None else "the cassette"
        roots = {"project": settings.project, "tmp": tempfile.gettempdir()}
        self.surroundings = _surroundings(cassette, options, selection) if cassette is not None else None
        self.player = Player(recorded, name, encoder, redactor, options.allowed, roots)
        self.take: Take | None = None
        self.recorder: Recorder | None = None
        if options.records:
            self.recorder = Recorder(
                Path(settings.folder),
                selection,
                encoder,
                redactor,
                secrets,
                dunders=settings.dunders,
                detail=settings.detail,
                engine=StandInEngine(),
                around=self._around,
            )
            self.take = Take(self.recorder.probe_of, encoder, options.allowed)
            self._crossings: Recorder | StandIns = self.recorder
        else:
            self._crossings = stand_ins(selection, self.player.answer, settings.dunders, self.player.ready)

    def start(self) -> None:
        """Answer calls from now on.

        Raises:
            ReplayError: one of the components is played back already.
        """
        with _turn:
            for components in _played:
                for component in self._options.components:
                    if covered(components, component) or any(covered((component,), each) for each in components):
                        raise ReplayError(
                            f"play back {component!r}",
                            "it is being played back already",
                            "Name each component in one of two playbacks that are nested.",
                        )
            _played.append(self._options.components)
        with ExitStack() as undo:
            undo.callback(self._end)
            self._crossings.start()
            undo.callback(self._crossings.stop)
            if self.surroundings is not None:
                self.surroundings.start()
            undo.pop_all()

    def expect_script(self) -> None:
        """Reach the functions of a script that the interpreter is about to run, too. To be called while the interpreter starts."""
        if self.recorder is not None:
            self.recorder.instrumentation.expect_script()
        if self.surroundings is not None:
            self.surroundings.expect_script()

    def stop(self) -> tuple[str, ...]:
        """Let all calls run again; return a sentence for what could not be put back."""
        left: list[str] = []
        with ExitStack() as stack:
            stack.callback(self._end)
            stack.callback(lambda: left.extend(self._crossings.stop()))
            if self.surroundings is not None:
                left += self.surroundings.stop()
        return tuple(left)

    def _end(self) -> None:
        with _turn:
            if self._options.components in _played:
                _played.remove(self._options.components)

    def _around(self, code: CallableCode, probe: Probe) -> Probe:
        return answering(probe, code, partial(self._answer, probe), self.player.ready)

    def _answer(
        self, probe: Probe, noun: Callable, ticket: Any, arguments: list[Any], proceed: Function[..., Any]
    ) -> Any:
        """Answer a call from the cassette, or run and record it."""
        player, take = self.player, self.take
        if player.busy or take is None:
            return proceed()
        played = player.play(noun, arguments)
        return played() if played is not None else take.make(noun, probe, ticket, arguments, proceed)


def stand_ins(
    selection: Selection, answer: Any, dunders: Sequence[str] = (), ready_of: Any = lambda _: None
) -> StandIns:
    """Return stand-ins for the components of a selection; `answer` is given callers by their numbers. `ready_of` is as of `StandIns`."""
    numbers: dict[str, int] = {}

    def number_of(name: str) -> int:
        return numbers.setdefault(name, len(numbers) + 1)

    def number_of_module(module: Any, file: Any) -> int:
        caller = selection.caller_of(module, file if type(file) is str else None)
        return number_of(caller) if caller is not None else 0

    callers = Callers(number_of_module, number_of(OUTSIDE))
    return StandIns(
        selection.component_of,
        selection.wanted,
        lambda component: callers.check(number_of(component)),
        answer,
        ready_of=ready_of,
        name_of=selection.name_of,
        left_out=DEFAULT_LEFT_OUT - set(dunders),
    )


def _surroundings(cassette: Path, options: Options, selection: Selection) -> PlayedSurroundings | None:
    """Return what gives the modules that were watched, and are not played back, what they read when they were recorded.

    Raises:
        CassetteError: the cassette cannot be read.
        RecordingError: this Python shows no calls where they are made.
    """
    if not options.ambient:
        return None
    with open_cassette(cassette) as run:
        watched = replace(selection, boundaries=run.recording.boundaries)
        reader_of = watched.caller_of if CALLERS in options.ambient else watched.component_of

        def component_of(module: str, file: str | None) -> str | None:
            return None if covered(options.components, module) else reader_of(module, file)

        return PlayedSurroundings(run, options.ambient, component_of)


def read_recorded(cassette: Path, options: Options) -> Recorded:
    """Return the recorded calls of the components.

    Raises:
        CassetteError: the cassette cannot be read.
        ReplayError: it holds no call of a component, and nothing is recorded.
    """
    with open_cassette(cassette) as run:
        recorded = Recorded(run, options.components, options.matchers, repeat=options.repeat)
        if not options.records:
            for component in options.components:
                _require(component, run.recording, cassette)
        return recorded


def _require(component: str, recording: Recording, cassette: Path) -> None:
    watched = {each.name for each in recording.components if each.watched}
    watched.update(
        noun.component for noun in recording.callables
    )  # of a process that ended out of order no more is known
    if not any(covered((component,), name) for name in watched):
        there = ", ".join(sorted(watched)) or "none"
        raise ReplayError(
            f"play back {component!r} from {str(cassette)!r}",
            f"it was not recorded there; the recorded components are {there}",
            "Name one of these, or record it: mode='new_episodes' adds it.",
        )
