"""Test suites of real packages, each pinned and in an environment of its own that later runs find again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

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

HTTPX = (
    *(
        "anyio==4.9.0",
        "trio==0.30.0",
        "trustme==1.2.1",
        "uvicorn==0.34.0",
        "chardet==5.2.0",
        "brotli==1.1.0",
        "h2==4.1.0",
    ),
    *(
        "zstandard==0.23.0",
        "click==8.1.8",
        "pygments==2.19.1",
        "rich==13.9.4",
        "socksio==1.0.0",
        "cryptography==44.0.0",
    ),
)
PANDAS = ("numpy==2.2.1", "python-dateutil==2.9.0.post0", "pytz==2024.2", "tzdata==2024.2", "hypothesis==6.138.2")
CATTRS_NEEDS = (
    *("hypothesis==6.138.2", "immutables==0.21", "typing-extensions==4.12.2", "msgspec==0.19.0", "orjson==3.10.15"),
    *(
        "pyyaml==6.0.2",
        "tomlkit==0.13.2",
        "ujson==5.10.0",
        "cbor2==5.6.5",
        "pymongo==4.11",
        "msgpack==1.1.0",
        "pytest-benchmark==5.1.0",
    ),
)


@dataclass(frozen=True)
class Suite:
    """One pinned distribution and how its tests are run.

    `tests` are paths in its source distribution, `needs` what else is installed, `workers` whether two processes of xdist run them, `options` what
    else pytest is told, `package` the boundary where that is not the name. `source` says what is unpacked: the source distribution, which is then built,
    the published wheel where that brings the tests, or both, the wheel in place of building. `subset` says why not all tests are run.
    """

    name: str
    version: str
    tests: str
    needs: tuple[str, ...] = ()
    workers: bool = False
    options: tuple[str, ...] = ()
    nature: str = ""
    package: str = ""
    source: Literal["sdist", "wheel", "both"] = "sdist"
    subset: str = ""

    @property
    def boundary(self) -> str:
        return self.package or self.name

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
CATTRS = "any copy dataclasses factory_hooks final function_dispatch generics optionals recursive v"
PYDANTIC = "aliases annotated callable computed_fields config create_model dataclasses decorators docs_extraction edge_cases fields forward_ref generics main model_signature model_validator pickle private_attributes rich_repr root_model serialize typing utils validate_call validators warnings"
PYTEST = "code io python/raises.py test_compat.py test_link_resolve.py test_mark.py test_mark_expression.py test_monkeypatch.py test_nodes.py test_reports.py test_recwarn.py test_scope.py test_stash.py test_warning_types.py"
TYPER = "ambiguous_params annotated corner_cases exit_errors others param_meta_empty prog_name rich_markup_mode tracebacks type_conversion"
SQLALCHEMY = "base sql/test_operators.py sql/test_select.py sql/test_text.py engine/test_parseconnect.py orm/test_lazy_relations.py orm/test_unitofwork.py orm/test_deprecations.py"
DILL = "functions classdef recursive source nested mixins detect"
LONG = "the whole suite runs for many minutes recorded"
SUITES = (
    Suite("cachetools", "5.5.2", "tests", nature="pure algorithms"),
    Suite("aiosqlite", "0.20.0", "aiosqlite/tests/smoke.py", nature="async, threads"),
    Suite("pluggy", "1.5.0", "testing", needs=("pytest-benchmark==5.1.0",), nature="introspection"),
    Suite("tomlkit", "0.13.2", "tests", needs=("pyyaml==6.0.2",), workers=True, nature="parsing, xdist"),
    Suite("janus", "2.0.0", "tests", needs=("pytest-asyncio==0.25.0", "pytest-cov==6.0.0"), nature="async, threads"),
    Suite("tinydb", "4.8.2", "tests", needs=("pytest-cov==6.0.0", "pyyaml==6.0.2"), nature="database"),
    Suite("flask", "3.1.0", "tests", nature="web"),
    Suite("starlette", "0.46.1", "tests", needs=STARLETTE, nature="web, async"),
    Suite("httpx", "0.28.1", "tests", needs=HTTPX, nature="async, network"),
    Suite("anyio", "4.9.0", "tests", needs=ANYIO, options=("--ignore=tests/test_pytest_plugin.py", "-m", "not network", "-k", "not ipv6 and not dualstack and not multi"), nature="async", subset="what needs a network, IPv6 or runs pytest in pytest is left out"),
    Suite("networkx", "3.4.2", "networkx/classes networkx/algorithms/tests networkx/readwrite", nature="data", subset=LONG),
    Suite("pandas", "2.2.3", "pandas/tests/util/test_assert_series_equal.py pandas/tests/util/test_assert_index_equal.py pandas/tests/util/test_hashing.py pandas/tests/strings/test_cat.py", needs=PANDAS, source="wheel", nature="data, C extension", subset=LONG),
    Suite("pyparsing", "3.2.1", "tests/test_simple_unit.py tests/test_util.py", nature="parsing", subset="the third file needs packages for diagrams and runs for minutes recorded"),
    Suite("sqlparse", "0.5.3", "tests", workers=True, nature="parsing, xdist"),
    Suite("markdown", "3.7", "tests", needs=("pyyaml==6.0.2",), options=("--ignore=tests/test_syntax/extensions/test_md_in_html.py",), nature="parsing", subset="pytest cannot collect the file that is left out"),
    Suite("pydantic", "2.10.6", " ".join(f"tests/test_{name}.py" for name in PYDANTIC.split()), needs=("dirty-equals==0.9.0", "pytest-mock==3.14.0", "pytz==2025.1", "email-validator==2.2.0", "rich==13.9.4", "faker==35.0.0", "jsonschema==4.23.0", "pytest-examples==0.0.15", "pytest-pretty==1.2.0", "pytest-benchmark==5.1.0", "eval-type-backport==0.2.2", "cloudpickle==3.1.1"), nature="serialisation, C extension", subset=LONG),
    Suite("attrs", "25.3.0", " ".join(f"tests/test_{name}.py" for name in ATTRS.split()), needs=("hypothesis==6.138.2", "cloudpickle==3.1.1"), options=("--hypothesis-seed=0",), nature="serialisation", package="attr", subset="the other files look for mistakes by chance and run for minutes"),
    Suite("cattrs", "24.1.2", " ".join(f"tests/test_{name}.py" for name in CATTRS.split()), needs=CATTRS_NEEDS, options=("--hypothesis-seed=0",), nature="serialisation", subset="the other files look for mistakes by chance and run for minutes"),
    Suite("click", "8.1.8", "tests", nature="command line"),
    Suite("typer", "0.15.2", " ".join(f"tests/test_{name}.py" for name in TYPER.split()), needs=("shellingham==1.5.4", "click==8.1.8"), nature="command line", subset="the tests of the tutorial and of completion start a process each"),
    Suite("sqlalchemy", "2.0.37", " ".join(f"test/{name}" for name in SQLALCHEMY.split()), nature="ORM", subset=LONG),
    Suite("decorator", "5.2.1", "tests/test.py", nature="introspection"),
    Suite("wrapt", "1.17.2", "tests", nature="introspection, C extension"),
    Suite("pytest", "8.3.4", " ".join(f"testing/{name}" for name in PYTEST.split()), needs=("attrs==25.3.0", "hypothesis==6.138.2", "pygments==2.19.1", "xmlschema==3.4.3", "requests==2.32.3", "mock==5.1.0"), nature="introspection", package="_pytest", subset=LONG),
    Suite("markupsafe", "3.0.2", "tests", nature="C extension"),
    Suite("multidict", "6.1.0", "tests", needs=("pytest-codspeed==3.2.0", "objgraph==3.6.2", "psutil==7.0.0", "pytest-cov==6.0.0"), options=("-p", "no:codspeed"), nature="C extension"),
    Suite("pyyaml", "6.0.2", "tests/legacy_tests", source="both", nature="C extension", package="yaml"),
    Suite("joblib", "1.4.2", "joblib/test/test_func_inspect.py joblib/test/test_store_backends.py joblib/test/test_hashing.py joblib/test/test_cloudpickle_wrapper.py joblib/test/test_memory.py", nature="multiprocessing", subset=LONG),
    Suite("jinja2", "3.1.5", "tests", needs=("trio==0.28.0",), nature="templates, made code"),
    Suite("toolz", "1.0.0", "toolz/tests", nature="functional"),
    Suite("structlog", "25.1.0", "tests", needs=("freezegun==1.5.5", "pretend==1.0.9", "simplejson==4.3.0", "time-machine==3.6.0", "pytest-asyncio==0.25.3"), nature="logging"),
    Suite("parso", "0.8.4", "test", needs=("docopt==0.6.2",), nature="parsing"),
    Suite("pyrsistent", "0.20.0", "tests", needs=("hypothesis==6.138.2",), options=("--hypothesis-seed=0",), nature="data, C extension"),
    Suite("dill", "0.3.9", " ".join(f"dill/tests/test_{name}.py" for name in DILL.split()), nature="introspection, pickling", subset="what it does with functions and classes"),
)  # fmt: skip


class StepFailed(Exception):
    """A step did not work; the message is what it wrote."""


def run(command: list[str], cwd: Path, accepted: tuple[int, ...] = (0,), errors: bool = False, **env: str) -> str:
    """Run a command; return what it printed, with `errors` what it wrote to stderr behind."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **env}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    if done.returncode not in accepted:
        tail = (done.stdout + done.stderr).strip()[-800:]
        message = f"{' '.join(command[:4])} ... exited {done.returncode}: {tail}"
        raise StepFailed(message)
    return done.stdout + (done.stderr if errors else "")


def build(suite: Suite) -> None:
    """Unpack the package's source distribution and install it, editable, into an environment inside; once."""
    mark = suite.folder / ".built"
    pins = "\n".join([sys.version, *TOOLS, *suite.needs])
    if mark.exists() and mark.read_text() == pins:
        return
    shutil.rmtree(suite.folder, ignore_errors=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    download(suite)
    run([sys.executable, "-m", "venv", str(suite.folder / ".venv")], CACHE)
    python = str(suite.folder / ".venv" / "bin" / "python")
    itself = ("-e", str(suite.folder)) if suite.source == "sdist" else ()
    run([python, "-m", "pip", "install", "-q", *TOOLS, *suite.needs, *itself], CACHE)
    mark.write_text(pins)


def download(suite: Suite) -> None:
    """Unpack a suite's wheel for this platform, its source distribution, or one over the other."""
    fetch = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(CACHE)]
    exact = f"{suite.name}=={suite.version}"
    if suite.source != "sdist":
        run([*fetch, "--only-binary", suite.name, exact], CACHE)
        start = f"{suite.name}-{suite.version}-"
        wheel = next(path for path in CACHE.glob("*.whl") if path.name.lower().startswith(start))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(suite.folder)
    if suite.source != "wheel":
        run([*fetch, "--no-binary", suite.name, exact], CACHE)
        with tarfile.open(CACHE / f"{suite.name}-{suite.version}.tar.gz") as archive:
            archive.extractall(CACHE, filter="data")


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
