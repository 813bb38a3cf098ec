"""Test suites of real packages, each pinned and in an environment of its own that later runs find again."""

from __future__ import annotations

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
    import argparse
    from collections.abc import Callable, Sequence

CACHE = Path(os.environ.get("SUITES_CACHE") or Path(tempfile.gettempdir()) / "tracer-suites")
TOOLS = ("pytest==8.3.4", "pytest-xdist==3.6.1", "coverage==7.6.9")
TIMEOUT = 1800
ANYIO = (
    *("hypothesis==6.138.2", "trio==0.30.0", "trustme==1.2.1", "psutil==7.0.0", "pytest-mock==3.14.1"),
    *("blockbuster==1.5.24", "truststore==0.10.1", "exceptiongroup==1.3.0"),
)
STARLETTE = (
    *("httpx==0.28.1", "jinja2==3.1.6", "itsdangerous==2.2.0", "python-multipart==0.0.20", "pyyaml==6.0.2"),
    *("trio==0.30.0", "anyio==4.9.0"),
)


@dataclass(frozen=True)
class Suite:
    """The pinned distribution, where its tests are, what else they need, whether two workers run them, and what else pytest is told."""

    name: str
    version: str
    tests: str
    needs: tuple[str, ...] = ()
    workers: bool = False
    options: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return CACHE / f"{self.name}-{self.version}"

    def command(self, *before: str) -> list[str]:
        """The suite's own command, from `folder`: no plugin cache left behind. `before` stands between Python and pytest."""
        workers = ["-n2"] if self.workers else ["-p", "no:xdist"]
        python = str(self.folder / ".venv" / "bin" / "python")
        return [
            *(python, *before, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *(*workers, *self.options, *self.tests.split()),
        ]


ATTRS = "slots functional next_gen hooks validators converters setattr annotations filters utils"
SUITES = (
    Suite("cachetools", "5.5.2", "tests"),
    Suite("aiosqlite", "0.20.0", "aiosqlite/tests/smoke.py"),
    Suite("pluggy", "1.5.0", "testing", needs=("pytest-benchmark==5.1.0",)),
    Suite("tomlkit", "0.13.2", "tests", needs=("pyyaml==6.0.2",), workers=True),
    Suite("janus", "2.0.0", "tests", needs=("pytest-asyncio==0.25.0", "pytest-cov==6.0.0")),
    Suite("tinydb", "4.8.2", "tests", needs=("pytest-cov==6.0.0", "pyyaml==6.0.2")),
    Suite("flask", "3.1.0", "tests"),
    Suite("starlette", "0.46.1", "tests", needs=STARLETTE),
    Suite("anyio", "4.9.0", "tests", needs=ANYIO, options=("--ignore=tests/test_pytest_plugin.py", "-m", "not network", "-k", "not ipv6 and not dualstack and not multi")),
    Suite("networkx", "3.4.2", "networkx/classes networkx/algorithms/tests networkx/readwrite"),
    Suite("pyparsing", "3.2.1", "tests/test_simple_unit.py tests/test_util.py"),
    Suite("sqlparse", "0.5.3", "tests", workers=True),
    Suite("markdown", "3.7", "tests", needs=("pyyaml==6.0.2",)),
    Suite("attrs", "25.3.0", " ".join(f"tests/test_{name}.py" for name in ATTRS.split()), needs=("hypothesis==6.138.2", "cloudpickle==3.1.1"), options=("--hypothesis-seed=0",)),
    Suite("click", "8.1.8", "tests"),
    Suite("typer", "0.15.2", "tests/test_types.py tests/test_exit_errors.py tests/test_others.py tests/test_completion", needs=("shellingham==1.5.4",)),
    Suite("decorator", "5.2.1", "tests/test.py"),
    Suite("wrapt", "1.17.2", "tests"),
    Suite("markupsafe", "3.0.2", "tests"),
    Suite("multidict", "6.1.0", "tests", needs=("pytest-codspeed==3.2.0", "objgraph==3.6.2", "psutil==7.0.0", "pytest-cov==6.0.0"), options=("-p", "no:codspeed")),
    Suite("joblib", "1.4.2", "joblib/test/test_func_inspect.py joblib/test/test_store_backends.py"),
)  # fmt: skip


class StepFailed(Exception):
    """A step did not work; the message is what it wrote."""


def run(command: list[str], cwd: Path, accepted: tuple[int, ...] = (0,), **env: str) -> str:
    """Run a command; return what it printed."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **env}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    if done.returncode not in accepted:
        tail = (done.stdout + done.stderr).strip()[-800:]
        message = f"{' '.join(command[:4])} ... exited {done.returncode}: {tail}"
        raise StepFailed(message)
    return done.stdout


def build(suite: Suite) -> None:
    """Unpack the package's source distribution and install it, editable, into an environment inside; once."""
    mark = suite.folder / ".built"
    pins = "\n".join([sys.version, *TOOLS, *suite.needs])
    if mark.exists() and mark.read_text() == pins:
        return
    shutil.rmtree(suite.folder, ignore_errors=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    exact = f"{suite.name}=={suite.version}"
    pip = [sys.executable, "-m", "pip"]
    run([*pip, "download", "-q", "--no-deps", "--no-binary", suite.name, "-d", str(CACHE), exact], CACHE)
    with tarfile.open(CACHE / f"{suite.name}-{suite.version}.tar.gz") as archive:
        archive.extractall(CACHE, filter="data")
    run([sys.executable, "-m", "venv", str(suite.folder / ".venv")], CACHE)
    python = str(suite.folder / ".venv" / "bin" / "python")
    run([python, "-m", "pip", "install", "-q", *TOOLS, *suite.needs, "-e", str(suite.folder)], CACHE)
    mark.write_text(pins)


def measure_each(parser: argparse.ArgumentParser, names: Sequence[str], measure: Callable[[Suite], bool]) -> int:
    """Measure the suites of these names, or all; tell of those that deviate or fail, and return the exit code."""
    known = {suite.name: suite for suite in SUITES}
    if unknown := set(names) - set(known):
        parser.error(f"no such package: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    failed = []
    for name in names or known:
        try:
            well = measure(known[name])
        except (StepFailed, subprocess.SubprocessError, OSError, ValueError) as error:
            well = False
            print(f"{name:12} failed: {error}", flush=True)
        if not well:
            failed.append(name)
    print(f"deviations: {', '.join(failed) or 'none'}")
    return int(bool(failed))
