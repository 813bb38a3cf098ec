"""Reading the journal of one process: where its frames are first, then call by call; values stay in the mapped file until their call is read."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_NB, LOCK_SH, flock
from functools import partial
from mmap import ACCESS_COPY, mmap
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tracer import model, sums, wire
from tracer.errors import CassetteError, NotACassette
from tracer.storage import journal as jr
from tracer.storage import rows
from tracer.storage.blocks import AFTER, UNFINISHED
from tracer.storage.frames import find_frames
from tracer.storage.open_sums import RUN, Open, open_sums
from tracer.storage.regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tracer.storage.blocks import CallRow

    _Extra: TypeAlias = "tuple[int, int, bytes]"

_LARGEST_ERRNO: Final = 1 << 12
_LARGEST_COUNT: Final = 1 << 48
_LOOKS: Final = 100
_NUMBERS: Final = frozenset({"pid", "ppid", "origin"})
"""What processes are found by."""
UNWRITTEN: Final = (
    "runs of calls past the budget of detail, up to 4,095 calls each, that a process had no time to write"
)
_SUMMED: Final = int(model.ItemKind.SUMMED)


@dataclass(slots=True)
class _Told:
    """What frames tell of one callable's calls past the budget of detail in one lane: how many runs, calls that never ended, and whether one more is open."""

    runs: int = 0
    unfinished: bool = False
    open: bool = False


class ScannedJournal:
    """One journal up to its last whole frame: what it says of its process, and its calls by lane.

    `damaged` counts frames that fail their checksum or cannot be read, `orphans` those of calls that never began here (a
    forked child ends calls of its parent), `unnamed` the calls read so far whose callable, caller or lane was never defined.
    `writing` says that its process goes on: what is read is what it had written when it was looked at.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.info: dict[str, Any] = {}
        self.callables: dict[int, model.Callable] = {}
        self.lanes: dict[int, str] = {}
        self.callers: dict[int, str] = {}
        self.losses: list[model.Loss] = []
        self.children: list[tuple[int, str]] = []
        self.jobs: dict[tuple[str, str], str] = {}
        self.metas: list[model.Recording] = []
        self._runs: dict[int, list[tuple[int, int, list[Any]]]] = {}  # by lane: callable, caller, the rest of the row
        self._told: dict[tuple[int, int], _Told] = {}  # of calls past the budget of detail, by lane and callable
        self._open_items: dict[int, Open] = {}  # by call
        self.closed = False
        self.writing = False
        self.damaged = 0
        self.orphans = 0
        self.unnamed = 0
        self._data: mmap | bytes = b""
        self._scan()

    @property
    def lane_ids(self) -> dict[str, tuple[int, ...]]:
        """The numbers of each lane, by name, for the lanes that hold calls."""
        found: dict[str, tuple[int, ...]] = {}
        for number in self._by_lane:
            if number in self.lanes:
                found[self.lanes[number]] = (*found.get(self.lanes[number], ()), number)
        return found

    @property
    def nameless_calls(self) -> int:
        """How many calls stand in lanes that were never named."""
        return sum(len(calls) for number, calls in self._by_lane.items() if number not in self.lanes)

    def close(self) -> None:
        """Let go of the file."""
        if isinstance(self._data, mmap):
            self._data.close()

    def _scan(self) -> None:
        segments, opened = self._segments()
        found = find_frames(self._data, segments, self._enter_rare)
        self.damaged += found.damaged
        self.orphans = found.orphans
        self._base = found.base
        self._begin, self._end, self._lane_of = found.begin, found.end, found.lane_of
        self._last_extra, self._extra_at, self._extra_before = found.last_extra, found.extra_at, found.extra_before
        self._times = found.times
        self._by_lane = found.by_lane()
        self._place = array("I", bytes(4 * len(found.begin)))
        self._dropped = bytearray(len(found.begin))
        for each in opened:
            if each.kind == RUN:
                self._enter_open(each)
            else:
                self._open_items[each.subject] = each

    def _enter_open(self, run: Open) -> None:
        """Enter calls past their budget of detail that no frame tells of yet: those of one or two runs, and how many have not ended."""
        lane, callable_ = run.subject >> 32, run.subject & 0xFFFFFFFF
        told = self._told.setdefault((lane, callable_), _Told())
        told.open = False
        unfinished = 0 if told.unfinished else max(0, run.began - run.newest.ended)
        missing = list(run.missing(told.runs))
        if unfinished and not run.newest.calls:
            missing.append(run.newest._replace(caller=run.caller))
        for left, each in zip(range(len(missing))[::-1], missing, strict=True):
            row = lane, callable_, each.caller, each.calls, each.raised, 0 if left else unfinished
            with self._counting_damage():
                self._enter_run([*row, sums.written(each.inputs) + sums.written(each.outcomes)])

    def _segments(self) -> tuple[list[tuple[int, int]], list[Open]]:
        """Return from where to where there are frames, and what the slots of open sums tell."""
        try:
            with open_regular(self.path, follow=False) as stream:
                size = os.fstat(stream.fileno()).st_size
                if size < jr.LOG_AT:
                    return [], []  # killed before it was laid out
                self.writing = _is_locked(stream.fileno())
                data = self._data = mmap(stream.fileno(), size, access=ACCESS_COPY)
                position, half = _settled(data)
                while (now := os.fstat(stream.fileno()).st_size) > size < jr.LOG_AT + (position >> 1):
                    data.close()  # the log grew past what was mapped of it
                    size = now
                    data = self._data = mmap(stream.fileno(), size, access=ACCESS_COPY)
                    position, half = _settled(data)
                # Before the frames: what is in a slot now may be in a frame then, and is not taken twice.
                opened = list(open_sums(partial(os.pread, stream.fileno()), jr.SUMS_AT))
        except OSError as error:
            raise CassetteError(f"read journal {str(self.path)!r}", error.strerror or str(error)) from error
        if data[: len(jr.MAGIC)] != jr.MAGIC:
            raise NotACassette(f"read journal {str(self.path)!r}", "it is another kind of file or of another version")
        self._enter_untold()
        return [(jr.LOG_AT, min(size, jr.LOG_AT + (position >> 1))), (half, half + jr.HALF)], opened

    def _enter_untold(self) -> None:
        """Enter the losses that the process counted and had no time to tell of in frames."""
        lost, refused, children = (
            jr.COUNT_STRUCT.unpack_from(self._data, at)[0] for at in (jr.LOSSES_AT, jr.REFUSED_AT, jr.CHILDREN_AT)
        )
        (reason,) = jr.COUNT_STRUCT.unpack_from(self._data, jr.REASON_AT)
        reason = os.strerror(reason) if 0 < reason <= _LARGEST_ERRNO else "unknown"
        for count, what in (
            (lost, "seen and not kept, by a process that had no time to say of what"),
            (refused, f"journal stopped: {reason}"),
            (children, "forked processes that could not be recorded"),
        ):
            if count:
                self.losses.append(model.Loss("*", what, min(count, _LARGEST_COUNT)))

    @contextmanager
    def _counting_damage(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, TypeError, IndexError):
            self.damaged += 1

    def _enter_rare(self, kind: int, content: bytes) -> None:
        with self._counting_damage():
            if kind in (jr.Kind.CALLABLE, jr.Kind.LANE, jr.Kind.CALLER):
                self._enter_definition(kind, int.from_bytes(content[:4], "little"), wire.unpack(content[4:]))
            elif kind == jr.Kind.CLOSE:
                self.closed = True
            else:
                self._enter_note(kind, wire.unpack(content))

    def _enter_definition(self, kind: int, number: int, row: Any) -> None:
        if kind == jr.Kind.CALLABLE:
            self.callables[number] = rows.callable_from_row(row)
        elif kind == jr.Kind.LANE:
            self.lanes[number] = rows.checked(str, row)
        else:
            self.callers[number] = rows.checked(str, row)

    def _enter_note(self, kind: int, row: Any) -> None:
        if kind == jr.Kind.PROCESS:
            for name in _NUMBERS & rows.checked(dict, row).keys():
                rows.checked(int, row[name])
            self.info = row
        elif kind == jr.Kind.LOSS:
            self.losses.append(rows.loss_from_row(row))
        elif kind == jr.Kind.CHILD:
            pid, lane = row
            self.children.append((rows.checked(int, pid), rows.checked(str, lane)))
        elif kind == jr.Kind.JOB:
            pool, job, lane = row
            self.jobs[rows.checked(str, pool), rows.checked(str, job)] = rows.checked(str, lane)
        elif kind == jr.Kind.RUN:
            self._enter_run(row)
        elif kind == jr.Kind.META:
            self.metas.append(rows.meta_from_map(row))
        else:
            message = f"no frame has the kind {kind}"
            raise ValueError(message)

    def _enter_run(self, row: Any) -> None:
        lane, callable_, caller, *rest = row
        rows.thinned_from_row(["", "", *rest[:3], *_halves(rows.checked(bytes, rest[3]))])
        run = (rows.checked(int, callable_), rows.checked(int, caller), rest)
        told = self._told.setdefault((rows.checked(int, lane), run[0]), _Told())
        if rest[0] or rest[2]:
            self._runs.setdefault(lane, []).append(run)
            told.runs += rest[0] > 0
            told.unfinished |= rest[2] > 0
        else:
            told.open = True

    def thinned(self, numbers: tuple[int, ...]) -> tuple[model.Thinned, ...]:
        """Return the runs of calls of one lane of which no detail is kept, given all its numbers; those of a callable in order."""
        found = []
        for number in numbers:
            for callable_, caller, (calls, raised, unfinished, both) in self._runs.get(number, ()):
                watched, who = self.callables.get(callable_), self.callers.get(caller)
                if watched is None or who is None:
                    self.unnamed += calls + unfinished
                    continue
                found.append(model.Thinned(watched.name, who, calls, raised, unfinished, *_halves(both)))
        return tuple(sorted(found, key=lambda run: run.callable))

    def unwritten_runs(self) -> Iterator[model.Loss]:
        """Yield how many runs of thinned calls a process had begun that it had no time to write, not having ended in order, nor a slot for."""
        if not self.closed:
            missing = Counter(callable_ for (_, callable_), told in self._told.items() if told.open)
            for number, count in sorted(missing.items()):
                if number in self.callables:
                    yield model.Loss(self.callables[number].name, UNWRITTEN, count)

    def calls(self, numbers: tuple[int, ...]) -> Iterator[CallRow]:
        """Yield the calls of one lane, given all its numbers, in the order they began."""
        data, begin, end, last_extra = self._data, self._begin, self._end, self._last_extra
        names = {number: watched.name for number, watched in self.callables.items()}
        callers, place, unpack_begin = self.callers, self._place, jr.BEGIN_STRUCT.unpack_from
        unpack_end, head, end_head = jr.END_STRUCT.unpack_from, jr.BEGIN_STRUCT.size, jr.END_STRUCT.size
        open_items = self._open_items
        count = 0
        for ordinal in self._ordinals(numbers):
            at = begin[ordinal]
            length, _, key, _, caller_number, parent, _ = unpack_begin(data, at)
            name, caller = names.get(key >> 32), callers.get(caller_number)
            if self._dropped[ordinal]:
                continue
            if name is None or caller is None:
                self._dropped[ordinal] = 1
                self.unnamed += 1
                continue
            count += 1
            place[ordinal] = count
            arguments = data[at + head : at + head + length]
            distance = self._distance(parent, count, numbers) if parent else 0
            extras = self._extras(last_extra[ordinal]) if last_extra[ordinal] else ()
            if open_items and ordinal + self._base in open_items:
                extras = self._with_open_items(extras, open_items[ordinal + self._base])
            kind, outcome = UNFINISHED, b""
            if ended := end[ordinal]:
                length, _, end_key, _ = unpack_end(data, ended)
                kind = end_key >> 8 & 0xFF
                if (
                    kind != UNFINISHED
                ):  # whether a generator that is left is dropped before the interpreter ends is chance
                    outcome = data[ended + end_head : ended + end_head + length]
            yield name, caller, distance, key >> 8 & 0xFF, arguments, kind, outcome, extras

    @property
    def timed(self) -> bool:
        """Whether somebody took the time of its calls."""
        return len(self._times[0]) > 0

    def times(self, numbers: tuple[int, ...]) -> Iterator[tuple[int, int]]:
        """Yield when each call of a lane that `calls` yielded before began and ended, in nanoseconds; 0 where that is not known."""
        began, ended = self._times
        for ordinal in self._ordinals(numbers):
            if not self._dropped[ordinal]:
                yield (
                    began[ordinal] if ordinal < len(began) else 0,
                    ended[ordinal] if ordinal < len(ended) else 0,
                )

    def _ordinals(self, numbers: tuple[int, ...]) -> Iterable[int]:
        if len(numbers) == 1:
            return self._by_lane[numbers[0]]
        together = [ordinal for number in numbers for ordinal in self._by_lane[number]]
        return sorted(together, key=self._begin.__getitem__)

    def _distance(self, parent: int, place: int, numbers: tuple[int, ...]) -> int:
        """Return how far before place `place` the call `parent` or its nearest kept parent began; 0 in no or another lane."""
        while True:
            ordinal = parent - self._base
            if not 0 <= ordinal < len(self._begin) or not self._begin[ordinal]:
                return 0
            if not self._dropped[ordinal]:
                break
            above = jr.BEGIN_STRUCT.unpack_from(self._data, self._begin[ordinal])[5]
            if above >= parent:
                return 0  # no call begins before the one it is made in: a circle would have no end
            parent = above
        if self._lane_of[ordinal] not in numbers:
            return 0
        return max(0, place - self._place[ordinal])

    @staticmethod
    def _with_open_items(extras: Iterable[_Extra], rest: Open) -> list[_Extra]:
        """Return the items and changed arguments of a call with the items that stand in a slot behind the others."""
        extras = list(extras)
        items = sum(kind != AFTER for kind, _, _ in extras)
        frames = sum(kind == _SUMMED for kind, _, _ in extras)
        extras[items:items] = [
            (_SUMMED, 0, sums.items_snapshot(each.calls, each.inputs)) for each in rest.missing(frames)
        ]
        return extras

    def _extras(self, last: int) -> list[_Extra]:
        data = self._data
        items, after = [], []
        while last:
            at = self._extra_at[last - 1]
            last = self._extra_before[last - 1]
            length, _, key, _ = jr.END_STRUCT.unpack_from(data, at)
            start = jr.measured_at(data, at)
            snapshot = data[start : start + length]
            if key & 0xFF == jr.ITEM:
                items.append((key >> 8 & 0xFF, 0, snapshot))
            else:
                after.append((AFTER, key >> 16, snapshot))
        return items[::-1] + sorted(after)


def _halves(sums: bytes) -> tuple[bytes, bytes]:
    return sums[: len(sums) // 2], sums[len(sums) // 2 :]


def _is_locked(descriptor: int) -> bool:
    """Whether somebody writes a journal; the lock is given back with the descriptor."""
    try:
        flock(descriptor, LOCK_SH | LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass  # a file system without locks
    return False


def _settled(data: mmap) -> tuple[int, int]:
    """Return a position and where its half begins, and keep that half as it is: whoever writes it may turn it over meanwhile.

    Up to the position the log stays as it is, and the half in use only grows before the position moves.
    """
    position = half = 0
    for _ in range(_LOOKS):
        (position,) = jr.POSITION_STRUCT.unpack_from(data, jr.POSITION_AT)
        half = (1 + (position & 1)) * jr.HALF
        frames = data[half : half + jr.HALF]
        if jr.POSITION_STRUCT.unpack_from(data, jr.POSITION_AT)[0] == position:
            data[half : half + jr.HALF] = frames  # from here on these pages are ours
            break
    return position, half
