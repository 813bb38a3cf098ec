"""A project may be, or hold, a package that tracer's command line uses itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.helpers import Project


def test_packages_of_the_project_are_not_taken_for_those_of_the_command_line(project: Project) -> None:
    mine = "def work(value): return value\n"
    app = "import typer, rich, pydantic\nprint(typer.work(1), rich.work(2), pydantic.work(3))\n"
    files = {f"{name}/__init__.py": mine for name in ("typer", "rich", "pydantic")}
    project = project.with_files({**files, "app.py": app, "pyproject.toml": ""})

    done = project.tracer("record", "-o", "run.cassette", "--", sys.executable, "app.py")

    assert (done.exit, done.stdout) == (0, "1 2 3\n"), done.stderr
    assert "3 calls recorded" in done.stderr
