"""Ctrl-C and SIGTERM while a revision is prepared or recorded: tracer ends, and nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.helpers import Project, clean_environment
from tests.workflows.checkouts import FLAT, left_over, temporary

if TYPE_CHECKING:
    from pathlib import Path

SLOW = {
    **FLAT,
    "shop/__main__.py": """
        import os, pathlib, time
        from shop.cart import total
        total()
        pathlib.Path(os.environ["STARTED"]).touch()
        time.sleep(60)
        """,
}
SETUP = 'touch "$STARTED"; sleep 60'


def until(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.05)
    raise AssertionError("it never started")


@pytest.mark.parametrize(
    ("words", "number", "to_group", "code"),
    [
        ((), signal.SIGINT, True, 130),
        ((), signal.SIGINT, False, 130),
        ((), signal.SIGTERM, False, 143),
        (("--setup", SETUP), signal.SIGINT, True, 130),
        (("--setup", SETUP), signal.SIGTERM, False, 143),
    ],
    ids=["Ctrl-C", "SIGINT to tracer alone", "SIGTERM", "Ctrl-C in the setup", "SIGTERM in the setup"],
)
def test_a_stopped_comparison_ends_and_leaves_nothing(
    project: Project, tmp_path: Path, words: tuple[str, ...], number: int, to_group: bool, code: int
) -> None:
    project = project.with_files(SLOW)
    project.commit("slow")
    started = tmp_path / "started"
    environment = {**clean_environment(), "TMPDIR": str(temporary(project)), "STARTED": str(started)}

    process = subprocess.Popen(
        [sys.executable, "-m", "tracer", "diff", "--base", "HEAD", *words, "--", sys.executable, "-m", "shop"],
        cwd=project.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(started)
    if to_group:
        os.killpg(process.pid, number)
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    out, err = process.communicate(timeout=30)

    assert (process.returncode, out) == (code, ""), err
    assert "recording the working tree" not in err
    assert "defect" not in err
    assert left_over(project) == []
