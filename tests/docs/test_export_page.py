"""docs/export.md shows only what works: its commands are run, its options exist, the test in it is the one that is written."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.helpers import REPOSITORY, Project
from tracer.cli.command_line import run
from tracer.demo.project import SHOP

if TYPE_CHECKING:
    import pytest

PAGE = (REPOSITORY / "docs" / "export.md").read_text(encoding="utf-8")
TEST = """
from shop.cart import Cart
from shop.catalog import find
from shop.checkout import checkout

def test_checkout():
    cart = Cart("Ana")
    cart.put("tea", 2)
    assert checkout(cart).customer == "Ana"
    for _ in range(14):
        find("cup")
    try:
        find("sugar")
    except Exception:
        pass
"""


def test_the_commands_of_the_page_run(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {f"shop/{path.name}": path.read_text(encoding="utf-8") for path in SHOP.glob("*.py")}
    project = project.with_files({**files, "tests/test_shop.py": TEST, "pyproject.toml": ""})
    project.write()
    commands = [shlex.split(line)[1:] for line in PAGE.splitlines() if line.startswith("tracer ")]
    monkeypatch.chdir(project.folder)

    assert len(commands) == 6
    for words in commands:
        if words[0] == "record":
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            done = project.tracer(*words, env={"PATH": path})
            assert done.exit == 0, done.stderr
        else:
            assert run(words) == 0, capsys.readouterr().err
    shown = PAGE.partition("```python\n")[2].partition("```")[0]
    assert shown.replace("1 of 17", "1 of ?") in re.sub(
        r"1 of \d+", "1 of ?", (project.folder / "tests" / "test_recorded.py").read_text()
    )


def test_the_options_of_the_page_exist(capsys: pytest.CaptureFixture[str]) -> None:
    told = set(re.findall(r"^\| `(--?[a-z-]+)", PAGE, re.MULTILINE))

    assert run(["export", "--help"]) == 0
    shown = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help", "--check", "--timings"}
    assert told == shown
