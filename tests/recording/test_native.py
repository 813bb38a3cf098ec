"""The hooks in C against those in Python: the same frames, byte for byte, and nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import sys
import tempfile
import threading
import time
from functools import partial
from importlib.util import find_spec
from itertools import count
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import adler32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import Project
from tests.recording.recordings import record
from tests.recording.test_outcomes import FILES
from tests.strategies import builtins, scalars
from tracer.encoding.encode import Encoder
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.model import Callable as Callable_
from tracer.model import CallableKind, Flow
from tracer.recording import native
from tracer.recording.crossing import Callers, Hooks, Sink
from tracer.recording.lanes import Lanes
from tracer.storage.compact import compact
from tracer.storage.journal import BEGIN_STRUCT, Journal
from tracer.storage.reader import open_cassette
from tracer.wire import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.storage.compact import Summary

    Both = Callable[..., tuple["Recorded", "Recorded"]]

needs_native = pytest.mark.skipif(
    not native.in_use(), reason="tracer was built without a C compiler, or TRACER_PURE is set"
)


class Point:
    """An object, which past its first crossings is only named."""

    def __init__(self) -> None:
        self.x = 1


class Recorded:
    """Hooks with a journal of their own, driven without any instrumentation."""

    def __init__(self, folder: Path, *, pure: bool, flow: Flow = Flow.CALL, keeps: int = 0) -> None:
        self.lost: list[tuple[int, str]] = []
        self.folder = folder
        self.sink = Sink()
        self.sink.journal = self.journal = Journal.create(folder, {"pid": 1}, half=mmap if pure else native.HALF)
        self.sink.active = True
        self.sink.keep_in_detail(keeps)
        self.sink.met = self.sink.defined.add
        self.sink.lose = lambda number, reason: self.lost.append((number, reason))
        self.sink.meanwhile = lambda number: self.lost.append((number, "called while tracer was at work"))
        self.sink.same = lambda one, other: one == other
        self.encoder = Encoder(redactor=Redactor(), paths=PathNormaliser(temporary=["/tmp"]))
        self.lanes = Lanes(self.journal.define_lane, lambda _: "place")
        self.hooks = Hooks(self.sink, Callers(lambda *_: 0, 9), self.encoder, self.lanes, pure=pure)
        self.probe = self.hooks.probe(1, int(flow), 7, None)

    def call(self, arguments: list[Any], outcome: Any, meanwhile: Callable[[], object] = lambda: None) -> None:
        token = self.probe.began(3, list(arguments))
        meanwhile()
        if token is None:
            return
        if isinstance(outcome, BaseException):
            self.probe.raised(token, outcome)
        else:
            self.probe.returned(token, outcome)

    def frames(self) -> bytes:
        """Stop, and return all that was written."""
        self.sink.active = False
        self.sink.tallies.finish(last=True)
        self.journal.close()
        (path,) = self.folder.glob("*.journal")
        return path.read_bytes()

    def told(self) -> tuple[Any, ...]:
        return self.frames(), self.encoder.losses, self.lost, self.lanes.state().busy


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    """Make hooks of both kinds that start alike."""
    made: list[Recorded] = []

    def make(**settings: Any) -> tuple[Recorded, Recorded]:
        for pure in (False, True):
            folder = tmp_path / f"{len(made)}"
            folder.mkdir()
            made.append(Recorded(folder, pure=pure, **settings))
        return made[-2], made[-1]

    yield make
    for one in made:
        one.journal.close()


def compared(pair: tuple[Recorded, Recorded], run: Callable[[Recorded], object]) -> None:
    """Let both do the same, and see that they wrote the same."""
    one, other = pair
    run(one)
    run(other)

    assert one.told() == other.told()


TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["/tmp/tmpabcdefgh/x", "a/b", "/tmp", "https://example.org//tmp/a", "\ud800", "é" * 600, "x" * 1024, "x" * 1025]
    ),
)
KEYS = st.sampled_from(["id", "name", "größe", "password", "token", "api_key", "a/b", "/tmp/x", "\udfff", "k" * 300])
PLAIN = st.one_of(
    scalars,
    TEXTS,
    st.integers(min_value=-(2**64), max_value=2**65),
    st.sampled_from([(), 2**63, 2**64, -(2**63) - 1, 47]),
)
FLAT = st.one_of(
    st.lists(PLAIN, max_size=5),
    st.lists(PLAIN, max_size=5).map(tuple),
    st.dictionaries(KEYS, PLAIN, max_size=4),
    st.sampled_from(
        [[0] * 32, [0] * 33, {str(n): n for n in range(32)}, {str(n): n for n in range(33)}, [47, 116, 109, 112]]
    ),
)
VALUES = st.one_of(
    PLAIN, FLAT, builtins, st.builds(Point), st.sampled_from([Point, print, {1, 2}, frozenset("a"), (1, 2)])
)
CALLS = st.lists(st.tuples(st.lists(VALUES, max_size=4), VALUES), max_size=12)


@needs_native
@given(calls=CALLS)
def test_both_write_the_same_for_whatever_is_passed_and_returned(calls: list[tuple[list[Any], Any]]) -> None:
    """Each call is made five times more: then it is past the first crossings."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        pair = Recorded(Path(one), pure=False), Recorded(Path(other), pure=True)
        for recorded in pair:
            for arguments, outcome in [*calls, *calls * 5]:
                recorded.call(arguments, outcome)

        assert pair[0].told() == pair[1].told()


@needs_native
@pytest.mark.parametrize("flow", [Flow.GENERATOR, Flow.ASYNC_GENERATOR])
def test_both_write_the_same_for_generators(both: Both, flow: Flow) -> None:
    def run(recorded: Recorded) -> None:
        probe = recorded.probe
        for sent, error in ((None, KeyError("k")), ("a/b", GeneratorExit()), ({"a": 1}, None), (Point(), None)):
            token = probe.began(3, [1, sent])
            for value in (1, "text", [1], {"a": (1,)}, Point(), "/tmp/x"):
                probe.yielded(token, value)
                recorded.call([value], 0)  # in between, outside the suspended one
                probe.resumed(token, sent)
            if error is None:
                probe.returned(token, None)
            else:
                probe.raised(token, error)

    compared(both(flow=flow), run)


@needs_native
@given(calls=CALLS)
def test_both_sum_up_the_same_past_the_budget_of_detail(calls: list[tuple[list[Any], Any]]) -> None:
    """Three calls are kept; and bytes of values use the budget up as well."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        pair = Recorded(Path(one), pure=False, keeps=3), Recorded(Path(other), pure=True, keeps=3)
        for recorded in pair:
            for arguments, outcome in calls * 3:
                recorded.call(arguments, outcome)
            recorded.probe.began(3, [1])  # never ends

        assert pair[0].told() == pair[1].told()


@needs_native
def test_both_sum_up_what_generators_and_changed_arguments_tell(both: Both) -> None:
    def run(recorded: Recorded) -> None:
        probe = recorded.probe
        for error in (None, KeyError("k"), GeneratorExit()):
            items: list[Any] = [1]
            token = probe.began(3, [items])
            for value in (1, "text", [1], Point(), "/tmp/x"):
                probe.yielded(token, value)
                recorded.call([value], 0)
                probe.resumed(token, "sent")
            items.append(2)
            if error is None:
                probe.returned(token, None)
            else:
                probe.raised(token, error)

    compared(both(flow=Flow.GENERATOR, keeps=1), run)


@needs_native
def test_both_end_runs_at_the_same_calls(both: Both) -> None:
    """By what calls were given, or by their number where that never ends one."""

    def run(recorded: Recorded) -> None:
        for number in range(9_000):
            recorded.call([number % 700, str(number)], number)
        for _ in range(5_000):
            recorded.call([1], RuntimeError("no"))

    compared(both(keeps=10), run)


@needs_native
def test_both_write_the_same_for_an_item_after_a_thrown_exception(both: Both) -> None:
    def run(recorded: Recorded) -> None:
        token = recorded.probe.began(3, [])
        recorded.probe.yielded(token, 1)
        try:
            raise KeyError("thrown")
        except KeyError:
            recorded.probe.yielded(token, 2)
        recorded.probe.raised(token, ValueError("end"))

    compared(both(flow=Flow.GENERATOR), run)


@needs_native
def test_both_tell_what_a_call_changed(both: Both) -> None:
    def run(recorded: Recorded) -> None:
        for change in (list.clear, lambda items: items.append(2), lambda items: items.__setitem__(0, 1.0), list.copy):
            items: list[Any] = [1]
            recorded.call([items], None, partial(change, items))
        for change in (
            dict.clear,
            lambda row: row.update(a=[]),
            lambda row: row.update(b=2),
            lambda row: row.update(a=1),
        ):
            row: dict[str, Any] = {"a": 1}
            recorded.call([0, row], None, partial(change, row))
        row = {"a": 1, "b": 2}
        recorded.call([row], None, lambda: row.update(a=row.pop("a")))  # only another order

    compared(both(), run)


@needs_native
def test_both_nest_alike_and_let_go_of_what_was_left_open(both: Both) -> None:
    def run(recorded: Recorded) -> None:
        outer = recorded.probe.began(3, ["outer"])
        inner = recorded.probe.began(3, ["inner"])
        recorded.probe.returned(outer, None)  # the inner one goes on without it
        recorded.call([], "beside")
        recorded.probe.returned(inner, None)
        recorded.call([], "after")

    compared(both(), run)


@needs_native
def test_both_follow_tasks_into_their_lanes(both: Both) -> None:
    def run(recorded: Recorded) -> None:
        recorded.lanes.watch_asyncio(asyncio.events, asyncio.tasks)

        async def job(number: int) -> None:
            token = recorded.probe.began(3, [number])
            await asyncio.sleep(0)
            recorded.call([number, "inside"], None)
            recorded.probe.returned(token, number)

        async def main() -> None:
            await asyncio.gather(*(job(number) for number in range(3)))

        asyncio.run(main())

    compared(both(flow=Flow.COROUTINE), run)


@needs_native
def test_both_turn_the_journal_over_and_keep_frames_larger_than_a_half(both: Both) -> None:
    def run(recorded: Recorded) -> None:
        for number in range(3000):
            recorded.call([number, "x" * 50], number)
        recorded.call([[number]], "y" * 200_000)

    compared(both(), run)


@needs_native
def test_both_count_a_failure_of_tracer_and_raise_nothing(both: Both) -> None:
    def run(recorded: Recorded) -> None:
        recorded.call([1], 2)
        for part in ("began", "returned"):
            recorded.call([part], 2, lambda: setattr(recorded.sink, "journal", None))
            recorded.call([part], 2)
            recorded.sink.journal = recorded.journal
        recorded.call([1], 2)
        assert recorded.lost == [(7, "tracer failed: AttributeError")] * 4

    compared(both(), run)


@needs_native
def test_the_exception_of_a_signal_handler_passes_and_the_thread_goes_on(both: Both) -> None:
    """It is the first frame below tracer's that tells whose an exception is."""
    space: dict[str, Any] = {"__name__": "host"}
    exec("def handler(*_):\n    raise KeyError('host')", space)
    one, _ = both()
    vars(one.encoder)["value"] = space["handler"]

    with pytest.raises(KeyError, match="host"):
        one.call([1], Point())

    assert one.lost == []
    assert not one.lanes.state().busy
    one.call([1], 2)


@needs_native
def test_a_profiler_and_a_tracer_of_the_host_are_told_nothing(both: Both) -> None:
    """Of a crossing that needs no Python: hooks in Python are frames of their own."""
    told: dict[Recorded, int] = {}
    for recorded in both():
        recorded.call([1], 2)  # the callable is defined
        told[recorded] = 0

        def tell(_: object, event: str, __: object, recorded: Recorded = recorded) -> None:
            told[recorded] += event in {"call", "return"}

        began, returned = recorded.probe.began, recorded.probe.returned
        sys.setprofile(tell)
        returned(began(3, [1]), 2)
        sys.setprofile(None)

    assert list(told.values()) == [0, 4]


@needs_native
def test_each_hook_is_a_constant_of_its_own(both: Both) -> None:
    one, _ = both()
    hooks = [
        one.probe.began,
        one.probe.returned,
        one.probe.raised,
        one.probe.yielded,
        one.probe.resumed,
        one.probe.entered,
    ]

    assert len({*hooks}) == len(hooks)
    assert hooks[0] != one.hooks.probe(1, 0, 7, None).began


@needs_native
def test_hooks_refuse_what_no_engine_gives_them(both: Both) -> None:
    """They are constants of code objects, where the host may find them."""
    one, _ = both()
    hooks: list[Any] = [one.probe.returned, one.probe.raised, one.probe.yielded, one.probe.resumed]

    for hook in hooks:
        for arguments in ((), (1,), (None, 1), ([], 1), ([None] * 6, 1), ([1, 2, 3, 4, 5, 6], 1)):
            with pytest.raises(TypeError):
                hook(*arguments)


@needs_native
def test_nothing_is_left_behind_by_many_crossings(both: Both) -> None:
    one, _ = both()
    row, point = {"id": 1, "name": "tea"}, Point()

    def some(number: int) -> int:
        for at in range(number):
            one.call([at, "text", 2.5], at + 2**40)
            one.call([row], row)
            one.call([[at], ()], [str(at)])
            one.call([point, at, row], "a/b")
            one.call([point], point)
        gc.collect()
        return sys.getallocatedblocks()

    some(200)
    before = some(200)

    assert some(4000) - before < 200


@needs_native
def test_a_recorder_and_its_hooks_can_be_collected(both: Both) -> None:
    one, _ = both()
    one.call([1, {"a": 2}], Point())

    def kernels() -> int:
        return sum(type(each).__name__ in {"Kernel", "Hook"} for each in gc.get_objects())

    gc.collect()
    before = kernels()
    hooks = Hooks(one.sink, Callers(lambda *_: 0, 9), one.encoder, one.lanes)
    hooks.probe(1, int(Flow.GENERATOR), 8, None)
    assert kernels() > before

    del hooks
    gc.collect()

    assert kernels() == before


@needs_native
@pytest.mark.parametrize("size", [0, 1, 2, 15, 16, 4095, 4096, 4097, 20_000])
@pytest.mark.parametrize("start", [0, 1, 65520, 65521, 65535, 65521 << 16, 65535 << 16 | 65535, 2**32 + 5])
def test_checksums_are_those_of_zlib(both: Both, size: int, start: int) -> None:
    """Whatever number the call has: sums begin with it."""
    one, _ = both()
    numbers = iter([start])
    hooks = Hooks(one.sink, Callers(lambda *_: 0, 9), one.encoder, one.lanes, numbers=numbers)
    one.sink.defined.add(7)
    one.lanes.state()
    hooks.probe(1, 0, 7, None).began(3, [b"\xff" * size])

    snapshot = one.encoder.arguments([b"\xff" * size], None, full=True)
    head = BEGIN_STRUCT.pack(len(snapshot), adler32(snapshot, start & 0xFFFFFFFF), 4 | 7 << 32, 1, 3, 0, start)
    assert head + snapshot in one.frames()


def defined(recorded: Recorded) -> Recorded:
    """Tell the journal what the numbers in its frames stand for."""
    recorded.journal.define_caller(3, "m")
    recorded.journal.define_callable(7, Callable_("m:f", "m", CallableKind.FUNCTION, Flow.CALL, ()))
    return recorded


def kept(part: Path) -> tuple[Summary, dict[str, list[Any]]]:
    """Compact what is left in a folder; return that, and the arguments by lane."""
    summary = compact(part, part.with_suffix(""))
    with open_cassette(summary.target) as cassette:
        return summary, {
            lane.name: [unpack(call.arguments) for call in cassette.calls(lane.name)] for lane in cassette.lanes
        }


@needs_native
def test_a_process_killed_at_any_instant_leaves_all_its_whole_frames(tmp_path: Path) -> None:
    """Each call holds its number, so a missing or mixed-up one would show."""
    pick, seen = random.Random(7), 0
    for trial in range(12):
        part = tmp_path / f"{trial}.cassette.part"
        part.mkdir()
        ready, tell = os.pipe()
        pid = os.fork()
        if not pid:
            recorded = defined(Recorded(part, pure=False))
            os.write(tell, b"!")
            for call in count():
                recorded.call([call, "x" * (call * 7919 % 500)], call)
        os.read(ready, 1)
        time.sleep(pick.random() * 0.04)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(ready)
        os.close(tell)

        summary, lanes = kept(part)

        assert (summary.unclosed, summary.orphans) == (1, 0)
        assert max(summary.damaged, summary.unfinished) <= 1
        calls = lanes.get("main", [])
        assert calls == [[call, "x" * (call * 7919 % 500)] for call in range(len(calls))]
        seen += len(calls)
    assert seen > 1_000


@needs_native
def test_threads_and_finalizers_share_a_journal_without_losing_a_call(tmp_path: Path) -> None:
    """Finalizers run wherever the collector does, in the middle of what a hook allocates too, and make calls of their own."""
    part = tmp_path / "a.cassette.part"
    part.mkdir()
    recorded, each, finalized = defined(Recorded(part, pure=False)), 2_000, count()

    class Ring:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            next(finalized)
            recorded.call(["finalized"], {"a": 1})

    def work() -> None:
        for number in range(each):
            Ring()
            recorded.call([{"number": number}, number], [number], partial(recorded.call, [number], number))

    switch, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(5)
    try:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switch)
        gc.set_threshold(*thresholds)
    gc.collect()
    recorded.frames()

    summary, lanes = kept(part)

    calls = [call for arguments in lanes.values() for call in arguments]
    # While a half of the journal is turned over, tracer is at work in Python.
    assert {reason for _, reason in recorded.lost} <= {"called while tracer was at work"}
    assert calls.count(["finalized"]) + len(recorded.lost) == next(finalized) == 3 * each
    assert len(calls) + len(recorded.lost) == 9 * each
    assert len(recorded.lost) < 3 * each  # how many meet a half that is turned over depends on the machine
    assert (summary.unfinished, summary.damaged, summary.orphans) == (0, 0, 0)


@needs_native
def test_a_program_recorded_both_ways_gives_one_cassette(tmp_path: Path) -> None:
    project = Project(tmp_path / "zoo").with_files(FILES)
    record(project, "python", "app.py", name="native", env={"TRACER_PURE": "0"})
    record(project, "python", "app.py", name="pure", env={"TRACER_PURE": "1"})

    assert (project.folder / "native.cassette").read_bytes() == (project.folder / "pure.cassette").read_bytes()


def test_an_environment_variable_has_everything_done_in_python(tmp_path: Path) -> None:
    project = Project(tmp_path)
    ask = "from tracer.recording import native; print(native.in_use())"

    assert project.run("python", "-c", ask, env={"TRACER_PURE": "1"}).stdout == "False\n"
    built = find_spec("tracer.recording._native") is not None
    assert project.run("python", "-c", ask, env={"TRACER_PURE": "0"}).stdout == f"{built}\n"
