"""Playing components back: for a block of this process, and for a command. What was recorded meanwhile becomes the cassette in one step."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.errors import CallNotRecorded, CallsNotPlayed, CassetteNotFound, ConfigError, RecordingError
from tracer.playing.matchers import as_names, matchers
from tracer.playing.options import Options
from tracer.playing.session import Playing, read_recorded
from tracer.playing.tally import read_tallies
from tracer.recording.launch import run_recorded
from tracer.recording.settings import FAILURE_SUFFIX
from tracer.storage.compact import compact
from tracer.storage.journal import SUFFIX as JOURNAL_SUFFIX
from tracer.storage.merging import merged
from tracer.storage.reader import open_cassette
from tracer.storage.store import move_into_place, write_cassette
from tracer.workflows import common
from tracer.workflows.ambient import kinds_of, sentence_of_reads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tracer.config import Config
    from tracer.playing.recorded import Recorded
    from tracer.playing.tally import Noted
    from tracer.select.selection import Selection


class PlaybackPlan:
    """What is to be played back: the settings, the mode and the cassette put together, before anything runs.

    Raises:
        ConfigError: no component is named, or a setting is wrong.
        CassetteNotFound: the mode records nothing and there is no cassette.
    """

    def __init__(
        self,
        cassette: Path,
        components: Sequence[str],
        mode: str,
        config: Config,
        *,
        ignore: Sequence[str] = (),
        match: str | Mapping[str, str] | None = None,
        allow: Sequence[str] = (),
        repeat: bool = False,
        ambient: Sequence[str] = (),
    ) -> None:
        if not components:
            raise ConfigError(
                "play back", "no component is named", "Name what is to be answered: components=['shop.gateway']."
            )
        self.cassette = cassette
        # Calls can be played only where all of them were looked at in full.
        self.config = replace(config, detail="full")
        self.exists = cassette.exists()
        self.mode = mode
        if mode == "none" and not self.exists:
            raise CassetteNotFound(
                f"play back {str(cassette)!r}",
                "it was never recorded, and mode 'none' does not",
                "Record it in mode 'once'.",
            )
        chosen = matchers(
            (*as_names("ignore arguments", ignore), *config.playback_ignore), match, config.playback_by_order
        )
        self.options = Options(
            components=as_names("play back", components),
            plays=self.exists and mode != "all",
            records=mode in {"all", "new_episodes"} or not self.exists,
            ignore=chosen.ignore,
            match=chosen.match,
            allow=(*allow, *config.playback_allow, *config.boundaries),
            repeat=repeat,
            ambient=tuple(ambient),
        )
        if ambient:
            self._require_reads()

    def _require_reads(self) -> None:
        """Make sure that there are reads of the surroundings to play back."""
        known = kinds_of(self.cassette) if self.options.plays and not self.options.records else ()
        if not set(known) & set(self.options.ambient):
            raise ConfigError(
                f"play back the surroundings of {str(self.cassette)!r}",
                "it holds none of these reads" if self.options.plays else f"mode {self.mode!r} records anew",
                "Record it with `tracer record --ambient --detail full`, and play it in mode 'none' or 'once'.",
            )

    def select(self, folder: Path, command: Sequence[str] = ()) -> tuple[Selection, Options]:
        """Return what is watched, and the options: the project's own modules are among those that may be imported."""
        selection = common.select(replace(self.config, boundaries=self.options.components), folder, command)
        return selection, replace(self.options, allow=(*self.options.allow, *selection.names))

    def settle(self, part: Path) -> int:
        """Make what was recorded into `part` the cassette, or add it; return how many calls that are."""
        scratch = part / "closed"
        calls = compact(part, scratch, block=True).calls
        if calls and self.options.plays:
            _add(self.cassette, scratch)
        elif calls:
            move_into_place(scratch, self.cassette)
        return calls


class Playback:
    """One block of this process being played back, from construction to `close`."""

    def __init__(self, plan: PlaybackPlan, folder: Path) -> None:
        self._plan = plan
        self._pid = os.getpid()
        self._part: Path | None = None
        selection, options = plan.select(folder)
        try:
            if options.records:
                self._part, _ = common.open_part(plan.cassette)
            settings = common.make_settings(plan.config, selection, self._part or plan.cassette.parent)
            self._playing = Playing(settings, options, plan.cassette if plan.exists else None)
            self._playing.start()
        except BaseException:
            self._drop()
            raise

    @property
    def misses(self) -> tuple[CallNotRecorded, ...]:
        """The calls so far that the cassette did not hold."""
        return tuple(self._playing.player.misses)

    def close(self, *, failed: bool, strict: bool) -> str:
        """Stop; return what came of it: "played", "recorded", "replaced" or "added". Where the block failed, the cassette stays as it is.

        Raises:
            CallNotRecorded: a call was missed and the program went on.
            CallsNotPlayed: recorded calls were not made, and that is strict.
            RecordingError: something was to be recorded and no call crossed.
        """
        self._playing.stop()
        try:
            if failed or os.getpid() != self._pid:
                return "played"
            self._check(strict=strict)
            if self._part is None or not self._plan.settle(self._part):
                return self._nothing_new()
            return "added" if self._plan.options.plays else "replaced" if self._plan.exists else "recorded"
        finally:
            self._drop()

    def _check(self, *, strict: bool) -> None:
        misses = self.misses
        if misses:
            raise misses[0]
        recorded = self._playing.player.recorded
        if strict and recorded is not None:
            require_played(recorded, str(self._plan.cassette))

    def _nothing_new(self) -> str:
        if not self._plan.options.plays:
            components = ", ".join(self._plan.options.components)
            raise RecordingError(
                "record the block",
                f"no call crossed into {components}",
                "Name what the block calls in components=[...].",
            )
        return "played"

    def _drop(self) -> None:
        if self._part is not None and os.getpid() == self._pid:
            with suppress(OSError):
                shutil.rmtree(self._part)


def require_played(recorded: Recorded, cassette: str) -> None:
    """Make sure that all recorded calls were played.

    Raises:
        CallsNotPlayed: some were not.
    """
    left = recorded.unplayed()
    if left:
        raise CallsNotPlayed(tuple(entry.text() for entry in left), cassette)


def _add(cassette: Path, new: Path) -> None:
    """Add the calls of a recording to a cassette, lane by lane behind those that are there."""
    with open_cassette(cassette) as old, open_cassette(new) as more:
        names = sorted({lane.name for lane in (*old.lanes, *more.lanes)})
        there = [{lane.name for lane in run.lanes} for run in (old, more)]
        lanes: dict[str, Any] = {
            name: chain.from_iterable(
                run.calls(name) for run, known in zip((old, more), there, strict=True) if name in known
            )
            for name in names
        }
        thinned = {lane.name: lane.thinned for lane in old.lanes}  # what a playback adds is kept in full
        write_cassette(cassette, merged((old.recording, more.recording), later_wins=True), lanes, thinned)


def play(command: Sequence[str], plan: PlaybackPlan, *, strict: bool = False) -> PlaybackSummary:
    """Run a command while components of every Python it starts are played back; say what came of it.

    What was recorded becomes part of the cassette only when the command ends with 0 and nothing was missed.

    Raises:
        TracerError: the command cannot be started, or the cassette not be read or written.
    """
    selection, options = plan.select(Path.cwd(), command)
    recorded = read_recorded(plan.cassette, options) if options.plays else None
    if options.records:
        part, _ = common.open_part(plan.cassette)
    else:
        part = Path(tempfile.mkdtemp(prefix="tracer-playback-"))
    try:
        settings = common.make_settings(plan.config, selection, part)
        told = options.to_json(str(plan.cassette.absolute()) if plan.exists else "")
        code = run_recorded(command, replace(settings, playback=told))
        return _summary(plan, part, code, recorded, strict=strict)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _summary(plan: PlaybackPlan, part: Path, code: int, recorded: Recorded | None, *, strict: bool) -> PlaybackSummary:
    processes = read_tallies(part)
    failures = sorted({path.read_text("utf-8", "replace") for path in part.glob(f"*{FAILURE_SUFFIX}")})
    missed = tuple(text for process in processes for text in process.missed)
    if recorded is not None:
        recorded.mark(number for process in processes for number in process.played)
    journals, whole = any(part.glob(f"*{JOURNAL_SUFFIX}")), not (code or missed or failures)
    kept = plan.settle(part) if journals and whole else 0
    left = recorded.unplayed() if recorded is not None and code == 0 and not missed else ()
    return PlaybackSummary(
        exit_code=code,
        processes=len(processes),
        played=sum(len(process.played) for process in processes),
        recorded=kept,
        missed=missed,
        unplayed=tuple(entry.text() for entry in left),
        strict=strict,
        failures=tuple(failures),
        dropped=journals and not whole,
        surroundings=_surroundings(processes) if plan.options.ambient else "",
    )


def _surroundings(processes: Sequence[Noted]) -> str:
    """Return what is told of the reads that the processes were given."""
    reads = [each for process in processes for each in process.reads]
    live: Counter[str] = Counter()
    for _, kinds in reads:
        live.update(kinds)
    return sentence_of_reads(sum(given for given, _ in reads), live)


@dataclass(frozen=True, slots=True)
class PlaybackSummary:
    """What playing back under a command came to. `played` and `recorded` count calls, the others are calls and reasons as text.

    `dropped` says that calls were recorded and not kept, since the command failed or a call was missed. `surroundings` is what is told of reads that were played back, "" where none was to be.
    """

    exit_code: int
    processes: int
    played: int
    recorded: int
    missed: tuple[str, ...]
    unplayed: tuple[str, ...]
    strict: bool
    failures: tuple[str, ...]
    dropped: bool = False
    surroundings: str = ""

    @property
    def code(self) -> int:
        """The exit code: the command's own, 1 where that is 0 and calls were missed or, if that counts, not made; 2 where nothing was played back."""
        if self.exit_code:
            return self.exit_code
        if self.failures or not self.processes:
            return 2
        return 1 if self.missed or (self.strict and self.unplayed) else 0
