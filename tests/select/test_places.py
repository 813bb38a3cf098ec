"""Where callables are defined: found by parsing the project's files, and nothing outside the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tracer.select.places import Places

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
raise RuntimeError("this file is never run")

def vat(net): ...

@decorated
async def later(): ...

class Cart:
    def total(self): ...

    class Line:
        @property
        def net(self): ...

def outer():
    def inner(): ...

try:
    def chosen(): ...
except ImportError:
    def chosen(): ...
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A project in a repository, with a package of its own and one below src."""
    project = tmp_path / "repository" / "project"
    for folder, text in (("shop", SOURCE), ("src/other", "def f(): ...\n"), ("broken", "def (:\n")):
        (project / folder).mkdir(parents=True)
        (project / folder / "tax.py").write_text(text, encoding="utf-8")
    (tmp_path / "outside.py").write_text("def f(): ...\n", encoding="utf-8")
    (project / "link.py").symlink_to(tmp_path / "outside.py")
    (tmp_path / "repository" / ".git").mkdir()
    return Places(project)


@pytest.mark.parametrize(
    ("qualname", "line"),
    [
        ("vat", 4),
        ("later", 7),
        ("Cart.total", 10),
        ("Cart.Line.net", 14),
        ("outer.<locals>.inner", 17),
        ("chosen", 22),  # the last of a name is the one that is bound to it
        ("chosen#2", 20),
        ("Cart.__init__", 9),  # made by a decorator: its class tells where
        ("gone", 0),
    ],
)
def test_a_definition_is_found_by_its_qualified_name(places: Places, qualname: str, line: int) -> None:
    assert places.find("shop/tax.py", qualname) == ("project/shop/tax.py", line)


def test_packages_below_src_are_found_and_files_that_do_not_parse_have_no_lines(places: Places) -> None:
    assert places.find("other/tax.py", "f") == ("project/src/other/tax.py", 1)
    assert places.find("broken/tax.py", "f") == ("project/broken/tax.py", 0)


@pytest.mark.parametrize(
    "file",
    ["../../outside.py", "/etc/passwd", "link.py", "", "shop", "shop/tax\0.py", "absent.py", "shop/../shop/tax.py"],
)
def test_nothing_outside_the_project_is_looked_at(places: Places, file: str) -> None:
    assert places.find(file, "f") is None
