"""Recording a command: start it, wait, close the journals, say what came of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from tracer.ambient import AMBIENT
from tracer.errors import CassetteError, RecordingError
from tracer.recording.checkout import STRANGERS_SUFFIX
from tracer.recording.launch import run_recorded
from tracer.recording.settings import FAILURE_SUFFIX
from tracer.render import most_counted
from tracer.report.listing import ComponentSummary, RunSummary
from tracer.report.sentences import counted
from tracer.storage import remote
from tracer.storage.compact import compact
from tracer.storage.journal import SUFFIX
from tracer.storage.progress import Progress
from tracer.storage.reader import open_cassette
from tracer.storage.store import move_into_place, pending_path, write_side
from tracer.version import VERSION
from tracer.workflows import common, pending
from tracer.workflows.ambient import play_from, settled_seed, told_of_playing, with_ambient
from tracer.workflows.doubts import unmatched
from tracer.workflows.mirror import left_unclosed, mirrored
from tracer.workflows.places import Url, here, named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from typing_extensions import Self

    from tracer.config import Config
    from tracer.model import Loss, Recording
    from tracer.rules import Rule
    from tracer.storage.compact import Summary
    from tracer.workflows.ambient import Playing
    from tracer.workflows.places import Place

DEFAULT_NAME = "run"
_STOPPING = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP})


def record(
    command: Sequence[str],
    output: Place | None,
    *,
    boundaries: Sequence[str] | None = None,
    runs: int | None = None,
    timings: bool = False,
    detail: str | None = None,
    detail_calls: int | None = None,
    ambient: Sequence[str] | None = None,
    ambient_from: Place | None = None,
    tick: Callable[[str], None] = lambda text: None,
) -> RunSummary:
    """Record a command into a cassette; with several runs, learn what differs between them as noise; with `timings`, take the time of each call.

    `detail` says how much of values is looked at, `detail_calls` how many calls of a callable are kept in detail in each lane, 0 for all.
    `ambient` are the kinds of reads of the surroundings to record, None for those of the settings; those of the cassette `ambient_from`
    are played back. `output` may be a URL: the cassette is made here, in local state, and sent when it is closed. A cassette that is there already is replaced only when the command ends with 0 and calls were captured; otherwise the new
    recording waits beside it.

    Raises:
        TracerError: the settings are wrong, the command cannot be started, or the cassette cannot be written.
    """
    settings = common.settings(boundaries, detail=detail, detail_calls=detail_calls, timings=timings)
    with here(*([ambient_from] if ambient_from else ())) as played:
        played_from = played[0] if played else None
        config = with_ambient(settings, ambient, played_from)
        return _recorded(command, output, config, runs, played_from, tick)


def _recorded(
    command: Sequence[str],
    output: Place | None,
    config: Config,
    runs: int | None,
    ambient_from: Path | None,
    tick: Callable[[str], None],
) -> RunSummary:
    times = runs or config.runs
    seed = "0" if times > 1 else None
    if isinstance(output, Url):
        replaces = remote.exists(output)  # a place that cannot be reached is told before anything is run
        notes = left_unclosed(output, config)
        with mirrored(output, config, fetched=False) as made:
            take = Take(command, made, config, hash_seed=seed, ambient_from=ambient_from, replaces=replaces)
            take.notes += notes
            summary = _named(record_runs(take, times, tick), made, output)
    else:
        target = output or common.cassette_path(DEFAULT_NAME, config.cassette_folder)
        if target.is_dir():
            raise RecordingError(f"record into {str(target)!r}", "it is a folder", "Name a file in it with -o.")
        summary = record_runs(Take(command, target, config, hash_seed=seed, ambient_from=ambient_from), times, tick)
    if summary.file:
        common.remember_command(config, output or target, command)
    return summary


def _named(summary: RunSummary, made: Path, url: Url) -> RunSummary:
    """Return a summary that names a URL in place of the file that was made for it."""
    notes = tuple(named(note, made, url) for note in summary.notes)
    return replace(summary, file=named(summary.file, made, url), notes=notes)


def record_runs(take: Take, times: int, tick: Callable[[str], None] = lambda text: None) -> RunSummary:
    """Run a take, again to learn noise where it is to be run several times, and close it."""
    take.run(tick)
    with take:
        noise, notes = _learn(take, times, tick) if times > 1 and take.captured else ((), ())
        take.notes += notes
        return take.close(noise)


class Take:
    """One run of a command under recording, from its journals to its cassette. Use it as a context manager to remove the journals.

    `folder` and `environ` are those of the command, else this process's. `project` is the folder below which paths are the project's,
    if not the one that `folder` lies in; `original` what it is another checkout of. When it has run, `strangers` holds modules that were
    imported from elsewhere all the same, with their files, and `signals` what was sent to this process meanwhile. Reads of the
    surroundings that the cassette `ambient_from` holds are played back. `replaces` says whether there is a cassette already, where the
    target stands for one elsewhere.
    """

    def __init__(
        self,
        command: Sequence[str],
        target: Path,
        config: Config,
        *,
        folder: Path | None = None,
        environ: Mapping[str, str] = os.environ,
        project: Path | None = None,
        original: Path | None = None,
        hash_seed: str | None = None,
        output_to_stderr: bool = False,
        ambient_from: Path | None = None,
        replaces: bool | None = None,
    ) -> None:
        self.command = tuple(command)
        self._told = common.secrets_of(config).words(self.command)
        self.target = target
        self.config = config
        self.exit_code = 0
        self.signals: set[int] = set()
        self.strangers: dict[str, str] = {}
        self._folder = folder
        self._environ = environ
        self._project = project
        self._original = original
        self._hash_seed = hash_seed
        self._output_to_stderr = output_to_stderr
        self._ambient_from = ambient_from
        self._replaces = replaces
        self._selection = common.select(config, folder or Path.cwd(), self.command)
        self.part, self.notes = common.open_part(target)
        self._closed = False
        self._seconds = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: object) -> None:
        # What could not be closed stays for `tracer recover`.
        if kind is None or not self.captured:
            shutil.rmtree(self.part, ignore_errors=True)

    @property
    def captured(self) -> bool:
        """Whether any Python of the command recorded."""
        return any(self.part.glob(f"*{SUFFIX}"))

    def again(self, target: Path, hash_seed: str | None = None, ambient_from: Path | None = None) -> Take:
        """Return a take of the same command at the same place, which shares what signals came.

        Reads of the surroundings are played back from `ambient_from`, else from where this one's are.
        """
        take = Take(
            self.command,
            target,
            self.config,
            folder=self._folder,
            environ=self._environ,
            project=self._project,
            original=self._original,
            hash_seed=hash_seed,
            output_to_stderr=self._output_to_stderr,
            ambient_from=ambient_from or self._ambient_from,
        )
        take.signals = self.signals
        return take

    @property
    def stopped(self) -> int:
        """The signal by which somebody asked to stop while the command ran; 0 for none."""
        return min(self.signals & _STOPPING, default=0)

    def run(self, tick: Callable[[str], None] = lambda text: None) -> None:
        """Run the command and wait for it."""
        progress = Progress(self.part)

        def look() -> None:
            progress.look()
            tick(f"tracer: recording, {progress.calls:,} calls, {progress.size / 2**20:.1f} MiB")

        began = monotonic()
        try:
            playing = play_from(self._ambient_from, self.part) if self._ambient_from is not None else None
            self.exit_code = run_recorded(
                self.command,
                common.make_settings(
                    self.config,
                    self._selection,
                    self.part,
                    project=self._project,
                    original=self._original,
                    ambient_from=playing.file.resolve() if playing is not None else None,
                ),
                folder=self._folder,
                hash_seed=self._seed(playing),
                environ=self._environ,
                tick=look,
                signalled=self.signals.add,
                output_to_stderr=self._output_to_stderr,
            )
        except BaseException:
            shutil.rmtree(self.part, ignore_errors=True)
            raise
        self._seconds = monotonic() - began
        self.notes += told_of_playing(self.part)
        for path in sorted(self.part.glob(f"*{STRANGERS_SUFFIX}")):
            self.strangers |= json.loads(path.read_text("utf-8"))

    def _seed(self, playing: Playing | None) -> str | None:
        if self._hash_seed is not None or "hash" not in self.config.ambient:
            return self._hash_seed
        return (playing.hash_seed if playing is not None else None) or settled_seed(self._environ)

    def close(self, noise: Sequence[Rule] = ()) -> RunSummary:
        """Write the cassette from the journals and say what is in it."""
        failures = tuple(sorted({path.read_text("utf-8", "replace") for path in self.part.glob(f"*{FAILURE_SUFFIX}")}))
        notes = [*self.notes, *(f"A process was not recorded: {reason}" for reason in failures)]
        if not self.captured:
            notes.append("No Python that the command started could be recorded.")
            return RunSummary(self._told, self.exit_code, (), 0, 0, notes=tuple(notes))
        there = self.target.exists() if self._replaces is None else self._replaces
        waits = self.exit_code != 0 and there
        file = pending_path(self.target) if waits else self.target
        scratch = self.part / "closed"
        try:
            told = compact(self.part, scratch, noise=noise)
        except CassetteError as error:
            remedy = f"{error.remedy} `tracer recover {self.part}` then keeps what was recorded."
            raise CassetteError(error.action, error.cause, remedy.strip()) from error
        with open_cassette(scratch) as cassette:
            components = _components(cassette.recording, told.calls_of)
            reads = _reads(cassette.recording, told.calls_of)
        stored = told.calls - reads
        notes.extend(unmatched(self._selection, (component.name for component in components)))
        if not stored:
            notes.append(_why_nothing_crossed(components))
            return RunSummary(self._told, self.exit_code, components, 0, 0, _by_reason(told.losses), notes=tuple(notes))
        move_into_place(scratch, file)
        if self.config.timings:
            pending.ignore(file, self.config)
        told_of_run = {"command": list(self._told), "exit": self.exit_code, "seconds": round(self._seconds, 3)}
        write_side(file, {**told_of_run, "tracer": VERSION})
        notes.extend(_of_kept(told, reads))
        if waits:
            pending.ignore(file, self.config)
            notes.append(
                f"The command failed, so {self.target} stays as it is; the new recording waits in {file}: `tracer review {self.target}`."
            )
        if noise:
            notes.append(
                f"{counted(len(noise), 'rule')} for what differs between runs of the same code were learned: `tracer noise list {file}` shows them."
            )
        return RunSummary(
            self._told,
            self.exit_code,
            components,
            stored + sum(loss.count for loss in told.losses if loss.callable != "*"),
            stored,
            _by_reason(told.losses),
            str(file),
            file.stat().st_size,
            tuple(notes),
        )


def _learn(first: Take, times: int, tick: Callable[[str], None]) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """Run the command again, each time with another hash seed and what the first read; return rules for what differs from the first run, and notes."""
    from tracer.compare.noise import learn  # noqa: PLC0415  (a single run compares nothing, and starts sooner without)
    from tracer.workflows.repeating import repeat  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="tracer-runs-") as scratch:
        base = Path(scratch) / "run-1.cassette"
        compact(first.part, base)
        later = (partial(_again, first, str(number), base) for number in range(1, times))
        runs = takewhile(lambda _: not first.stopped, later)
        repeated = repeat(base, first.exit_code, runs, tick=tick)
    return learn(repeated.seen), repeated.warnings


def _again(first: Take, hash_seed: str, base: Path, target: Path) -> Take:
    # What a run reads is that of the first, as far as it is recorded: what differs all the same is noise.
    return first.again(target, hash_seed, base if first.config.ambient else None)


def _components(recording: Recording, calls_of: Mapping[str, int]) -> tuple[ComponentSummary, ...]:
    home = {callable_.name: callable_.component for callable_ in recording.callables}
    calls: Counter[str] = Counter()
    for name, count in calls_of.items():
        calls[home.get(name, "")] += count
    watched = Counter(home.values())
    names = sorted(component.name for component in recording.components if component.watched)
    return tuple(ComponentSummary(name, watched[name], calls[name]) for name in names)


def _of_kept(told: Summary, reads: int) -> Iterator[str]:
    """Yield what is to be said of a recording that was kept."""
    if told.unclosed:
        yield f"{told.unclosed} of {counted(told.journals, 'process')} did not end in order; what they recorded until then is kept."
    if told.writing:
        yield f"{counted(told.writing, 'process')} that the command started went on after it had ended: what they called from then on is not recorded."
    if reads:
        yield f"{counted(reads, 'read')} of the surroundings recorded as well."
    if told.thinned_of:
        yield _past_detail(told.thinned_of, "call")
    if told.items_summed:
        yield _past_detail(told.items_summed, "generator item")


def _past_detail(counts: Mapping[str, int], noun: str) -> str:
    """Say of which calls, or items, only sums were kept."""
    return (
        f"Of {counted(sum(counts.values()), noun)} past the budget of detail sums are kept, by which a difference is still found: {most_counted(counts.items())}. "
        "`--detail-calls N` keeps more in detail."
    )


def _reads(recording: Recording, calls_of: Mapping[str, int]) -> int:
    """Return how many of the calls are reads of the surroundings, which cross no boundary."""
    return sum(calls_of.get(each.name, 0) for each in recording.callables if each.component == AMBIENT)


def _why_nothing_crossed(components: tuple[ComponentSummary, ...]) -> str:
    if not components:
        return "No call was captured: no watched module was run or imported. Name a package it uses with --boundary."
    callables = sum(component.callables for component in components)
    if len(components) == 1:
        return (
            f"No call was captured: {components[0].name} ({counted(callables, 'callable')}) is the only component, and nothing outside it called in. "
            "Name a package it uses with --boundary."
        )
    return f"No call was captured: {counted(callables, 'callable')} in {len(components)} components are watched, and none called another."


def _by_reason(losses: Iterable[Loss]) -> tuple[tuple[str, int], ...]:
    """Sum losses by reason; values that were looked at only in part are one reason, whatever their types."""
    reasons: Counter[str] = Counter()
    for loss in losses:
        kind = loss.reason.partition(" ")[0] if loss.callable == "*" else ""
        reasons[_VALUES.get(kind, loss.reason)] += loss.count
    return tuple(sorted(reasons.items()))


_VALUES = {
    "truncated": "values kept in part, past their budget",
    "opaque": "values known by their type only",
}
