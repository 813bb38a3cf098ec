"""docs/statistics.md shows only what works: its commands are run, its options exist."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

from tests.helpers import REPOSITORY, Project
from tracer.demo.project import SHOP

PAGE = (REPOSITORY / "docs" / "statistics.md").read_text(encoding="utf-8")
TEST = """
from shop.cart import Cart
from shop.pricing import net_price

def test_a_cart():
    cart = Cart("Ana")
    cart.put("tea", 2)
    assert all(net_price(product, count) > 0 for product, count in cart.items())
"""


def test_the_commands_of_the_page_run(project: Project) -> None:
    files = {f"shop/{path.name}": path.read_text(encoding="utf-8") for path in SHOP.glob("*.py")}
    project = project.with_files({**files, "tests/test_shop.py": TEST, "pyproject.toml": ""})
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f".{os.pathsep}{REPOSITORY}",
    }
    assert project.tracer("record", "-o", "before.cassette", "--", sys.executable, "-m", "shop").exit == 0
    commands = [line for line in PAGE.splitlines() if line.startswith("tracer ")]

    assert len(commands) == 5
    for command in commands:
        done = project.tracer(*shlex.split(command)[1:], env=environment)

        assert done.exit == 0, f"{command}: {done.stdout}{done.stderr}"


def test_the_options_of_the_page_exist(project: Project) -> None:
    told = set(re.findall(r"^\| `(--?[a-z-]+)", PAGE, re.MULTILINE))

    assert told == {"--component", "--format", "--fail-under", "-v"}
    shown = project.tracer("stats", "--help").stdout
    assert all(option in shown for option in told)
