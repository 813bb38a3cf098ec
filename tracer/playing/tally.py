"""What each process of a command plays and misses, on disk as it happens: a process may end without clean-up, and a forked one always does."""

from __future__ import annotations

import json
import mmap
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

_PLAYED: Final = ".played"
_MISSED: Final = ".missed"
_READS: Final = ".reads"


class Tally:
    """Notes of this process in a folder; a child that it forks goes on with notes of its own.

    calls: how many calls may be played.

    Raises:
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path, calls: int) -> None:
        self._folder = folder
        self._calls = calls
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def played(self, number: int) -> None:
        """Note that the call of this number was played."""
        self._flags[number] = 1

    def missed(self, text: str) -> None:
        """Note a call that was not to be had."""
        self._add(_MISSED, json.dumps(text))

    def reads(self, given: int, live: dict[str, int]) -> None:
        """Note how many reads of the surroundings were played back, and by kind how many were not."""
        self._add(_READS, json.dumps([given, live]))

    def _begin(self) -> None:
        descriptor, name = tempfile.mkstemp(_PLAYED, f"{os.getpid()}-", self._folder)
        try:
            os.ftruncate(descriptor, self._calls + 1)  # an empty file cannot be mapped
            self._flags = mmap.mmap(descriptor, self._calls + 1)
        finally:
            os.close(descriptor)
        self._path = Path(name)

    def _add(self, suffix: str, line: str) -> None:
        with suppress(OSError), self._path.with_suffix(suffix).open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")


class Noted(NamedTuple):
    """What one process left: the numbers of the calls it played, what it missed, and its reads of the surroundings as in `Tally.reads`."""

    played: tuple[int, ...]
    missed: tuple[str, ...]
    reads: tuple[tuple[int, dict[str, int]], ...]


def read_tallies(folder: Path) -> list[Noted]:
    """Return what the processes left in a folder, one after the other."""
    return [_noted(path) for path in sorted(folder.glob(f"*{_PLAYED}"))]


def _noted(path: Path) -> Noted:
    flags = path.read_bytes()
    return Noted(
        tuple(number for number, flag in enumerate(flags) if flag),
        tuple(_lines(path.with_suffix(_MISSED))),
        tuple((given, live) for given, live in _lines(path.with_suffix(_READS))),
    )


def _lines(path: Path) -> list[Any]:
    """Return the values of a file with one a line, without a last one that was cut off; none where there is no file."""
    found = []
    with suppress(OSError, ValueError):
        for line in path.read_text(encoding="utf-8").splitlines():
            found.append(json.loads(line))  # noqa: PERF401  (those before a cut line stay)
    return found
