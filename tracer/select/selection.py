"""Which modules are components, which are callers, and which are looked through.

Used in the traced process, where a `Selection` arrives as plain data: nothing is read from settings here, and what decides is
a module's name and the place of its file.
"""

# No pathlib: the host would pay for its import, and may replace it while it runs.
# ruff: noqa: PTH109, PTH118, PTH119, PTH120, PTH122

from __future__ import annotations

import sys
from dataclasses import dataclass, field, fields
from itertools import pairwise

# Held at import: the host may replace them in `os` while it runs.
from os import getcwd
from os.path import basename, dirname, join, splitext
from typing import TYPE_CHECKING, Any

from tracer.select.paths import abspath, exists, isfile, realpath, relpath
from tracer.select.patterns import compile_patterns, covers, longest_cover, parse_boundary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAIN_NAMES = frozenset(
    {"__main__", "__mp_main__"}
)  # the second is how a spawned multiprocessing child names its parent's script
_INSTALLED = frozenset({"site-packages", "dist-packages", "node_modules"})
_TEST_FOLDERS = frozenset({"test", "testing"})


@dataclass(frozen=True, slots=True)
class Selection:
    """What is watched in one run, and who counts as a caller.

    root: the project's folder as a real path.
    names: dotted prefixes the project's own modules have when imported, so that an installed copy is known as well.
    boundaries: prefixes that are watched; where there are none, every module of the project is watched.
    granularity: "module" or "package": what a component is where no boundary is named.
    include, exclude: patterns of callables, see `tracer.select.patterns`.
    unwatched: files and folders relative to `root` that hold callers only (tests, docs, examples, setup.py).
    foreign: folders relative to `root` that hold no source of the project (builds); environments are known by sight.
    script: the real path of the script that is run, where it lies outside `root`; empty otherwise.

    Raises:
        SelectionError: a boundary or a pattern cannot be read.
    """

    root: str
    names: tuple[str, ...] = ()
    boundaries: tuple[str, ...] = ()
    granularity: str = "module"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    unwatched: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    script: str = ""
    _wanted: Callable[[str], bool] = field(init=False, repr=False, compare=False)
    _roles: dict[tuple[str, str | None], tuple[str | None, str | None]] = field(init=False, repr=False, compare=False)
    _folder: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for boundary in self.boundaries:
            parse_boundary(boundary)
        object.__setattr__(self, "_wanted", compile_patterns(self.include, self.exclude))
        object.__setattr__(self, "_roles", {})
        object.__setattr__(self, "_folder", _working_folder(self.root))

    @property
    def folders(self) -> tuple[str, ...]:
        """Where the project's own modules may lie."""
        return self.root, join(self.root, "src")

    def component_of(self, module: str, file: str | None) -> str | None:
        """Return the name of the watched component the module belongs to, None where it is in none.

        `file` is the module's `__file__` (or its code's file name), None where it has none.
        """
        return self._role(module, file)[0]

    def caller_of(self, module: str, file: str | None) -> str | None:
        """Return the name a calling module goes by: its component, else for the project's own modules their name.

        None for the standard library and other packages: they are looked through.
        """
        return self._role(module, file)[1]

    def wanted(self, name: str) -> bool:
        """Whether the patterns let a callable (`module:qualname`) be watched."""
        return self._wanted(name)

    def name_of(self, module: str, file: str | None) -> str:
        """Return the name a module is known by: its own; for the script that is run, the one it would be imported by."""
        return _imported_name(self._absolute(file)) if module in MAIN_NAMES and _is_path(file) else module

    def unmatched(self, seen: Iterable[str]) -> tuple[str, ...]:
        """Return the boundaries that cover none of the modules seen, by the names of `name_of`."""
        modules = tuple(seen)
        return tuple(
            boundary for boundary in self.boundaries if not any(covers(boundary, module) for module in modules)
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data from which `from_json` makes an equal selection in another process."""
        return {part.name: getattr(self, part.name) for part in fields(self) if part.init}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Selection:
        """Return the selection that `to_json` was asked of."""
        parts: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        return cls(**parts)

    def _role(self, module: str, file: str | None) -> tuple[str | None, str | None]:
        role = self._roles.get((module, file))
        if role is None:
            role = self._roles[module, file] = self._decide(module, file)
        return role

    def _decide(self, module: str, file: str | None) -> tuple[str | None, str | None]:
        if covers("tracer", module):
            return None, None
        name = self.name_of(module, file)
        place = self._place(file)
        boundary = longest_cover(self.boundaries, name)
        if boundary and (boundary == name or not self._is_test(name, place)):
            return boundary, boundary
        if place is None and not self._is_installed_copy(name):
            return None, None
        if self.boundaries or self._is_test(name, place) or self._is_unwatched(place):
            return None, name
        component = name if self.granularity == "module" else _package_of(name, file)
        return component, component

    def _place(self, file: str | None) -> str | None:
        """Return the file's path relative to the root if it is one of the project's, by its own or its real path."""
        if not _is_path(file):
            return None
        path = self._absolute(file)
        real = realpath(path)
        if self.script and real == self.script:
            return basename(real)
        return next((place for spelled in (path, real) if (place := self._below_root(spelled)) is not None), None)

    def _below_root(self, path: str) -> str | None:
        if not _is_below(self.root, path):
            return None
        place = relpath(path, self.root)
        folders = place.split("/")[:-1]
        if any(map(_is_foreign_folder, folders)) or _holds_python(folders) or _is_in(self.foreign, place):
            return None
        return None if self._lies_in_environment(folders) else place

    def _lies_in_environment(self, folders: list[str]) -> bool:
        above = (join(self.root, *folders[: depth + 1]) for depth in range(len(folders)))
        return any(exists(join(folder, "pyvenv.cfg")) or exists(join(folder, "conda-meta")) for folder in above)

    def _is_installed_copy(self, name: str) -> bool:
        return name.partition(".")[0] not in sys.stdlib_module_names and longest_cover(self.names, name) is not None

    def _is_unwatched(self, place: str | None) -> bool:
        return place is not None and _is_in(self.unwatched, place)

    def _is_test(self, name: str, place: str | None) -> bool:
        """Whether a module belongs to a test suite, by its file if it is the project's, else by its name alone."""
        if place is None:
            top, *inner = name.split(".")
            return "tests" in inner or _is_test_name(inner[-1] if inner else top)
        return _is_test_name(basename(place).partition(".")[0]) or self._lies_in_test_folder(name, place)

    def _lies_in_test_folder(self, name: str, place: str) -> bool:
        """A `tests` folder anywhere; `test` and `testing` only beside packages: inside one they are its public modules."""
        top = name.partition(".")[0]
        if top in _TEST_FOLDERS and top in self.names:
            return False
        folders = place.split("/")[:-1]
        return any(
            folder == "tests"
            or (folder in _TEST_FOLDERS and not isfile(join(self.root, *folders[:depth], "__init__.py")))
            for depth, folder in enumerate(folders)
        )

    def _absolute(self, file: str | None) -> str:
        return abspath(join(self._folder, file or ""))


def _working_folder(default: str) -> str:
    try:
        return getcwd()
    except OSError:
        return default


def _is_path(file: str | None) -> bool:
    return bool(file) and not str(file).startswith("<")


def _is_below(folder: str, path: str) -> bool:
    return path.startswith(folder if folder.endswith("/") else folder + "/")


def _is_in(folders: tuple[str, ...], place: str) -> bool:
    return any(place == folder or _is_below(folder, place) for folder in folders)


def _is_foreign_folder(name: str) -> bool:
    return name in _INSTALLED or (name.startswith(".") and name not in {".", ".."})


def _holds_python(folders: list[str]) -> bool:
    """Whether the path goes through an interpreter's own library, `lib/python3.12`."""
    return any(first.startswith("lib") and then.startswith("python3.") for first, then in pairwise(folders))


def _is_test_name(stem: str) -> bool:
    return stem.startswith("test_") or stem.endswith("_test") or stem in {"conftest", "tests"}


def _package_of(name: str, file: str | None) -> str:
    is_package = _is_path(file) and basename(str(file)).startswith("__init__.")
    return name if is_package else name.rpartition(".")[0] or name


def _imported_name(path: str) -> str:
    """Return the dotted name under which a script's file would be imported: its stem, below the packages it lies in."""
    folder, parts = dirname(path), [splitext(basename(path))[0]]
    while isfile(join(folder, "__init__.py")):
        parts.append(basename(folder))
        folder = dirname(folder)
    return ".".join(reversed(parts))
