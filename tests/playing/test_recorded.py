"""Recorded calls found again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.playing.runs import arguments, call, recorded
from tracer.errors import ConfigError
from tracer.playing.matchers import Matchers, matchers

if TYPE_CHECKING:
    from tracer.playing.recorded import Recorded


def played(calls: Recorded, text: object, **more: object) -> int | None:
    found = calls.take("gate:send", arguments(text, **more))
    return None if found is None else found.number


def test_equal_calls_are_played_in_recorded_order_and_each_once() -> None:
    calls = recorded(call("a"), call("b"), call("a"))

    assert [played(calls, "a"), played(calls, "b"), played(calls, "a"), played(calls, "a")] == [0, 1, 2, None]
    assert calls.unplayed() == ()


def test_the_last_call_may_be_repeated() -> None:
    calls = recorded(call("a"), call("b"), call("a"), repeat=True)

    assert [played(calls, "a") for _ in range(4)] == [0, 2, 2, 2]
    assert [entry.number for entry in calls.unplayed()] == [1]


def test_calls_made_inside_a_played_component_are_part_of_the_call_around_them() -> None:
    calls = recorded(
        call("", name="gate:outer"), call("", name="shop:x", parent=1), call("inner", parent=1), call("own")
    )

    assert (len(calls), played(calls, "inner"), played(calls, "own")) == (2, None, 1)


def test_keyword_arguments_match_in_any_order() -> None:
    calls = recorded(call("a", x=1, y=2))

    assert played(calls, "a", y=2, x=1) == 0


@pytest.mark.parametrize("ignored", ["timeout", "gate:send.timeout"])
def test_ignored_arguments_do_not_count(ignored: str) -> None:
    calls = recorded(call("a", timeout=1, x=1), using=Matchers(ignore=(ignored,)))

    assert [played(calls, "a", x=2, timeout=1), played(calls, "a", x=1, timeout=5)] == [None, 0]


def test_an_ignored_argument_of_another_callable_counts() -> None:
    assert played(recorded(call("a"), using=Matchers(ignore=("gate:other.text",))), "b") is None


def test_calls_may_be_told_apart_by_their_order_alone() -> None:
    calls = recorded(call("a"), call("b"), using=matchers((), {"gate:*": "callable"}))

    assert [played(calls, "x"), played(calls, "y"), played(calls, "z")] == [0, 1, None]


def test_a_way_to_match_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="'body' is no way to match. Use one of: arguments, callable"):
        matchers((), "body")


def test_the_nearest_call_is_the_one_with_the_fewest_differences() -> None:
    near = recorded(call("a", x=1, y=1), call("b", x=1, y=2)).nearest("gate:send", arguments("b", x=1, y=3))

    assert near is not None
    assert (near.entry.number, str(near.likeness.path)) == (1, "argument.more['y']")


def test_what_several_processes_played_is_counted_once_for_each() -> None:
    calls = recorded(call("a"), call("a"), call("a"))
    calls.mark([0, 0])

    assert [entry.number for entry in calls.unplayed()] == [2]


@given(st.lists(st.sampled_from("abc"), max_size=12), st.randoms())
def test_whatever_the_order_of_asking_all_calls_are_played_once(texts: list[str], random: Any) -> None:
    calls = recorded(*map(call, texts))
    asked = random.sample(texts, len(texts))
    found = [played(calls, text) for text in asked]

    assert sorted(number for number in found if number is not None) == list(range(len(texts)))
    for text in set(texts):
        numbers = [number for number, each in zip(found, asked, strict=True) if each == text]
        assert numbers == sorted(numbers, key=lambda number: number or 0)


def test_threads_share_the_calls_without_playing_one_twice() -> None:
    calls = recorded(*(call("a") for _ in range(200)))
    found: list[int | None] = []
    threads = [threading.Thread(target=lambda: found.extend(played(calls, "a") for _ in range(50))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(number for number in found if number is not None) == list(range(200))
