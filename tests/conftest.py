"""Settings of hypothesis, a project to run tracer on, and the guard that no test leaves tracer at work."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.helpers import Project

# For the programs that command lines run in this process start: two texts of one length within a second would share their bytecode.
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

settings.register_profile("default", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=10)
settings.register_profile("ci", deadline=None, max_examples=300, derandomize=True)
settings.load_profile("fast" if os.environ.get("FAST") == "1" else "ci" if os.environ.get("CI") else "default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run first what runs whole pages of commands: begun last, one of these keeps a worker long after the others are done."""
    items.sort(
        key=lambda item: not ("docs" in item.path.parts or item.path.name.startswith(("test_docs", "test_readme")))
    )


def traces_of_tracer() -> list[str]:
    """Name what tracer has put into this interpreter: import hooks, a recorder of the whole process, recorders of blocks."""
    found = [repr(finder) for finder in sys.meta_path if _home(finder).startswith("tracer.")]
    child = sys.modules.get("tracer.recording.child")
    if child is not None and child.process_recorder() is not None:
        found.append("a recorder of this process")
    observers = sys.modules.get("tracer.recording.observers")
    if observers is not None:
        found += ["a recorder that was not stopped"] * len(observers._forking)
    return found


def _home(finder: object) -> str:
    return (finder if isinstance(finder, type) else type(finder)).__module__


_AT_START = traces_of_tracer()
"""Not empty where the suite itself is being recorded."""


@pytest.fixture(autouse=True)
def no_trace_left() -> Iterator[None]:
    """Each test finds and leaves the interpreter without anything of tracer's at work."""
    assert traces_of_tracer() == _AT_START
    yield
    assert traces_of_tracer() == _AT_START


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project in a folder of its own."""
    return Project(tmp_path / "project")
