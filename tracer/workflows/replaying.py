"""Replaying a cassette: its calls made on today's code, and the two compared as any other two recordings are."""

from __future__ import annotations

import os
import sys
import tempfile
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from tracer.encoding.budget import BUDGETS
from tracer.errors import ConfigError, ReplayError
from tracer.replay.learned import read_learned, write_learned
from tracer.replay.ledger import Ledger
from tracer.replay.names import find_names, renamed
from tracer.replay.picking import Calls
from tracer.replay.plan import plan, plan_again
from tracer.replay.process import start_anew, stopped_at_error
from tracer.replay.rewriting import write_replayed
from tracer.replay.supervise import replay_task
from tracer.replay.task import LACKED, SUMMED, THINNED, Answer, Fate, Options, Result, Task
from tracer.report.sentences import counted, listed
from tracer.review.acceptances import load
from tracer.select.patterns import compile_patterns, parse_boundary, parse_pattern
from tracer.select.project import import_folders
from tracer.storage.reader import open_cassette
from tracer.storage.remote import Url, send
from tracer.storage.store import ACCEPTED, LEARNED, accepted_path, learned_path
from tracer.workflows import common
from tracer.workflows.cluster import on_cluster
from tracer.workflows.comparing import diff, with_notes
from tracer.workflows.executors import answers
from tracer.workflows.places import here
from tracer.workflows.terms import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tracer.compare.result import Comparison, Replay
    from tracer.config import Config
    from tracer.model import RecordedRun, Recording
    from tracer.replay.task import Spot, Survey
    from tracer.workflows.places import Place
    from tracer.workflows.terms import Terms

MOST_WORKERS = 8
"""Workers where nobody says how many: more of them need more memory than most machines have for each core."""
PATIENCE = 3
"""How many times longer than at first a call may take when it is made once more: the machine may have been busy."""
DEPENDS = "more than its arguments decides, as was learned"
_TYPES_SHOWN = 4
_ACTION = "replay calls"


@dataclass(frozen=True, slots=True)
class Replaying:
    """How a cassette is replayed.

    boundaries, allowed: prefixes that may be imported beside the project's own modules; the first are what a boundary of the recording may be.
    only: patterns of the callables whose calls are made. isolated: answer crossings inside a call from the recording.
    python: the interpreter that runs the code; None for the one that recorded it here, else this one.
    workers: processes at a time, None for as many as there are cores. timeout: seconds for a call. memory: bytes for a process.
    scheduler: the address of a Dask scheduler, whose workers carry out tasks instead of processes started here.
    executor: what carries them out instead; each is `replay_task` with bytes, and returns bytes.
    """

    boundaries: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    isolated: bool = False
    learn: bool = False
    python: str | None = None
    workers: int | None = None
    timeout: float = 10.0
    memory: int = 4 << 30
    scheduler: str | None = None
    executor: Executor | None = None


def replay(
    old: Place, how: Replaying, terms: Terms = PLAIN, progress: Callable[[int, int], None] | None = None
) -> Comparison:
    """Make the calls of a cassette on today's code; return what is different. `progress` is told the calls done and all calls.

    Raises:
        CassetteError: the cassette cannot be read.
        ConfigError, SelectionError: the settings or a pattern are wrong.
        ReplayError: no call can be made, or who was to make them is gone.
    """
    with here(old, beside=(ACCEPTED, LEARNED)) as (path,):
        comparison = _replay(old, path, how, terms, progress)
        if how.learn and isinstance(old, Url) and learned_path(path).exists():
            send(learned_path(path), old.beside(LEARNED))
        return comparison


def _replay(
    old: Place, path: Path, how: Replaying, terms: Terms, progress: Callable[[int, int], None] | None
) -> Comparison:
    """Replay the cassette that is called `old` and lies at `path`."""
    config = common.settings(how.boundaries)
    load(accepted_path(path))  # what cannot be read is told before anything is run
    with open_cassette(path) as cassette, tempfile.TemporaryDirectory(prefix="tracer-replay-") as scratch:
        options = _options(old, cassette.recording, config, how)
        with _executor(how) as (executor, workers, local):
            bare = Task(_named(old, path, local=local), (), options)
            survey = _survey(executor, bare)
            bare = replace(bare, renamings=find_names(cassette, survey.callables, dict(config.renamed)))
            run = renamed(cassette, bare.renamings)
            known = frozenset() if how.learn and not how.only else read_learned(path, run)
            bare = replace(bare, options=replace(options, thinned=_thinned(run)))
            work = _Work(run, executor, progress, ticks=local)
            ledger = work.first(plan(bare, run.lanes, workers, known), known)
            work.thinned(ledger, options.only)
            if not ledger.replayed:
                raise _nothing(old, ledger.summary(), survey)
            if ledger.changed and (terms.confirm or how.learn):
                patient = replace(bare, options=replace(bare.options, timeout=options.timeout * PATIENCE))
                work.again(ledger, plan_again(patient, ledger.changed, workers))
        learned = work.learned(ledger) if how.learn else ()
        if learned:
            write_learned(path, run, (*known, *learned))
        target = Path(scratch) / "today.cassette"
        write_replayed(target, run, ledger, survey, options)
        comparison = diff(path, target, config=config, terms=terms, with_sums=False)
    summary = ledger.summary()
    notes = [*_about_modules(survey), *_about(summary)]
    if learned:
        where = learned_path(old) if isinstance(old, Path) else old.beside(LEARNED)
        notes.append(f"Wrote down in {where} that more than its arguments decides: {counted(len(learned), 'call')}.")
    return with_notes(replace(comparison, replay=summary), notes, new_name="today's code", old_name=str(old))


def _named(old: Place, path: Path, *, local: bool) -> str:
    """Return what a task calls the cassette: on another machine its copy here is not there."""
    return str(path.resolve()) if local or isinstance(old, Path) else old.text


class _Work:
    """Has tasks carried out and takes note of what came of them."""

    def __init__(
        self, run: RecordedRun, executor: Executor, progress: Callable[[int, int], None] | None, *, ticks: bool
    ) -> None:
        self._run = run
        self._home = {each.name: each.component for each in run.recording.callables}
        self._calls = Calls(run)
        self._executor = executor
        self._progress = progress
        self._ticks = ticks  # whether tasks run in this process, and can say so for each call

    def first(self, tasks: Sequence[Task], known: Iterable[Spot]) -> Ledger:
        """Carry out the tasks of a replay, without the calls that are known to depend on more than their arguments."""
        ledger = Ledger()
        for spot in known:
            ledger.enter(spot, self._component(*spot), Result(Fate.SKIPPED, reason=DEPENDS))
        for task, answer in self._carried_out(tasks):
            for spot, result in answer.each(task):
                ledger.enter(spot, self._component(*spot), result)
        return ledger

    def thinned(self, ledger: Ledger, only: tuple[str, ...]) -> None:
        """Count the calls that are past their callable's budget of detail, of the callables that were asked for."""
        asked_for = compile_patterns(only, ())
        for each in (run for lane in self._run.lanes for run in lane.thinned):
            if asked_for(each.callable):
                ledger.enter_thinned(self._home.get(each.callable, ""), each.begun)

    def again(self, ledger: Ledger, tasks: Sequence[Task]) -> None:
        """Carry out tasks of calls that came out otherwise."""
        for task, answer in self._carried_out(tasks):
            for spot, result in answer.each(task):
                ledger.enter_again(spot, self._component(*spot), result)

    def learned(self, ledger: Ledger) -> tuple[Spot, ...]:
        """Take the calls that came out otherwise, once or twice, for ones that depend on more than their arguments; return them."""
        found = (*ledger.changed, *ledger.by_chance)
        for spot in found:
            ledger.set_aside(spot, self._component(*spot), DEPENDS)
        return found

    def _component(self, lane: str, number: int) -> str:
        return self._home.get(self._calls.call(lane, number).callable, "")

    def _carried_out(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Answer]]:
        counter = _Counter(sum(task.calls for task in tasks), self._progress)
        function = partial(replay_task, tick=counter.tick) if self._ticks else replay_task
        futures: dict[Future[bytes], Task] = {self._executor.submit(function, task.pack()): task for task in tasks}
        with answers(futures, _ACTION, ReplayError):
            for future in as_completed(futures):
                answer = Answer.unpack(future.result())
                if not self._ticks:
                    counter.add(futures[future].calls)
                yield futures[future], answer


def _thinned(run: RecordedRun) -> tuple[str, ...]:
    """Return the callables of which some calls are past their budget of detail."""
    return tuple(sorted({each.callable for lane in run.lanes for each in lane.thinned}))


def _survey(executor: Executor, bare: Task) -> Survey:
    """Return what today's code is."""
    alone = replace(bare, survey=True, options=replace(bare.options, isolated=False))
    future = executor.submit(replay_task, alone.pack())
    with answers((future,), _ACTION, ReplayError):
        survey = Answer.unpack(future.result()).survey
    assert survey is not None
    return survey


class _Counter:
    """Counts calls from several threads."""

    def __init__(self, total: int, progress: Callable[[int, int], None] | None) -> None:
        self._total = total
        self._progress = progress
        self._done = 0
        self._lock = Lock()

    def tick(self) -> None:
        """Count one more."""
        self.add(1)

    def add(self, calls: int) -> None:
        """Count so many more."""
        with self._lock:
            self._done += calls
            if self._progress is not None:
                self._progress(self._done, self._total)


@contextmanager
def _executor(how: Replaying) -> Iterator[tuple[Executor, int, bool]]:
    """Give what carries out tasks, how many at a time, and whether that is done by threads of this process."""
    workers = _workers(how)
    if how.executor is not None:
        yield how.executor, workers, False
    elif how.scheduler is not None:
        with on_cluster(how.scheduler) as found:
            yield found.executor, how.workers or found.workers, False
    else:
        start_anew()
        with ThreadPoolExecutor(workers, "tracer-replay") as executor, stopped_at_error():
            yield executor, workers, True


def _workers(how: Replaying) -> int:
    if how.workers is None:
        return min(MOST_WORKERS, os.cpu_count() or 1)
    if how.workers < 1:
        raise ConfigError("replay", f"{how.workers} workers make no call", "Give --workers 1 or more.")
    return how.workers


def _options(old: Place, recording: Recording, config: Config, how: Replaying) -> Options:
    """Return how the calls of a recording are made under the settings that hold here."""
    watched = replace(config, boundaries=recording.boundaries, granularity=recording.granularity)
    selection = common.select(watched, Path.cwd())
    root = Path(selection.root)
    own = selection.names
    known = (*config.boundaries, *common.remembered_boundaries(config, old))
    return Options(
        root=selection.root,
        folders=tuple(str(folder) for folder in (*import_folders(root), root)),
        selection=selection.to_json(),
        trusted=tuple(dict.fromkeys((*own, *known, *(parse_boundary(prefix) for prefix in how.allowed)))),
        only=tuple(parse_pattern(text) for text in how.only),
        redact=config.redact,
        redact_allow=config.redact_allow,
        redact_values=config.redact_values,
        redact_with=config.redact_with,
        redact_entropy=config.redact_entropy,
        dunders=config.dunders,
        python=how.python or common.remembered_python(config, old) or sys.executable,
        detail=recording.detail if recording.detail in BUDGETS else "sampled",
        isolated=how.isolated,
        timeout=how.timeout,
        memory=how.memory,
    )


def _nothing(old: Place, summary: Replay, survey: Survey) -> ReplayError:
    """Return the error of a replay that made no call."""
    action = f"replay {str(old)!r}"
    if not summary.calls:
        return ReplayError(action, "it holds no call that was asked for", "Check the cassette and --only.")
    reason = summary.skipped[0].reason
    if survey.failed:
        name, error = survey.failed[0]
        return ReplayError(action, f"{name} cannot be imported ({error})", "Run it where the project can be imported.")
    cause = f"none of its {counted(summary.calls, 'call')} can be made again, most of them where {reason}"
    remedy = "Name what may be imported with --boundary or --allow-import." if "imported" in reason else ""
    if reason in {THINNED, LACKED, SUMMED}:
        remedy = "Record with more calls in detail: `tracer record --detail-calls N`, 0 keeps all."
    return ReplayError(action, cause, remedy)


def _about_modules(survey: Survey) -> Iterator[str]:
    for name, reason in survey.failed:
        if name not in survey.gone:
            yield f"Couldn't import {name}: {reason}. Each call into it counts as raising that."


def _about(summary: Replay) -> Iterator[str]:
    """Say what was made again and what not."""
    changed = sum(each.changed for each in summary.components)
    yield (
        f"Replayed {summary.replayed:,} of {counted(summary.calls, 'call')} ({summary.replayed / summary.calls:.0%}): "
        f"{summary.replayed - changed:,} came out as recorded, {changed:,} otherwise."
    )
    if summary.by_chance:
        yield f"{counted(summary.by_chance, 'call')} came out otherwise, and not alike a second time: counted as chance."
    for reason, count, types in summary.by_reason():
        named = f" ({listed(types, _TYPES_SHOWN)})" if types else ""
        yield f"Not replayed: {counted(count, 'call')}, where {reason}{named}."
