"""What a journal tells however its process ends, while it goes on, and where it could not be made."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tracer import model, wire
from tracer.storage.compact import compact
from tracer.storage.journal import LOG_AT, Journal
from tracer.storage.reader import open_cassette
from tracer.storage.scan import ScannedJournal

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from _typeshed import TraceFunction

pack = wire.packer()


def made(part: Path) -> Journal:
    journal = Journal.create(part, {"pid": os.getpid()})
    journal.define_lane(1, "main")
    journal.define_caller(1, "m")
    journal.define_callable(1, model.Callable("m:f", "m", model.CallableKind.FUNCTION, model.Flow.CALL, ()))
    return journal


def call(journal: Journal, number: int) -> None:
    journal.begin(number, 1, 0, 1, 1, 0, pack([number]))
    journal.end(number, 0, pack(number))


def forked(work: Callable[[], None]) -> int:
    """Do something in a forked child, which ends without a word; return its number."""
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def told(part: Path) -> dict[str, int]:
    summary = compact(part, part.parent / "a.cassette")
    return {loss.reason: loss.count for loss in summary.losses}


def test_losses_that_no_frame_tells_of_outlive_the_process(part: Path) -> None:
    def work() -> None:
        journal = made(part)
        for losses in range(1, 8):
            journal.untold(losses)

    os.waitpid(forked(work), 0)

    assert told(part) == {"seen and not kept, by a process that had no time to say of what": 7}


def test_frames_that_a_full_disk_refused_outlive_the_process(part: Path) -> None:
    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (LOG_AT + 100_000, LOG_AT + 100_000))
        journal = made(part)
        for number in range(1, 5_001):
            call(journal, number)

    os.waitpid(forked(work), 0)

    ((reason, frames),) = told(part).items()
    assert reason == "journal stopped: File too large"
    with open_cassette(part.parent / "a.cassette") as cassette:
        kept = sum(lane.calls for lane in cassette.lanes)
    assert kept < 5_000
    assert 0 <= 2 * (5_000 - kept) - frames <= 1


def test_a_forked_child_without_a_journal_is_told_by_its_parents(part: Path) -> None:
    journal = made(part)

    def work() -> None:
        journal.abandon()
        journal.child_without_journal()
        journal.forget()

    for _ in range(2):
        os.waitpid(forked(work), 0)
    journal.close()

    assert told(part) == {"forked processes that could not be recorded": 2}


def test_what_follows_the_orderly_end_is_kept(part: Path) -> None:
    """Finalizers of an interpreter that is taken down call too."""
    journal = made(part)
    call(journal, 1)
    journal.mark_end()
    call(journal, 2)
    journal.close()

    summary = compact(part, part.parent / "a.cassette")

    assert (summary.calls, summary.unclosed, summary.unfinished, summary.losses) == (2, 0, 0, ())


def test_a_process_that_goes_on_is_read_as_it_was_at_one_instant(part: Path) -> None:
    """Halves are turned over while they are read; a recording of it would be readable by chance only."""

    def work() -> None:
        journal = made(part)
        for number in count(1):
            call(journal, number)

    pid = forked(work)
    try:
        before = 0
        while before < 6_000:
            summary = compact(part, part.parent / "a.cassette") if any(part.iterdir()) else None
            if summary is None or not summary.calls:
                time.sleep(0.005)
                continue
            assert (summary.writing, summary.unclosed, summary.orphans) == (1, 0, 0)
            assert summary.damaged + summary.unfinished <= 1
            with open_cassette(summary.target) as cassette:
                arguments = [each.arguments for each in cassette.calls("main")]
            assert arguments == [pack([number]) for number in range(1, len(arguments) + 1)]
            assert len(arguments) >= before
            before = len(arguments)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    (path,) = part.iterdir()
    assert not ScannedJournal(path).writing


def test_a_journal_that_nobody_waits_for_any_more_stops(part: Path) -> None:
    """A daemon that a recorded command left behind would fill the disk with a file that has no name."""
    journal = made(part)
    Path(journal.path).unlink()
    for number in range(1, 5_000):
        call(journal, number)

    assert journal.failed == "nobody waits for it any more"
    assert os.fstat(journal._fd).st_size == LOG_AT
    journal.close()


def test_a_journal_that_has_no_room_leaves_nothing(part: Path) -> None:
    """What a full disk took of it would be in the way of the file that says why nothing was recorded."""

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        made(part)

    os.waitpid(forked(work), 0)

    assert not list(part.iterdir())


def test_an_exception_of_the_host_at_any_line_of_turning_over_loses_no_other_call(part: Path) -> None:
    """A handler's exception may come between any two lines; a gap in the log would hide all that follows it."""
    turning = {"_flush", "_store_position"}
    text = "x" * 9_000
    kept: set[int] = set()
    number = 0
    for line in count(1):
        journal, lines = made(part), count(1)

        def raising(frame: FrameType, event: str, _: object, lines: count[int] = lines, line: int = line) -> Any:
            if frame.f_code.co_name not in turning:
                return None
            if event == "line" and next(lines) == line:
                raise TimeoutError("the host's")
            return raising

        sys.settrace(cast("TraceFunction", raising))
        seen = 0
        for _ in range(16):
            number += 1
            try:
                journal.begin(number, 1, 0, 1, 1, 0, pack([number, text]))
                journal.end(number, 0, pack(number))
                kept.add(number)
            except TimeoutError:
                seen += 1
        sys.settrace(None)
        journal.close()
        if not seen:
            break

    summary = compact(part, part.parent / "a.cassette")

    assert line > 20
    assert (summary.damaged, summary.losses) == (0, ())
    with open_cassette(summary.target) as cassette:
        whole = [each for lane in cassette.lanes for each in cassette.calls(lane.name)]
    ended = {wire.unpack(each.arguments)[0] for each in whole if isinstance(each.outcome, model.Returned)}
    assert not kept - ended
