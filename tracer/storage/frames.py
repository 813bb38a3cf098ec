"""The first pass over a journal: where the frames of each call are.

What is noted are a few numbers per call, in flat arrays (29 bytes, 16 more where it was timed, and 12 per item or changed argument); values stay in the
mapped file. Where tracer was built with a C compiler, `tracer/storage/_native.c` does the same.
"""

from __future__ import annotations

from array import array
from contextlib import suppress
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from zlib import adler32

from tracer import model
from tracer.compiled import WANTED
from tracer.storage import journal as jr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from mmap import mmap

    Segment: TypeAlias = "tuple[int, int]"
    Rare: TypeAlias = "Callable[[int, bytes], object]"

_native: Any = None
if WANTED:
    with suppress(ImportError):
        from tracer.storage import _native

_CALL: Final = Struct("<Q")
_LANE: Final = Struct("<I")
_LANE_AT: Final = 16
_HEAD: Final = jr.FRAME_STRUCT.size

# What may stand in the byte after the kind: how a call runs, how it ended, what passed, nothing.
SECOND_BYTES: Final = {
    jr.BEGIN: frozenset(map(int, model.Flow)),
    jr.END: frozenset((jr.RETURNED, jr.RAISED, jr.UNFINISHED)),
    jr.ITEM: frozenset(map(int, model.ItemKind)),
    jr.AFTER: frozenset((0,)),
    jr.TIME: frozenset((0, 1)),
}
"""Which values the second byte of a frame may have, by the kind of frame."""

# Threads may write the frames of neighbouring calls in another order than their ids.
_SLACK: Final = 4096
_LARGEST_GAP: Final = 1 << 20


def _wide() -> array[int]:
    return array("Q")


def _narrow() -> array[int]:
    return array("I")


@dataclass(slots=True)
class Frames:
    """Where the frames of calls are, by ordinal: the number of a call less `base`; 0 where there is none.

    `lane_of` holds the number of each call's lane, `last_extra` counts from 1 in `extra_at` and `extra_before`, which lead from the last item or changed
    argument of a call to the one before. `order` holds the ordinals as their calls began. `times` holds when a call began and when it ended, and is
    empty where nobody took the time. `damaged` counts frames that fail their checksum or cannot be, `orphans` those of calls that never began here.
    """

    base: int = 0
    begin: array[int] = field(default_factory=_wide)
    end: array[int] = field(default_factory=_wide)
    lane_of: array[int] = field(default_factory=_narrow)
    last_extra: array[int] = field(default_factory=_narrow)
    order: array[int] = field(default_factory=_narrow)
    extra_at: array[int] = field(default_factory=_wide)
    extra_before: array[int] = field(default_factory=_narrow)
    times: tuple[array[int], array[int]] = field(default_factory=lambda: (_wide(), _wide()))
    damaged: int = 0
    orphans: int = 0

    def by_lane(self) -> dict[int, array[int]]:
        """Return the ordinals of each lane's calls, in the order they began."""
        lanes = list(map(self.lane_of.__getitem__, self.order))
        if len(set(lanes)) < 2:  # noqa: PLR2004
            return {lanes[0]: self.order} if lanes else {}
        found: dict[int, array[int]] = {}
        for lane, ordinal in zip(lanes, self.order, strict=True):
            calls = found.get(lane)
            if calls is None:
                calls = found[lane] = _narrow()
            calls.append(ordinal)
        return found


def find_frames(data: mmap | bytes, segments: Iterable[Segment], rare: Rare, *, pure: bool = False) -> Frames:
    """Go through the frames between pairs of offsets, each up to the first that is not whole.

    Frames that are of no call are given to `rare(kind, content)` as they come. `pure` has it done in Python.
    """
    if _native is None or pure:
        search = _Search(data, rare)
        for start, stop in segments:
            search.segment(start, stop)
        return search.found
    base, times, damaged, orphans, *columns = _native.find_frames(data, list(segments), rare)
    found = Frames(base=base, damaged=damaged, orphans=orphans)
    targets = found.begin, found.end, found.lane_of, found.last_extra, found.order, found.extra_at, found.extra_before
    for column, content in zip((*targets, *found.times), (*columns, *times), strict=True):
        column.frombytes(content)
    return found


class _Search:
    def __init__(self, data: mmap | bytes, rare: Rare) -> None:
        self.found = Frames()
        self._data = data
        self._rare = rare

    def segment(self, at: int, stop: int) -> None:
        """Enter the frames between two offsets."""
        data, found = self._data, self.found
        view = memoryview(data)
        unpack_frame, unpack_call = jr.FRAME_STRUCT.unpack_from, _CALL.unpack_from
        ends = found.end
        while at + _HEAD < stop:
            length, checksum = unpack_frame(data, at)
            if not length:
                break
            start = jr.measured_at(data, at)
            after = start + length
            of_call = start > at + _HEAD
            call = unpack_call(data, start - _CALL.size)[0] if of_call and start <= stop else 0
            if after > stop or adler32(view[start:after], call if of_call else 1) != checksum:
                found.damaged += 1
                break
            kind = data[at + _HEAD]
            if not of_call:
                self._rare(kind, bytes(view[start + 1 : after]))
            elif data[at + _HEAD + 1] not in SECOND_BYTES[kind]:
                found.damaged += 1
            elif kind == jr.BEGIN:
                self._enter_begin(at, call)
            elif not self._known(call):
                found.orphans += kind != jr.TIME
            elif kind == jr.END:
                ends[call - found.base] = at
            elif kind == jr.TIME:
                self._enter_time(data[at + _HEAD + 1], call - found.base, bytes(view[start:after]))
            else:
                self._enter_extra(at, call - found.base)
            at = after
        view.release()

    def _enter_begin(self, at: int, call: int) -> None:
        found = self.found
        if not found.begin:
            found.base = max(0, call - _SLACK)
        ordinal = call - found.base
        if (not 0 <= ordinal < len(found.begin) and not self._grow(ordinal)) or found.begin[ordinal]:
            found.damaged += 1
            return
        found.begin[ordinal] = at
        (found.lane_of[ordinal],) = _LANE.unpack_from(self._data, at + _LANE_AT)
        found.order.append(ordinal)

    def _grow(self, ordinal: int) -> bool:
        found = self.found
        known = len(found.begin)
        if ordinal < 0 or ordinal > known + _LARGEST_GAP:
            return False
        more = max(ordinal + 1 - known, known, _SLACK)
        for numbers in (found.begin, found.end, found.lane_of, found.last_extra):
            numbers.frombytes(bytes(more * numbers.itemsize))
        return True

    def _enter_extra(self, at: int, ordinal: int) -> None:
        found = self.found
        found.extra_at.append(at)
        found.extra_before.append(found.last_extra[ordinal])
        found.last_extra[ordinal] = len(found.extra_at)

    def _enter_time(self, which: int, ordinal: int, data: bytes) -> None:
        found = self.found
        if len(data) != jr.TIME_STRUCT.size:
            found.damaged += 1
            return
        times = found.times[which]
        if ordinal >= len(times):
            times.frombytes(bytes((len(found.begin) - len(times)) * times.itemsize))
        (times[ordinal],) = jr.TIME_STRUCT.unpack(data)

    def _known(self, call: int) -> bool:
        ordinal = call - self.found.base
        return 0 <= ordinal < len(self.found.begin) and self.found.begin[ordinal] != 0
