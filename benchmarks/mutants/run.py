"""Changes that real test suites do not notice: does tracer, and does it name the function?

usage: python benchmarks/mutants/run.py [--only ID]... [--label LABEL] [--jobs N] [--runs N] [--reruns N] [--tests ARG]...
                                        [--keep FOLDER] [--json OUT] [PROJECT ...]

A project's own tests are recorded as it was released, then with each mutant, and the two are compared. Exits 1 where a mutant
that shows between functions was missed, one that does not was reported, or a run of the released code differs from another.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from projects import Mutant, Project, Tree, build, fresh_tree, projects
from score import Score, score, tally

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 3600
LABELS = ("yes", "maybe", "no")


class StepFailed(Exception):
    """A step did not work; its message is what the step wrote."""


class Trial:
    """One project's recordings, in a folder of their own."""

    def __init__(self, project: Project, folder: Path, options: argparse.Namespace) -> None:
        self._project = project
        self._folder = folder
        self._tests = options.tests or project.tests
        self._runs = options.runs
        self._keeps = options.keep is not None
        self._trees: queue.SimpleQueue[Tree] = queue.SimpleQueue()
        for number in range(options.jobs):
            self._trees.put(fresh_tree(project, number))
        self._base = folder / "base.cassette"

    def record_base(self) -> float:
        """Record the released code, several times so that noise is learned; return the seconds."""
        start = time.perf_counter()
        tree = self._trees.get()
        try:
            self._record(tree, self._base, "--runs", str(self._runs))
        finally:
            self._trees.put(tree)
        return time.perf_counter() - start

    def rerun(self, number: int) -> list[dict[str, Any]]:
        """Record the released code once more; return what is found though nothing changed."""
        tree = self._trees.get()
        try:
            findings = self._compared(tree, f"rerun{number}")
        finally:
            self._trees.put(tree)
        return [each for each in findings if each["severity"] in ("breaking", "changed")]

    def mutant(self, mutant: Mutant) -> Score:
        """Record with a mutant, compare, score."""
        tree = self._trees.get()
        try:
            with tree.mutated(mutant):
                findings = self._compared(tree, mutant.id)
        finally:
            self._trees.put(tree)
        return score(findings, self._project.module_of(mutant), mutant.function)

    def _compared(self, tree: Tree, name: str) -> list[dict[str, Any]]:
        cassette = self._folder / f"{name}.cassette"
        self._record(tree, cassette)
        report = self._tracer(tree, "diff", "--format", "json", str(self._base), str(cassette))
        (self._folder / f"{name}.json").write_text(report)
        if not self._keeps:
            cassette.unlink()
        findings: list[dict[str, Any]] = json.loads(report)["findings"]
        return findings

    def _record(self, tree: Tree, cassette: Path, *more: str) -> None:
        pytest = [str(self._project.interpreter), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no"]
        self._tracer(tree, "record", "-o", str(cassette), *more, "--", *pytest, *self._tests)

    @staticmethod
    def _tracer(tree: Tree, *arguments: str) -> str:
        """Run the tracer of this checkout; return what it printed."""
        env = {**os.environ, **tree.environment}
        env["PYTHONPATH"] = os.pathsep.join([env["PYTHONPATH"], str(ROOT)])
        command = [sys.executable, "-m", "tracer", *arguments]
        done = subprocess.run(
            command, cwd=tree.folder, env=env, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        if done.returncode not in (0, 1) or "Traceback" in done.stderr:
            message = f"tracer {arguments[0]} exited {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}"
            raise StepFailed(message)
        return done.stdout


def run_project(project: Project, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one project and print its rows."""
    build(project)
    trial = Trial(project, folder, options)
    print(f"{project.name} {project.version}: recorded {options.runs} times in {trial.record_base():.0f} s", flush=True)
    chosen = [
        mutant
        for mutant in project.mutants()
        if (not options.only or mutant.id in options.only) and (not options.label or mutant.observable in options.label)
    ]
    scores: dict[str, Score] = {}
    with ThreadPoolExecutor(options.jobs) as pool:
        reruns = list(pool.map(trial.rerun, range(options.reruns)))
        for mutant, found in zip(chosen, pool.map(trial.mutant, chosen), strict=True):
            scores[mutant.id] = found
            print_row(mutant, found)
    noisy = [findings for findings in reruns if findings]
    for findings in noisy:
        print(f"    a rerun of the released code differs: {', '.join(sorted({each['callable'] for each in findings}))}")
    by_label = {label: [scores[each.id] for each in chosen if each.observable == label] for label in LABELS}
    for label, some in by_label.items():
        if some:
            print(f"{project.name}, {label}: {tally(some)}")
    print(f"{project.name}, released code: {options.reruns - len(noisy)} of {options.reruns} reruns without a finding")
    return {
        "project": project.name,
        "mutants": [{"id": each.id, "observable": each.observable, **asdict(scores[each.id])} for each in chosen],
        "tally": {label: asdict(tally(some)) for label, some in by_label.items()},
        "noisy": len(noisy),
    }


def print_row(mutant: Mutant, found: Score) -> None:
    """Print what became of one mutant."""
    place = str(found.place) if found.place else "-"
    told = "found" if found.found else "silent"
    print(f"{mutant.id:14}{mutant.observable:6}{told:8}{place:>3}{found.findings:>5}  {found.first or '-'}", flush=True)
    if found.found == (mutant.observable == "no") or (found.found and found.place != 1):
        print(f"    in {mutant.function}: {mutant.why}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("projects", nargs="*", help="names of projects; all when none is given")
    parser.add_argument("--only", action="append", metavar="ID", help="only this mutant; may be repeated")
    parser.add_argument("--label", action="append", choices=LABELS, help="only mutants of this label; may be repeated")
    parser.add_argument("--jobs", type=int, default=1, help="recordings at a time")
    parser.add_argument(
        "--runs", type=int, default=3, help="record the released code this often, so that noise is learned"
    )
    parser.add_argument("--reruns", type=int, default=10, help="recordings of the released code that must show nothing")
    parser.add_argument(
        "--tests", action="append", metavar="ARG", help="what pytest is told, instead of the project's own"
    )
    parser.add_argument("--keep", type=Path, help="keep cassettes and reports in this folder")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    known = projects()
    if unknown := set(options.projects) - set(known):
        parser.error(f"no such project: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    figures = []
    for name in options.projects or known:
        with tempfile.TemporaryDirectory() as temporary:
            folder = (options.keep / name).resolve() if options.keep else Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            figures.append(run_project(known[name], folder, options))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return int(any(failed(figure) for figure in figures))


def failed(figure: dict[str, Any]) -> bool:
    """Whether the figures of a project are not what they should be."""
    yes, no = figure["tally"]["yes"], figure["tally"]["no"]
    return bool(yes["found"] < yes["mutants"] or no["found"] or figure["noisy"])


if __name__ == "__main__":
    sys.exit(main())
