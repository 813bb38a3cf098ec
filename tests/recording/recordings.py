"""Recordings of real programs, and their text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tracer.storage.reader import open_cassette
from tracer.workflows import show

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.helpers import Completed, Project


def record(project: Project, *command: str, name: str = "run", env: Mapping[str, str] | None = None) -> Completed:
    """Record a command into `NAME.cassette` in the project's folder; it ends well. `python` is the Python that runs the tests."""
    words = [sys.executable if word == "python" else word for word in command]
    done = project.tracer("record", "-o", f"{name}.cassette", "--", *words, env=env)
    assert done.exit == 0, done.stderr
    return done


def record_five(project: Project, *, late: Mapping[str, str], more: Mapping[str, str]) -> Project:
    """Record `app.py` as it is, in Python alone, with what differs `late`, with one `more` at the front, and all in detail; return the project.

    `late` and `more` are environments. What tracer told is in `NAME.told`, in one line.
    """
    for name, env, options in (
        ("same", {}, ()),
        ("pure", {"TRACER_PURE": "1"}, ()),
        ("late", late, ()),
        ("more", more, ()),
        ("whole", {}, ("--detail-calls", "0")),
    ):
        done = project.tracer("record", *options, "-o", f"{name}.cassette", "--", "python", "app.py", env=env)
        assert done.exit == 0, done.stderr
        (project.folder / f"{name}.told").write_text(" ".join(done.stderr.split()), encoding="utf-8")
    return project


def path(project: Project, name: str) -> Path:
    """Return the file of a recording."""
    return project.folder / f"{name}.cassette"


def text(project: Project, name: str = "run") -> str:
    """Return the text of a recording."""
    return "\n".join(show(project.folder / f"{name}.cassette"))


def lines(project: Project, callable_glob: str = "*", name: str = "run") -> list[str]:
    """Return the calls of a callable and what belongs to them, without indentation; lanes stand between."""
    shown = [line.strip() for line in show(project.folder / f"{name}.cassette", callable_glob=callable_glob)]
    start = next((at for at, line in enumerate(shown) if line.startswith("lane ")), len(shown))
    return [line for line in shown[start:] if line]


def calls(project: Project, callable_glob: str = "*", name: str = "run") -> list[str]:
    """Return the calls of a callable over all lanes, without who called."""
    found = lines(project, callable_glob, name)
    return [line.partition(" -> ")[2] or line for line in found if not line.startswith("lane ")]


def lanes(path: Path) -> dict[str, int]:
    """Return how many calls each lane holds."""
    with open_cassette(path) as cassette:
        return {lane.name: lane.calls for lane in cassette.lanes}
