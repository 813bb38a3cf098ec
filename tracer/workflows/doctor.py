"""Saying how tracer stands to this project: what it would watch, and, with a command, what it did watch, miss and get in the way of."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from contextlib import closing
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.encoding import walks
from tracer.instrument.engines import default_engine
from tracer.instrument.signatures import is_dunder
from tracer.model import CallableKind
from tracer.recording import native
from tracer.recording.diagnosis import SUFFIX
from tracer.recording.launch import run_recorded
from tracer.recording.settings import FAILURE_SUFFIX
from tracer.report.doctor import Crossed, Diagnosis, Hazard, Installation, Run, Watched, Workplace
from tracer.select.project import project_modules
from tracer.storage import journal as jr
from tracer.storage import store
from tracer.storage.lineage import unfollowed
from tracer.storage.scan import ScannedJournal
from tracer.workflows import common

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tracer.config import Config

_CALLED = frozenset({"__call__", "__init__", "__new__"})


def diagnose(command: Sequence[str], boundaries: Sequence[str] | None = None) -> Diagnosis:
    """Return what is known of the installation and the project, and of a run of `command` where there is one.

    The command runs once, recorded into a temporary folder, with `sys.setprofile` counting beside the hooks.

    Raises:
        TracerError: the settings are wrong or the command cannot be started.
    """
    config = common.settings(boundaries)
    return Diagnosis(_installation(), _workplace(config), _run(config, command) if command else None)


def _installation() -> Installation:
    version = ".".join(map(str, sys.version_info[:3]))
    return Installation(version, default_engine().title, hooks_in_c=native.in_use(), walk_in_c=walks.in_use())


def _workplace(config: Config) -> Workplace:
    selection = common.select(config, Path.cwd())
    folder = config.cassette_folder
    return Workplace(
        settings=str(config.source or ""),
        root=selection.root,
        boundaries=tuple((boundary, _is_found(boundary)) for boundary in config.boundaries),
        modules=project_modules(Path(selection.root)),
        cassettes=len(store.list_cassettes(folder)) if folder.is_dir() else 0,
        unclosed=tuple(map(str, store.unclosed(folder))),
    )


def _is_found(boundary: str) -> bool:
    """Whether there is a module of that name, as far as can be said without importing anything of it."""
    top = boundary.partition(".")[0]
    return top in sys.builtin_module_names or PathFinder.find_spec(top, [str(Path.cwd()), *sys.path]) is not None


def _run(config: Config, command: Sequence[str]) -> Run:
    part = Path(tempfile.mkdtemp(prefix="tracer-doctor-"))
    try:
        selection = common.select(config, Path.cwd(), command)
        settings = common.make_settings(config, selection, part, diagnose=True)
        code = run_recorded(command, settings, output_to_stderr=True)
        return _read(part, code)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _read(part: Path, code: int) -> Run:
    told = [json.loads(path.read_text("utf-8")) for path in sorted(part.glob(f"*{SUFFIX}"))]
    by_pid = {found["pid"]: found for found in told}
    watched: dict[str, Counter[str]] = defaultdict(Counter)
    crossed: Counter[tuple[str, str]] = Counter()
    kept: dict[int, Counter[str]] = defaultdict(Counter)
    lost: dict[int, Counter[str]] = defaultdict(Counter)
    foreign: set[str] = set()
    children: list[tuple[int, str]] = []
    journals = sorted(part.glob(f"*{jr.SUFFIX}"))
    for path in journals:
        with closing(ScannedJournal(path)) as journal:
            pid = journal.info.get("pid", 0)  # one process may have several journals: it may become another program
            foreign |= _add(watched, kept[pid], lost[pid], journal)
            children += journal.children
    for pid in set(by_pid) & set(kept):
        crossed.update(_crossed(by_pid[pid], kept[pid], lost[pid], foreign))
    for found in told:
        for component, modules, callables in found["components"]:
            watched[component]["modules"] = max(watched[component]["modules"], modules)
            watched[component]["callables"] = max(watched[component]["callables"], callables)
    return Run(
        exit_code=code,
        processes=len(journals),
        witnessed=len(told),
        watched=tuple(
            Watched(name, each["modules"], each["callables"], each["calls"]) for name, each in sorted(watched.items())
        ),
        crossed=_merged(crossed),
        unreachable=tuple(sorted({(name, reason) for found in told for name, reason in found["unreachable"]})),
        failed_imports=_all(told, "failed_imports"),
        lapses=sum(found["lapses"] for found in told),
        calls_seen=all(found["calls_seen"] for found in told),
        faults=(
            *_all(told, "own_failures"),
            *_all(told, "left"),
            *_unrecorded(part),
            *_unfollowed(unfollowed(kept, children).total()),
        ),
        hazards=_hazards(told),
    )


def _unrecorded(part: Path) -> tuple[str, ...]:
    return tuple(sorted({path.read_text("utf-8", "replace") for path in part.glob(f"*{FAILURE_SUFFIX}")}))


def _unfollowed(count: int) -> Iterator[str]:
    if count:
        yield f"{count} of the Pythons that were started could not record: `-I`, `-E`, `-S` or an environment of their own kept it from them."


def _add(watched: dict[str, Counter[str]], kept: Counter[str], lost: Counter[str], journal: ScannedJournal) -> set[str]:
    """Add the calls of a journal by component, and those kept and lost by callable; return which callables have no Python code."""
    known = {each.name: each for each in journal.callables.values()}
    for numbers in journal.lane_ids.values():
        for name, *_ in journal.calls(numbers):
            watched[known[name].component]["calls"] += 1
            kept[name] += 1
        for run in journal.thinned(numbers):
            watched[known[run.callable].component]["calls"] += run.begun
            kept[run.callable] += run.begun
    # What is only counted, as some dunders of C types are, is no callable that is told of.
    alone = {loss.callable for loss in journal.losses} - {"*", *known}
    for loss in journal.losses:
        if loss.callable != "*":
            lost[loss.callable] += loss.count
    return alone | {each.name for each in known.values() if each.kind is CallableKind.FOREIGN}


def _crossed(
    found: dict[str, Any], kept: Counter[str], lost: Counter[str], foreign: set[str]
) -> Counter[tuple[str, str]]:
    """Return how often each callable was seen, kept and lost in one process, and recorded where no witness looks."""
    seen = Counter(dict(found["seen"]))
    counts: Counter[tuple[str, str]] = Counter()
    for name in {*seen, *kept, *lost}:
        parts = {"seen": seen[name], "kept": kept[name], "lost": lost[name]}
        if name in foreign and name not in found["stand_ins"] and not (found["calls_seen"] and _is_called(name)):
            spare = max(0, kept[name] + lost[name] - seen[name])
            parts["unwitnessed"] = spare
            parts["kept"] -= min(spare, kept[name])
            parts["lost"] -= max(0, spare - kept[name])
        counts.update({(name, part): times for part, times in parts.items()})
    return counts


def _is_called(name: str) -> bool:
    """Whether a callable without code is reached by calls alone, and not by operators as well."""
    last = name.rpartition(":")[2].rpartition(".")[2]
    return not is_dunder(last) or last in _CALLED


def _merged(counts: Counter[tuple[str, str]]) -> tuple[Crossed, ...]:
    names = sorted({name for name, _ in counts})
    parts = ("seen", "kept", "lost", "unwitnessed")
    return tuple(Crossed(name, *(counts[name, what] for what in parts)) for name in names)


def _all(told: Iterable[dict[str, Any]], key: str) -> tuple[str, ...]:
    return tuple(sorted({text for found in told for text in found[key]}))


def _hazards(told: Iterable[dict[str, Any]]) -> tuple[Hazard, ...]:
    counts: Counter[tuple[str, str, str]] = Counter()
    for found in told:
        for what, name, place, count in found["hazards"]:
            counts[what, name, place] += count
    return tuple(Hazard(what, name, place, count) for (what, name, place), count in sorted(counts.items()))
