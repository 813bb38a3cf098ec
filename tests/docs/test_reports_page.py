"""docs/reports.md shows only what works: its commands are run, its formats and bounds and pictures exist."""

from __future__ import annotations

import re
import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from tests.helpers import REPOSITORY, Project
from tracer.cli.command_line import run
from tracer.demo.project import apply_change, prepare
from tracer.report import github, junit, markdown, sarif, text
from tracer.report.formats import FORMATS
from tracer.report.html import layout, payload

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (REPOSITORY / "docs" / "reports.md").read_text(encoding="utf-8")
COMMANDS = [line for line in PAGE.splitlines() if line.startswith("tracer ")]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The demo shop, recorded before and after its refactoring."""
    folder: Path = tmp_path_factory.mktemp("reports")
    project = Project(folder)
    prepare(folder)
    for name in ("old", "new"):
        assert project.tracer("record", "-o", f"{name}.cassette", "--", sys.executable, "-m", "shop").exit == 0
        if name == "old":
            apply_change(folder)
    return project


def test_the_page_has_a_command_for_each_format() -> None:
    assert set(re.findall(r"--format (\w+)", "\n".join(COMMANDS))) == set(FORMATS) - {"text"}
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)[: len(FORMATS)] == list(FORMATS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_runs(
    shop: Project, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(shop.folder)
    words = shlex.split(command)[1:]

    code = run(words)

    shown = capsys.readouterr()
    assert (code, shown.err) == (1, "")
    written = (shop.folder / words[-1]).read_text("utf-8") if "-o" in words else shown.out
    assert "shop.tax:vat" in written


def test_the_bounds_of_the_page_are_those_of_the_code() -> None:
    bounds = (
        f"the first {text.MOST:,} with",
        f"{markdown.MOST_TEXT:,} characters",
        f"`junit` | CI servers that show test results | {junit.MOST:,} findings",
        f"{payload.MOST_FINDINGS:,} findings, 10 MB",
        f"`sarif` | code scanning | {sarif.MOST:,} findings",
        f"{github.MOST} findings",
        f"for {layout.MOST} components",
    )

    assert [bound for bound in bounds if bound not in PAGE] == []
    assert payload.MOST_BYTES < 10_000_000


def test_the_keys_of_the_page_are_those_of_the_report() -> None:
    script = (REPOSITORY / "tracer" / "report" / "html" / "page" / "app.js").read_text("utf-8")
    table = PAGE.partition("| key | |")[2].partition("\n\n")[0]
    told = {
        key for row in table.splitlines() for key in re.findall(r"`([^`]+)`", row.split("|")[1] if "|" in row else "")
    }
    known = set(
        re.findall(r'^  "?([\w/?]+)"?: ', script.partition("const KEYS = {")[2].partition("};")[0], re.MULTILINE)
    )

    assert {{"Esc": "Escape"}.get(key, key) for key in told} == known - {"ArrowDown", "ArrowUp", "PageDown", "PageUp"}


def test_the_pictures_of_the_page_are_there_and_small() -> None:
    pictures = [REPOSITORY / "docs" / name for name in re.findall(r"!\[.*?\]\((.*?)\)", PAGE)]

    assert len(pictures) == 3
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size < 200_000
