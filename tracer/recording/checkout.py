"""A run in another checkout of a project than the one its environment was made for: an editable installation points to the original.

Folders of the original on the path of modules are exchanged for the same folders of the checkout. What was imported from elsewhere all
the same is told at the end, since comparing with it would compare the original with itself.
"""

# Light, as all that is imported in a traced process.
# ruff: noqa: PTH110, PTH118, PTH120, PTH123

from __future__ import annotations

import atexit
import json
import os
import sys
from contextlib import suppress

# Held at import: the host may replace them while it runs.
from os.path import dirname, exists, join, realpath
from typing import TYPE_CHECKING, Any, Final

from tracer.select.patterns import covers
from tracer.select.selection import MAIN_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tracer.recording.settings import Settings

STRANGERS_SUFFIX: Final = ".strangers"
"""Files in the journal folder that name, as JSON, the modules a process imported from elsewhere, with their files."""

_INSTALLED: Final = ("site-packages", "dist-packages")


def follow_checkout(settings: Settings) -> None:
    """Let this process import the project of the settings and not the original; tell at its end what it imported from elsewhere."""
    sys.path[:] = exchanged(sys.path, settings.original, settings.project)
    target = join(settings.folder, f"{os.getpid()}{STRANGERS_SUFFIX}")
    names = tuple(settings.selection["names"])
    started = os.getpid()

    def tell() -> None:
        if os.getpid() != started:
            return  # a fork's modules are its parent's
        found = dict(strangers(sys.modules, names, settings.original, settings.project))
        if found:
            with suppress(OSError), open(target, "w", encoding="utf-8") as file:
                json.dump(found, file)

    atexit.register(tell)


def exchanged(path: Sequence[str], original: str, checkout: str) -> list[str]:
    """Return a path of modules with the folders of the original exchanged for those of the checkout, where it has them."""
    return [_exchanged(entry, original, checkout) for entry in path]


def _exchanged(entry: str, original: str, checkout: str) -> str:
    inside = _inside(entry, original)
    if inside is None or _inside(entry, checkout) is not None:
        return entry
    moved = join(checkout, inside) if inside else checkout
    return moved if exists(moved) else entry


def strangers(
    modules: Mapping[str, Any], names: Sequence[str], original: str, checkout: str
) -> Iterator[tuple[str, str]]:
    """Yield modules that were not imported from the checkout though they should have been, with their files.

    Those are what lies in the original, but for the environments in it, and what has one of the project's `names`.
    """
    for name, module in list(modules.items()):
        if name in MAIN_NAMES:
            continue  # which program runs is the command's to say
        file = vars(module).get("__file__") if type(module) is type(sys) else None
        if type(file) is not str or _inside(file, checkout) is not None:
            continue
        own = any(covers(prefix, name) for prefix in names)
        if own or (_inside(file, original) is not None and not _is_installed(file)):
            yield name, file


def _is_installed(file: str) -> bool:
    folders = dirname(file).split("/")
    return any(folder in _INSTALLED or folder.startswith("python3.") for folder in folders)


def _inside(path: str, folder: str) -> str | None:
    """Return a path relative to a folder it lies in, "" for the folder itself; None where it lies elsewhere."""
    for spelled in (path, realpath(path)):
        if spelled == folder:
            return ""
        if spelled.startswith(folder + "/"):
            return spelled[len(folder) + 1 :]
    return None
