"""docs/replay.md shows only what works: its commands are run in order, its options exist."""

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

PAGE = (REPOSITORY / "docs" / "replay.md").read_text(encoding="utf-8")


def commands() -> list[list[str]]:
    """Return the commands of the page."""
    blocks = re.findall(r"^```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    lines = [line for line in "".join(blocks).splitlines() if line.startswith("tracer ")]
    return [shlex.split(line.replace("-- python", f"-- {sys.executable}")) for line in lines]


def test_every_command_works_as_it_stands(project: Project) -> None:
    files = {f"shop/{path.name}": path.read_text(encoding="utf-8") for path in SHOP.glob("*.py")}
    project = project.with_files({**files, "pyproject.toml": ""})

    assert len(commands()) == 5
    for words in commands():
        done = project.run("python", "-m", *words)

        assert done.exit == 0, f"{words}: {done.stdout}{done.stderr}"
        if words[1] == "replay":
            assert "Traceback" not in done.stderr


def test_the_page_names_all_options_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", "--help"]) == 0
    offered = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) - {"--help"}
    shared = {"--level", "--verbose", "--confirm", "--no-confirm", "--output"}

    assert offered - shared <= set(re.findall(r"--[a-z][a-z-]+", PAGE))
