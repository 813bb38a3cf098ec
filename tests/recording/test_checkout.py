"""In another checkout than the environment was made for: whose folders are on the path, and what came from elsewhere."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from tracer.recording.checkout import exchanged, strangers

if TYPE_CHECKING:
    from pathlib import Path


def module(name: str, file: object) -> ModuleType:
    made = ModuleType(name)
    made.__file__ = file  # type: ignore[assignment]
    return made


def test_folders_of_the_original_become_those_of_the_checkout_where_it_has_them(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here / "src", there / "src", here / ".venv"):
        folder.mkdir(parents=True)
    (tmp_path / "link").symlink_to(here)
    path = [
        str(here),
        f"{here}/src",
        f"{tmp_path}/link/src",
        f"{here}/.venv",
        f"{here}2",
        "",
        "/usr/lib",
        f"{there}/src",
    ]

    assert exchanged(path, str(here), str(there)) == [
        str(there), f"{there}/src", f"{there}/src", f"{here}/.venv", f"{here}2", "", "/usr/lib", f"{there}/src",
    ]  # fmt: skip
    assert exchanged(path, str(here), str(here)) == path


def test_a_checkout_inside_the_original_is_not_the_original(tmp_path: Path) -> None:
    here = tmp_path / "here"
    there = here / "build" / "there"
    there.mkdir(parents=True)

    assert exchanged([str(there)], str(here), str(there)) == [str(there)]
    assert list(strangers({"a": module("a", f"{there}/a.py")}, ["a"], str(here), str(there))) == []


def test_strangers_are_the_originals_modules_and_the_projects_from_elsewhere(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    installed = f"{here}/.venv/lib/python3.12/site-packages"
    modules = {
        "shop": module("shop", f"{there}/src/shop/__init__.py"),
        "shop.tax": module("shop.tax", f"{here}/src/shop/tax.py"),
        "shopping": module("shopping", "/usr/lib/shopping.py"),
        "conftest": module("conftest", f"{here}/tests/conftest.py"),
        "pytest": module("pytest", f"{installed}/pytest.py"),
        "shop.cart": module("shop.cart", f"{installed}/shop/cart.py"),
        "shop.space": module("shop.space", None),
        "__main__": module("__main__", f"{here}/.venv/bin/pytest"),
        "json": sys.modules["json"],
        "odd": object(),
    }

    found = dict(strangers(modules, ["shop"], str(here), str(there)))

    assert found == {
        "shop.tax": f"{here}/src/shop/tax.py",
        "conftest": f"{here}/tests/conftest.py",
        "shop.cart": f"{installed}/shop/cart.py",
    }
