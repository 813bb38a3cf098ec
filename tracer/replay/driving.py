"""Runs one callable to where its recorded call ended: plain calls, coroutines, and generators of both kinds with what was sent and thrown."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tracer.model import Flow, ItemKind, Raised, Returned, Unfinished

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from tracer.model import Ending

FURTHER: Final = 1000
"""Items that a generator may hand out beyond those recorded before it counts as one that does not end."""

_NO_LOOP: Final = "no running event loop"

Step: TypeAlias = "tuple[Ending | None, Any]"
"""What one resumption came to: an item where there is no ending."""
Resume: TypeAlias = "Callable[[ItemKind, Any], Awaitable[Step]]"
Note: TypeAlias = "Callable[[ItemKind, Any], None]"


@dataclass(frozen=True, slots=True)
class Script:
    """How the recorded call was driven.

    resumptions: by how many items were handed out before, what was then sent or thrown in; nothing where it was just resumed.
    items: how many items were handed out. unfinished: whether it was left there, before its end.
    thrown_at_end: what to throw in after the last item, in place of resuming.
    """

    resumptions: dict[int, tuple[ItemKind, Any]]
    items: int = 0
    unfinished: bool = False
    thrown_at_end: BaseException | None = None

    def after(self, items: int) -> tuple[ItemKind, Any]:
        """Return how to go on once so many items were handed out."""
        if self.thrown_at_end is not None and items == self.items:
            return ItemKind.THROWN, self.thrown_at_end
        return self.resumptions.get(items, (ItemKind.SENT, None))


def run(function: Callable[[], Any], flow: Flow, script: Script, note: Note) -> tuple[Ending, Any]:
    """Call a function without arguments and drive what it returns; return how that ended and with what.

    `note` is told of each item as it passes. No exception leaves this.
    """
    if flow is Flow.CALL:
        ending, value = _called(function)
        if ending is Raised and type(value) is RuntimeError and value.args == (_NO_LOOP,):
            return _in_loop(_called_inside(function))
        return ending, value
    if flow is Flow.COROUTINE:
        return _in_loop(_awaited(function))
    if flow is Flow.GENERATOR:
        return _at_once(_generated(function, _resumes, script, note))
    return _in_loop(_generated(function, _resumes_async, script, note))


def _called(function: Callable[[], Any]) -> tuple[Ending, Any]:
    try:
        return Returned, function()
    except BaseException as error:  # noqa: BLE001  (whatever the call raises is its outcome)
        return Raised, error


async def _called_inside(function: Callable[[], Any]) -> tuple[Ending, Any]:
    return _called(function)


async def _awaited(function: Callable[[], Any]) -> tuple[Ending, Any]:
    try:
        return Returned, await function()
    except BaseException as error:  # noqa: BLE001
        return Raised, error


async def _generated(
    function: Callable[[], Any], resuming: Callable[[Any], Resume], script: Script, note: Note
) -> tuple[Ending, Any]:
    ending, value = _called(function)
    if ending is Raised:
        return ending, value
    generator = value
    resume = resuming(generator)
    action: ItemKind = ItemKind.SENT
    sent: Any = None
    handed_out = 0
    while True:
        ended, value = await resume(action, sent)
        if ended is not None:
            return ended, value
        if action is ItemKind.THROWN:
            note(action, sent)
        note(ItemKind.YIELDED, value)
        handed_out += 1
        if (script.unfinished and handed_out == script.items) or handed_out >= script.items + FURTHER:
            await _closed(generator)
            return Unfinished, None
        action, sent = script.after(handed_out)
        if action is ItemKind.SENT and sent is not None:
            note(action, sent)


def _resumes(generator: Any) -> Resume:
    async def resume(action: ItemKind, value: Any) -> Step:
        try:
            return None, generator.throw(value) if action is ItemKind.THROWN else generator.send(value)
        except StopIteration as end:
            return Returned, end.value
        except BaseException as error:  # noqa: BLE001
            return Raised, error

    return resume


def _resumes_async(generator: Any) -> Resume:
    async def resume(action: ItemKind, value: Any) -> Step:
        try:
            return None, await (generator.athrow(value) if action is ItemKind.THROWN else generator.asend(value))
        except StopAsyncIteration:
            return Returned, None
        except BaseException as error:  # noqa: BLE001
            return Raised, error

    return resume


async def _closed(generator: Any) -> None:
    """Close a generator as one that is dropped is closed: what it raises then nobody sees."""
    try:
        if hasattr(generator, "aclose"):
            await generator.aclose()
        else:
            generator.close()
    except BaseException:  # noqa: BLE001
        return


def _at_once(work: Coroutine[Any, Any, tuple[Ending, Any]]) -> tuple[Ending, Any]:
    """Run a coroutine that never waits for anything."""
    try:
        work.send(None)
    except StopIteration as end:
        result: tuple[Ending, Any] = end.value
        return result
    raise RuntimeError("a generator was waited for")


def _in_loop(work: Coroutine[Any, Any, tuple[Ending, Any]]) -> tuple[Ending, Any]:
    """Run a coroutine on an event loop of its own; tasks that it leaves behind are cancelled."""
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        result = loop.run_until_complete(work)
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        return result
    finally:
        asyncio.set_event_loop(None)
        loop.close()
