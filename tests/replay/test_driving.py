"""A callable is driven as the recorded one was, and to where that ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tracer.model import Flow, ItemKind, Raised, Returned, Unfinished
from tracer.replay.driving import FURTHER, Script, run

if TYPE_CHECKING:
    from collections.abc import Callable

NOTHING = Script({})
Y, S, T = ItemKind.YIELDED, ItemKind.SENT, ItemKind.THROWN


def driven(function: Callable[[], Any], flow: Flow, script: Script = NOTHING) -> tuple[Any, Any, list[Any]]:
    """Return how a function ended, with what, and what passed."""
    passed: list[Any] = []
    ending, value = run(function, flow, script, lambda kind, item: passed.append((kind, item)))
    return ending, value, passed


def talking() -> Any:
    try:
        got = yield 1
        got = yield got
    except KeyError:
        yield "handled"
    return "end"


async def talking_async() -> Any:
    try:
        got = yield 1
        got = yield got
    except KeyError:
        yield "handled"


ERROR = KeyError()


@pytest.mark.parametrize(
    ("script", "ending", "passed"),
    [
        (Script({}, 2), Returned, [(Y, 1), (Y, None)]),
        (Script({1: (S, "x")}, 2), Returned, [(Y, 1), (S, "x"), (Y, "x")]),
        (Script({1: (T, ERROR)}, 2), Returned, [(Y, 1), (T, ERROR), (Y, "handled")]),
        (Script({}, 1, unfinished=True), Unfinished, [(Y, 1)]),
        (Script({}, 2, thrown_at_end=ValueError()), Raised, [(Y, 1), (Y, None)]),
    ],
)
def test_a_generator_gets_what_was_sent_and_thrown(script: Script, ending: type, passed: list[Any]) -> None:
    for function, flow in ((talking, Flow.GENERATOR), (talking_async, Flow.ASYNC_GENERATOR)):
        found = driven(function, flow, script)

        assert (found[0], found[2]) == (ending, passed)


def test_a_generator_that_does_not_end_any_more_is_left() -> None:
    def endless() -> Any:
        while True:
            yield 0

    ending, _, passed = driven(endless, Flow.GENERATOR, Script({}, 2))

    assert ending is Unfinished
    assert len(passed) == 2 + FURTHER


def test_whatever_is_raised_is_an_outcome() -> None:
    async def leaves() -> None:
        raise SystemExit(3)

    def interrupted() -> None:
        raise KeyboardInterrupt

    assert driven(leaves, Flow.COROUTINE)[0] is Raised
    assert driven(interrupted, Flow.CALL)[0] is Raised
    assert driven(lambda: 1 // 0, Flow.GENERATOR)[0] is Raised


def test_a_call_that_wants_a_loop_gets_one() -> None:
    assert driven(lambda: asyncio.get_running_loop().is_running(), Flow.CALL)[:2] == (Returned, True)


def test_a_coroutine_leaves_no_task_behind() -> None:
    cancelled: list[bool] = []

    async def forever() -> None:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def starts() -> int:
        asyncio.get_running_loop().create_task(forever())
        await asyncio.sleep(0)
        return 1

    assert driven(starts, Flow.COROUTINE)[:2] == (Returned, 1)
    assert cancelled == [True]
