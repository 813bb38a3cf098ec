"""Changes that real test suites do not notice: does making the recorded calls again find them, without the tests?

usage: python benchmarks/replay/mutants.py [--detail sampled|full] [--whole] [--label LABEL]... [--json OUT] [PROJECT ...]

A project's tests are recorded once as it was released, and replayed once to learn which calls more than their arguments decides about.
Then each mutant of `benchmarks/mutants` is applied and the recording replayed on it. With `--whole` the
project is one component, so that only what its tests call is made again. Exits 1 where one that does not show was reported.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "mutants"))
from projects import Mutant, Project, Tree, build, fresh_tree, projects  # noqa: E402
from score import Score, score, tally  # noqa: E402

LABELS = ("yes", "maybe", "no")


class Trial:
    """One project's recording, in a folder of its own."""

    def __init__(self, project: Project, folder: Path, detail: str, *, whole: bool) -> None:
        self._project = project
        self._tree: Tree = fresh_tree(project, 90)
        self._cassette = folder / "base.cassette"
        pytest = [str(project.interpreter), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no"]
        boundary = ["--boundary", project.name] if whole else []
        self._tracer("record", "-o", str(self._cassette), "--detail", detail, *boundary, "--", *pytest, *project.tests)

    def replay(self, *options: str) -> Any:
        """Return the report of a replay."""
        python = ["--python", str(self._project.interpreter), "--allow-import", "tests", "--timeout", "30"]
        return json.loads(self._tracer("replay", str(self._cassette), "--format", "json", *python, *options))

    def mutant(self, mutant: Mutant) -> Score:
        """Replay with a mutant, score."""
        with self._tree.mutated(mutant):
            findings = self.replay()["findings"]
        return score(findings, self._project.module_of(mutant), mutant.function)

    def _tracer(self, *arguments: str) -> str:
        env = {**os.environ, **self._tree.environment}
        env["PYTHONPATH"] = os.pathsep.join([env["PYTHONPATH"], str(ROOT)])
        command = [sys.executable, "-m", "tracer", *arguments]
        done = subprocess.run(command, cwd=self._tree.folder, env=env, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1) or "Traceback" in done.stderr:
            message = f"tracer {arguments[0]} exited {done.returncode}: {done.stderr.strip()[-600:]}"
            raise RuntimeError(message)
        return done.stdout


def measure(project: Project, folder: Path, detail: str, labels: tuple[str, ...], *, whole: bool) -> dict[str, Any]:
    """Measure one project and print its rows."""
    build(project)
    trial = Trial(project, folder, detail, whole=whole)
    learned = trial.replay("--learn")["replay"]
    print(
        f"{project.name} {project.version}, {detail}: replayed {learned['replayed']} of {learned['calls']}", flush=True
    )
    scores: dict[str, Score] = {}
    chosen = [mutant for mutant in project.mutants() if mutant.observable in labels]
    start = time.perf_counter()
    for mutant in chosen:
        found = scores[mutant.id] = trial.mutant(mutant)
        told = "found" if found.found else "silent"
        print(f"{mutant.id:14}{mutant.observable:6}{told:8}{found.place or '-':>3}  {found.first or '-'}", flush=True)
        if found.found == (mutant.observable == "no"):
            print(f"    in {mutant.function}: {mutant.why}", flush=True)
    seconds = time.perf_counter() - start
    by_label = {label: tally([scores[each.id] for each in chosen if each.observable == label]) for label in labels}
    for label, figures in by_label.items():
        print(f"{project.name}, {label}: {figures}")
    print(f"{project.name}: {seconds / max(1, len(chosen)):.1f} s for each mutant", flush=True)
    return {"project": project.name, "detail": detail, "tally": {key: asdict(each) for key, each in by_label.items()}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("projects", nargs="*", help="names of projects; all when none is given")
    parser.add_argument("--detail", choices=("sampled", "full"), default="full")
    parser.add_argument("--whole", action="store_true", help="the project as one component")
    parser.add_argument("--label", action="append", choices=LABELS, help="only mutants of this label; may be repeated")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    known = projects()
    rows = []
    for name in options.projects or known:
        with tempfile.TemporaryDirectory() as temporary:
            labels = tuple(options.label or ("yes", "no"))
            rows.append(measure(known[name], Path(temporary), options.detail, labels, whole=options.whole))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    return int(any(row["tally"].get("no", {"found": 0})["found"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
