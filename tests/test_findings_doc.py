"""docs/findings.md shows only what works, on two real recordings of a small shop."""

from __future__ import annotations

import json
import re
import shlex
import sys
from typing import Any

import pytest

import tracer
from tests.helpers import REPOSITORY, Project
from tracer.compare.result import Kind, Severity

DOC = (REPOSITORY / "docs" / "findings.md").read_text(encoding="utf-8")

TAX = """
def _rate():
    return {rate}

def vat(amount):
    return round(amount * _rate(), 2)
"""
CART = """
from shop import {tax}

class Cart:
    def __init__(self):
        self.rows = []

    def add(self, price):
        self.rows.append(price)

    def total(self):
        return sum(self.rows) + {tax}.vat(sum(self.rows))
"""
GATEWAY = """
def charge(cart, amount):
    return {"charged": amount, "items": len(cart.rows)}
"""
MAIN = """
from shop import gateway
from shop.{cart} import Cart

def main():
    for price in (10.0, 20.0, 30.0):
        cart = Cart()
        cart.add(price)
        gateway.charge(cart, cart.total())

main()
"""


def shop(rate: float = 0.2, tax: str = "tax", cart: str = "cart") -> dict[str, str | None]:
    return {
        "shop/__init__.py": "",
        "shop/tax.py": None,
        "shop/cart.py": None,
        f"shop/{tax}.py": TAX.format(rate=rate),
        f"shop/{cart}.py": CART.format(tax=tax),
        "shop/gateway.py": GATEWAY,
        "main.py": MAIN.format(cart=cart),
        "pyproject.toml": "",
    }


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("findings"))
    versions = {"before": shop(), "after": shop(rate=0.21), "renamed": shop(tax="duty", cart="basket")}
    for name, files in versions.items():
        project = project.with_files(files)
        assert project.tracer("record", "-o", f"{name}.cassette", "--", sys.executable, "main.py").exit == 0
    return project


def compared(recorded: Project, new: str, **options: Any) -> tracer.Comparison:
    return tracer.diff(recorded.folder / "before.cassette", recorded.folder / f"{new}.cassette", **options)


def test_every_command_of_the_page_runs(recorded: Project) -> None:
    commands = re.findall(r"^tracer .*$", DOC, re.MULTILINE)

    done = [recorded.tracer(*shlex.split(command)[1:]) for command in commands]

    assert [each.exit for each in done] == [1, 1, 1, 0]
    short, full, document, shapes = (each.stdout for each in done)
    shown = DOC.partition("```\nCHANGED")[2].partition("```")[0]
    assert short.startswith(f"CHANGED{shown}")
    assert "    cause    returned-value of shop.tax:vat\n" in full
    assert shapes.startswith("SAME")
    found = json.loads(document)["findings"]
    assert {each["explained_by"] for each in found[1:]} == {found[0]["key"]}


def test_the_page_names_the_severities_and_kinds_there_are() -> None:
    told = set(re.findall(r"`([a-z-]+)`", DOC))

    assert {severity.value for severity in Severity} <= told
    assert {name for name in told if name in {"argument-passed", "call-moved"}} <= {kind.value for kind in Kind}


def test_renamed_modules_are_each_told_as_moved(recorded: Project) -> None:
    found = compared(recorded, "renamed")

    assert found.verdict.value == "compatible"
    assert {(each.kind.value, each.severity.value) for each in found.findings if each.calls} == {
        ("callable-missing", "compatible")
    }
    assert found.summary.identical == found.summary.compared


def test_renamed_modules_that_were_declared_are_the_same(recorded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (recorded.folder / "pyproject.toml").write_text(
        '[tool.tracer.renamed]\n"shop.tax" = "shop.duty"\n"shop.cart" = "shop.basket"\n', encoding="utf-8"
    )
    monkeypatch.chdir(recorded.folder)

    found = compared(recorded, "renamed")

    assert (found.verdict.value, found.notes) == ("same", ())


def test_a_level_that_there_is_not_is_refused(recorded: Project) -> None:
    with pytest.raises(tracer.TracerError, match=r"there is no level 'form'. Use one of: value, shape."):
        compared(recorded, "after", level="form")
