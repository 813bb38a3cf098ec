"""A few hundred runs of the fuzzing, the same in every run: what is to be found at once is found here."""

from __future__ import annotations

import subprocess
import sys

from tests.helpers import REPOSITORY, clean_environment


def test_some_runs_of_the_fuzzing_find_no_fault() -> None:
    """Each ends in a report or a `TracerError`, in bounded time and memory, with no import and no file opened outside of its folder."""
    done = subprocess.run(
        [sys.executable, "benchmarks/fuzz/run.py", "--runs", "400", "--jobs", "1", "--warm", "30"],
        cwd=REPOSITORY,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "faults 0;" in done.stdout
    assert " 400\n" in done.stdout
