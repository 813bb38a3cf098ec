"""Finding the project and its own modules on disk. Looks at names and settings, never imports or runs anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.config import read_toml
from tracer.errors import ConfigError
from tracer.select.patterns import covers
from tracer.select.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracer.config import Config

_ROOT_MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", "tracer.toml", ".git")
_TEST_FOLDERS = ("tests", "test", "testing")
_CALLER_FOLDERS = ("docs", "doc", "examples", "example", "benchmarks", "benchmark", "bench")
_BUILD_FOLDERS = ("build", "dist")
_TOOL_FILES = ("setup.py", "conftest.py", "noxfile.py", "duties.py", "dodo.py", "fabfile.py", "wscript.py")
_SOURCE_FOLDERS = ("lib", "python")
_NAMESPACE_DEPTH = 3  # google.cloud.storage: deeper folders without __init__.py are taken for data


def find_root(start: Path) -> Path:
    """Return the nearest folder upward that looks like a project's, else `start` itself, as a real path."""
    start = start.resolve()
    return next((folder for folder in (start, *start.parents) if _is_root(folder)), start)


def project_modules(root: Path) -> tuple[str, ...]:
    """Return the dotted prefixes that the project's own modules have when imported, sorted.

    What pyproject.toml declares for setuptools, hatch, poetry, flit or uv counts first; else the packages and modules in `src/`;
    else those in the folder itself, without tests, docs, examples, builds, environments and tool files. A folder without
    `__init__.py` that only holds packages is a namespace: the packages in it are named (`google.cloud.storage`).
    """
    found = set(_declared(root)) or set(_listed(root / "src")) or set(_listed(root))
    return tuple(sorted(name for name in found if not any(other != name and covers(other, name) for other in found)))


def import_folders(root: Path) -> tuple[Path, ...]:
    """Return the folders of a project that hold its own modules, so that they can be imported from there: `src`, itself."""
    names = [name.partition(".")[0] for name in project_modules(root)]
    return tuple(
        folder
        for folder in (root / "src", root, *(root / name for name in _SOURCE_FOLDERS))
        if any((folder / name).is_dir() or (folder / f"{name}.py").is_file() for name in names)
    )


def script_of(command: Sequence[str]) -> Path | None:
    """Return the Python file that a command line runs, None where it runs a module, a text or another program.

    >>> script_of(["python3", "-W", "error", "app.py", "--fast"])
    PosixPath('app.py')
    """
    if not command:
        return None
    if not runs_python(command[0]):
        return Path(command[0]) if command[0].endswith(".py") else None
    words = iter(command[1:])
    for word in words:
        if word in ("-W", "-X", "--check-hash-based-pycs"):
            next(words, None)
        elif not word.startswith("-"):
            return Path(word)
        elif word == "-" or word.startswith("--") or set(word[1:]) & {"c", "m"}:
            return None
    return None


def runs_python(program: str) -> bool:
    """Whether the first word of a command names a Python."""
    return re.fullmatch(r"(python|pypy)[0-9.]*", Path(program).name) is not None


def select_project(config: Config, folder: Path, command: Sequence[str] = ()) -> Selection:
    """Return what is watched when `command` runs in `folder` under the given settings.

    Where `folder` lies in no project, a script elsewhere brings the project or folder it lies in; otherwise it joins alone.

    Raises:
        SelectionError: a boundary or a pattern cannot be read.
    """
    script = script_of(command)
    path = (folder / script).resolve() if script else None
    root = find_root(folder)
    if path and path.is_file() and not path.is_relative_to(root) and not _is_root(root):
        root = find_root(path.parent)
    names = project_modules(root)
    return Selection(
        root=str(root),
        names=names,
        boundaries=config.boundaries,
        granularity=config.granularity,
        include=config.include,
        exclude=config.exclude,
        unwatched=tuple(name for name in _callers_only(root) if name not in names),
        foreign=tuple(name for name in _BUILD_FOLDERS if name not in names),
        script=str(path) if path and path.is_file() and not path.is_relative_to(root) else "",
    )


def _is_root(folder: Path) -> bool:
    return any((folder / marker).exists() for marker in _ROOT_MARKERS)


def _declared(root: Path) -> Iterator[str]:
    try:
        settings = read_toml(root / "pyproject.toml")
    except ConfigError:  # absent, or for its own build to complain about
        return
    tools = _table(settings, "tool")
    yield from _texts(_table(tools, "setuptools").get("py-modules"))
    yield from _texts(_table(tools, "setuptools").get("packages"))
    for wheel in _texts(_table(tools, "hatch", "build", "targets", "wheel").get("packages")):
        yield from _packages_at(root / wheel)
    yield from _poetry(root, _table(tools, "poetry"))
    yield from _texts([_table(tools, "flit", "module").get("name")])
    yield from _texts_or_text(_table(tools, "uv", "build-backend").get("module-name"))


def _poetry(root: Path, table: dict[str, Any]) -> Iterator[str]:
    packages = table.get("packages")
    for package in packages if isinstance(packages, list) else ():
        if isinstance(package, dict) and isinstance(included := package.get("include"), str):
            yield from _packages_at(root / str(package.get("from", ".")) / included)


def _table(settings: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        inner = settings.get(key)
        settings = inner if isinstance(inner, dict) else {}
    return settings


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def _texts_or_text(value: Any) -> tuple[str, ...]:
    return _texts([value] if isinstance(value, str) else value)


def _listed(folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir()):
        if entry.suffix == ".py" and entry.is_file() and _is_own_module(entry):
            yield entry.stem
        elif entry.is_dir() and _is_own_folder(entry):
            yield from _packages_at(entry)


def _packages_at(path: Path, depth: int = _NAMESPACE_DEPTH) -> Iterator[str]:
    """Yield the module's or package's name, for a namespace folder those of the packages in it, below its own."""
    if path.suffix == ".py":
        yield path.stem
    elif (path / "__init__.py").is_file():
        yield path.name
    elif path.is_dir() and depth > 1:
        inner = (entry for entry in sorted(path.iterdir()) if entry.is_dir() and _is_own_folder(entry))
        yield from (f"{path.name}.{name}" for entry in inner for name in _packages_at(entry, depth - 1))


def _is_own_folder(folder: Path) -> bool:
    if folder.name in _BUILD_FOLDERS:
        return (folder / "__init__.py").is_file()
    skipped = (*_TEST_FOLDERS, *_CALLER_FOLDERS, "node_modules", "__pycache__")
    return folder.name.isidentifier() and folder.name not in skipped and not _is_environment(folder)


def _is_own_module(path: Path) -> bool:
    is_test = path.stem.startswith("test_") or path.stem.endswith("_test")
    return path.stem.isidentifier() and not is_test and not _is_tool_file(path)


def _is_tool_file(path: Path) -> bool:
    return path.name in _TOOL_FILES or (path.name == "tasks.py" and _is_invoke_file(path))


def _is_invoke_file(path: Path) -> bool:
    """Whether a tasks.py is the task runner's; many a program has a module of that name too."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return re.search(r"^\s*(from|import)\s+invoke\b", text, re.MULTILINE) is not None


def _callers_only(root: Path) -> tuple[str, ...]:
    return (*_CALLER_FOLDERS, *sorted(path.name for path in root.glob("*.py") if _is_tool_file(path)))


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").is_file() or (folder / "conda-meta").is_dir()
