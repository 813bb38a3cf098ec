"""Sums of calls and items past the budget of detail while they are taken: mapped behind the halves of a journal, so that no kill takes them.

What is done with a sum reaches a frame once it is whole (`journal.Kind.RUN`, items in sums); until then it stands in a slot. A slot, little-endian:

    0    u32 kind (0 free, 1 a run of calls, 2 items of a call), u32 number of the newest record, from 1, + 4 x that of the one before it
    8    u64 what it is of: lane << 32 | callable, or the call; u64 who made the last of the calls that are not kept in detail; u64 how many began
    32   three records: u32 how many sums of this were whole before, u32 caller, u32 calls or items, u32 calls that raised,
         u64 calls that ended, sums of arguments (of items) and of outcomes, u64 to each of the two moduli of `tracer.sums`

A record is written where neither of the two stands that are told of, and becomes the newest by one store: wherever a process is killed, the
newest is whole. The one before it is that of the sum that became whole last, whose frame may not be there yet. A reader counts the frames of
what a slot is of, and knows from that which of the two it has already.
"""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import count
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.sums import Sum

RUN: Final = 1
ITEMS: Final = 2

HEAD_STRUCT: Final = Struct("<IIQQQ")
RECORD_STRUCT: Final = Struct("<IIIIQQQQQ")
RECORDS: Final = 3
_SPARE: Final = 1 + 2 + 3
"""Less the numbers of two records, it is that of the third."""
SLOT: Final = HEAD_STRUCT.size + RECORDS * RECORD_STRUCT.size
ROOM: Final = 4 << 16
"""Bytes of all slots of a journal, 1,310 of them. They take room on the disk as they are needed."""

_KIND: Final = Struct("<I")
_NEWEST: Final = Struct("<I")
_NEWEST_AT: Final = 4
_BEGAN: Final = Struct("<QQ")
_BEGAN_AT: Final = 16
_FIRST: Final = 1 | 2 << 2
"""The newest record is the first; the one before it, the second, is empty."""
_LOOKS: Final = 100
_RECORDS_AT: Final = tuple(HEAD_STRUCT.size + (number - 1) * RECORD_STRUCT.size for number in range(1 + RECORDS))
"""Where in a slot a record is, by its number."""
_pack_began, _pack_newest, _pack_record = _BEGAN.pack_into, _NEWEST.pack_into, RECORD_STRUCT.pack_into

_CLOSED: Final = (ValueError, TypeError)
"""What is raised by those who write through a map that was closed."""

_write_at = os.pwrite


class OpenSums:
    """The slots of one journal, in its file from `at` on. `half(file descriptor, size, offset=...)` maps them.

    `is_parents()` says whether the journal is that of a parent, which has its slots to itself.
    """

    __slots__ = ("_at", "_fd", "_free", "_half", "_is_parents", "_map", "_next")

    def __init__(self, fd: int, at: int, half: Callable[..., Any], is_parents: Callable[[], bool]) -> None:
        self._fd = fd
        self._at = at
        self._half = half
        self._is_parents = is_parents
        self._map: Any = None
        self._next = count()
        self._free: list[int] = []

    def open(self, kind: int, subject: int) -> tuple[Any, int] | None:
        """Return a map and where in it a slot for a sum begins; None where there is none left or to be had, or no room on the disk.

        `subject` says what it is a sum of: see the module.
        """
        try:
            at = self._free.pop()
        except IndexError:
            at = next(self._next) * SLOT
        if at + SLOT > ROOM or self._is_parents():
            return None
        try:
            if self._map is None:
                self._map = self._half(self._fd, ROOM, offset=self._at)
            # Through the file, which says so where the disk is full; a store into a page that has no place there would end the process.
            _write_at(self._fd, HEAD_STRUCT.pack(0, _FIRST, subject, 0, 0).ljust(SLOT, b"\0"), self._at + at)
            _KIND.pack_into(self._map, at, kind)
        except (OSError, *_CLOSED):
            return None
        return self._map, at

    def close(self, at: int) -> None:
        """Take a slot back, whose sum is in frames or is no more."""
        if self._is_parents():
            return
        with suppress(*_CLOSED):
            _KIND.pack_into(self._map, at, 0)
            self._free.append(at)

    def release(self) -> None:
        """Let go of the memory: from here on nothing is written into a slot any more, by whoever has one."""
        self._fd = -1
        if self._map is not None:
            with suppress(BufferError):
                self._map.close()


class Slot:
    """What writes the records of one slot; `tracer/recording/_thin.c` has one of its own."""

    __slots__ = ("_at", "_before", "_map", "_newest", "_whole")

    def __init__(self, mapped: Any, at: int) -> None:
        self._map = mapped
        self._at = at
        self._newest, self._before, self._whole = 1, 2, 0

    # Each of these runs once or more for each call past the budget: no context manager, no call that can be spared.

    def begin(self, caller: int, began: int) -> None:
        """Tell how many calls began, and who made the last one."""
        try:  # noqa: SIM105
            _pack_began(self._map, self._at + _BEGAN_AT, caller, began)
        except _CLOSED:
            pass

    def put(self, caller: int, calls: int, raised: int, ended: int, inputs: Sum, outcomes: Sum) -> None:
        """Tell how far the sum has come."""
        at, spare = self._at, _SPARE - self._newest - self._before
        record = at + _RECORDS_AT[spare]
        try:
            _pack_record(self._map, record, self._whole, caller, calls, raised, ended, *inputs, *outcomes)
            _pack_newest(self._map, at + _NEWEST_AT, spare | self._before << 2)
        except _CLOSED:
            return
        self._newest = spare

    def next(self, ended: int) -> None:
        """Begin the next sum, now that this one is whole."""
        self._before, self._newest = self._newest, _SPARE - self._newest - self._before
        self._whole += 1
        spare = self._newest
        with suppress(*_CLOSED):
            _pack_record(self._map, self._at + _RECORDS_AT[spare], self._whole, 0, 0, 0, ended, 0, 0, 0, 0)
            _pack_newest(self._map, self._at + _NEWEST_AT, spare | self._before << 2)


class Record(NamedTuple):
    """How far one sum had come; `whole` of the same subject were whole before. For items `calls` and `inputs` are theirs."""

    whole: int
    caller: int
    calls: int
    raised: int
    ended: int
    inputs: Sum
    outcomes: Sum


class Open(NamedTuple):
    """What a slot tells. `began` counts the calls that are not kept in detail, `caller` made the last; `before` became whole last, `newest` goes on."""

    kind: int
    subject: int
    caller: int
    began: int
    before: Record
    newest: Record

    def missing(self, frames: int) -> Iterator[Record]:
        """Yield the sums that are not empty and in none of so many frames there are of the subject."""
        if self.before.whole + 1 == self.newest.whole:
            yield from (self.before,) if self.before.calls and self.before.whole >= frames else ()
        if self.newest.calls and self.newest.whole >= frames:
            yield self.newest


def open_sums(read: Callable[[int, int], bytes], at: int) -> Iterator[Open]:
    """Yield what the slots from `at` on tell; what cannot be is passed over.

    `read(size, offset)` reads the file, not through a map: on tmpfs, looking through one at what was never written takes room on the disk, and
    where there is none it ends the process.
    """
    data = read(ROOM, at)
    for start in range(0, len(data) - SLOT + 1, SLOT):
        if data[start : start + _KIND.size] == bytes(_KIND.size):
            continue
        content = data[start : start + SLOT]
        for _ in range(_LOOKS):  # its process may go on
            before, content = content, read(SLOT, at + start)
            if before == content:
                break
        if len(content) < SLOT:
            return
        kind, numbers, subject, caller, began = HEAD_STRUCT.unpack_from(content)
        records = [
            Record(whole, caller, calls, raised, ended, (one, two), (three, four))
            for whole, caller, calls, raised, ended, one, two, three, four in RECORD_STRUCT.iter_unpack(
                content[HEAD_STRUCT.size :]
            )
        ]
        newest, before_it = (numbers & 3, numbers >> 2) if numbers else _latest(records)
        if kind in (RUN, ITEMS) and 1 <= newest <= RECORDS and 1 <= before_it <= RECORDS:
            yield Open(kind, subject, caller, began, records[before_it - 1], records[newest - 1])


def _latest(records: list[Record]) -> tuple[int, int]:
    """Return the numbers of the newest record and the one before it, where the store that tells them was cut short; all are whole then."""
    newest = max(range(RECORDS), key=lambda place: (records[place].whole, records[place].calls))
    older = [place for place in range(RECORDS) if records[place].whole != records[newest].whole]
    before = max(older, key=lambda place: (records[place].whole, records[place].calls), default=newest)
    return newest + 1, before + 1
