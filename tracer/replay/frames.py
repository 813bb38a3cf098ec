"""Length-prefixed frames over a pipe, written whole by one side and read by the other under a deadline."""

from __future__ import annotations

import os
import select
from struct import Struct
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_LENGTH: Final = Struct("<I")
_CHUNK: Final = 1 << 16


class FrameWriter:
    """Writes frames to a descriptor: gathered by `put`, sent by `flush`. One thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._write = os.write  # what is replayed may replace the name
        self._waiting = bytearray()

    def put(self, frame: bytes) -> None:
        """Add a frame to those that wait."""
        self._waiting += _LENGTH.pack(len(frame)) + frame

    def flush(self) -> None:
        """Send what waits.

        Raises:
            OSError: nobody reads any more.
        """
        waiting = memoryview(bytes(self._waiting))
        self._waiting.clear()
        while waiting:
            waiting = waiting[self._write(self._descriptor, waiting) :]


class FrameReader:
    """Reads frames from a descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._read = bytearray()

    def next(self, seconds: float) -> bytes | None:
        """Return the next frame; None where the writer is gone before a whole one came.

        Raises:
            TimeoutError: none came within so many seconds.
        """
        until = monotonic() + seconds
        while True:
            frame = self._take()
            if frame is not None:
                return frame
            left = until - monotonic()
            if left <= 0 or not self._poll.poll(left * 1000):
                raise TimeoutError
            chunk = os.read(self._descriptor, _CHUNK)
            if not chunk:
                return None
            self._read += chunk

    def _take(self) -> bytes | None:
        read = self._read
        if len(read) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(read)
        end = _LENGTH.size + length
        if len(read) < end:
            return None
        frame = bytes(read[_LENGTH.size : end])
        del read[:end]
        return frame


def read_frames(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the frames of a stream as they come, until it ends."""
    while len(head := stream.read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        yield stream.read(length)
