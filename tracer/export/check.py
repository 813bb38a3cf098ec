"""Exported tests are run before they are kept: in a process of their own, twice, in both orders and with two hash seeds.

What does not pass each time depends on more than its arguments: on state elsewhere, on chance, on the day.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracer.errors import ReplayError
from tracer.export.files import TestFile, write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from tracer.export.cases import Case
    from tracer.export.files import Subject

FAILED: Final = "a test that did not pass when it was run: state, chance or the day decides as well"
SLOW: Final = "a test that took too long"
KILLED: Final = "a test that ended the process"
SECONDS: Final = 10
"""So long may one test take."""
_PATIENCE: Final = 600
"""So many seconds may one process take that runs them, imports and all."""
_MOST_STARTS: Final = 25
_TOLD: Final = "results.txt"

_CONFTEST: Final = f"""
import os, signal

told = open(os.environ["TRACER_EXPORT_RESULTS"], "a", encoding="ascii", buffering=1)
alarm, own = signal.setitimer, os.getpid()

def tell(word, nodeid):
    if os.getpid() == own:
        told.write(word + " " + nodeid + "\\n")

def pytest_collection_modifyitems(items):
    if os.environ["TRACER_EXPORT_BACKWARDS"] == "1":
        items.reverse()

def pytest_runtest_logstart(nodeid):
    tell("start", nodeid)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    alarm(signal.ITIMER_REAL, {SECONDS})

def pytest_runtest_logreport(report):
    if report.when == "call" or report.failed:
        tell(report.outcome, report.nodeid)

def pytest_runtest_logfinish(nodeid):
    alarm(signal.ITIMER_REAL, 0)
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where tests run: a folder, and folders from which modules are imported."""

    folder: Path
    imports: tuple[Path, ...] = ()

    def environment(self, base: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Return the environment of a process there. Nothing of a recording or of another pytest goes along."""
        ours = ("TRACER_", "PYTEST_", "COVERAGE_")
        kept = {name: value for name, value in base.items() if not name.startswith(ours)}
        search = os.pathsep.join([*map(str, self.imports), *filter(None, [base.get("PYTHONPATH")])])
        return {**kept, "PYTHONPATH": search} if search else kept


@dataclass(slots=True)
class Verdict:
    """The `id`s of the cases that passed every time, and why the others did not."""

    passing: set[int]
    reasons: dict[int, str]


def check(subjects: Sequence[Subject], place: Place, tick: Callable[[str], None] = lambda text: None) -> Verdict:
    """Run every case of some callables and say which pass.

    Raises:
        ReplayError: there is no pytest to run them with.
    """
    verdict = Verdict({id(case) for subject in subjects for case in subject.cases}, {})
    for backwards in (False, True):
        tick(f"tracer: running {len(verdict.passing):,} tests{', in the other order' if backwards else ''}")
        left = [_only(subject, verdict.passing) for subject in subjects]
        files = [write_file([subject]) for subject in left if subject.cases]
        told = _run(files, place, backwards=backwards)
        # A file that cannot be imported says nothing of its cases: one of them may be the reason.
        unknown = [case for file in files for case in file.tests.values() if id(case) not in told]
        if unknown and not backwards:
            split = [
                replace(subject, cases=(case,)) for subject in left for case in subject.cases if id(case) not in told
            ]
            told |= _run([write_file([subject]) for subject in split], place, backwards=backwards)
        for case_id in tuple(verdict.passing):
            if told.get(case_id) != "passed":
                verdict.passing.discard(case_id)
                verdict.reasons[case_id] = _REASONS.get(told.get(case_id, ""), FAILED)
    return verdict


_REASONS: Final = {"slow": SLOW, "killed": KILLED}


def _only(subject: Subject, passing: set[int]) -> Subject:
    return replace(subject, cases=tuple(case for case in subject.cases if id(case) in passing))


def _run(files: Iterable[TestFile], place: Place, *, backwards: bool) -> dict[int, str]:
    """Return what came of each case, by its `id`: passed, failed, slow, killed; nothing of one that was never run."""
    cases: dict[str, Case] = {}
    with tempfile.TemporaryDirectory(prefix="tracer-export-") as scratch:
        folder = Path(scratch).resolve()
        for number, file in enumerate(files):
            (folder / f"test_{number}.py").write_text(file.text, encoding="utf-8")
            cases.update({f"test_{number}.py::{name}": case for name, case in file.tests.items()})
        if not cases:
            return {}
        (folder / "conftest.py").write_text(_CONFTEST, encoding="ascii")
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="ascii")
        outcomes: dict[str, str] = {}
        for _ in range(_MOST_STARTS):
            killed = _start(folder, place, cases.keys() - outcomes.keys() if outcomes else None, backwards, outcomes)
            if killed is None:
                break
            outcomes[killed[0]] = killed[1]
    return {id(cases[name]): outcome for name, outcome in outcomes.items() if name in cases}


def _start(
    folder: Path, place: Place, only: Collection[str] | None, backwards: bool, outcomes: dict[str, str]
) -> tuple[str, str] | None:
    """Run tests in one process; return the one that ended it before its time, with what it did, None where there is none."""
    told = folder / _TOLD
    told.unlink(missing_ok=True)
    if only is not None and not only:
        return None
    chosen = str(folder)
    if only is not None:  # by a file: so many names may be more than a command line holds
        (folder / "chosen.txt").write_text("\n".join(f"{folder}/{name}" for name in sorted(only)), encoding="utf-8")
        chosen = f"@{folder}/chosen.txt"
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
    words += ["-c", str(folder / "pytest.ini"), "--rootdir", str(folder), chosen]
    environment = {
        **place.environment(),
        "PYTHONHASHSEED": "1" if backwards else "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "TRACER_EXPORT_RESULTS": str(told),
        "TRACER_EXPORT_BACKWARDS": str(int(backwards)),
    }
    try:
        done = subprocess.run(  # noqa: S603  (running what was recorded again is the purpose)
            words,
            cwd=place.folder,
            env=environment,
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:  # a module that hangs as it is imported: no test was running
        return None
    if b"No module named pytest" in done.stderr:
        raise ReplayError(
            "check the exported tests", "pytest is not installed", "Install it, or leave the check out with --no-check."
        )
    running = _read(told, outcomes)
    if running is None:
        return None
    return running, "slow" if done.returncode == -signal.SIGALRM else "killed"


def _read(told: Path, outcomes: dict[str, str]) -> str | None:
    """Enter what a run told of its tests; return the one that was running when it ended."""
    running = None
    if told.exists():
        for line in told.read_text(encoding="ascii", errors="replace").splitlines():
            word, _, name = line.partition(" ")
            if word == "start":
                running = name
            else:
                outcomes[name] = word
                running = None if name == running else running
    return running


def reasons_of(verdict: Verdict, shape: Iterable[Case]) -> str:
    """Return why no case of a shape passed: what most of them did."""
    return Counter(verdict.reasons.get(id(case), FAILED) for case in shape).most_common(1)[0][0]
