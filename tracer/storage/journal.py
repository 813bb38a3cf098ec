"""The append-only log of one process while it records.

One file per process in the folder `NAME.cassette.part/`, of frames: u32 length, u32 adler32, body. All integers are little-endian.
The first byte of a body is its `Kind`; length and checksum are those of the body, for the five kinds that are of a call those of what follows its number:

    PROCESS   packed map: pid, ppid, python, argv, ...
    CALLABLE  u32 id, packed row of a `model.Callable`
    LANE      u32 id, packed name
    CALLER    u32 id, packed name
    BEGIN     u8 flow, u16 nothing, u32 callable, u32 lane, u32 caller, u64 parent call (0 none), u64 call; snapshot of the arguments
    END       u8 outcome (0 returned, 1 raised, 2 unfinished), u16 nothing, u64 call; snapshot
    ITEM      u8 `model.ItemKind`, u16 nothing, u64 call; snapshot, of items in sums `sums.items_snapshot`
    AFTER     u8 nothing, u16 position of the argument, u64 call; snapshot
    LOSS      packed [callable name, reason, count]
    CHILD     packed [pid, lane name]
    META      packed map as `rows.meta_to_map` makes it
    CLOSE     nothing: the process ended in order; what runs as the interpreter is taken down may follow
    RUN       packed [lane, callable, caller (numbers), calls, raised, unfinished, sums of arguments and outcomes]: calls that are not kept in detail;
              without calls and unfinished ones, where the first of such calls of the callable in the lane comes
    TIME      u8 0 at the beginning, 1 at the end, u16 nothing, u64 call; u64 nanoseconds of a clock that all processes share

Call ids count up, by about one per call, from any start above 0. The order of frames is free but for BEGIN: the calls
of a lane are in the order of their BEGIN frames. A name or callable may be defined after its first use.
The checksum of a snapshot is begun with the number of the call: a frame is written from front to back, so one that was torn in its
head lacks bytes of that number or the snapshot's. That saves putting the two together before the sum is known.

Frames are first written into a mapped half of 64 KiB, which outlives the process whatever kills it. A full half is
appended to the log behind the two halves with one write, and the other half takes over: memory is flat, and no page of
the log is ever mapped (faulting in a new page of a mapped file costs more than writing it, 6.6 against 1.6 us).

    0       magic, u64 position, u64 losses, u64 refused frames, u64 children, u32 errno
    65536   half 0
    131072  half 1
    196608  sums that are still being taken, as in `open_sums`
    458752  log

The position is the length of the log, doubled, plus the number of the half in use. It is stored after the log was written,
so at any instant the log up to its length and then the half in use are the whole frames. A frame torn by kill -9 fails
its checksum: what is missing of it is zeros, which make the sum of bytes in an adler32 less (a crc32 of 70 bytes costs 130 ns more).
A full disk is an OSError when a half is appended, never a SIGBUS: the halves have their room from the start.

The numbers after the position are mapped too, and tell what no frame tells of yet, so that no kill takes it: how many losses were counted, how many
frames were refused since the journal stopped and why, and how many forked children could not have a journal of their own.

Whoever writes a journal holds a lock on the file (`flock`): a reader can tell a process that goes on from one that is gone.
"""

from __future__ import annotations

import errno
import os
from contextlib import nullcontext, suppress
from enum import IntEnum
from fcntl import LOCK_EX, LOCK_NB, flock
from mmap import mmap
from struct import Struct
from sys import is_finalizing
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from zlib import adler32

from tracer import wire
from tracer.storage import rows
from tracer.storage.open_sums import ROOM, OpenSums

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tracer import model


class Kind(IntEnum):
    """The first byte of a frame's body."""

    PROCESS = 0
    CALLABLE = 1
    LANE = 2
    CALLER = 3
    BEGIN = 4
    END = 5
    ITEM = 6
    AFTER = 7
    LOSS = 8
    CHILD = 9
    META = 10
    CLOSE = 11
    JOB = 12
    TIME = 13
    RUN = 14


MAGIC: Final = b"TRCJRNL2"
SUFFIX: Final = ".journal"

DEFINITION_STRUCT: Final = Struct("<BI")

# The frames that a call makes, from the length to the last byte before the snapshot. What is the same in every frame of a callable is one
# number, and so is what is the same in every frame of an outcome: each field costs its price at every crossing.
BEGIN_STRUCT: Final = Struct("<IIQIIQQ")
END_STRUCT: Final = Struct("<IIIQ")

TIME_STRUCT: Final = Struct("<Q")

BEGIN: Final = int(Kind.BEGIN)
END: Final = int(Kind.END)
ITEM: Final = int(Kind.ITEM)
AFTER: Final = int(Kind.AFTER)
TIME: Final = int(Kind.TIME)

RETURNED: Final = 0
RAISED: Final = 1
UNFINISHED: Final = 2

POSITION_AT: Final = 8
POSITION_STRUCT: Final = Struct("<Q")
COUNT_STRUCT: Final = Struct("<Q")
LOSSES_AT: Final = 16
REFUSED_AT: Final = 24
CHILDREN_AT: Final = 32
REASON_AT: Final = 40
_HEAD: Final = 4096
FRAME_STRUCT: Final = Struct("<II")
HALF: Final = 1 << 16
# The end of each half is kept free for the frames that tell of a full disk and of the orderly end.
_USABLE: Final = HALF - 512
SUMS_AT: Final = 3 * HALF
LOG_AT: Final = SUMS_AT + ROOM

_UNMAPPED: Final = (ValueError, TypeError)
"""What is raised by those who read or write through a map that was closed."""

_ZEROS: Final = bytes(_USABLE)
"""Made once: where memory is used up, a half can be turned over all the same."""

_LARGEST_FRAME: Final = 1 << 30
_pack_frame: Final = FRAME_STRUCT.pack
# For hooks that put their frame together themselves, to be given to `append`: `pack_begin(len(arguments), adler32(arguments, call), begin_key(...), lane,
# caller, parent, call) + arguments` and `pack_end(len(snapshot), adler32(snapshot, call), end_key(...), call) + snapshot`.
pack_begin: Final = BEGIN_STRUCT.pack
pack_end: Final = END_STRUCT.pack

_HEADS: Final = {
    BEGIN: BEGIN_STRUCT.size,
    END: END_STRUCT.size,
    ITEM: END_STRUCT.size,
    AFTER: END_STRUCT.size,
    TIME: END_STRUCT.size,
}

# The host may replace these names in their modules while it is recorded; these references stay.
_open = os.open
_close = os.close
_write_at = os.pwrite
_set_size = os.ftruncate
_remove = os.unlink
_sync = os.fsync
_stat = os.fstat
_getpid = os.getpid
_random = os.urandom
_map = mmap
_new_lock = Lock

_opened: set[Journal] = set()


class Half(Protocol):
    """One mapped half: what a journal uses of an `mmap.mmap`. Its bytes are read through a `memoryview`."""

    def write(self, frame: bytes, /) -> object:
        """Copy a frame to the position, and move that. Raises ValueError where there is no room, and after `close`."""

    def tell(self) -> int:
        """Return the position."""

    def seek(self, position: int, whence: Literal[0, 2] = 0, /) -> object:
        """Move the position."""

    def close(self) -> None:
        """Let go of the memory."""


class Journal:
    """One open log. Threads may share it; a forked child finds it abandoned and creates its own.

    `failed` is empty while the journal takes frames, then says why it stopped; `lost` counts the frames it was given since. `sums` are those that are
    still being taken.
    Nothing here raises of itself once the journal is created, but `append`: what takes a whole frame, another function after each half;
    a ValueError means that `turn_over` must have it.
    """

    # Writing takes no lock: one `mmap.write` copies the frame and moves the position, which the GIL makes one step. A half is
    # sealed by moving its position to its end; whoever meets a sealed half gets a ValueError and waits for the other one.
    __slots__ = (
        "_base",
        "_fd",
        "_half",
        "_halves",
        "_head",
        "_is_parents",
        "_lock",
        "_sealed_at",
        "append",
        "failed",
        "lost",
        "path",
        "sums",
    )

    def __init__(self, path: str, fd: int, half: Callable[..., Half]) -> None:
        self.path = path
        self.failed = ""
        self.lost = 0
        self._fd = fd
        self._lock = _new_lock()
        self._base = 0
        self._half = 0
        self._head = _map(fd, _HEAD)
        self._halves = [half(fd, _USABLE, offset=HALF), half(fd, _USABLE, offset=2 * HALF)]
        # Halves written in C know a child that was forked past Python.
        self._is_parents: Callable[[], bool] = getattr(self._halves[0], "is_parents", lambda: False)
        self.sums = OpenSums(fd, SUMS_AT, half, self._is_parents)
        self._sealed_at: int | None = None
        self.append: Callable[[bytes], object] = self._halves[0].write

    @classmethod
    def create(cls, folder: Path | str, info: Mapping[str, Any], half: Callable[..., Half] = _map) -> Journal:
        """Open a new journal in `folder`, which exists, and tell it of the process (`pid`, `ppid`, `python`, ...).

        `half(file descriptor, size, offset=...)` maps a half.

        Raises:
            OSError: the folder cannot be written or the disk is full.
        """
        path = f"{os.fspath(folder)}/{_getpid()}-{_random(6).hex()}{SUFFIX}"
        fd = _open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with suppress(OSError):  # a file system without locks
                flock(fd, LOCK_EX | LOCK_NB)
            _write_all(fd, MAGIC + bytes(SUMS_AT - len(MAGIC)), 0)
            _set_size(fd, LOG_AT)
            journal = cls(path, fd, half)
        except BaseException:
            _close(fd)
            with suppress(OSError):
                _remove(path)  # no journal, and on a full disk in the way of whoever wants to say so
            raise
        _opened.add(journal)
        journal._write(_kind(Kind.PROCESS) + _pack(dict(info)))
        return journal

    @property
    def size(self) -> int:
        """How many bytes of frames were written."""
        if self._fd < 0:
            return self._base
        return self._base + self._used

    @property
    def _used(self) -> int:
        return self._halves[self._half].tell() if self._sealed_at is None else self._sealed_at

    def begin(
        self, call: int, lane: int, parent: int, callable_: int, caller: int, flow: int, arguments: bytes
    ) -> None:
        """Append the frame of a call that begins. Never raises."""
        checksum, key = adler32(arguments, call), begin_key(callable_, flow)
        self.put(pack_begin(len(arguments), checksum, key, lane, caller, parent, call) + arguments)

    def end(self, call: int, outcome: int, snapshot: bytes) -> None:
        """Append the frame of a call's end. Never raises."""
        self._note(end_key(outcome), call, snapshot)

    def item(self, call: int, kind: int, snapshot: bytes) -> None:
        """Append the frame of an item that a generator handed out or took in. Never raises."""
        self._note(item_key(kind), call, snapshot)

    def after(self, call: int, position: int, snapshot: bytes) -> None:
        """Append the frame of an argument that a call changed. Never raises."""
        self._note(AFTER | position << 16, call, snapshot)

    def began(self, call: int, nanoseconds: int) -> None:
        """Append the frame of when a call began. Never raises."""
        self._note(TIME, call, TIME_STRUCT.pack(nanoseconds))

    def ended(self, call: int, nanoseconds: int) -> None:
        """Append the frame of when a call ended. Never raises."""
        self._note(TIME | 1 << 8, call, TIME_STRUCT.pack(nanoseconds))

    def put(self, frame: bytes) -> None:
        """Append a whole frame. Never raises."""
        try:
            self.append(frame)
        except ValueError as refusal:
            self.turn_over(frame, refusal)

    def _note(self, key: int, call: int, snapshot: bytes) -> None:
        self.put(pack_end(len(snapshot), adler32(snapshot, call), key, call) + snapshot)

    def define_callable(self, number: int, watched: model.Callable) -> None:
        """Say which callable a number in BEGIN frames stands for."""
        self._define(Kind.CALLABLE, number, rows.callable_to_row(watched))

    def define_lane(self, number: int, name: str) -> None:
        """Say which lane a number in BEGIN frames stands for; names are those inside this process (`main`, ...)."""
        self._define(Kind.LANE, number, name)

    def define_caller(self, number: int, name: str) -> None:
        """Say which calling component a number in BEGIN frames stands for."""
        self._define(Kind.CALLER, number, name)

    def loss(self, callable_name: str, reason: str, count: int) -> None:
        """Count calls or values that were not kept. Counts of one callable and reason add up."""
        self._write(_kind(Kind.LOSS) + _pack([callable_name, reason, count]))

    def child(self, pid: int, lane: str) -> None:
        """Tell of a child process: `lane` is the name its main lane takes in the closed cassette.

        For example `main > process shop.jobs:start#0`. Given the name of the lane that started it instead, compaction
        adds ` > process#0`, `#1`, ... in the order told.
        """
        self._write(_kind(Kind.CHILD) + _pack([pid, lane]))

    def job(self, pool: str, job: str, lane: str) -> None:
        """Tell which lane job number `job` of a pool belongs to; `pool` is what the pool's processes were announced as.

        A process that takes the job names its lane by `lineage.job_lane`.
        """
        self._write(_kind(Kind.JOB) + _pack([pool, job, lane]))

    def run(self, lane: int, callable_: int, caller: int, counts: tuple[int, int, int], sums: bytes) -> None:
        """Tell of calls that are not kept in detail: how many, how many of them raised, how many more never ended; `tracer.sums` of them.

        `caller` made the first of them.
        """
        self._write(_kind(Kind.RUN) + _pack([lane, callable_, caller, *counts, sums]))

    def meta(self, meta: Mapping[str, Any]) -> None:
        """Tell of the configuration: a map as `rows.meta_to_map` makes it."""
        self._write(_kind(Kind.META) + _pack(dict(meta)))

    def untold(self, losses: int) -> None:
        """Note how many losses were counted that no frame tells of. Never raises."""
        if not self._is_parents():
            self._count(LOSSES_AT, losses)

    def child_without_journal(self) -> None:
        """Note, in a forked child that abandoned this journal, that it cannot have one of its own."""
        with suppress(*_UNMAPPED):
            self._count(CHILDREN_AT, COUNT_STRUCT.unpack_from(self._head, CHILDREN_AT)[0] + 1)

    def mark_end(self) -> None:
        """Mark the orderly end and bring the file to the disk; frames may still follow. Never raises."""
        self._leave_to_parent()
        with self._turn():
            if self._fd >= 0:
                self._mark_end()

    def close(self) -> None:
        """Mark the orderly end, bring the file to the disk and let go of it. Idempotent."""
        self._leave_to_parent()
        with self._turn():
            if self._fd >= 0:
                self._mark_end()
                self._release("closed")
                self.forget()

    def abandon(self) -> None:
        """Let go of the file without changing it: the child's part after a fork."""
        self._lock = _new_lock()  # a thread that the child does not have may have held the old one
        self._release("abandoned")

    def forget(self) -> None:
        """Let go of the last of an abandoned journal as well, which it would seem to be written by."""
        self._head.close()

    def _leave_to_parent(self) -> None:
        """Abandon the journal in a child that was forked past Python, and tell that it cannot be recorded: nobody named its lane.

        Where halves do not know it, parent and child write over one another.
        """
        if self._fd >= 0 and self._is_parents():
            self.abandon()
            self.child_without_journal()
            self.forget()

    def _turn(self) -> Lock | nullcontext[None]:
        """Return what lets one thread at a time write where that takes more than a step."""
        # The threads that the interpreter stops as it ends may have held the lock; one thread is left then.
        return nullcontext() if is_finalizing() else self._lock

    def _mark_end(self) -> None:
        if self.lost:
            self._farewell(_kind(Kind.LOSS) + _pack(["*", f"journal stopped: {self.failed}"[:200], self.lost]))
            self.lost = 0
            self._count(REFUSED_AT, 0)
        self._farewell(_kind(Kind.CLOSE))
        with suppress(OSError):
            _sync(self._fd)

    def _count(self, at: int, number: int) -> None:
        with suppress(*_UNMAPPED):
            COUNT_STRUCT.pack_into(self._head, at, number)

    def _define(self, kind: Kind, number: int, row: Any) -> None:
        self._write(DEFINITION_STRUCT.pack(kind, number) + _pack(row))

    def _write(self, body: bytes) -> None:
        self.put(_frame(body))

    def turn_over(self, frame: bytes, refusal: ValueError) -> None:
        """Append the half in use to the log, let the other one take over, and write the frame there.

        For a frame that `append` refused with that error; one that a signal handler of the host raised is raised again.
        """
        if raised_below(refusal):
            raise refusal
        self._leave_to_parent()
        with self._turn():
            try:
                self.append(frame)  # another thread was here first
            except ValueError as error:
                if raised_below(error):
                    raise
                if not self._make_room(frame):
                    self.lost += 1
                    self._count(REFUSED_AT, self.lost)

    def _make_room(self, frame: bytes) -> bool:
        if self.failed:
            return False
        try:
            if len(frame) > _LARGEST_FRAME:
                raise OSError(errno.EFBIG, "a frame above 1 GiB")  # noqa: TRY301  (one place that stops the journal)
            self._flush()
            if len(frame) > _USABLE:
                self._write_log(frame)
            else:
                self.append(frame)
        except OSError as error:
            if not _is_own(error):
                raise
            self.failed = error.strerror or type(error).__name__
            self._count(REASON_AT, error.errno or 0)
            self.append = _refuse
            return False
        return True

    def _flush(self) -> None:
        """Move the frames of the half in use to the log and switch halves. Whole again wherever it is interrupted."""
        half = self._halves[self._half]
        if not _stat(self._fd).st_nlink:
            # Who recorded is through with it: whatever outlives the command would fill the disk with what nobody can read.
            raise OSError(errno.ESTALE, "nobody waits for it any more")
        if self._sealed_at is None:
            self._sealed_at = half.tell()
        half.seek(0, os.SEEK_END)
        with _bytes_of(half) as view:
            used = self._sealed_at = _end_of_frames(view, self._sealed_at)
            _write_all(self._fd, view[:used], LOG_AT + self._base)
        other = self._halves[1 - self._half]
        other.seek(0, os.SEEK_END)
        with _bytes_of(other) as view:
            view[:] = _ZEROS
        self._store_position(self._base + used, 1 - self._half, 0)
        # From here on, whoever goes on after an interruption finds the other half sealed where it is empty.
        other.seek(0)
        self._sealed_at = None
        self.append = other.write

    def _write_log(self, frame: bytes) -> None:
        _write_all(self._fd, frame, LOG_AT + self._base)
        self._store_position(self._base + len(frame), self._half, self._sealed_at)

    def _store_position(self, base: int, half: int, sealed_at: int | None) -> None:
        _write_all(self._fd, POSITION_STRUCT.pack(base << 1 | half), POSITION_AT)
        self._base, self._half, self._sealed_at = base, half, sealed_at  # no handler runs between these

    def _farewell(self, body: bytes) -> None:
        """Write one last frame; where the journal has stopped, into the room kept at the end of the half."""
        frame = _frame(body)
        with suppress(ValueError):
            self.append(frame)
            return
        used = self._used
        if not self._make_room(frame) and used + len(frame) <= HALF:
            with suppress(OSError):
                _write_all(self._fd, frame, (1 + self._half) * HALF + used)
                self._sealed_at = used + len(frame)

    def _release(self, reason: str) -> None:
        _opened.discard(self)
        self.append = _refuse
        self._base = self.size
        self.failed = self.failed or reason
        fd, self._fd = self._fd, -1
        self.sums.release()
        with suppress(OSError, BufferError):
            for half in self._halves:
                half.close()
            if fd >= 0:
                _close(fd)


def _abandon_all() -> None:
    for journal in tuple(_opened):
        journal.abandon()


# Parent and child share the mapped halves after a fork; writes of both would interleave. For one past Python see `_leave_to_parent`.
os.register_at_fork(after_in_child=_abandon_all)


def raised_below(error: BaseException) -> bool:
    """Whether an exception came out of a Python function called where it was caught.

    `append` is written in C and calls none, so such an exception is that of a signal handler of the host, which ran meanwhile.
    """
    traceback = error.__traceback__
    return traceback is not None and traceback.tb_next is not None


def _is_own(error: BaseException) -> bool:
    """Whether an exception was raised by what is called in this file, and not by a signal handler of the host."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is None or traceback.tb_frame.f_globals is globals()


def _refuse_all() -> Callable[[bytes], object]:
    """Return what raises a ValueError whatever it is given, without a frame of its own, as `mmap.write` does where there is no room."""
    nothing = _map(-1, 1)
    nothing.close()
    return nothing.write


_refuse: Final = _refuse_all()


def _pack(value: Any) -> bytes:
    # A packer of its own for each rare frame: two threads may define names at the same time.
    return wire.pack_whatever(value)


def measured_at(data: bytes | mmap | memoryview, at: int) -> int:
    """Return where in a frame begins what its length and checksum are those of."""
    return at + _HEADS.get(data[at + FRAME_STRUCT.size], FRAME_STRUCT.size)


def begin_key(callable_: int, flow: int) -> int:
    """Return what is the same in all BEGIN frames of a callable."""
    return BEGIN | flow << 8 | callable_ << 32


def end_key(outcome: int) -> int:
    """Return what is the same in all END frames of an outcome."""
    return END | outcome << 8


def item_key(kind: int) -> int:
    """Return what is the same in all ITEM frames of a kind."""
    return ITEM | kind << 8


def _kind(kind: Kind) -> bytes:
    return bytes((kind,))


def _frame(body: bytes) -> bytes:
    return _pack_frame(len(body), adler32(body)) + body


def _bytes_of(half: Half) -> memoryview:
    view: Any = half  # that it is a buffer has no name in the types of Python before 3.12
    return memoryview(view)


def _end_of_frames(half: memoryview, at: int) -> int:
    """Return where the frames of a sealed half end; one may have come between looking and sealing."""
    while at + FRAME_STRUCT.size < _USABLE:
        length, _ = FRAME_STRUCT.unpack_from(half, at)
        if not length:
            break
        at = measured_at(half, at) + length
    return at


def _write_all(fd: int, data: bytes | memoryview, at: int) -> None:
    written = _write_at(fd, data, at)
    while written < len(data):
        # A short write is how a disk begins to be full; the next one says so.
        written += _write_at(fd, data[written:], at + written)
