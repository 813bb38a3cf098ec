"""Sums that are being taken when a process is killed are kept as if it had ended there."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compare.runs import function
from tests.helpers import Project
from tests.recording.test_native import Recorded
from tracer.model import Flow, Loss
from tracer.recording import native
from tracer.storage.journal import SUMS_AT, Journal
from tracer.storage.open_sums import ITEMS, ROOM, RUN, SLOT, Slot, open_sums
from tracer.storage.reader import open_cassette
from tracer.storage.scan import UNWRITTEN, ScannedJournal
from tracer.sums import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tracer.model import Call, LaneSummary

PURE = (True, False) if native.in_use() else (True,)

FILES = {
    "shop/__init__.py": "",
    "shop/tax.py": """
        def vat(amount):
            if amount % 7 == 0:
                raise ValueError(amount)
            return amount * 2

        def rates(count):
            for number in range(count):
                yield number * 3

        def held(number, inside):
            return inside()
    """,
    "app.py": """
        import os, signal, sys, threading
        from shop.tax import held, rates, vat

        def call(number):
            try:
                return vat(number)
            except ValueError:
                return None

        def work(start, stop):
            for number in range(start, stop):
                call(number)

        def end():
            if sys.argv[1] == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            os._exit(0) if sys.argv[1] == "left" else None

        if __name__ == "__main__":
            work(0, 6_000)
            thread = threading.Thread(target=work, args=(0, 1_500))
            thread.start()
            thread.join()
            child = os.fork()
            if child:
                os.waitpid(child, 0)
            else:
                work(0, 700)
                end()
                os._exit(0)
            stream = rates(20_000)
            for _ in range(9_000):
                next(stream)
            for number in range(40):
                held(number, int)
            end()
    """,
    "tracer.toml": "detail_calls = 30\n",
}


def shape(path: Path) -> tuple[list[LaneSummary], list[Sequence[Call]], tuple[Loss, ...]]:
    """Return all that a cassette tells of calls."""
    with open_cassette(path) as cassette:
        return (
            list(cassette.lanes),
            [list(cassette.calls(lane.name)) for lane in cassette.lanes],
            cassette.recording.losses,
        )


@pytest.mark.parametrize("pure", PURE)
def test_a_killed_process_keeps_what_one_that_ended_there_does(tmp_path: Path, *, pure: bool) -> None:
    """In threads, in a forked child and of a generator that was not at its end; nothing is missing, so nothing is told of losses."""
    project = Project(tmp_path, FILES)
    env = {"TRACER_PURE": "1"} if pure else {}
    for name in ("killed", "ended"):
        done = project.tracer("record", "-o", f"{name}.cassette", "--", "python", "app.py", name, env=env)
        assert (done.exit == 0) == (name == "ended"), done.stderr

    killed, ended = shape(tmp_path / "killed.cassette"), shape(tmp_path / "ended.cassette")
    assert killed == ended
    assert killed[2] == ()
    lane = killed[0][0]
    assert {(run.callable, run.calls) for run in lane.thinned} >= {("shop.tax:held", 10)}
    assert sum(run.calls for run in lane.thinned if run.callable == "shop.tax:vat") == 6_000 - 30


def test_calls_that_had_not_ended_when_their_process_was_killed_are_told_as_such(tmp_path: Path) -> None:
    killed = """
        import os, signal
        from shop.tax import held
        for number in range(100):
            held(number, int)
        held(0, lambda: held(1, lambda: os.kill(os.getpid(), signal.SIGKILL)))
        """
    Project(tmp_path, {**FILES, "killed.py": killed}).tracer(
        "record", "-o", "run.cassette", "--", "python", "killed.py"
    )

    (lane,), _, losses = shape(tmp_path / "run.cassette")
    (run,) = lane.thinned
    assert (run.calls, run.unfinished, run.caller, losses) == (70, 2, "killed", ())


def test_where_there_is_no_slot_left_what_a_kill_took_is_told(tmp_path: Path) -> None:
    slots = ROOM // SLOT
    many = "\n".join(f"def f{number}():\n    return {number}" for number in range(slots + 5))
    killed = f"""
        import os, signal
        import many
        for number in range({slots + 5}):
            for _ in range(3):
                getattr(many, f"f{{number}}")()
        os.kill(os.getpid(), signal.SIGKILL)
        """
    project = Project(tmp_path, {"many.py": many, "killed.py": killed, "tracer.toml": "detail_calls = 1\n"})
    project.tracer("record", "-o", "run.cassette", "--", "python", "killed.py")

    (lane,), _, losses = shape(tmp_path / "run.cassette")
    assert losses == tuple(Loss(f"many:f{slots + more}", UNWRITTEN, 1) for more in range(5))
    assert lane.calls_made == 3 * slots + 5


class Killed(Recorded):
    """Hooks of which it can be asked what a kill would leave."""

    def left(self) -> tuple[Any, ...]:
        """Return what is read of the journal as it is now."""
        (path,) = self.folder.glob("*.journal")
        copy = Path(shutil.copy(path, self.folder / "copy"))
        found = read(copy)
        copy.unlink()
        return found

    def ended(self) -> tuple[Any, ...]:
        """Return what is read of the journal after an orderly end."""
        self.frames()
        (path,) = self.folder.glob("*.journal")
        return read(path)


def read(path: Path) -> tuple[Any, ...]:
    journal = ScannedJournal(path)
    try:
        numbers = tuple(number for ids in journal.lane_ids.values() for number in ids)
        return journal.thinned(numbers), list(journal.calls(numbers)), journal.damaged, journal.orphans
    finally:
        journal.close()


def prepared(folder: Path, *, pure: bool, flow: Flow = Flow.CALL) -> Killed:
    made = Path(tempfile.mkdtemp(dir=folder))
    recorded = Killed(made, pure=pure, keeps=2, flow=flow)
    recorded.journal.define_callable(7, function("shop:price"))
    recorded.journal.define_caller(3, "app")
    return recorded


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("calls"), st.integers(1, 1_500)),
        st.tuples(st.just("raise"), st.integers(1, 20)),
        st.tuples(st.just("open"), st.integers(0, 3)),
        st.tuples(st.just("close"), st.integers(0, 3)),
    ),
    max_size=12,
)


@pytest.mark.parametrize("pure", PURE)
@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_wherever_a_loop_is_killed_what_is_left_is_what_an_end_there_leaves(
    steps: list[tuple[str, int]], *, pure: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        recorded = prepared(Path(name), pure=pure)
        open_calls = []
        for number, (step, count) in enumerate(steps):
            if step == "open":
                open_calls.append(recorded.probe.began(3, [number]))
            elif step == "close" and open_calls:
                recorded.probe.returned(open_calls.pop(count % len(open_calls)), number)
            for turn in range(count if step in ("calls", "raise") else 0):
                recorded.call([turn * turn], ValueError(turn) if step == "raise" else turn)
        assert recorded.left() == recorded.ended()


@pytest.mark.parametrize("pure", PURE)
@settings(max_examples=25, deadline=None)
@given(counts=st.lists(st.integers(0, 5_000), min_size=1, max_size=3), ends=st.booleans())
def test_wherever_a_generator_is_killed_its_items_are_those_of_an_end_there(
    counts: list[int], *, ends: bool, pure: bool
) -> None:
    """Generators of one callable, past what items may take in detail: some are suspended, one has ended."""
    with tempfile.TemporaryDirectory() as name:
        recorded = prepared(Path(name), pure=pure, flow=Flow.GENERATOR)
        for number, count in enumerate(counts[:2]):
            token = recorded.probe.began(3, [number])
            assert token is not None
            for item in range(count):
                recorded.probe.yielded(token, item)
                recorded.probe.resumed(token, None)
            if ends:
                recorded.probe.returned(token, None)
        assert recorded.left() == recorded.ended()


def test_a_slot_tells_of_the_sum_that_became_whole_until_its_frame_is_there(tmp_path: Path) -> None:
    """A kill may come between the two: then the run is in the slot alone, together with the one that goes on."""
    journal = Journal.create(tmp_path, {"pid": 1})
    opened = journal.sums.open(RUN, 5 << 32 | 6)
    assert opened is not None
    slot, one, two = Slot(*opened), (1, 2), (3, 4)
    for ended in range(1, 4):
        slot.begin(9, ended)
        slot.put(9, ended, 1, ended, one, two)
    slot.next(3)
    slot.put(8, 1, 0, 4, two, one)

    (found,) = open_sums(_reading(Path(journal.path).read_bytes()), SUMS_AT)
    assert (found.kind, found.subject, found.caller, found.began) == (RUN, 5 << 32 | 6, 9, 3)
    assert [(run.caller, run.calls, run.raised, run.inputs) for run in found.missing(0)] == [
        (9, 3, 1, one),
        (8, 1, 0, two),
    ]
    assert [run.calls for run in found.missing(1)] == [1]
    assert list(found.missing(2)) == []
    journal.close()


def _reading(content: bytes) -> Callable[[int, int], bytes]:
    return lambda size, offset: content[offset : offset + size]


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no file system in memory")  # noqa: S108
def test_reading_a_journal_takes_no_room_on_the_disk() -> None:
    """On tmpfs a look through a map at what was never written does; on a full one it ended `tracer record` by SIGBUS as it closed."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:  # noqa: S108
        journal = Journal.create(folder, {"pid": 1})
        journal.sums.open(RUN, 1)
        before = Path(journal.path).stat().st_blocks
        ScannedJournal(Path(journal.path)).close()
        assert Path(journal.path).stat().st_blocks == before
        journal.close()


def test_a_slot_is_read_where_the_store_that_tells_of_the_newest_record_was_cut_short(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, {"pid": 1})
    opened = journal.sums.open(RUN, 1)
    assert opened is not None
    slot = Slot(*opened)
    for calls in (1, 2, 3):
        slot.put(9, calls, 0, calls, NOTHING, NOTHING)
    content = bytearray(Path(journal.path).read_bytes())
    content[SUMS_AT + 4 : SUMS_AT + 8] = bytes(4)

    (found,) = open_sums(_reading(bytes(content)), SUMS_AT)
    assert [run.calls for run in found.missing(0)] == [3]
    journal.close()


def test_a_slot_that_was_given_back_tells_nothing_and_is_used_again(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, {"pid": 1})
    first, second = journal.sums.open(RUN, 1), journal.sums.open(RUN, 2)
    assert first is not None
    assert second is not None
    Slot(*first).put(1, 1, 1, 1, NOTHING, NOTHING)
    journal.sums.close(first[1])
    assert [each.subject for each in open_sums(_reading(Path(journal.path).read_bytes()), SUMS_AT)] == [2]

    again = journal.sums.open(ITEMS, 3)
    assert again is not None
    assert again[1] == first[1]
    found = {
        each.subject: list(each.missing(0)) for each in open_sums(_reading(Path(journal.path).read_bytes()), SUMS_AT)
    }
    assert found == {2: [], 3: []}
    journal.close()


@pytest.mark.parametrize("pure", PURE)
def test_whoever_was_forked_writes_into_no_slot_of_its_parent(tmp_path: Path, *, pure: bool) -> None:
    """Its calls that began before the fork end in nothing but its own memory."""
    recorded = prepared(tmp_path, pure=pure)
    for number in range(10):
        recorded.call([number], number)
    token = recorded.probe.began(3, [10])
    assert token is not None
    before = Path(recorded.journal.path).read_bytes()
    recorded.journal.abandon()  # as a child does
    recorded.probe.returned(token, 10)
    recorded.call([11], 11)

    assert Path(recorded.journal.path).read_bytes() == before


@given(at=st.integers(0, 3 * SLOT - 1), content=st.binary(min_size=1, max_size=40))
def test_slots_that_cannot_be_are_passed_over_or_counted_as_damage(at: int, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        recorded = prepared(Path(name), pure=True)
        for number in range(8):
            recorded.call([number], number)
        path = Path(recorded.journal.path)
        data = bytearray(path.read_bytes())
        data[SUMS_AT + at : SUMS_AT + at + len(content)] = content
        (Path(name) / "damaged").write_bytes(data)
        runs, calls, damaged, orphans = read(Path(name) / "damaged")
        recorded.frames()

    assert len(calls) == 2
    assert orphans == 0
    assert damaged in range(4)
    assert all(run.calls or run.unfinished for run in runs)
