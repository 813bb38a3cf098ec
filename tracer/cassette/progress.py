"""How far a recording under way has come, read from its journals without disturbing them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from tracer.cassette.journal import BEGIN, LENGTH_STRUCT, MAGIC, SUFFIX

_STEP: Final = 4 << 20
"""Bytes read of each journal per look: keeps a look short however fast the recording grows."""


class Progress:
    """Counts calls and bytes of the journals in a folder, a bounded piece further at each look."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}
        self.calls = 0

    @property
    def size(self) -> int:
        """How many bytes of whole frames have been seen."""
        return sum(self._read.values())

    def look(self) -> None:
        """Read on."""
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            with suppress(OSError):
                self._read_on(path)

    def _read_on(self, path: Path) -> None:
        start = self._read.get(path, len(MAGIC))
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(_STEP)
        at = 0
        while at + 5 <= len(data):
            (length,) = LENGTH_STRUCT.unpack_from(data, at)
            if length == 0 or at + 4 + length > len(data):
                break
            self.calls += data[at + 4] == BEGIN
            at += 4 + length
        self._read[path] = start + at
