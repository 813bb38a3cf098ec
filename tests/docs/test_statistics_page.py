"""docs/statistics.md shows only what works: its commands are run, its options exist."""

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

PAGE = (REPOSITORY / "docs" / "statistics.md").read_text(encoding="utf-8")
PYTEST = """
from shop.cart import Cart
from shop.pricing import net_price

cart = Cart("Ana")
cart.put("tea", 2)
assert all(net_price(product, count) > 0 for product, count in cart.items())
"""
"""What `python -m pytest` runs in this project: the real one takes seconds to start."""


def test_the_commands_of_the_page_run(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {f"shop/{path.name}": path.read_text(encoding="utf-8") for path in SHOP.glob("*.py")}
    project = project.with_files({**files, "pytest.py": PYTEST, "pyproject.toml": ""})
    recorded = project.tracer("record", "-o", "before.cassette", "--", sys.executable, "-m", "shop")
    commands = [shlex.split(line)[1:] for line in PAGE.splitlines() if line.startswith("tracer ")]
    monkeypatch.chdir(project.folder)

    assert (recorded.exit, len(commands)) == (0, 5)
    for words in commands:
        if words[0] == "record":
            done = project.tracer(
                *words, env={"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
            )
            assert done.exit == 0, done.stderr
        else:
            assert run(words) == 0, words
            assert "shop.pricing" in capsys.readouterr().out


def test_the_options_of_the_page_exist(capsys: pytest.CaptureFixture[str]) -> None:
    told = set(re.findall(r"^\| `(--?[a-z-]+)", PAGE, re.MULTILINE))

    assert told == {"--component", "--format", "--fail-under", "-v"}
    assert run(["stats", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(option in shown for option in told)
