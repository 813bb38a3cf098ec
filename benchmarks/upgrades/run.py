"""Twelve upgrades of real packages: does tracer find what changed, and nothing else?

usage: python benchmarks/upgrades/run.py [--runs N] [--keep FOLDER] [--json OUT] [CASE ...]

Each case is recorded under the old version and under the new one, the two cassettes are compared, and the report is scored
against what is known to be true. Exits 1 where something was missed or a false alarm raised.
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

sys.path.insert(0, str(Path(__file__).parent))
from environments import environment
from score import Score, dotted, names_of, score

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIMEOUT = 600


class CaseFailed(Exception):
    """A step of a case did not work; its message is what the step wrote."""


def tracer(arguments: list[str], cwd: Path, accepted: tuple[int, ...]) -> str:
    """Run the tracer of this checkout; return what it printed."""
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [env.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "tracer", *arguments]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    # A crash of Python exits with 1 too, as findings do.
    if done.returncode not in accepted or "Traceback" in done.stderr:
        message = f"tracer {arguments[0]} exited {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}"
        raise CaseFailed(message)
    return done.stdout


def record(case: dict[str, Any], side: str, folder: Path, runs: int) -> Path:
    """Record the case's program under one version; return the cassette."""
    cassette = folder / f"{side}.cassette"
    work = folder / "work"
    work.mkdir(exist_ok=True)
    repeated = ["--runs", str(runs)] if runs > 1 else []
    program = [str(environment(case, side)), "-W", "ignore", str(HERE / "cases" / case["name"] / "driver" / "app.py")]
    options = ["record", "-o", str(cassette), "--boundary", case["boundary"], *repeated]
    tracer([*options, "--", *program], work, accepted=(0,))
    return cassette


def same_objects(case: dict[str, Any], names: list[str]) -> set[tuple[str, str]]:
    """Return every pair of names that mean one object under the old or the new version."""
    pairs: set[tuple[str, str]] = set()
    driver = HERE / "cases" / case["name"] / "driver"
    env = {**os.environ, "PYTHONPATH": str(driver), "PYTHONDONTWRITEBYTECODE": "1"}
    for side in ("old", "new"):
        command = [str(environment(case, side)), "-W", "ignore", str(HERE / "resolve.py")]
        text = "\n".join(names)
        done = subprocess.run(command, input=text, env=env, capture_output=True, text=True, timeout=TIMEOUT, check=True)
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        tokens = {name: token for name, token in rows if token != "-"}
        pairs |= {(one, other) for one in tokens for other in tokens if tokens[one] == tokens[other]}
    return pairs


def measure(case: dict[str, Any], folder: Path, runs: int) -> tuple[Score, float]:
    """Record, compare and score one case; return the score and the seconds that tracer took."""
    for side in ("old", "new"):
        environment(case, side)
    start = time.perf_counter()
    old, new = record(case, "old", folder, runs), record(case, "new", folder, runs)
    report = tracer(["diff", "--format", "json", str(old), str(new)], folder, accepted=(0, 1))
    seconds = time.perf_counter() - start
    findings = json.loads(report)["findings"]
    (folder / "diff.json").write_text(report)
    known = [name for key in ("expected", "tolerated") for entry in case.get(key, []) for name in names_of(entry)]
    pairs = same_objects(case, sorted({*known, *(dotted(finding["callable"]) for finding in findings)}))
    return score(case, findings, lambda one, other: (one, other) in pairs), seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", help="names of cases; all when none is given")
    parser.add_argument("--runs", type=int, default=1, help="record each side this often, so that noise is learned")
    parser.add_argument("--keep", type=Path, help="keep cassettes and reports in this folder")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    known = sorted(path.name for path in (HERE / "cases").iterdir() if path.is_dir())
    if unknown := set(options.cases) - set(known):
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    print(f"{'case':26}{'kind':12}{'found':>7}{'rank':>6}{'alarms':>8}{'mild':>6}{'seconds':>9}")
    figures = [run_case(name, options.keep, options.runs) for name in options.cases or known]
    expected = sum(len(figure["hits"]) + len(figure["missed"]) for figure in figures)
    found = sum(len(figure["hits"]) for figure in figures)
    alarms = sum(len(figure["alarms"]) for figure in figures)
    failed = sum(bool(figure["failure"]) for figure in figures)
    print(f"{found} of {expected} expected changes found, {alarms} false alarms, {failed} cases failed")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return int(found < expected or alarms > 0 or failed > 0)


def run_case(name: str, keep: Path | None, runs: int) -> dict[str, Any]:
    """Measure one case and print its row; a case that fails counts all its changes as missed."""
    case = tomllib.loads((HERE / "cases" / name / "case.toml").read_text())
    failure = ""
    with tempfile.TemporaryDirectory() as temporary:
        folder = (keep / name).resolve() if keep else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            result, seconds = measure(case, folder, runs)
        except (CaseFailed, subprocess.SubprocessError, LookupError) as error:
            result, seconds, failure = score(case, []), 0.0, str(error)
    share = f"{len(result.hits)}/{len(result.hits) + len(result.missed)}"
    rank = str(result.rank) if result.rank else "-"
    print(f"{name:26}{case['kind']:12}{share:>7}{rank:>6}{len(result.alarms):>8}{len(result.mild):>6}{seconds:>9.1f}")
    told = {"missed": result.missed, "false alarm": result.alarms, "mild": result.mild}
    for what, callables in told.items():
        for callable_name in callables:
            kinds = ", ".join(result.kinds.get(callable_name, ()))
            print(f"    {what}: {callable_name} {kinds}".rstrip())
    if failure:
        print(f"    failed: {failure}")
    return {"case": name, "kind": case["kind"], **asdict(result), "seconds": seconds, "failure": failure}


if __name__ == "__main__":
    sys.exit(main())
