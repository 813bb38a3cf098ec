"""One recorded call being played: what it handed out, what it ended with, what it did to its arguments."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from tracer.model import Item, ItemKind, Raised, Returned, Unfinished

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from tracer.playing.recorded import Entry

END: Final = object()
"""Stands for an item where there is none any more."""


class Script:
    """The steps of one recorded call, for one who drives it.

    live: makes a recorded value live; error: makes a recorded exception live, None where that cannot be done.
    same: whether a value of today is the recorded one.
    end: puts the arguments as they were after the call; called once, before the outcome.
    missed: returns the error for what the recording does not go on with; it is given the reason.
    """

    def __init__(
        self,
        entry: Entry,
        live: Callable[[bytes], Any],
        error: Callable[[bytes], BaseException | None],
        same: Callable[[bytes, Any], bool],
        end: Callable[[], None],
        missed: Callable[[str], BaseException],
    ) -> None:
        self._entry = entry
        self._live = live
        self._error = error
        self._same = same
        self._end = end
        self._missed = missed
        self._at = 0

    def item(self) -> Any:
        """Return the next item that was handed out, `END` where there is none."""
        item = self._next()
        if item is None:
            return END
        if item.kind is not ItemKind.YIELDED:
            raise self._missed(
                f"after item {self._at} the recording goes on with a value {_PASSED[item.kind]}, which none is now"
            )
        self._at += 1
        return self._live(item.value)

    def sent(self, value: Any) -> None:
        """Hold what is sent in against the recording."""
        item = self._next()
        if item is not None and item.kind is ItemKind.SENT:
            self._at += 1
            if not self._same(item.value, value):
                raise self._missed("another value was sent into it when it was recorded")
        elif value is not None:
            raise self._missed("no value was sent into it at this place when it was recorded")

    def thrown(self, error: BaseException) -> None:
        """Hold an exception that is thrown in against the recording; it goes on with the outcome where that ends it."""
        item = self._next()
        if item is not None and item.kind is ItemKind.THROWN:
            self._at += 1
            if not self._same(item.value, error):
                raise self._missed("another exception was thrown into it when it was recorded") from error
        elif item is not None or not isinstance(self._entry.call.outcome, Raised):
            raise self._missed("no exception was thrown into it at this place when it was recorded") from error

    async def late_outcome(self) -> Any:
        """Do as `outcome` does; where the call was cancelled, wait until this one is: a time limit around it then ends it as it did."""
        outcome, asyncio = self._entry.call.outcome, sys.modules.get("asyncio")
        if asyncio is not None and isinstance(outcome, Raised):
            with suppress(RuntimeError):  # the loop is not asyncio's
                if isinstance(self._error(outcome.error), asyncio.CancelledError):
                    await asyncio.get_running_loop().create_future()
        return self.outcome()

    def outcome(self) -> Any:
        """Return what was returned, or raise what was raised."""
        self._end()
        match self._entry.call.outcome:
            case Returned(value):
                return self._live(value)
            case Raised(error):
                raise self._raised(error)
            case Unfinished():
                raise self._missed("its recording ends here: it was not driven further")

    def generate(self) -> Generator[Any, Any, Any]:
        """Play a generator."""
        while (item := self.item()) is not END:
            try:
                sent = yield item
            except GeneratorExit:  # noqa: PERF203  (this is what passes through a generator)
                raise
            except BaseException as error:  # noqa: BLE001  (whatever is thrown in)
                self.thrown(error)
            else:
                self.sent(sent)
        return self.outcome()

    async def generate_async(self) -> AsyncGenerator[Any, Any]:
        """Play an async generator."""
        while (item := self.item()) is not END:
            try:
                sent = yield item
            except GeneratorExit:  # noqa: PERF203  (this is what passes through a generator)
                raise
            except BaseException as error:  # noqa: BLE001  (as above)
                self.thrown(error)
            else:
                self.sent(sent)
        await self.late_outcome()

    async def awaited(self) -> Any:
        """Play a coroutine."""
        return await self.late_outcome()

    def _next(self) -> Item | None:
        items = self._entry.call.items
        return items[self._at] if self._at < len(items) else None

    def _raised(self, error: bytes) -> BaseException:
        live = self._error(error)
        if live is not None:
            return live
        return self._missed("the exception it raised cannot be made again; name the module of its class in allow=[...]")


_PASSED: Final = {ItemKind.SENT: "sent in", ItemKind.THROWN: "thrown in"}
