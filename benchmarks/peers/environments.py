"""One environment for each tool, with the packages whose suites are run in it; later runs find them again."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools import Tool

ROOT = Path(__file__).resolve().parents[2]
CACHE = (
    Path(os.environ.get("PEERS_CACHE") or Path(tempfile.gettempdir()) / "tracer-peers")
    / f"{sys.version_info[0]}.{sys.version_info[1]}"
)
PYTEST = ("pytest==8.3.4",)


@dataclass(frozen=True)
class Suite:
    """A source distribution, the folder of its package in there, its tests, what else they need, and what else pytest is told."""

    name: str
    version: str
    source: str
    tests: str = "tests"
    needs: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def distribution(self) -> str:
        return f"{self.name}-{self.version}"


SUITES = (
    Suite("click", "8.1.8", "src/click", options=("--deselect=tests/test_utils.py::test_echo_via_pager",)),
    Suite("cachetools", "5.5.2", "src/cachetools"),
    Suite("sqlparse", "0.5.3", "sqlparse"),
    Suite("tomlkit", "0.13.2", "tomlkit", needs=("pyyaml==6.0.2",)),
)


def python_of(tool: Tool) -> Path:
    """Return the Python of the tool's environment."""
    return folder_of(tool) / ".venv" / "bin" / "python"


def folder_of(tool: Tool) -> Path:
    """Return the folder with the tool's environment and its copies of the packages."""
    return CACHE / tool.name.split()[0].strip(",").lower()


def build(tool: Tool) -> None:
    """Make the tool's environment, where there is none of these versions.

    Raises:
        subprocess.CalledProcessError: something could not be installed.
    """
    folder = folder_of(tool)
    needs = sorted({*PYTEST, *tool.needs, *(need for suite in SUITES for need in suite.needs)})
    own = tracer_digest() if tool.name.startswith("tracer") else ""
    pins = "\n".join([sys.version, *needs, *(suite.distribution for suite in SUITES), own])
    mark = folder / ".built"
    if mark.exists() and mark.read_text() == pins:
        return
    print(f"building an environment for {tool.name}", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for suite in SUITES:
        with tarfile.open(download(suite)) as archive:
            archive.extractall(folder, filter="data")
    subprocess.run([sys.executable, "-m", "venv", str(folder / ".venv")], check=True)
    editable = [part for suite in SUITES for part in ("-e", str(folder / suite.distribution))]
    if own:
        needs.append(str(ROOT))
    pip = [str(python_of(tool)), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, *needs, *editable], check=True, stderr=subprocess.DEVNULL)
    mark.write_text(pins)


def download(suite: Suite) -> Path:
    """Return the source distribution, from the package index the first time."""
    archive = CACHE / f"{suite.distribution}.tar.gz"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        exact = f"{suite.name}=={suite.version}"
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", suite.name]
        subprocess.run([*pip, "-d", str(CACHE), exact], check=True, stderr=subprocess.DEVNULL)
    return archive


def tracer_digest() -> str:
    """Return a digest of tracer's sources: its environment is made again when they changed."""
    found = hashlib.sha256()
    for path in sorted([*ROOT.glob("tracer/**/*.[ch]"), *ROOT.glob("tracer/**/*.py"), ROOT / "pyproject.toml"]):
        found.update(path.read_bytes())
    return found.hexdigest()
