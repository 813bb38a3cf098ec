"""Finding out, before anything is imported, whether a package holds extension modules."""

# No pathlib: the host may replace it while it runs, and pays for its import.
# ruff: noqa: PTH110, PTH118

from __future__ import annotations

import sys
from collections import deque
from contextlib import suppress
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from itertools import islice
from os import scandir
from os.path import exists, join
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections import abc

MAX_ENTRIES: Final = 2_000
"""How many files and folders of a package are looked at; more than all but the largest have."""
_SUFFIXES: Final = tuple(EXTENSION_SUFFIXES)


def holds_extension(prefix: str, folders: abc.Iterable[str] = ()) -> bool:
    """Whether a module of that dotted name, or one below it, is written in C as far as `sys.path` tells, or else those folders.

    They are where `sys.path` will lead once the program has begun. Nothing is imported, so finders that projects bring are not asked; what they
    find is seen when it is imported.
    """
    top, *inner = prefix.split(".")
    if top in sys.builtin_module_names:
        return True
    spec = PathFinder.find_spec(top, [*sys.path, *folders])
    if spec is None:
        return False
    if spec.submodule_search_locations is None:
        return str(spec.origin).endswith(_SUFFIXES)
    return any(_holds_file(folder, inner) for folder in spec.submodule_search_locations)


def folder_holds_extension(folder: str) -> bool:
    """Whether an extension module lies in a folder itself, as of a project that was built in place."""
    with suppress(OSError), scandir(folder) as entries:
        return any(entry.name.endswith(_SUFFIXES) for entry in islice(entries, MAX_ENTRIES))
    return False


def is_extension(file: str) -> bool:
    """Whether the module that came from a file, or from none, is written in C."""
    return not file or file.endswith(_SUFFIXES)


def _holds_file(folder: str, inner: list[str]) -> bool:
    *parents, last = inner or [""]
    place = join(folder, *parents)
    if last and any(exists(join(place, last + suffix)) for suffix in _SUFFIXES):
        return True
    return any(name.endswith(_SUFFIXES) for name in _files_below(join(place, last) if last else place))


def _files_below(folder: str) -> abc.Iterator[str]:
    """Yield the names of files, those of outer folders first, up to a number of entries: packages hold data and translations, too."""
    waiting = deque([folder])
    seen = 0
    while waiting and seen < MAX_ENTRIES:
        with suppress(OSError), scandir(waiting.popleft()) as entries:
            for entry in entries:
                seen += 1
                if not entry.is_dir(follow_symlinks=False):
                    yield entry.name
                elif entry.name.isidentifier() and entry.name != "__pycache__":
                    waiting.append(entry.path)
