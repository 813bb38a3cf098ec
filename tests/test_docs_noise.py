"""docs/noise.md shows only what works: its commands are run in order, its settings and Python are used."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tests.compare.runs import call
from tests.helpers import REPOSITORY, Project
from tracer.config import load_config
from tracer.model import Recording
from tracer.rule_tables import ACTIONS, PLACES
from tracer.rules import Action
from tracer.storage.store import write_cassette

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

TEXT = (REPOSITORY / "docs" / "noise.md").read_text(encoding="utf-8")
PROGRAM = {
    "pyproject.toml": "",
    "shop/__init__.py": "",
    "shop/ids.py": "import os\ndef new(): return os.urandom(4)\n",
    "shop/search.py": "import os\ndef find(): return os.urandom(4)\n",
    "app.py": "from shop import ids, search\nids.new()\nsearch.find()\n",
}


def blocks(language: str) -> Iterator[str]:
    """Yield the code blocks in a language; "" for those that are for a shell."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    yield from (text for name, text in found if name == language)


def test_every_command_works_as_it_stands(project: Project) -> None:
    project = project.with_files(PROGRAM)
    lines = "".join(blocks("")).splitlines()
    tracer = f'tracer() {{ "{sys.executable}" -m tracer "$@"; }}\npython() {{ "{sys.executable}" "$@"; }}\nset -e\n'
    script = tracer + "\n".join(lines).replace("-- python", f"-- '{sys.executable}'")
    done = project.run("sh", "-c", script)

    assert done.exit == 0, done.stderr
    assert len(lines) == len([line for line in lines if line.startswith("tracer ")]) == 10
    assert "1 rule dropped, 1 left" in done.stdout
    assert "2 rules learned from 2 runs" in done.stdout


def test_the_settings_are_rules_of_every_sort(tmp_path: Path) -> None:
    for name, text in enumerate(blocks("toml")):
        (tmp_path / str(name)).mkdir()
        (tmp_path / str(name) / "pyproject.toml").write_text(text, encoding="utf-8")
    ignored, ruled = (load_config(tmp_path / name, {}) for name in "01")

    assert len(ignored.ignore) == 5
    assert {rule.action for rule in ruled.rules} == set(Action) - {Action.IGNORE}
    table = TEXT.partition("| key | meaning |")[2].partition("\n\n")[0]
    assert [key for row in table.splitlines()[2:] for key in re.findall(r"`(\w+)`", row.split("|")[1])] == [
        *PLACES,
        *ACTIONS,
    ]


def test_the_python_works_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACER_MODE", "off")
    for name in ("before", "after"):
        write_cassette(
            f"{name}.cassette", Recording(), {"main": [call("shop.tax:vat", [1], {"total": len(name) / 1000})]}
        )
    names: dict[str, Any] = {"checkout": print, "cart": 1}
    for text in blocks("python"):
        exec(compile(text, "docs/noise.md", "exec"), names)

    money = SimpleNamespace(currency="EUR", amount=1.001)
    assert names["same_money"](money, SimpleNamespace(currency="EUR", amount=1.002))
    assert str(names["cents"]) == "shop.tax:* * return.total absolute 0.01 (user)"
