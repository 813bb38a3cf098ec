"""Every call of a recording is in exactly one task, in order, and what is left of a task is what was not seen to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracer.model import LaneSummary
from tracer.replay.picking import places
from tracer.replay.plan import LEAST, plan, plan_again
from tracer.replay.task import Options, Pick, Task

BARE = Task("run.cassette", (), Options("/", (), {}, ()))
LANES = st.lists(st.integers(0, 3 * LEAST), max_size=6).map(
    lambda sizes: [LaneSummary(f"lane {number}", size, b"") for number, size in enumerate(sizes)]
)


@given(LANES, st.integers(1, 9), st.data())
def test_each_call_is_in_one_task_unless_it_is_left_out(
    lanes: list[LaneSummary], workers: int, data: st.DataObject
) -> None:
    every = [(lane.name, number) for lane in lanes for number in range(lane.calls)]
    left_out = data.draw(st.sets(st.sampled_from(every), max_size=20)) if every else set()
    tasks = plan(BARE, lanes, workers, left_out)

    assert [spot for task in tasks for spot in places(task.picks)] == [spot for spot in every if spot not in left_out]
    assert all(task.calls for task in tasks)


@given(st.sets(st.tuples(st.sampled_from("abc"), st.integers(0, 2000)), max_size=50))
def test_single_calls_are_made_again_by_lane_and_number(spots: set[tuple[str, int]]) -> None:
    tasks = plan_again(BARE, spots, 2)

    assert [spot for task in tasks for spot in places(task.picks)] == sorted(spots)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=5), st.data())
def test_what_is_left_of_a_task_begins_after_what_was_done(ranges: list[tuple[int, int]], data: st.DataObject) -> None:
    picks = tuple(Pick("lane", first, first + size) for first, size in ranges)
    task = Task("run.cassette", picks, BARE.options, survey=True)
    done = data.draw(st.integers(0, task.calls))
    left = task.after(done, {"gone:wild"})

    assert list(places(left.picks)) == list(places(picks))[done:]
    assert left.given_up == ("gone:wild",)
    assert not left.survey
    if done < task.calls:
        assert task.spot(done) == next(places(left.picks))
