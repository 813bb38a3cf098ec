"""docs/before-a-pull-request.md shows only what works: its commands are run in a repository with a branch."""

from __future__ import annotations

import re
import shlex
import sys
from typing import TYPE_CHECKING

from tests.helpers import REPOSITORY, Project
from tests.workflows.checkouts import CART, FLAT, left_over, path_with
from tracer.cli.command_line import run

if TYPE_CHECKING:
    import pytest

PAGE = (REPOSITORY / "docs" / "before-a-pull-request.md").read_text(encoding="utf-8")
PYTEST = "from shop.cart import total\ntotal()\n"
"""What `python -m pytest` runs in this repository: the real one takes seconds to start."""


def test_the_commands_of_the_page_run_on_a_branch(project: Project) -> None:
    settings = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    old = project.with_files(
        {**FLAT, "pytest.py": PYTEST, "prepare.sh": "mkdir -p .venv/bin", "tracer.toml": settings[0]}
    )
    old.commit("old")
    project.run("git", "checkout", "-q", "-b", "topic")
    old.with_files({"shop/cart.py": CART + "def spare(): return 1\n"}).commit("new")
    commands = [shlex.split(line) for line in PAGE.splitlines() if line.startswith("tracer ")]

    assert len(commands) == 5
    for words in commands:
        done = project.run("python", "-m", *words, env={"PATH": path_with(sys.executable)})

        assert done.exit == 0, f"{words}: {done.stdout}{done.stderr}"
    assert (project.folder / "changes.md").is_file()
    assert left_over(project) == []


def test_the_page_names_the_options_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", "--help"]) == 0
    shown = capsys.readouterr().out
    told = {"--base", "--setup", "--no-cache", "--fail-on", "--format"}

    assert all(option in shown for option in told)
    assert set(re.findall(r"(?<=[` ])--[a-z][a-z-]+", PAGE)) - {"--unshallow", "--init"} == told
