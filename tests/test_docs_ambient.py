"""docs/ambient.md shows only what works: its commands are run in order, its settings and its Python are used."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.helpers import REPOSITORY
from tracer.ambient import AMBIENT_KINDS
from tracer.config import load_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers import Project

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 14), reason="there no call site can be seen")

TEXT = (REPOSITORY / "docs" / "ambient.md").read_text(encoding="utf-8")
ORDERS = "import time, uuid\ndef place(): return time.time(), uuid.uuid4()\n"
PROGRAM = {
    "pyproject.toml": "",
    "orders/__init__.py": "",
    "orders/ids.py": ORDERS,
    "orders/shop.py": "from orders import ids\ndef place(): return ids.place()\n",
    "app.py": "from orders import shop\nprint(shop.place())\n",
}


def blocks(language: str) -> Iterator[str]:
    """Yield the code blocks in a language; "" for those that are for a shell."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    yield from (text for name, text in found if name == language)


def test_every_command_works_as_it_stands(project: Project) -> None:
    lines = "".join(blocks("")).splitlines()
    tracer = f'tracer() {{ "{sys.executable}" -m tracer "$@"; }}\nset -e\n'
    script = tracer + "\n".join(lines).replace("-- python", f"-- '{sys.executable}'")
    project = project.with_files(PROGRAM)

    done = project.run("sh", "-c", script)

    assert done.exit == 0, done.stderr
    assert len(lines) == 3
    assert "SAME" in done.stdout
    first, again = (project.folder / f"{name}.cassette" for name in ("before", "again"))
    assert first.read_bytes() == again.read_bytes()


def test_the_python_works_as_it_stands(project: Project) -> None:
    (python,) = blocks("python")
    text = f"from orders.ids import place as place_order\nfor _ in range(2):\n    {python.strip().replace(chr(10), chr(10) + '    ')}\n"
    project = project.with_files({**PROGRAM, "use.py": text})

    done = project.run("python", "use.py")

    assert done.exit == 0, done.stderr
    assert (project.folder / "first.cassette").read_bytes() == (project.folder / "second.cassette").read_bytes()


def test_the_settings_and_kinds_are_all_there_are(tmp_path: Path) -> None:
    (settings,) = blocks("toml")
    (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")
    table = TEXT.partition("| kind | what |")[2].partition("\n\n")[0]

    assert load_config(tmp_path, {}).ambient == ("time", "random", "uuid")
    assert tuple(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == AMBIENT_KINDS
