"""Which calls of two lanes belong together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compare.runs import Run, call
from tracer.compare import pairing
from tracer.compare.columns import LaneReader
from tracer.compare.pairing import Window, pair_calls

if TYPE_CHECKING:
    from tracer.model import Call

    Steps = list[tuple[str, int, int]]

steps = st.lists(st.tuples(st.sampled_from("fgh"), st.integers(0, 3), st.integers(0, 2)), max_size=30)


def calls_of(made: Steps) -> list[Call]:
    """Make calls of (callable, argument, how many calls earlier the enclosing one began)."""
    return [call(f"m:{name}", [value], value, parent=min(up, n)) for n, (name, value, up) in enumerate(made)]


def windows(old: list[Call], new: list[Call], block: int = 7) -> list[Window]:
    one, other = Run(block=block, main=old), Run(block=block, main=new)
    readers = LaneReader(one, one.lanes[0]), LaneReader(other, other.lanes[0])
    return list(pair_calls(*readers))


def pairs(found: list[Window]) -> list[tuple[int, int]]:
    return [(window.start + n, j) for window in found for n, j in enumerate(window.partners) if j >= 0]


def check(old: list[Call], new: list[Call]) -> None:
    found = windows(old, new)
    paired = pairs(found)
    removed = [i for window in found for i, _ in window.removed]
    added = [j for window in found for j in window.added]
    changed = {pair for window in found for pair in window.changed}

    assert Counter([i for i, _ in paired] + removed) == Counter(range(len(old)))
    assert Counter([j for _, j in paired] + added) == Counter(range(len(new)))
    for i, j in paired:
        assert old[i].callable == new[j].callable
        alike = (old[i].arguments, old[i].outcome) == (new[j].arguments, new[j].outcome)
        assert alike == ((i, j) not in changed)


@given(steps, steps)
def test_every_call_is_accounted_for_once_and_pairs_are_of_one_callable(old: Steps, new: Steps) -> None:
    check(calls_of(old), calls_of(new))


@given(steps, steps)
def test_so_it_is_where_a_lane_is_cut_into_windows(old: Steps, new: Steps) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairing, "_WINDOW", 5)
        check(calls_of(old), calls_of(new))


@given(steps)
def test_a_lane_is_paired_with_itself_unread(made: Steps) -> None:
    calls = calls_of(made)

    assert pairs(windows(calls, calls)) == [(n, n) for n in range(len(calls))]
    assert all(window.called is None for window in windows(calls, calls))


def test_a_call_put_in_front_shifts_no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "_WINDOW", 50)
    calls = [call("m:f", [n], n) for n in range(500)]

    found = windows(calls, [call("m:g", [0], 0), *calls])

    assert pairs(found) == [(n, n + 1) for n in range(500)]


def test_children_stay_with_their_parents() -> None:
    """The first parent has lost a child; the second parent's child must not take its place."""
    old = [call("m:f", [1], 1), call("m:g", [1], 1, parent=1), call("m:f", [2], 2), call("m:g", [2], 2, parent=1)]
    new = [call("m:f", [1], 5), call("m:f", [2], 6), call("m:g", [9], 9, parent=1)]

    assert pairs(windows(old, new)) == [(0, 0), (2, 1), (3, 2)]
