"""docs/doctor.md shows only what works: its commands are run, its options and hazards exist."""

from __future__ import annotations

import re
import shlex
import sys
from typing import TYPE_CHECKING

from tests.helpers import REPOSITORY, Project
from tracer.cli.command_line import run
from tracer.demo.project import SHOP

if TYPE_CHECKING:
    import pytest

PAGE = (REPOSITORY / "docs" / "doctor.md").read_text(encoding="utf-8")
PYTEST = "from shop.cart import Cart\nCart('Ana').put('tea', 2)\n"
"""What `python -m pytest` runs in this project: the real one takes seconds to start."""


def test_the_commands_of_the_page_find_no_problem(project: Project) -> None:
    files = {f"shop/{path.name}": path.read_text(encoding="utf-8") for path in SHOP.glob("*.py")}
    project = project.with_files({**files, "pytest.py": PYTEST, "pyproject.toml": ""})
    commands = [shlex.split(line)[1:] for line in PAGE.splitlines() if line.startswith("tracer ")]

    assert len(commands) == 3
    for words in commands:
        done = project.tracer(*(sys.executable if word == "python" else word for word in words))
        assert (done.exit, done.stderr.count("tracer")) == (0, 0), done.stderr


def test_the_options_of_the_page_exist(capsys: pytest.CaptureFixture[str]) -> None:
    told = set(re.findall(r"^\| `(--?[a-z-]+)", PAGE, re.MULTILINE))

    assert told == {"--boundary", "--json", "--verbose"}
    assert run(["doctor", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(option in shown for option in told)
