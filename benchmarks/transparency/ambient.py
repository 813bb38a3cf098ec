"""Reruns of unchanged suites with and without their surroundings: what is still told as changed, and what reading them costs.

usage: python benchmarks/transparency/ambient.py [PACKAGE ...]

Each suite is recorded and recorded again, and the two compared; then recorded with `--ambient` and once more with `--ambient-from`, so that
the second run is given what the first read; and both again with the tests' own reads (`--ambient all,callers`). Counted are findings at or
above `changed`, reads, and seconds of processor time of all processes.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
from pathlib import Path

from suites import SUITES, Suite, build, run

ROOT = Path(__file__).resolve().parents[2]
MORE = (
    Suite("itsdangerous", "2.2.0", "tests", needs=("freezegun==1.5.1",)),
    Suite("pyjwt", "2.10.1", "tests", needs=("cryptography==44.0.0",)),
)
CHOSEN = ("cachetools", "flask", "click", "aiosqlite", "tinydb", "itsdangerous", "pyjwt")
COLUMNS = "{:14}{:>10}{:>9}{:>9}{:>8}{:>9}{:>9}{:>11}{:>10}"


def tracer(suite: Suite, *words: str) -> tuple[str, float]:
    """Run tracer in a suite's folder; return what it printed and the seconds of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = run([sys.executable, "-m", "tracer", *words], suite.folder, accepted=(0, 1), PYTHONPATH=str(ROOT))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return shown, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def told(suite: Suite, old: Path, new: Path) -> int:
    """Count the findings at or above `changed` between two cassettes."""
    shown, _ = tracer(suite, "diff", str(old), str(new), "--format", "json")
    return sum(finding["severity"] in ("breaking", "changed") for finding in json.loads(shown)["findings"])


def reads(suite: Suite, cassette: Path) -> int:
    """Count the reads of the surroundings in a cassette."""
    shown, _ = tracer(suite, "stats", "--format", "json", str(cassette))
    return sum(edge["calls"] for edge in json.loads(shown)["edges"] if edge["component"] == "<ambient>")


def measure(suite: Suite, folder: Path) -> None:
    """Record a suite four times and print one row."""
    build(suite)
    command = ("--", *suite.command())
    a, b, c, d, e, f = (folder / f"{suite.name}-{name}.cassette" for name in "abcdef")
    _, plain = tracer(suite, "record", "-o", str(a), *command)
    tracer(suite, "record", "-o", str(b), *command)
    _, reading = tracer(suite, "record", "-o", str(c), "--ambient", *command)
    _, playing = tracer(suite, "record", "-o", str(d), "--ambient-from", str(c), *command)
    tracer(suite, "record", "-o", str(e), "--ambient", "all,callers", *command)
    tracer(suite, "record", "-o", str(f), "--ambient-from", str(e), *command)
    found = told(suite, a, b), told(suite, c, d), told(suite, e, f)
    row = (*found, reads(suite, c), reads(suite, e), f"{plain:.1f}", f"{reading:.1f}", f"{playing:.1f}")
    print(COLUMNS.format(suite.name, *row), flush=True)


def main() -> None:
    """Measure the suites that are named, else all of `CHOSEN`."""
    os.environ.pop("PYTHONHASHSEED", None)
    wanted = sys.argv[1:] or CHOSEN
    heads = ("suite", "findings", "ambient", "callers", "reads", "callers", "plain s", "ambient s", "played s")
    print(COLUMNS.format(*heads), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for suite in (*SUITES, *MORE):
            if suite.name in wanted:
                measure(suite, Path(scratch))


if __name__ == "__main__":
    main()
