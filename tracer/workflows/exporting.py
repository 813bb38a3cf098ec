"""Exporting: recorded calls as pytest tests, a recorded run as a trace."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.errors import ReplayError
from tracer.export.check import Place, check, reasons_of
from tracer.export.files import file_name, write_file
from tracer.export.perfetto import write_trace
from tracer.export.plan import choose_calls, make_plan
from tracer.select.patterns import covers
from tracer.select.project import find_root, import_folders
from tracer.storage.reader import open_cassette
from tracer.storage.store import replacing, timings_path
from tracer.storage.timings import open_timings
from tracer.workflows import common

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tracer.export.choose import Examples
    from tracer.export.files import Subject
    from tracer.export.plan import Plan
    from tracer.model import Recording
    from tracer.select.selection import Selection


@dataclass(frozen=True, slots=True)
class Exported:
    """What became of an export: the files written, the callables and cases in them, of how many callables, and what was left out."""

    files: tuple[Path, ...]
    callables: int
    cases: int
    of_callables: int
    left_out: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be exported: callables below `only`, so many examples of each shape; run to see that they pass; over existing files."""

    only: str | None = None
    examples: int = 1
    run: bool = True
    force: bool = False


def export_tests(
    cassette: Path,
    out: Path,
    wishes: Wishes,
    *,
    boundaries: Sequence[str] | None = None,
    allow: Sequence[str] = (),
    tick: Callable[[str], None] = lambda text: None,
) -> Exported:
    """Write recorded calls as pytest tests: into `out` where that names a Python file, else a file per component into the folder `out`.

    Modules are imported only where the boundaries, the project itself or `allow` name them, and only by the tests that are run.

    Raises:
        TracerError: the cassette cannot be read, no call of it can be a test, or a file is there already.
    """
    selection = common.select(common.settings(boundaries), Path.cwd())
    wanted = _wanted(wishes.only)
    with open_cassette(cassette) as run:
        recording = run.recording
        _check_only(recording, wishes.only)
        tick(f"tracer: reading {cassette}")
        chosen = choose_calls(run, wanted, wishes.examples)
    components = {each.name: each.component for each in recording.callables}
    _check_free((_file_of(out, components[name]) for name in chosen if name in components), out, force=wishes.force)
    place = Place(Path.cwd(), import_folders(find_root(Path.cwd())))
    plan = _plan(chosen, recording, _may_import(selection, allow), place, run=wishes.run)
    passing = None
    if wishes.run:
        verdict = check([each.everything for each in plan.candidates], place, tick)
        passing = verdict.passing
        for each in plan.candidates:
            failed = [shape for shape in each.shapes if not any(id(case) in passing for case in shape)]
            plan.left_out.update(reasons_of(verdict, shape) for shape in failed)
    subjects = [each.pick(passing, wishes.examples) for each in plan.candidates]
    subjects = [subject for subject in subjects if subject.cases]
    return _written(subjects, plan, out)


def export_trace(cassette: Path, out: Path, *, force: bool = False) -> tuple[int, bool]:
    """Write a recorded run as a Chrome trace into `out`; return how many calls it holds, and whether their times are known.

    Raises:
        TracerError: the cassette cannot be read, or the file is there already.
    """
    _check_free((out,), out, force=force)
    with open_cassette(cassette) as run:
        timings = open_timings(timings_path(cassette), run.lanes)
        origin = {"cassette": cassette.name, "python": run.recording.python, "tool": "tracer"}
        with replacing(out) as stream:
            return write_trace(stream, run, timings, origin), timings is not None


def _file_of(out: Path, component: str) -> Path:
    return out if out.suffix == ".py" else out / file_name(component)


def _check_free(paths: Iterable[Path], out: Path, *, force: bool) -> None:
    taken = next((path for path in paths if path.exists()), None)
    if taken is not None and not force:
        raise ReplayError(f"export {str(out)!r}", f"{str(taken)!r} is there already", "Write over it with --force.")


def _wanted(only: str | None) -> Callable[[str], bool]:
    return lambda name: only is None or name == only or (name.startswith(only) and name[len(only)] in ".:")


def _check_only(recording: Recording, only: str | None) -> None:
    if only is not None and not any(map(_wanted(only), (each.name for each in recording.callables))):
        remedy = "`tracer stats -v` lists the callables of a cassette."
        raise ReplayError(f"export {only!r}", "no callable of the cassette has that name or lies below it", remedy)


def _may_import(selection: Selection, allow: Sequence[str]) -> Callable[[str], bool]:
    """Return whether the user has named a module: by a boundary, by its being the project's own, or outright."""
    named = (*(selection.boundaries or selection.names), *allow)
    return lambda module: any(covers(prefix, module) for prefix in named)


def _plan(
    chosen: dict[str, Examples], recording: Recording, may_import: Callable[[str], bool], place: Place, *, run: bool
) -> Plan:
    """Return the cases; where code may be run, classes are asked first which of their constructors do nothing but set fields."""
    asked: dict[tuple[str, tuple[str, ...]], None] = {}

    def ask(name: str, fields: tuple[str, ...]) -> bool:
        asked[name, fields] = None
        return False

    plan = make_plan(chosen, recording.callables, may_import, ask)
    if not asked or not run:
        return plan
    certain = _ask(list(asked), place)
    return make_plan(chosen, recording.callables, may_import, lambda name, fields: (name, fields) in certain)


def _ask(asked: Sequence[tuple[str, tuple[str, ...]]], place: Place) -> set[tuple[str, tuple[str, ...]]]:
    with tempfile.TemporaryDirectory(prefix="tracer-export-") as scratch:
        questions, answers = Path(scratch) / "questions.json", Path(scratch) / "answers.json"
        questions.write_text(json.dumps(asked), encoding="utf-8")
        words = [sys.executable, "-m", "tracer.export.constructors", str(questions), str(answers)]
        subprocess.run(  # noqa: S603  (importing the modules that the user named is the purpose)
            words, cwd=place.folder, env=place.environment(), capture_output=True, check=False, stdin=subprocess.DEVNULL
        )
        try:
            found = json.loads(answers.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # a module ended the process as it was imported
            return set()
    return {(name, tuple(fields)) for name, fields in found}


def _written(subjects: Sequence[Subject], plan: Plan, out: Path) -> Exported:
    left_out = tuple(sorted(plan.left_out.items(), key=lambda pair: (-pair[1], pair[0])))
    if not subjects:
        reasons = "; ".join(f"{count} because of {reason}" for reason, count in left_out)
        cause = "no call of it can be a test" + (f" ({reasons})" if reasons else ": it holds none of them")
        raise ReplayError(
            f"export {str(out)!r}", cause, "Name the packages that may be imported with --boundary or --allow-import."
        )
    grouped: dict[Path, list[Subject]] = {}
    for subject in subjects:
        grouped.setdefault(_file_of(out, subject.known.component), []).append(subject)
    for path, group in grouped.items():
        with replacing(path) as stream:
            stream.write(write_file(group).text.encode())
    cases = sum(len(subject.cases) for subject in subjects)
    return Exported(tuple(grouped), len(subjects), cases, plan.callables, left_out)
