"""docs/review.md shows only what works: its commands run in order on the demo shop, its screen is the one that is shown."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.helpers import REPOSITORY, Project
from tests.terminal import Terminal
from tracer.demo.project import SHOP

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (REPOSITORY / "docs/review.md").read_text(encoding="utf-8")
TESTS = """
import pytest
from shop.cart import Cart
from shop.checkout import checkout

pytestmark = pytest.mark.tracer(boundaries=["shop.tax"])

@pytest.mark.parametrize("sku", ["tea", "book"])
def test_NAME(sku):
    cart = Cart("Ana")
    cart.put(sku)
    checkout(cart)
"""


def blocks(kind: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == kind]


def commands() -> Iterator[str]:
    for line in "".join(blocks("")).splitlines():
        if not line.startswith("#"):
            yield line


def test_every_command_of_the_page_runs_in_order_and_shows_what_the_page_says(project: Project) -> None:
    shop = {f"shop/{path.name}": path.read_text(encoding="utf-8") for path in SHOP.glob("*.py")}
    rounded = shop["shop/tax.py"].replace("return net * RATES[category]", "return round(net * RATES[category], 2)")
    project = project.with_files({**shop, "tracer.toml": ""})
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shown = ""
    for command in commands():
        words = shlex.split(command)[1:]
        if words[0] == "review":
            shown += screen(project)
            continue
        if words[0] == "diff":
            project = project.with_files({"shop/tax.py": rounded})
        if words[0] == "list":
            shown += "".join(suite_run(project, name) for name in ("before", "after"))
        done = project.tracer(*words, env={"PATH": path})
        accepted = project.folder / "before.cassette.accepted.toml"
        shown += done.stdout + done.stderr + (accepted.read_text("utf-8") if accepted.exists() else "")

        assert done.exit == (command == "tracer diff before.cassette -- python -m shop"), (
            f"{command}: {done.stdout}{done.stderr}"
        )

    told = [
        line
        for block in blocks("text")
        for line in block.splitlines()
        if not line.startswith(("*.", "pytest", "2 unused", "tracer prune"))
    ]
    for line in filter(None, told):
        assert line.rstrip().partition(', by = "')[0] in shown, line


def suite_run(project: Project, name: str) -> str:
    """Run two tests of this name with their cassettes."""
    done = project.with_files({"test_shop.py": TESTS.replace("NAME", name)}).run(
        "python", "-m", "pytest", "-p", "tracer.pytest_plugin"
    )
    assert done.exit == 0, done.stdout
    return done.stdout


def screen(project: Project) -> str:
    """Return the screen of a walk that is left at once."""
    with Terminal(project.folder, "review", "before.cassette") as terminal:
        shown = terminal.wait_for("q quit >")
        terminal.press("q")
        assert terminal.finish()[0] == 1
    return shown


def test_the_keys_of_the_page_are_those_there_are() -> None:
    from tracer.cli import screen as walk

    table = PAGE.partition("| key |")[2].partition("\n\n")[0]
    keys = {key for row in table.splitlines()[2:] for key in re.findall(r"`(\w)`", row.split("|")[1])}

    assert keys == {*walk._DECISIONS, *walk._MANY, "t", "q"}


def test_the_attribute_of_the_page_is_that_of_this_repository() -> None:
    line = next(block.strip() for block in blocks("text") if "merge=union" in block)

    assert line in (REPOSITORY / ".gitattributes").read_text("utf-8").splitlines()
