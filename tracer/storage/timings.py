"""When the calls of a cassette began and ended: a file beside it, since two runs never take the same time.

    magic
    lanes, one after the other:   u32 length, packed [name, calls, digest of the lane], then chunks of up to 16,384 calls
    a chunk:                      u32 calls, u32 length, zstd of the i64 differences of the beginnings, then the i64 durations and 1

A duration of 0 stands for an end that is not known. Times are nanoseconds of a clock that the processes of a run share; calls are in the
order of the cassette. A lane is known by its digest, so that times of another recording are never taken for those of this one.
"""

from __future__ import annotations

import sys
from array import array
from contextlib import suppress
from itertools import islice
from struct import Struct
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from tracer import wire
from tracer.storage import format as form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tracer import model

MAGIC: Final = b"TRCTIME1"
_LENGTH: Final = Struct("<I")
_CHUNK: Final = Struct("<II")
_MOST_CALLS: Final = 1 << 14
_LARGEST_ROW: Final = 1 << 20


class TimingsWriter:
    """Writes the times of a cassette, lane by lane as the cassette is written."""

    def __init__(self, stream: BinaryIO) -> None:
        self._write = stream.write
        self._write(MAGIC)

    def add_lane(self, lane: model.LaneSummary, times: Iterable[tuple[int, int]]) -> None:
        """Write when each call of a lane began and ended; 0 where that is not known."""
        row = wire.packer()([lane.name, lane.calls, lane.digest])
        self._write(_LENGTH.pack(len(row)) + row)
        left, before = iter(times), 0
        while chunk := list(islice(left, _MOST_CALLS)):
            begins = _filled([began for began, _ in chunk], before)
            steps = [began - last for began, last in zip(begins, [before, *begins], strict=False)]
            lengths = [max(0, end - began) + 1 if began and end else 0 for began, end in chunk]
            packed = form.compress(_bytes(steps) + _bytes(lengths))
            self._write(_CHUNK.pack(len(chunk), len(packed)) + packed)
            before = begins[-1]


class Timings:
    """The times of a cassette, read as they are asked for. `first` is when the first of its calls began, in nanoseconds."""

    def __init__(self, path: Path, places: dict[str, tuple[int, int]]) -> None:
        self._path = path
        self._places = places
        begins = (next((began for began, _ in self.of(lane)), None) for lane in places)
        self.first = min((began for began in begins if began is not None), default=0)

    def of(self, lane: str) -> Iterator[tuple[int, int | None]]:
        """Yield when each call of a lane began and ended, None where its end is not known. Raises one of `format.MALFORMED`."""
        at, calls = self._places[lane]
        before = 0
        with self._path.open("rb") as stream:
            stream.seek(at)
            while calls > 0:
                count, size = _CHUNK.unpack(stream.read(_CHUNK.size))
                if not 0 < count <= min(calls, _MOST_CALLS):
                    raise ValueError("a chunk of times has the wrong size")
                numbers = _numbers(form.decompress(stream.read(size), 16 * count, 16 * _MOST_CALLS))
                for step, length in zip(numbers[:count], numbers[count:], strict=True):
                    before += step
                    yield before, before + length - 1 if length else None
                calls -= count


def open_timings(path: Path, lanes: Sequence[model.LaneSummary]) -> Timings | None:
    """Return the times of a cassette with these lanes; None where there are none, or they are those of another recording."""
    wanted = {lane.name: lane for lane in lanes}
    with suppress(OSError, *form.MALFORMED), path.open("rb") as stream:
        places = dict(_places(stream, path.stat().st_size))
        if {name: (calls, digest) for name, (_, calls, digest) in places.items()} == {
            name: (lane.calls, lane.digest) for name, lane in wanted.items()
        }:
            return Timings(path, {name: (at, calls) for name, (at, calls, _) in places.items()})
    return None


def _places(stream: BinaryIO, size: int) -> Iterator[tuple[str, tuple[int, int, bytes]]]:
    """Yield the name of each lane with where its chunks begin, how many calls it has, and its digest."""
    if stream.read(len(MAGIC)) != MAGIC:
        raise ValueError("there are no times in the file")
    while stream.tell() < size:
        (length,) = _LENGTH.unpack(stream.read(_LENGTH.size))
        if length > _LARGEST_ROW:
            raise ValueError("a lane's name is too long")
        row: Any = wire.unpack(stream.read(length))
        name, calls, digest = row
        if not (isinstance(name, str) and type(calls) is int and isinstance(digest, bytes)):
            raise TypeError("a lane's row is malformed")
        yield name, (stream.tell(), calls, digest)
        left = calls
        while left > 0:
            count, packed = _CHUNK.unpack(stream.read(_CHUNK.size))
            if not count:
                raise ValueError("a chunk of times is empty")
            stream.seek(packed, 1)
            left -= count


def _filled(begins: list[int], before: int) -> list[int]:
    """Return when calls began, where that is not known as the call before, the first of a lane as the first that is known."""
    before = before or next(filter(None, begins), 0)
    return [before := began or before for began in begins]


def _bytes(numbers: Iterable[int]) -> bytes:
    return _ordered(array("q", numbers)).tobytes()


def _numbers(data: bytes) -> array[int]:
    return _ordered(array("q", data))


def _ordered(numbers: array[int]) -> array[int]:
    if sys.byteorder != "little":
        numbers.byteswap()
    return numbers
