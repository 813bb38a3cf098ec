"""Rules of the code that import contracts cannot say: homes of libraries, late imports, what the traced process loads."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.helpers import REPOSITORY, clean_environment
from tracer.config import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = REPOSITORY / "tracer"

HOMES = {
    "wrapt": ("instrument/proxies.py",),
    "msgpack": ("wire.py",),
    "deepdiff": ("compare/delta.py",),
    "typer": ("cli/",),
    "click": (),
    "pytest": ("pytest_plugin.py", "pytest_cassettes.py"),
    "rich": ("report/", "cli/"),
    "jinja2": ("report/html/frame.py",),
    "regex": ("regex.py",),
    "fsspec": ("storage/remote.py",),
    "distributed": ("workflows/cluster.py",),
    "tomllib": ("config.py",),
    "tomli": ("config.py",),
    "pickle": (),
}
"""Where a library may be imported: files, or folders ending in a slash. Cassettes are data, so pickle has no home."""

LATE = {
    "__main__.py": {"tracer.cli"},
    "storage/remote.py": {"fsspec"},
    "storage/": {"backports", "compression"},
    "cli/": None,
    "compare/": {"deepdiff"},
    "demo/": None,
    "instrument/": {"wrapt", "opcode", "tracer.instrument", "ctypes"},
    "pytest_plugin.py": None,
    "pytest_cassettes.py": None,
    "recording/bootstrap/": {"tracer"},
    "recording/child.py": {"tracer.recording.ambient", "tracer.recording.diagnosis"},
    "recording/recorder.py": {"tracer.recording.ambient"},
    "regex.py": {"regex"},
    "report/formats.py": {"tracer.report"},
    "report/": {"rich", "jinja2"},
    "workflows.py": None,
    "workflows/cluster.py": {"distributed"},
    "workflows/helping.py": {"tracer.workflows.executors"},
    "workflows/recording.py": {"tracer.compare.noise", "tracer.workflows.repeating"},
    "api.py": None,
    "__init__.py": None,
}
"""Imports that may stand inside a function: by place, the top-level names (None: any), because they are heavy or seldom needed."""

TRACED = ("recording/*.py", "instrument/**/*.py", "encoding/**/*.py", "storage/journal.py", "select/selection.py")
"""What runs in the traced process."""
NOT_TRACED = {"recording/launch.py", "instrument/proxies.py"}
"""Of those, what only the parent loads, and what loads on first need."""

ALLOWED_PACKAGES = {"tracer", "msgpack"}
HEAVY = {"asyncio", "multiprocessing", "unittest", "difflib", "email", "http", "socket", "ssl", "logging", "tomllib"}
"""Standard modules the host would pay for, or that it may be one of those to replace."""


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "shop" not in path.parts)


def place_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module="tracer", names=names, level=0):
            return [f"tracer.{alias.name}" if is_module(alias.name) else "tracer" for alias in names]
        case ast.ImportFrom(module=str(module), level=0):
            return [module]
    return []


def is_module(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def runtime_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below, without what stands under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from runtime_nodes(child)


@cache
def runtime_imports(path: Path) -> frozenset[str]:
    return frozenset(name for node in runtime_nodes(parse(path)) for name in imported(node))


def late_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in runtime_nodes(node):
                yield from imported(inner)


def lies_in(place: str, homes: tuple[str, ...]) -> bool:
    return any(place == home or (home.endswith("/") and place.startswith(home)) for home in homes)


def is_late_one(place: str, name: str) -> bool:
    for home, names in LATE.items():
        if lies_in(place, (home,)):
            return names is None or any(name == known or name.startswith(known + ".") for known in names)
    return False


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("library", HOMES)
def test_each_library_has_one_home(library: str) -> None:
    strangers = {
        place_of(path)
        for path in modules()
        for name in runtime_imports(path)
        if name.partition(".")[0] == library and not lies_in(place_of(path), HOMES[library])
    }

    assert strangers == set()


def test_imports_stand_at_the_top_of_the_file_but_for_the_late_ones() -> None:
    late = {(place_of(path), name) for path in modules() for name in late_imports(path)}

    assert {(place, name) for place, name in late if not is_late_one(place, name)} == set()


def test_nobody_inside_imports_the_front_door() -> None:
    doors = {
        place_of(path)
        for path in modules()
        for node in ast.walk(parse(path))
        if "tracer" in imported(node) and not place_of(path).startswith(("cli/", "demo/"))
    }

    assert doors == set()


def test_the_traced_process_loads_only_the_standard_library_and_msgpack() -> None:
    found = [sorted(PACKAGE.glob(pattern)) for pattern in TRACED]
    names = [dotted(path) for paths in found for path in paths if place_of(path) not in NOT_TRACED]

    assert all(found)
    assert loaded_by(names) == {}


def test_the_front_door_loads_nothing_heavy() -> None:
    assert loaded_by(["tracer"]) == {}


def test_the_check_of_what_is_loaded_sees_a_heavy_module_and_a_package() -> None:
    assert loaded_by(["tomllib" if sys.version_info >= (3, 11) else "logging"])
    assert "attr" in loaded_by(["attr"])["attr"]


def test_an_installed_tracer_has_every_file_that_is_no_module() -> None:
    """What is read or compiled beside modules has to be named in pyproject.toml."""
    settings = read_toml(REPOSITORY / "pyproject.toml")
    patterns = settings["tool"]["setuptools"]["package-data"]["*"]
    beside = [path for path in PACKAGE.rglob("*.*") if path.suffix not in {".py", ".pyc", ".so"}]

    left = [path for path in beside if not any(path.match(pattern) for pattern in patterns)]

    assert len(beside) > 20
    assert left == []


def dotted(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def loaded_by(names: list[str]) -> dict[str, list[str]]:
    """Import the modules in a bare process; return, by module, what it was the first to load and should not.

    Modules without a spec are made by extensions for their own use (`cython_runtime`).
    """
    script = """
        import json, sys
        loaded, before = {}, set(sys.modules)
        for name in json.loads(sys.argv[1]):
            __import__(name)
            new = [module for module in set(sys.modules) - before if vars(sys.modules[module]).get("__spec__")]
            loaded[name] = sorted({module.partition(".")[0] for module in new})
            before = set(sys.modules)
        print(json.dumps([loaded, sorted(sys.stdlib_module_names)]))
        """
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(line[8:] for line in script.splitlines()), json.dumps(names)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded, standard = json.loads(done.stdout)
    unwanted = {name: [top for top in tops if is_unwanted(top, set(standard))] for name, tops in loaded.items()}
    return {name: tops for name, tops in unwanted.items() if tops}


def is_unwanted(top: str, standard: set[str]) -> bool:
    return top in HEAVY or (top not in standard and top not in ALLOWED_PACKAGES)
