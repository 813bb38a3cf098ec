"""The projects that are mutated: pinned, built once, with copies of their sources to change."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from typing import TYPE_CHECKING

from interpreters import interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("MUTANTS_CACHE") or Path(tempfile.gettempdir()) / "tracer-mutants")


@dataclass(frozen=True)
class Mutant:
    """One change of one line: `length` characters from `column` on become `replacement`."""

    id: str
    file: str
    line: int
    column: int
    length: int
    operator: str
    replacement: str
    function: str
    observable: str
    kind: str
    why: str

    def apply(self, text: str) -> str:
        """Return a file's text with the change in it."""
        lines = text.splitlines(keepends=True)
        line = lines[self.line - 1]
        lines[self.line - 1] = line[: self.column] + self.replacement + line[self.column + self.length :]
        return "".join(lines)


@dataclass(frozen=True)
class Project:
    """A source distribution with everything it needs, all pinned. `source` is the folder that its package is imported from."""

    name: str
    version: str
    sha256: str
    python: str
    source: str
    package: str
    tests: list[str]
    deps: list[str]

    @property
    def home(self) -> Path:
        """Where it is built."""
        return CACHE / f"{self.name}-{self.version}"

    @property
    def interpreter(self) -> Path:
        """The Python of its environment."""
        return self.home / "venv" / "bin" / "python"

    def mutants(self) -> list[Mutant]:
        """Return all its mutants."""
        lines = (HERE / self.name / "mutants.jsonl").read_text().splitlines()
        return [Mutant(**json.loads(line)) for line in lines]

    def module_of(self, mutant: Mutant) -> str:
        """Return the name of the module that a mutant changes."""
        path = Path(mutant.file).relative_to(self.source).with_suffix("")
        return ".".join(part for part in path.parts if part != "__init__")


def projects() -> dict[str, Project]:
    """Return the projects by name."""
    files = sorted(HERE.glob("*/project.toml"))
    found = [Project(**tomllib.loads(file.read_text())) for file in files]
    return {project.name: project for project in found}


def build(project: Project) -> None:
    """Unpack the sources and make the environment, once."""
    mark = project.home / ".built"
    stamp = "\n".join([project.python, project.sha256, *project.deps])
    if mark.exists() and mark.read_text() == stamp:
        return
    shutil.rmtree(project.home, ignore_errors=True)
    project.home.mkdir(parents=True)
    _unpack(project)
    subprocess.run([interpreter(project.python), "-m", "venv", project.home / "venv"], check=True)
    install = [project.interpreter, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*install, *project.deps, f"{project.name}=={project.version}"], check=True)
    # Its metadata stays; its code comes from the sources.
    for folder in (project.home / "venv").glob(f"lib/python*/site-packages/{project.package}"):
        shutil.rmtree(folder)
    mark.write_text(stamp)


def _unpack(project: Project) -> None:
    pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
    exact = f"{project.name}=={project.version}"
    subprocess.run([*pip, "--no-binary", project.name, "-d", project.home, exact], check=True)
    (archive,) = project.home.glob("*.tar.gz")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != project.sha256:
        message = f"{archive.name} is not the distribution that the places were taken from"
        raise LookupError(message)
    with tarfile.open(archive) as packed:
        packed.extractall(project.home / "unpacked", filter="data")
    (top,) = (project.home / "unpacked").iterdir()
    top.rename(project.home / "pristine")


@dataclass(frozen=True)
class Tree:
    """A copy of a project's sources that may be changed."""

    project: Project
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a run of its tests needs beside the host's environment."""
        source = str((self.folder / self.project.source).resolve())
        return {"PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1", "TZ": "UTC"}

    @contextmanager
    def mutated(self, mutant: Mutant) -> Iterator[None]:
        """Apply a mutant; put the file back afterwards."""
        file = self.folder / mutant.file
        before = file.read_bytes()
        file.write_text(mutant.apply(before.decode()), encoding="utf-8", newline="")
        try:
            yield
        finally:
            file.write_bytes(before)


def fresh_tree(project: Project, number: int) -> Tree:
    """Return a copy of the sources as they were released."""
    folder = project.home / f"tree{number}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(project.home / "pristine", folder, symlinks=True)
    return Tree(project, folder)
