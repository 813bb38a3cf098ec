"""Test suites of real packages with and without tracer: the same outcome of every test, and what it costs.

usage: python benchmarks/transparency/run.py [--build-only] [--keep FOLDER] [--findings] [PACKAGE ...]

Each suite runs untraced twice, recorded with the package itself as the boundary, and recorded with no configuration. A test that differs between
the untraced runs is `flaky` and told; any other whose outcome is not the same in a recorded run is `changed` and told with both. `calls` are
those recorded. Seconds are processor time of all processes, closing the cassette included.

With `--findings` the suite is run under `coverage run --branch` as well and recorded with no configuration a second time. Calls `compared` and
findings at or above `changed` between the two recordings are counted, the latter listed; where there are any, the suite is recorded once more
with `--runs 2`, and those that the `learned` rules leave are counted.

Exits 1 where an outcome changed, a finding was left by the learned rules, tracer failed on its own, or a step failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from suites import StepFailed, Suite, build, measure_each, run

ROOT = Path(__file__).resolve().parents[2]
HEADS = (
    "package",
    "version",
    "nature",
    "tests",
    "flaky",
    "boundary: changed",
    "calls",
    "zero config: changed",
    "calls",
    "untraced s",
    "boundary s",
    "zero s",
)
MORE_HEADS = ("coverage s", "compared", "findings", "learned")
COUNTED = ("breaking", "changed")
OWN_FAILURE = "tracer failed"


class Trial:
    """One suite's runs."""

    def __init__(self, suite: Suite, folder: Path) -> None:
        self.suite = suite
        self.folder = folder
        self.notes: list[str] = []
        self.well = True

    def outcomes(self, *before: str, record: str = "", options: tuple[str, ...] = ()) -> tuple[dict[str, str], str]:
        """Run the suite, through `before` or recorded by that name; return each test's outcome, and the seconds."""
        # The same path every time: it is an argument of the suite, and so part of what is compared.
        report = self.folder / f"{self.suite.name}.xml"
        report.unlink(missing_ok=True)
        command = [*self.suite.command(*before), f"--junitxml={report}"]
        if record:
            cassette = self.cassette(record)
            cassette.unlink(missing_ok=True)
            command = [sys.executable, "-m", "tracer", "record", "-o", str(cassette), *options, "--", *command]
        used = processor_seconds()
        extra = {"PYTHONPATH": str(ROOT)} if record else {}
        extra["COVERAGE_FILE"] = str(self.folder / ".coverage")
        told = run(command, self.suite.folder, accepted=(0, 1), errors=True, **extra)
        for line in told.splitlines():
            if OWN_FAILURE in line:
                self.note(f"{record}: {line.strip()}")
        if not report.exists():
            raise StepFailed(f"no test ran: {told.strip()[-800:]}")
        return read_outcomes(report), f"{processor_seconds() - used:.1f}"

    def cassette(self, name: str) -> Path:
        return self.folder / f"{self.suite.name}-{name}.cassette"

    def calls(self, name: str) -> int:
        """Count the calls of a recording."""
        document = json.loads(self.tracer("stats", "--format", "json", str(self.cassette(name))))
        return sum(edge["calls"] for edge in document["edges"])

    def tracer(self, *words: str) -> str:
        return run([sys.executable, "-m", "tracer", *words], self.folder, accepted=(0, 1), PYTHONPATH=str(ROOT))

    def findings(self, old: str, new: str) -> tuple[int, list[dict[str, Any]]]:
        """Return the number of calls compared and the findings that count."""
        document = json.loads(self.tracer("diff", "--format", "json", str(self.cassette(old)), str(self.cassette(new))))
        return document["summary"]["compared"], [each for each in document["findings"] if each["severity"] in COUNTED]

    def note(self, text: str) -> None:
        """Keep a line that tells what is not as it should be."""
        self.notes.append(text)
        self.well = False

    def changed(self, name: str, bare: dict[str, str], again: dict[str, str], now: dict[str, str]) -> int:
        """Count the tests whose outcome a recorded run changed, and tell of each; flaky ones are no witness."""
        tests = [t for t in sorted({*bare, *now}) if bare.get(t) == again.get(t) != now.get(t)]
        for test in tests:
            self.note(f"changed ({name}) {test}: {bare.get(test)} -> {now.get(test)}")
        return len(tests)

    def run(self, findings: bool) -> bool:
        """Run, print a row and what deviates; return whether all is well."""
        build(self.suite)
        (bare, seconds), (again, _) = self.outcomes(), self.outcomes()
        flaky = [test for test in sorted({*bare, *again}) if bare.get(test) != again.get(test)]
        self.notes += [f"flaky {test}: {bare.get(test)}, {again.get(test)}" for test in flaky]
        row: list[object] = [self.suite.name, self.suite.version, self.suite.nature, len(bare), len(flaky)]
        times = [seconds]
        for name, options in (("boundary", ("-b", self.suite.boundary)), ("zero", ())):
            now, seconds = self.outcomes(record=name, options=options)
            row += [self.changed(name, bare, again, now), self.calls(name)]
            times.append(seconds)
        row += times
        if findings:
            row += self.found()
        print("| " + " | ".join(map(str, row)) + " |", flush=True)
        for note in self.notes:
            print(f"    {note}", flush=True)
        return self.well

    def found(self) -> tuple[object, ...]:
        """Run under coverage and record again; return seconds, calls compared, findings and what learned rules leave of them."""
        # The workers of xdist would not be measured.
        covered = "-" if self.suite.workers else self.outcomes("-m", "coverage", "run", "--branch")[1]
        self.outcomes(record="second")
        compared, found = self.findings("zero", "second")
        left = found
        if found:
            self.outcomes(record="learned", options=("--runs", "2"))
            left = self.findings("learned", "second")[1]
        for each in found:
            is_left = any(other["key"] == each["key"] for other in left)
            values = f"{each['before']!r} -> {each['after']!r}"[:120]
            told = f"{each['severity']} {each['role']} {each['kind']} {each['callable']} {each['path']}"
            line = f"{told}: {values} ({each['count']} of {each['calls']})"
            self.note(f"left {line}") if is_left else self.notes.append(f"found {line}")
        return covered, compared, len(found), len(left)


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
    parser.add_argument("--findings", action="store_true", help="compare two recordings as well")
    options = parser.parse_args()
    heads = (*HEADS, *(MORE_HEADS if options.findings else ()))
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads), flush=True)

    def measure(suite: Suite) -> bool:
        with tempfile.TemporaryDirectory() as temporary:
            folder = options.keep.resolve() if options.keep else Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            return build(suite) is None if options.build_only else Trial(suite, folder).run(options.findings)

    return measure_each(parser, options.packages, measure)


if __name__ == "__main__":
    sys.exit(main())
