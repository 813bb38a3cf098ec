"""The surroundings of one recorder: joined from its settings, attached when it starts, told of when it stops."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from os import getpid as _getpid  # held at import: the host may replace it in `os` while it runs
from typing import TYPE_CHECKING, Final

from tracer.recording.ambient.environment import environ
from tracer.recording.ambient.places import MODULES, Places
from tracer.recording.ambient.reads import Reads

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tracer.instrument.injection.sites import Swap
    from tracer.instrument.instrumentation import Instrumentation
    from tracer.instrument.probe import Probe
    from tracer.model import Callable as Noun
    from tracer.recording.ambient.player import Player
    from tracer.recording.crossing import Callers
    from tracer.recording.lanes import Lane, Lanes

PLAYED_SUFFIX: Final = ".ambient"
"""Files in the journal folder that say, as JSON, how many reads a process played back, and by callable how many it could not."""

LANE: Final = "TRACER_LANE"
"""The environment variable that names the main lane of a Python that is being started; empty where nobody knows it."""

_MAIN: Final = "main"


class Ambient:
    """What a recorder does about reads of the surroundings.

    kinds: which of `tracer.ambient.AMBIENT_KINDS`.
    player: a recorded run whose reads are played back, None for none.
    scoped: whether the recorder follows a block and not the process.
    by_lane: whether the player is asked by lane.
    """

    def __init__(
        self,
        kinds: frozenset[str],
        player: Player | None,
        lanes: Lanes,
        callers: Callers,
        probe_of: Callable[[Noun], tuple[int, Probe]],
        *,
        scoped: bool,
        by_lane: bool = True,
    ) -> None:
        self._kinds = kinds
        self._playing = player is not None
        self._scoped = scoped
        self._main = _MAIN if scoped else environ.get(LANE, _MAIN)
        own = 0  # no component's number: whoever reads is told of as the caller
        name_of = self._name_of if by_lane else _no_name
        self._reads = Reads(player, lanes, probe_of, lambda frame: callers.search(frame, own) or own, name_of)
        self._places = Places(kinds, self._reads)

    @property
    def playing(self) -> bool:
        """Whether reads of a recorded run are played back."""
        return self._playing

    @property
    def swap(self) -> Swap:
        """What `Instrumentation` is to put in the place of what watched modules call."""
        return self._places.swap

    def attach(self, instrumentation: Instrumentation) -> None:
        """Begin; modules of the standard library that are not there yet are met when they are imported."""
        for name in MODULES:
            module = sys.modules.get(name)
            if module is not None:
                self._places.met(module)
            else:
                instrumentation.when_imported(name, self._places.met)
        self._reads.active = True
        if self._playing and not self._scoped:
            environ[LANE] = ""

    def tell_start(self) -> None:
        """Record what was settled before the program began."""
        if "hash" in self._kinds and not self._scoped:
            self._reads.tell_hash_seed(environ.get("PYTHONHASHSEED", ""))

    @property
    def counts(self) -> tuple[int, dict[str, int]]:
        """How many reads were played back, and by callable how many were not though a recorded run was given."""
        return self._reads.played, dict(self._reads.live)

    def end(self) -> None:
        """End: everything is what it is from now on."""
        self._reads.active = False
        self._places.forget()
        if self._playing and not self._scoped:
            environ.pop(LANE, None)

    def detach(self, folder: Path) -> None:
        """End, and leave in the folder what became of the reads that were to be played back."""
        self.end()
        if self._playing:
            played, live = self.counts
            with suppress(OSError):
                (folder / f"{_getpid()}{PLAYED_SUFFIX}").write_text(
                    json.dumps({"played": played, "live": live}), encoding="utf-8"
                )

    def forked(self) -> None:
        """Count anew in a forked child."""
        self._reads.played = 0
        self._reads.live.clear()

    def child_begins(self, lane: str | None) -> None:
        """Let a Python that is about to be started know its lane."""
        if self._playing and not self._scoped and lane is not None:
            environ[LANE] = self._closed(lane) or ""

    def child_ends(self) -> None:
        """Take back what `child_begins` did."""
        if self._playing and not self._scoped:
            environ[LANE] = ""

    def _name_of(self, lane: Lane) -> str:
        return self._closed(lane.name) or ""

    def _closed(self, name: str) -> str | None:
        """Return the name that a lane of this process has in the closed cassette, None where nobody knows it."""
        if name != _MAIN and not name.startswith(f"{_MAIN} > "):
            return name
        return f"{self._main}{name[len(_MAIN) :]}" if self._main else None


def _no_name(lane: Lane) -> str:
    del lane
    return ""
