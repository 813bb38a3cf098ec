"""The simplest calls played at once, in Python and in C alike."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.playing.runs import ENCODER, SEND, call, recorded
from tracer.encoding.encode import Encoder
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.instrument.probe import UNREADY
from tracer.playing import ready
from tracer.playing.ready import make_ready, working

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.playing.recorded import Entry, Recorded

WAYS = [pytest.param(True, id="Python"), pytest.param(False, id="C")]
PURE = Encoder(redactor=Redactor(), paths=PathNormaliser(), pure=True)
MORE: dict[str, Any] = {}

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary())
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner))


class Asked:
    """The hook for `gate:send` of some recorded calls; `finished` are those that were left to the player."""

    def __init__(self, calls: Recorded, *, pure: bool, whole: Callable[[list[Any]], bytes] | None = None) -> None:
        waiting = calls.waiting(SEND)
        assert waiting is not None
        self.finished: list[int] = []
        self.looking = waiting.looking
        self.working = working(pure=pure)
        self._hook = make_ready(self.working, whole or ENCODER.whole(None), waiting, self._finish)

    def __call__(self, text: object) -> Any:
        return self._hook([text, MORE])

    def _finish(self, entry: Entry, arguments: list[Any]) -> int:
        del arguments
        self.finished.append(entry.number)
        return entry.number


@pytest.mark.parametrize("pure", WAYS)
def test_equal_calls_come_in_recorded_order_each_once_and_no_others(pure: bool) -> None:
    calls = recorded(call("a", 1), call("b", 2), call("a", 3))
    ask = Asked(calls, pure=pure)

    assert [ask("a"), ask("c"), ask("b"), ask("a"), ask("a")] == [1, UNREADY, 2, 3, UNREADY]
    assert calls.unplayed() == ()


@pytest.mark.parametrize("pure", WAYS)
def test_a_call_that_was_played_another_way_is_not_played_again(pure: bool) -> None:
    calls = recorded(call("a", 1), call("a", 2))
    calls.mark([0])
    ask = Asked(calls, pure=pure)

    assert [ask("a"), ask("a"), ask("a")] == [UNREADY, 2, UNREADY]


@pytest.mark.parametrize("pure", WAYS)
def test_what_is_no_plain_data_is_left_to_the_player(pure: bool) -> None:
    ask = Asked(recorded(call("a", {1, 2}), call("b", "<tmp>/x")), pure=pure)

    assert (ask("a"), ask("b"), ask.finished) == (0, 1, [0, 1])


@pytest.mark.parametrize("pure", WAYS)
def test_a_thread_at_work_is_not_answered_and_others_are(pure: bool) -> None:
    ask = Asked(recorded(call("a", 1)), pure=pure)
    ask.working.busy = True
    answers = [ask("a")]
    other = threading.Thread(target=lambda: answers.append(ask("a")))
    other.start()
    other.join()

    assert answers == [UNREADY, 1]
    assert ask.working.busy is True


@pytest.mark.parametrize("pure", WAYS)
def test_calls_that_arise_from_looking_at_arguments_are_not_answered(pure: bool) -> None:
    inside: list[Any] = []

    def whole(values: list[Any]) -> bytes:
        inside.append(ask("a"))
        return ENCODER.arguments(values, None, full=True)

    ask = Asked(recorded(call("a", 1)), pure=pure, whole=whole)

    assert (ask("a"), inside, ask.working.busy) == (1, [UNREADY], False)


@pytest.mark.parametrize("pure", WAYS)
def test_what_is_raised_meanwhile_passes_and_leaves_the_thread_at_rest(pure: bool) -> None:
    def whole(_: list[Any]) -> bytes:
        raise KeyboardInterrupt

    ask = Asked(recorded(call("a", 1)), pure=pure, whole=whole)

    with pytest.raises(KeyboardInterrupt):
        ask("a")
    assert ask.working.busy is False


@pytest.mark.skipif(ready._native is None, reason="tracer was built without a C compiler")  # noqa: SLF001
def test_in_c_a_call_waits_for_who_is_looking_in_python() -> None:
    ask = Asked(recorded(call("a", 1)), pure=False)
    ask.looking.append(None)
    first = ask("a")
    ask.looking.pop()

    assert (first, ask("a")) == (UNREADY, 1)


@pytest.mark.parametrize("pure", WAYS)
def test_threads_that_ask_both_ways_play_each_call_once(pure: bool) -> None:
    calls = recorded(*[call("a", number) for number in range(2_000)])
    ask = Asked(calls, pure=pure)
    found: list[int] = []

    def at_once() -> None:
        while (number := ask("a")) is not UNREADY or calls.unplayed():
            found.extend([number] if number is not UNREADY else [])

    def looked_for() -> None:
        key = ENCODER.arguments(["a", MORE], None, full=True)
        while (entry := calls.take("gate:send", key)) is not None:
            found.append(entry.number)

    threads = [threading.Thread(target=target) for target in (at_once, looked_for, at_once, looked_for)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == list(range(2_000))


@pytest.mark.parametrize("pure", WAYS)
@given(value=values)
def test_what_is_played_at_once_is_what_was_returned(pure: bool, value: object) -> None:
    ask = Asked(recorded(call("a", value)), pure=pure)
    result = ask("a")

    assert ask.finished or (type(result), repr(result)) == (type(value), repr(value))
    assert not ask.finished or type(value) not in {bool, type(None)}


@pytest.mark.parametrize("bits", [7, 8, 15, 16, 31, 32, 62])
def test_numbers_at_the_edges_of_what_holds_them_are_played(bits: int) -> None:
    numbers = [sign * (2**bits + more) for sign in (1, -1) for more in (-1, 0, 1)]
    ask = Asked(recorded(*[call(number, number) for number in numbers]), pure=False)

    assert [ask(number) for number in numbers] == numbers


@given(st.lists(values, max_size=3), st.booleans())
def test_arguments_looked_at_once_have_the_bytes_of_those_looked_at_in_turns(given: list[object], hides: bool) -> None:
    secret = tuple(1 for _ in given) if hides else None

    assert ENCODER.whole(secret)(given) == PURE.whole(secret)(given) == ENCODER.arguments(given, secret, full=True)


@pytest.mark.parametrize("repeat", [True, False])
def test_calls_that_bytes_do_not_tell_apart_have_no_hook(repeat: bool) -> None:
    assert (recorded(call("a"), repeat=repeat).waiting(SEND) is None) is repeat
