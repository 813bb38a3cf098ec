"""Test suites of real packages with and without tracer: the same outcomes, no finding between two unchanged recordings, what it costs.

usage: python benchmarks/transparency/run.py [--build-only] [--keep FOLDER] [PACKAGE ...]

Each suite runs untraced, under `coverage run --branch` and twice recorded, with no configuration; every run's outcomes are compared by
test. Findings at or above `changed` between the two recordings are counted and listed; where there are any, the suite is recorded
once more with `--runs 2`, and those that the learned rules leave are counted as well. Seconds are wall time and, after the slash, processor
time of all processes. Exits 1 where an outcome changed, a finding was left by the learned rules, or a step failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from suites import StepFailed, Suite, build, measure_each, run

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = "{:12}{:>7}{:>9}{:>10}{:>9}{:>9}{:>13}{:>13}{:>13}"
COUNTED = ("breaking", "changed")


class Trial:
    """One suite's runs."""

    def __init__(self, suite: Suite, folder: Path) -> None:
        self.suite = suite
        self.folder = folder

    def outcomes(
        self, *before: str, record: Path | None = None, options: tuple[str, ...] = ()
    ) -> tuple[dict[str, str], str]:
        """Run the suite, through `before` or recorded; return each test's outcome, and the seconds."""
        # The same path every time: it is an argument of the suite, and so part of what is compared.
        report = self.folder / f"{self.suite.name}.xml"
        report.unlink(missing_ok=True)
        command = [*self.suite.command(*before), f"--junitxml={report}"]
        if record is not None:
            command = [sys.executable, "-m", "tracer", "record", "-o", str(record), *options, "--", *command]
        start, used = time.perf_counter(), processor_seconds()
        extra = {"PYTHONPATH": str(ROOT)} if record is not None else {}
        told = run(command, self.suite.folder, accepted=(0, 1), COVERAGE_FILE=str(self.folder / ".coverage"), **extra)
        if not report.exists():
            raise StepFailed(f"no test ran: {told.strip()[-800:]}")
        seconds = f"{time.perf_counter() - start:.1f}/{processor_seconds() - used:.1f}"
        return read_outcomes(report), seconds

    def findings(self, old: Path, new: Path) -> tuple[int, list[dict[str, Any]]]:
        """Return the number of calls compared and the findings that count."""
        command = [sys.executable, "-m", "tracer", "diff", "--format", "json", str(old), str(new)]
        document = json.loads(run(command, self.folder, accepted=(0, 1), PYTHONPATH=str(ROOT)))
        return document["summary"]["compared"], [each for each in document["findings"] if each["severity"] in COUNTED]

    def run(self) -> bool:
        """Run, print a row and what deviates; return whether all is well."""
        build(self.suite)
        bare, seconds = self.outcomes()
        # The workers of xdist would not be measured.
        covered = "-" if self.suite.workers else self.outcomes("-m", "coverage", "run", "--branch")[1]
        cassettes = [self.folder / f"{self.suite.name}-{turn}.cassette" for turn in ("first", "second", "learned")]
        recordings = [self.outcomes(record=cassette) for cassette in cassettes[:2]]
        compared, found = self.findings(*cassettes[:2])
        left = found
        if found:
            self.outcomes(record=cassettes[2], options=("--runs", "2"))
            left = self.findings(cassettes[2], cassettes[1])[1]
        changed = [
            (test, bare.get(test), now.get(test))
            for now, _ in recordings
            for test in {*bare, *now}
            if bare.get(test) != now.get(test)
        ]
        row = (len(bare), len(changed), compared, len(found), len(left), seconds, covered, recordings[1][1])
        print(COLUMNS.format(self.suite.name, *row), flush=True)
        for test, before, after in changed:
            print(f"    outcome {test}: {before} -> {after}")
        for each in found:
            name = "left" if any(other["key"] == each["key"] for other in left) else "found"
            values = f"{each['before']!r} -> {each['after']!r}"[:120]
            print(
                f"    {name} {each['severity']} {each['role']} {each['kind']} {each['callable']} {each['path']}: {values} ({each['count']} of {each['calls']})"
            )
        return not changed and not left


def processor_seconds() -> float:
    """Return the processor time of all children that ended."""
    times = os.times()
    return times.children_user + times.children_system


def read_outcomes(report: Path) -> dict[str, str]:
    """Return the outcome of each test in a JUnit file; tests of one name are numbered."""
    found: dict[str, str] = {}
    for case in ET.parse(report).iter("testcase"):
        base = test = f"{case.get('classname')}::{case.get('name')}"
        number = 1
        while test in found:
            number += 1
            test = f"{base} #{number}"
        found[test] = ",".join(child.tag for child in case if child.tag in {"failure", "error", "skipped"}) or "passed"
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", nargs="*", help="names of packages; all when none is given")
    parser.add_argument("--build-only", action="store_true", help="build the environments")
    parser.add_argument("--keep", type=Path, help="keep the cassettes and reports in this folder")
    options = parser.parse_args()
    print(
        COLUMNS.format(
            "package", "tests", "changed", "compared", "findings", "learned", "untraced s", "coverage s", "recorded s"
        )
    )

    def measure(suite: Suite) -> bool:
        with tempfile.TemporaryDirectory() as temporary:
            folder = options.keep.resolve() if options.keep else Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            return build(suite) is None if options.build_only else Trial(suite, folder).run()

    return measure_each(parser, options.packages, measure)


if __name__ == "__main__":
    sys.exit(main())
