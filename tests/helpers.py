"""A test project as a value: files, and real programs run among them."""

from __future__ import annotations

import compileall
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from textwrap import dedent
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).parent.parent
TIMEOUT = 120
"""Seconds after which a program under test counts as hanging."""

_OURS = ("TRACER_", "PYTEST_", "COVERAGE_", "PYTHONHASHSEED", "FAST", "CI", "GIT_")
_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


_UNUSED_PLUGINS = "-p no:hypothesispytest -p no:anyio"
"""What pytest loads here only because the suite itself needs it: more than half of a small inner run's time."""


@dataclass(frozen=True)
class Completed:
    """What a program left behind."""

    exit: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Project:
    """Files in a folder. Every change gives a new value; files reach the disk when something is run.

    A file whose text is None is removed. Texts are dedented. What programs write into the folder stays.
    """

    folder: Path
    files: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))

    def with_files(self, files: Mapping[str, str | None]) -> Project:
        """Return the project with some files added, replaced or (None) removed."""
        return replace(self, files=MappingProxyType({**self.files, **files}))

    def run(self, *argv: str, env: Mapping[str, str] | None = None) -> Completed:
        """Run a program in the folder; `python` is the Python that runs the tests."""
        self.write()
        compile_once()
        words = [sys.executable if word == "python" else word for word in argv[:1]] + list(argv[1:])
        done = subprocess.run(
            words,
            cwd=self.folder,
            env={**clean_environment(), **(env or {})},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Completed(done.returncode, done.stdout, done.stderr)

    def tracer(self, *args: str, env: Mapping[str, str] | None = None) -> Completed:
        """Run `tracer ARGS` in a process of its own."""
        return self.run("python", "-m", "tracer", *args, env=env)

    def commit(self, message: str) -> str:
        """Commit all files (making the folder a repository first) and return the revision."""
        self.write()
        for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "--allow-empty", "-m", message]):
            done = self.run("git", *words)
            assert done.exit == 0, done.stderr
        return self.run("git", "rev-parse", "HEAD").stdout.strip()

    def write(self) -> None:
        """Bring the files to the disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            path = self.folder / name
            if text is None:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")


def doctor(project: Project, *words: str, code: int = 0) -> dict[str, Any]:
    """Return what `tracer doctor --json` tells of a project, or of a command in it."""
    done = project.run("python", "-m", "tracer", "doctor", "--json", *words)
    assert done.exit == code, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["schema"] == 1
    return dict(found)


@cache
def compile_once() -> None:
    """Write the bytecode of tracer, which the programs under test read and do not write: half of their start-up time."""
    compileall.compile_dir(REPOSITORY / "tracer", quiet=2)


def clean_environment() -> dict[str, str]:
    """Return this process's environment as a user's shell would have it, with this checkout importable.

    No bytecode is written: two texts of one length within a second would share it.
    """
    kept = "TRACER_PURE"  # the suite under it is a suite of the code in Python
    inherited = {name: value for name, value in os.environ.items() if name == kept or not name.startswith(_OURS)}
    search = os.pathsep.join(filter(None, (str(REPOSITORY), inherited.get("PYTHONPATH"))))
    ours = {"PYTHONPATH": search, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": _UNUSED_PLUGINS}
    return {**inherited, **_GIT, **ours}
