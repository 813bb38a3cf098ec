"""Journals become one cassette: the same bytes for the same calls, however they were made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from zlib import adler32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer import errors, model, wire
from tracer.storage import journal as jr
from tracer.storage.compact import Summary, compact
from tracer.storage.lineage import job_lane
from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from pathlib import Path

Make = Callable[..., Any]
pack = wire.packer()


def lanes_of(path: Path) -> dict[str, list[model.Call]]:
    with open_cassette(path) as cassette:
        return {lane.name: list(cassette.calls(lane.name)) for lane in cassette.lanes}


def closed(part: Path, name: str = "a") -> Summary:
    return compact(part, part.parent / f"{name}.cassette")


def test_a_call_comes_back_with_all_its_parts(part: Path, scribe: Make) -> None:
    one = scribe()
    outer = one.begin("main", "m:outer", 1)
    inner = one.begin("main", "m:inner", 2, parent=outer)
    one.journal.item(inner, model.ItemKind.YIELDED, pack("a"))
    one.journal.item(inner, model.ItemKind.SENT, pack("b"))
    one.end(inner, "oops", jr.RAISED)
    one.journal.after(outer, 3, pack("z"))
    one.journal.after(outer, 0, pack("y"))
    one.journal.loss("m:outer", "opaque", 2)
    one.journal.loss("m:outer", "opaque", 3)
    one.journal.meta({"boundaries": ["m"], "granularity": "package", "components": [["m", True]]})
    one.close()

    summary = closed(part)

    with open_cassette(summary.target) as cassette:
        first, second = cassette.calls("main")
        recording = cassette.recording
    assert first == model.Call(
        "m:outer", "shop.web", 0, model.Flow.CALL, pack([1]), model.Unfinished(), (), ((0, pack("y")), (3, pack("z")))
    )
    assert second.outcome == model.Raised(pack("oops"))
    assert second.parent == 1
    assert second.items == (
        model.Item(model.ItemKind.YIELDED, pack("a")),
        model.Item(model.ItemKind.SENT, pack("b")),
    )
    assert (recording.python, recording.boundaries, recording.granularity) == ("3.11", ("m",), "package")
    assert recording.losses == (model.Loss("m:outer", "opaque", 5),)
    assert [watched.name for watched in recording.callables] == ["m:inner", "m:outer"]
    assert (summary.calls, summary.unfinished, summary.unclosed) == (2, 1, 0)


@settings(max_examples=25, deadline=None)
@given(
    tests=st.dictionaries(
        st.sampled_from([f"test t.py::test_{letter}" for letter in "abcdef"]),
        st.lists(st.tuples(st.sampled_from(["m:f", "m:g", "n:h"]), st.integers(0, 5)), min_size=1, max_size=6),
    ),
    workers=st.lists(st.integers(0, 2), min_size=6, max_size=6),
    first_call=st.integers(1, 2**40),
)
def test_the_number_of_processes_and_their_ids_leave_no_trace_in_the_bytes(
    tmp_path_factory: pytest.TempPathFactory,
    scribe_class: Make,
    tests: dict[str, list[tuple[str, int]]],
    workers: list[int],
    first_call: int,
) -> None:
    folder = tmp_path_factory.mktemp("split")
    alone, split = folder / "alone.part", folder / "split.part"
    alone.mkdir()
    split.mkdir()
    single = scribe_class(alone, 1)
    several = [scribe_class(split, 50 - at, first_call=first_call) for at in range(3)]
    for at, (test, calls) in enumerate(tests.items()):
        for target in (single, several[workers[at]]):
            for name, number in calls:
                target.call(test, name, number, number)
    for scribe in (single, *several):
        for name in ("m:f", "m:g", "n:h"):
            scribe.number("callable", name)
        scribe.close()

    compact(alone, folder / "alone.cassette")
    compact(split, folder / "split.cassette")

    assert (folder / "alone.cassette").read_bytes() == (folder / "split.cassette").read_bytes()


def test_an_announced_child_hangs_under_the_name_it_was_given(part: Path, scribe: Make) -> None:
    parent, child, grandchild = scribe(10), scribe(20, 10), scribe(30, 20)
    parent.call("main", "m:f", 0, 0)
    parent.journal.child(20, "main > process shop:start#0")
    child.call("main", "m:f", 1, 1)
    child.call("main > thread shop:work#0", "m:f", 2, 2)
    child.journal.child(30, "main > thread shop:work#0 > process shop:again#0")
    grandchild.call("main", "m:f", 3, 3)
    grandchild.call("test t.py::test_x", "m:f", 4, 4)
    for one in (parent, child, grandchild):
        one.close()

    assert list(lanes_of(closed(part).target)) == [
        "main",
        "main > process shop:start#0",
        "main > process shop:start#0 > thread shop:work#0",
        "main > process shop:start#0 > thread shop:work#0 > process shop:again#0",
        "test t.py::test_x",
    ]


def test_children_announced_by_their_parents_lane_are_numbered_in_order(part: Path, scribe: Make) -> None:
    parent = scribe(10)
    parent.call("main", "m:f", 0, 0)
    for pid, number in ((40, 1), (30, 2)):
        parent.journal.child(pid, "main")
        child = scribe(pid, 10)
        child.call("main", "m:f", number, number)
        child.close()
    parent.close()

    lanes = lanes_of(closed(part).target)

    assert [call.arguments for call in lanes["main > process#0"]] == [pack([1])]
    assert [call.arguments for call in lanes["main > process#1"]] == [pack([2])]


def test_a_child_nobody_announced_hangs_under_its_parents_main(part: Path, scribe: Make) -> None:
    scribe(20, 10).call("main", "m:f", 1, 1)
    scribe(10, 1).call("main", "m:f", 0, 0)

    assert list(lanes_of(closed(part).target)) == ["main", "main > process"]


def test_jobs_that_a_pools_processes_took_are_lanes_of_who_submitted_them(part: Path, scribe: Make) -> None:
    """Whichever process took them; one that nobody told of is its process's."""
    root, parent, *workers = scribe(10), scribe(20, 10), scribe(30, 20), scribe(40, 20)
    root.journal.child(20, "main > process shop:start#0")
    for number, worker in enumerate(workers):
        pid = 30 + 10 * number
        parent.journal.child(pid, "main > pool shop:serve#0")
        parent.journal.job("main > pool shop:serve#0", str(number), f"main > job shop:ask#{number}")
        worker.call(job_lane(pid, f"{number}/7"), "m:f", number, number)
        worker.call(f"{job_lane(pid, str(number))} > thread shop:work#0", "m:f", number, number)
        worker.call("main", "m:f", 0, 0)
    parent.journal.job("main > pool shop:serve#0", "9", "test t.py::test_x > job shop:ask#0")
    workers[0].call(job_lane(30, "9"), "m:f", 9, 9)
    workers[1].call(job_lane(40, "8"), "m:f", 8, 8)
    for one in (root, parent, *workers):
        one.close()

    inside = "main > process shop:start#0"
    jobs = [f"{inside} > job shop:ask#{number}{more}" for number in (0, 1) for more in (" > thread shop:work#0", "/7")]
    pool = [f"{inside} > pool shop:serve#0", f"{inside} > pool shop:serve#0 > job 8"]
    assert list(lanes_of(closed(part).target)) == [*jobs, *pool, "test t.py::test_x > job shop:ask#0"]


def test_jobs_that_lead_to_themselves_are_no_trap(part: Path, scribe: Make) -> None:
    parent, worker = scribe(10), scribe(20, 10)
    parent.journal.child(20, "main > pool x#0")
    parent.journal.job("main > pool x#0", "1", job_lane(20, "1"))
    worker.call(job_lane(20, "1"), "m:f", 1, 1)
    worker.call("@twenty job 1", "m:f", 1, 1)

    assert list(lanes_of(closed(part).target)) == ["@twenty job 1", "main > pool x#0 > job 1"]


def test_pids_that_form_a_circle_are_no_trap(part: Path, scribe: Make) -> None:
    one, other = scribe(10, 20), scribe(20, 10)
    for number, scribed in enumerate((one, other)):
        scribed.call("main", "m:f", number, number)
        scribed.journal.child(10 if scribed is other else 20, "main > process x#0")
        scribed.close()

    assert sum(map(len, lanes_of(closed(part).target).values())) == 2


def test_equal_lanes_merge_and_others_are_numbered_by_content(part: Path, scribe: Make, tmp_path: Path) -> None:
    for pid, number in ((1, 5), (2, 6), (3, 5)):
        one = scribe(pid)
        one.call("fixture db", "m:f", number, number)
        one.close()
    backwards = tmp_path / "backwards.part"
    backwards.mkdir()
    for pid, number in ((1, 6), (2, 5)):
        one = scribe(pid, folder=backwards)
        one.call("fixture db", "m:f", number, number)
        one.close()

    summary, other = closed(part), closed(backwards, "b")

    assert list(lanes_of(summary.target)) == ["fixture db", "fixture db ~2"]
    assert (summary.merged, summary.calls) == (1, 2)
    assert summary.target.read_bytes() == other.target.read_bytes()


def test_one_lane_defined_twice_in_a_process_is_one_lane(part: Path, scribe: Make) -> None:
    one = scribe()
    first = one.number("lane", "main")
    one.call("main", "m:f", 1, 1)
    one.journal.define_lane(first + 1000, "main")
    name, caller = one.number("callable", "m:f"), one.number("caller", "shop.web")
    one.journal.begin(90, first + 1000, 1, name, caller, 0, pack([2]))
    one.call("main", "m:f", 3, 3)
    one.close()

    (calls,) = lanes_of(closed(part).target).values()

    assert [(call.arguments, call.parent) for call in calls] == [(pack([1]), 0), (pack([2]), 1), (pack([3]), 0)]


def test_a_parent_in_another_lane_or_process_is_none(part: Path, scribe: Make) -> None:
    one = scribe(first_call=100)
    outer = one.begin("main", "m:f", 1)
    one.call("main > thread m:t#0", "m:f", 2, 2, parent=outer)
    one.call("main", "m:f", 3, 3, parent=7)
    one.close()

    assert {call.parent for calls in lanes_of(closed(part).target).values() for call in calls} == {0}


def test_the_children_of_a_call_without_a_name_are_those_of_its_parent(part: Path, scribe: Make) -> None:
    one = scribe()
    outer = one.begin("main", "m:f", 1)
    lane, caller = one.number("lane", "main"), one.number("caller", "shop.web")
    one.journal.begin(50, lane, outer, 999, caller, 0, pack([2]))
    one.call("main", "m:f", 3, 3, parent=50)
    one.end(outer, 1)
    one.close()

    (calls,) = lanes_of(closed(part).target).values()

    assert [(call.arguments, call.parent) for call in calls] == [(pack([1]), 0), (pack([3]), 1)]


def test_calls_whose_names_never_came_are_lost_and_counted(part: Path, scribe: Make) -> None:
    one = scribe()
    one.call("main", "m:f", 1, 1)
    lane, name, caller = one.number("lane", "main"), one.number("callable", "m:f"), one.number("caller", "shop.web")
    for at, (lane_number, callable_number) in enumerate([(lane, 999), (999, name)]):
        one.journal.begin(50 + at, lane_number, 0, callable_number, caller, 0, pack([1]))
    one.close()

    summary = closed(part)

    assert summary.calls == 1
    assert summary.losses == (model.Loss("*", "calls whose lane or callable was never named", 2),)


def test_frames_nobody_can_read_are_counted_and_the_rest_is_kept(part: Path, scribe: Make) -> None:
    one = scribe()
    for body in (
        b"\x63no such kind",
        bytes([jr.Kind.CALLABLE]) + b"short",
        bytes([jr.Kind.CALLABLE]) + b"\0\0\0\0\xc1",
    ):
        one.journal.put(jr.FRAME_STRUCT.pack(len(body), adler32(body)) + body)
    one.journal.end(77, 0, b"\xc0")
    one.call("main", "m:f", 1, 1)
    one.close()

    summary = closed(part)

    assert (summary.damaged, summary.orphans, summary.calls) == (3, 1, 1)
    assert summary.losses == (model.Loss("*", "frames that were not whole", 3),)


def test_several_definitions_of_one_callable_give_one(part: Path, scribe: Make) -> None:
    for pid, code in ((1, "b"), (2, "a")):
        one = scribe(pid)
        one.journal.define_callable(
            1, model.Callable("m:f", "m", model.CallableKind.FUNCTION, model.Flow.CALL, (), code=code)
        )
        one.close()

    with open_cassette(closed(part).target) as cassette:
        assert [watched.code for watched in cassette.recording.callables] == ["a"]


def test_an_empty_folder_is_an_error_and_the_target_stays(part: Path) -> None:
    target = part.parent / "a.cassette"
    target.write_bytes(b"old")

    with pytest.raises(errors.CassetteNotFound, match="no journal"):
        compact(part, target)
    assert target.read_bytes() == b"old"


def test_memory_stays_bounded_over_many_calls(part: Path, scribe: Make) -> None:
    """Numbers per call are kept, values are not: 48 MB of them go through."""
    import tracemalloc

    one = scribe()
    for number in range(6_000):
        one.call("main", "m:f", b"%08d" % number * 1_000, number)
    one.close()
    tracemalloc.start()
    try:
        closed(part)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 30 << 20
