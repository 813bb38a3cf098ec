"""Surroundings played back where nothing is recorded: for those who answer calls from a cassette and let other code run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer.errors import RecordingError
from tracer.instrument.engines import default_engine
from tracer.instrument.instrumentation import Instrumentation
from tracer.instrument.probe import Probe
from tracer.model import OUTSIDE
from tracer.recording.ambient.ambient import Ambient
from tracer.recording.ambient.player import Player, reads_of
from tracer.recording.crossing import Callers
from tracer.recording.lanes import Lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tracer.model import RecordedRun


class PlayedSurroundings:
    """Gives watched code the surroundings that a recorded run read, in all threads of this process, from `start` to `stop`.

    Reads go by what is called and with what, first in first out over all lanes of the run in the order of their names.

    run: what was recorded; read at once.
    kinds: which of `tracer.ambient.AMBIENT_KINDS`; those that the run does not hold are as they are here.
    component_of: given a module's name and file, the name of its component where its calls are looked at, else None.

    Raises:
        CassetteDamaged: a block of the recording cannot be read.
        RecordingError: this Python shows no calls where they are made.
    """

    def __init__(
        self, run: RecordedRun, kinds: Iterable[str], component_of: Callable[[str, str | None], str | None]
    ) -> None:
        if not default_engine().tells_of_calls:
            raise RecordingError("play back the surroundings", "on this Python no call can be seen where it is made")
        chosen = frozenset(kinds) & frozenset(run.recording.ambient)
        lanes = Lanes(lambda number, name: None, lambda frame: OUTSIDE)
        player = Player.of(reads_of(run), by_lane=False)
        self._ambient = Ambient(
            chosen,
            player,
            lanes,
            Callers(lambda name, file: 0, 0),
            lambda noun: (0, _SILENT),
            scoped=True,
            by_lane=False,
        )
        self._instrumentation = Instrumentation(
            component_of,
            lambda name: False,
            lambda noun, code: None,
            caller_of=component_of,
            swap=self._ambient.swap,
        )

    def start(self) -> None:
        """Give them from now on."""
        self._ambient.attach(self._instrumentation)
        self._instrumentation.start()

    def expect_script(self) -> None:
        """See `Instrumentation.expect_script`."""
        self._instrumentation.expect_script()

    def stop(self) -> tuple[str, ...]:
        """Let everything be as it is here again; return a sentence for what could not be undone."""
        self._ambient.end()
        return self._instrumentation.stop()

    @property
    def counts(self) -> tuple[int, dict[str, int]]:
        """How many reads were played back, and by callable how many were not, for want of a recorded one."""
        return self._ambient.counts


def _nothing(*_: Any) -> None:
    """Record nothing."""


_SILENT = Probe(_nothing, _nothing, _nothing, _nothing, _nothing, _nothing)
