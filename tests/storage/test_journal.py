"""A journal survives whatever ends its process, and never disturbs it."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tracer import model, wire
from tracer.storage import journal as jr
from tracer.storage.compact import compact
from tracer.storage.journal import Journal
from tracer.storage.reader import open_cassette, verify
from tracer.storage.scan import ScannedJournal

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


def write_until_killed(part: Path, ready: int) -> None:
    journal = Journal.create(part, {"pid": 1})
    journal.define_lane(1, "main")
    journal.define_caller(1, "m")
    journal.define_callable(1, model.Callable("m:f", "m", model.CallableKind.FUNCTION, model.Flow.CALL, ()))
    pack = wire.packer()
    os.write(ready, b"!")
    for call in itertools.count(1):
        journal.begin(call, 1, 0, 1, 1, 0, pack([call, "x" * (call * 7919 % 500)]))
        journal.end(call, 0, pack(call))


def killed_after(seconds: float, part: Path) -> None:
    """Write a journal in another process and kill that after some seconds of writing."""
    ready, tell = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            write_until_killed(part, tell)
        finally:
            os._exit(1)
    os.read(ready, 1)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    os.close(ready)
    os.close(tell)


def test_a_process_killed_at_any_instant_leaves_all_its_whole_frames(tmp_path: Path) -> None:
    """Each call holds its number, so a missing or mixed-up one would show."""
    pick, pack, seen = random.Random(20), wire.packer(), 0
    for trial in range(20):
        part = tmp_path / f"{trial}.cassette.part"
        part.mkdir()
        killed_after(pick.random() * 0.04, part)

        summary = compact(part, tmp_path / f"{trial}.cassette")

        assert (summary.unclosed, summary.orphans) == (1, 0)
        assert max(summary.damaged, summary.unfinished) <= 1
        with open_cassette(summary.target) as cassette:
            calls = [call for lane in cassette.lanes for call in cassette.calls(lane.name)]
        expected = [pack([call, "x" * (call * 7919 % 500)]) for call in range(1, len(calls) + 1)]
        assert [call.arguments for call in calls] == expected
        seen += len(calls)
    assert seen > 1_000


def test_frames_larger_than_a_half_and_many_small_ones_keep_their_order(part: Path, scribe: Callable[..., Any]) -> None:
    one = scribe()
    sizes = [10, 200_000, 10, 65_000, 65_020, 65_024, 65_536, 3, *[997] * 300]
    for size in sizes:
        one.call("main", "m:f", "x" * size, size)
    one.close()

    summary = compact(part, part.parent / "a.cassette")

    with open_cassette(summary.target) as cassette:
        lengths = [call.arguments.count(b"x") for call in cassette.calls("main")]
    assert lengths == sizes


def test_threads_share_a_journal_without_losing_a_frame(part: Path, scribe: Callable[..., Any]) -> None:
    one = scribe()
    numbers = {name: one.number("lane", f"main > {name}") for name in "abcd"}
    callable_number, caller = one.number("callable", "m:f"), one.number("caller", "m")
    each = 4_000

    def work(at: int, lane: int) -> None:
        for call in range(1 + at * each, 1 + (at + 1) * each):
            one.journal.begin(call, lane, 0, callable_number, caller, 0, b"\x91\xcd%d" % (call % 10))
            one.journal.end(call, 0, b"\xc0")

    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(at, lane)) for at, lane in enumerate(numbers.values())]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switch)
    one.close()

    summary = compact(part, part.parent / "a.cassette")

    assert (summary.calls, summary.unfinished, summary.damaged, summary.orphans) == (4 * each, 0, 0, 0)
    with open_cassette(summary.target) as cassette:
        assert [lane.calls for lane in cassette.lanes] == [each] * 4


@pytest.mark.parametrize("room", [jr.LOG_AT + 100, jr.LOG_AT + 70_000, jr.LOG_AT + 300_000])
def test_a_full_disk_stops_the_journal_is_counted_and_never_raises(tmp_path: Path, room: int) -> None:
    script = f"""
        import resource, sys
        from tracer import model
        from tracer.storage import journal as jr
        resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
        journal = jr.Journal.create(sys.argv[1], {{"pid": 1}})
        journal.define_lane(1, "main")
        journal.define_caller(1, "m")
        journal.define_callable(1, model.Callable("m:f", "m", model.CallableKind.FUNCTION, model.Flow.CALL, ()))
        for call in range(1, 20_001):
            journal.begin(call, 1, 0, 1, 1, 0, b"\\x91\\x01")
            journal.end(call, 0, b"\\xc0")
        failed, lost = journal.failed, journal.lost
        journal.close()
        print(failed, lost, sep="|")
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    failed, lost = told.split("|")

    summary = compact(tmp_path, tmp_path / "a.cassette")

    assert failed == "File too large"
    assert int(lost) > 1000
    assert summary.unclosed == summary.damaged == 0
    assert summary.losses == (model.Loss("*", "journal stopped: File too large", int(lost)),)
    assert 0 <= 2 * summary.calls - summary.unfinished - (40_000 - int(lost)) <= 1


def test_what_a_signal_handler_raises_while_a_frame_is_written_passes_and_doubles_nothing(
    part: Path, scribe: Callable[..., Any]
) -> None:
    """The frame is written when the handler runs; a ValueError of the host's is not the journal's own word for no room."""
    one = scribe()
    one.call("main", "m:f", 1, 1)
    write = one.journal.append

    def interrupted(frame: bytes) -> None:
        write(frame)
        raise ValueError("the host's")

    one.journal.append = interrupted
    with pytest.raises(ValueError, match="the host's"):
        one.call("main", "m:f", 2, 2)
    one.journal.append = write
    one.call("main", "m:f", 3, 3)
    one.close()

    summary = compact(part, part.parent / "a.cassette")

    assert (summary.calls, summary.unfinished, summary.damaged) == (3, 1, 0)


def test_a_time_limit_of_the_host_that_ends_while_a_half_is_moved_stops_nothing(
    part: Path, scribe: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def over(_number: int, _frame: object) -> None:
        raise TimeoutError("the host's")

    write = os.pwrite

    def slow(fd: int, data: bytes, at: int) -> int:
        monkeypatch.setattr(jr, "_write_at", write)
        done = write(fd, data, at)
        signal.raise_signal(signal.SIGALRM)
        return done

    one = scribe()
    before = signal.signal(signal.SIGALRM, over)
    monkeypatch.setattr(jr, "_write_at", slow)
    seen = 0
    try:
        for number in range(3_000):
            try:
                one.call("main", "m:f", number, None)
            except TimeoutError:  # noqa: PERF203  (a host that goes on)
                seen += 1
    finally:
        signal.signal(signal.SIGALRM, before)
    one.close()

    summary = compact(part, part.parent / "a.cassette")

    assert (seen, one.journal.failed, one.journal.lost, summary.damaged) == (1, "closed", 0, 0)
    assert summary.calls >= 2_999


def test_a_folder_that_cannot_be_written_is_an_os_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Journal.create(tmp_path / "absent", {})


def test_a_forked_child_is_cut_off_and_leaves_the_parents_journal_alone(part: Path, scribe: Callable[..., Any]) -> None:
    one = scribe()
    one.call("main", "m:f", 1, 1)
    pid = os.fork()
    if not pid:
        one.call("main", "m:f", "from the child", 1)
        one.close()
        os._exit(0 if one.journal.failed == "abandoned" and one.journal.lost else 1)
    assert os.waitpid(pid, 0)[1] == 0
    one.call("main", "m:f", 2, 2)
    one.close()

    summary = compact(part, part.parent / "a.cassette")

    assert (summary.calls, summary.unclosed, summary.damaged) == (2, 0, 0)


def test_writing_after_close_is_counted_not_raised(scribe: Callable[..., Any]) -> None:
    one = scribe()
    one.close()
    one.close()
    one.end(1, None)

    assert (one.journal.failed, one.journal.lost) == ("closed", 1)


def test_mocks_of_the_host_do_not_reach_the_journal(
    part: Path, scribe: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = scribe()
    for name in ("pwrite", "open", "write", "fsync", "close", "ftruncate"):
        monkeypatch.setattr(os, name, None)
    for _ in range(2_000):
        one.call("main", "m:f", "x" * 100, 1)
    one.close()
    monkeypatch.undo()

    assert compact(part, part.parent / "a.cassette").calls == 2_000


def test_names_no_utf8_can_hold_are_kept_readable(part: Path) -> None:
    journal = Journal.create(part, {"pid": 1, "argv": ["\udcff"], "big": 2**70})
    journal.loss("m:f\udc80", "odd", 1)
    journal.close()

    scanned = ScannedJournal(Path(journal.path))

    assert scanned.info["argv"] == ["\\udcff"]
    assert scanned.losses == [model.Loss("m:f\\udc80", "odd", 1)]
    scanned.close()


def test_size_counts_what_was_written(part: Path, scribe: Callable[..., Any]) -> None:
    one = scribe()
    before = one.journal.size
    for _ in range(1_000):
        one.journal.put(bytes(200))

    assert one.journal.size - before == 200_000
    one.close()


def test_a_call_torn_at_any_byte_while_it_is_written_is_not_read(part: Path, scribe: Callable[..., Any]) -> None:
    """A frame is written front to back into zeros, so what a kill leaves of it is some of its first bytes."""
    one = scribe()
    whole = one.begin("main", "m:f", 1)
    one.end(whole, 0)
    pack, path, at = wire.packer(), Path(one.journal.path), jr.HALF + one.journal.size
    call = one.begin("main", "m:f", {"x": [0, 0]}, parent=whole)
    middle = jr.HALF + one.journal.size
    one.end(call, 0)
    end = jr.HALF + one.journal.size
    data = path.read_bytes()
    for cut in range(at + 1, end):
        copy = part / "torn.journal"
        copy.write_bytes(data[:cut] + bytes(len(data) - cut))
        scanned = ScannedJournal(copy)
        calls = list(scanned.calls(scanned.lane_ids["main"]))
        scanned.close()
        # Where what is missing are zeros, nothing is.
        begun, ended = not any(data[cut:middle]), not any(data[cut:end])

        assert [row[4] for row in calls[1:]] == [pack([{"x": [0, 0]}])] * begun, cut
        assert [row[5] for row in calls[1:]] == [jr.RETURNED if ended else jr.UNFINISHED] * begun, cut
    one.close()


def test_memory_stays_flat_over_many_calls(tmp_path: Path) -> None:
    script = """
        import resource, sys
        from tracer.storage import journal as jr
        journal = jr.Journal.create(sys.argv[1], {"pid": 1})
        def write(count):
            for call in range(1, count):
                journal.begin(call, 1, 0, 1, 1, 0, bytes(500))
        write(5_000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        write(100_000)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    grown = int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)

    assert grown < 2_000  # KiB, for 50 MB written


def test_a_stray_file_is_named_not_read(part: Path) -> None:
    from tracer.errors import NotACassette

    (part / "x.journal").write_bytes(bytes(jr.LOG_AT + 10))

    with pytest.raises(NotACassette, match="x.journal"):
        compact(part, part.parent / "a.cassette")


def test_a_journal_cut_anywhere_gives_a_readable_cassette(part: Path, scribe: Callable[..., Any]) -> None:
    one = scribe()
    for number in range(3_000):
        one.call("main", "m:f", number, "y" * 50)
    one.close()
    path = Path(one.journal.path)
    whole = path.read_bytes()
    pick = random.Random(3)
    for _ in range(15):
        path.write_bytes(whole[: pick.randrange(len(whole))])

        assert verify(compact(part, part.parent / "a.cassette").target).calls <= 3_000
