"""The README shows only what works: every command in it is run, every setting and mode in it exists."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers import REPOSITORY, Project
from tracer.config import MODES, Config
from tracer.demo.project import SHOP

if TYPE_CHECKING:
    from collections.abc import Iterator

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")

TEST = """
from shop.cart import Cart
from shop.checkout import checkout

def test_checkout():
    cart = Cart("Ana")
    cart.put("tea", 2)
    assert checkout(cart).customer == "Ana"
"""

# What stands for what in the table of commands.
WORDS = {
    "FILE": "before.cassette",
    "OLD": "before.cassette",
    "NEW": "after.cassette",
    "REV": "HEAD",
    "COMMAND": "pytest",
    "FOLDER": ".",
    "OLD_FOLDER": "old",
    "NEW_FOLDER": "new",
    "OUT": "merged.cassette",
    "FILE...": "before.cassette",
}


def commands() -> Iterator[str]:
    """Yield each tracer command of the README, from its code blocks and its table, placeholders filled in."""
    blocks = re.findall(r"^```\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    for line in "\n".join(blocks).splitlines():
        if line.startswith("tracer "):
            yield line.partition("#")[0].strip()
    for cell in re.findall(r"^\| (`tracer .*?) \|", README, re.MULTILINE):
        for command in re.findall(r"`(tracer .*?)`", cell):
            yield " ".join(WORDS.get(word, word) for word in command.split())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the demo shop, a test, a git history, and a second recording."""
    files = {f"shop/{path.name}": path.read_text(encoding="utf-8") for path in SHOP.glob("*.py")}
    project = Project(tmp_path_factory.mktemp("readme"), {**files, "tests/test_shop.py": TEST, "pyproject.toml": ""})
    project.commit("first")
    assert project.tracer("record", "-o", "after.cassette", "--", sys.executable, "-m", "pytest", "-q").exit == 0
    for folder in ("old", "new"):
        (project.folder / folder).mkdir()
        shutil.copy(project.folder / "after.cassette", project.folder / folder)
    return project


def test_the_readme_names_the_commands_it_should() -> None:
    names = {shlex.split(command)[1] for command in commands()}

    assert names == {
        "record",
        "diff",
        "merge",
        "replay",
        "review",
        "accept",
        "prune",
        "show",
        "stats",
        "export",
        "list",
        "verify",
        "recover",
        "noise",
        "doctor",
        "playback",
        "demo",
    }


def test_every_command_of_the_readme_runs(shop: Project) -> None:
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f".{os.pathsep}{REPOSITORY}",
    }

    for command in commands():
        words = shlex.split(command)[1:]
        if words[0] in {"recover", "review", "accept", "prune", "playback", "export"}:
            continue  # need a killed run, a red one, one of all tests, or a component that was recorded for it: other tests do that
        done = shop.tracer(*words, env=environment)

        assert done.exit == 0, f"{command}: {done.stdout}{done.stderr}"


def test_the_settings_of_the_readme_are_those_there_are() -> None:
    table = README.partition("| setting |")[2].partition("\n\n")[0]
    told = set(re.findall(r"`(\w+)`", " ".join(row.split("|")[1] for row in table.splitlines()[2:])))

    assert told == {field.name for field in fields(Config)} - {"root", "source"}


def test_the_modes_of_the_readme_are_those_there_are() -> None:
    sentence = README.partition("say what happens:")[2].partition(". What differs")[0]

    assert set(re.findall(r"`(\w+)`", sentence)) == set(MODES)
