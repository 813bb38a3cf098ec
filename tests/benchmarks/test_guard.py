"""The guard of the hot path: what costs a crossing more fails, and nothing else does."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers import REPOSITORY, clean_environment
from tracer.encoding import walks

if TYPE_CHECKING:
    from pathlib import Path

COMPILER = pytest.mark.skipif(shutil.which("cc") is None, reason="allocations are counted by a small library in C")
NATIVE = pytest.mark.skipif(not walks.in_use(), reason="there are no hooks in C here to be slower than")


@pytest.fixture(scope="module")
def judge() -> Any:
    spec = importlib.util.spec_from_file_location("guard_judge", REPOSITORY / "benchmarks" / "guard" / "judge.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def guard(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "benchmarks/guard/run.py", "--allocations-only", *options],
        cwd=REPOSITORY,
        env={**clean_environment(), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@COMPILER
@NATIVE
def test_slower_hooks_fail_the_guard_and_equal_ones_do_not(tmp_path: Path) -> None:
    """Hooks in Python against the figures of those in C: each kind of call that takes more is named with both figures.

    Counted twice, the same hooks take the same, under another hash seed and with a larger environment too.
    """
    figures = tmp_path / "figures.json"
    stored = guard("--store", "--figures", str(figures))
    again = guard("--figures", str(figures), PYTHONHASHSEED="7", PADDING="x" * 10_000)
    slower = guard("--figures", str(figures), TRACER_PURE="1")

    assert stored.returncode == 0, stored.stderr
    assert again.returncode == 0, again.stdout
    assert "guard: ok" in again.stdout
    assert slower.returncode == 1, slower.stdout
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    before = json.loads(figures.read_text())[minor]["allocations"]["small"]
    assert f"allocations more than a bare call, stored {before:g}" in slower.stdout
    assert "guard: small: " in slower.stdout


def test_growth_of_more_than_a_tenth_is_told(judge: Any) -> None:
    """A tenth more is let pass, what is beyond is named; allocations in a few of the calls are none."""
    stored = {"instructions": {"small": 1000, "inside": 100}, "allocations": {"small": 3.0, "inside": 0.01}}
    same = {"instructions": {"small": 1100, "inside": 60}, "allocations": {"small": 3.5, "inside": 0.2}}
    more = {"instructions": {"small": 1101, "inside": 100}, "allocations": {"small": 4.0, "inside": 1.0}}

    assert judge.grown(stored, same) == []
    assert [line.partition(" more")[0] for line in judge.grown(stored, more)] == [
        "small: 1101 instructions",
        "small: 4 allocations",
        "inside: 1 allocations",
    ]


def test_instructions_of_another_build_are_not_held_against_this_one(judge: Any) -> None:
    """No false failure on another machine: allocations are compared there, instructions are said not to be."""
    entry = {"build": "one", "instructions": {"small": 1000}, "allocations": {"small": 3.0}}
    now = {"instructions": {"small": 9000}, "allocations": {"small": 3.0}}

    there, told = judge.comparable(entry, "another", now)
    here, nothing = judge.comparable(entry, "one", now)

    assert there == {"allocations": {"small": 3.0}}
    assert len(told) == 1
    assert "another build" in told[0]
    assert here == {what: entry[what] for what in ("instructions", "allocations")}
    assert nothing == []
    assert judge.grown(there, now) == []


def test_a_python_without_figures_passes_and_is_told(judge: Any) -> None:
    """A minor version that nothing is stored for fails nobody's build."""
    stored, told = judge.comparable({}, "one", {"allocations": {"small": 3.0}})

    assert stored == {}
    assert told == ["allocations are not compared, since none are stored for this Python"]
