"""The transparency benchmark tells a changed outcome from a flaky one, and every suite says what it is."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks" / "transparency"
PAGE = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
TRANSPARENCY = PAGE.partition("## Transparency")[2].partition("\n## ")[0]


@pytest.fixture(scope="module")
def trials() -> Any:
    sys.path.insert(0, str(FOLDER))
    spec = importlib.util.spec_from_file_location("transparency_run", FOLDER / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(FOLDER))
        sys.modules.pop("suites", None)


def test_only_what_both_untraced_runs_agree_on_is_a_witness(trials: Any, tmp_path: Path) -> None:
    trial = trials.Trial(trials.Suite("click", "8.1.8", "tests"), tmp_path)
    bare = {"a": "passed", "b": "failure", "c": "passed", "d": "passed"}
    again = {**bare, "c": "failure"}
    now = {"a": "failure", "b": "failure", "c": "failure", "e": "passed"}

    assert trial.changed("zero", bare, again, now) == 3
    assert trial.well is False
    assert trial.notes == [
        "changed (zero) a: passed -> failure",
        "changed (zero) d: passed -> None",
        "changed (zero) e: None -> passed",
    ]


def test_tests_of_one_name_are_told_apart(trials: Any, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    cases = '<testcase classname="m" name="t"/><testcase classname="m" name="t"><skipped/></testcase>'
    report.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>", encoding="utf-8")

    assert trials.read_outcomes(report) == {"m::t": "passed", "m::t #2": "skipped"}


def test_every_suite_is_pinned_and_what_the_page_shows_are_suites() -> None:
    sys.path.insert(0, str(FOLDER))
    try:
        suites = importlib.import_module("suites")
    finally:
        sys.path.remove(str(FOLDER))
        sys.modules.pop("suites", None)

    assert len({suite.name for suite in suites.SUITES}) == len(suites.SUITES) >= 15
    assert [suite.name for suite in suites.SUITES if not suite.nature] == []
    assert [need for suite in suites.SUITES for need in (*suite.needs, *suites.TOOLS) if "==" not in need] == []
    rows = re.findall(r"^\| (\S+) \| (\d\S*) \| ([^|]+) \| \d+ \| \d+ \| (\d+) \|", TRANSPARENCY, re.MULTILINE)
    known = {(suite.name, suite.version, suite.nature, "0") for suite in suites.SUITES}
    assert len(rows) >= 15
    assert set(rows) <= known
    assert [suite.name for suite in suites.SUITES if "--ignore" in " ".join(suite.options) and not suite.subset] == []
