"""How far a recording under way has come, read from its journals without disturbing them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tracer.storage.journal import BEGIN, FRAME_STRUCT, LOG_AT, POSITION_AT, POSITION_STRUCT, SUFFIX, measured_at

if TYPE_CHECKING:
    from pathlib import Path

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
        """How many bytes of frames have been read; the last 64 KiB of each process are not among them."""
        return sum(self._read.values())

    def look(self) -> None:
        """Read on."""
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            with suppress(OSError):
                self._read_on(path)

    def _read_on(self, path: Path) -> None:
        start = self._read.get(path, 0)
        with path.open("rb") as file:
            file.seek(POSITION_AT)
            told = file.read(POSITION_STRUCT.size)
            if len(told) < POSITION_STRUCT.size:
                return  # the journal is being made this instant
            (position,) = POSITION_STRUCT.unpack(told)
            file.seek(LOG_AT + start)
            data = file.read(min(_STEP, (position >> 1) - start))
        at = 0
        while at + FRAME_STRUCT.size < len(data):
            length, _ = FRAME_STRUCT.unpack_from(data, at)
            after = measured_at(data, at) + length
            if after > len(data):
                break
            self.calls += data[at + FRAME_STRUCT.size] == BEGIN
            at = after
        self._read[path] = start + at
