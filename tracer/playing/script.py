"""One recorded call being played: what it handed out, what it ended with, what it did to its arguments."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from tracer.model import ItemKind, Raised, Returned
from tracer.playing.plain import NOT_PLAIN, plain

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Sequence

    from tracer.model import Call, Callable, Item

END: Final = object()
"""Stands for an item where there is none any more."""


class Stage(Protocol):
    """What plays a call that was found; each is given its callable and its arguments of today."""

    def live(self, noun: Callable, arguments: list[Any], snapshot: bytes) -> Any:
        """Return the live form of a recorded value that is no plain data."""
        ...

    def error(self, snapshot: bytes) -> BaseException | None:
        """Return a recorded exception, None where it has no live form."""
        ...

    def same(self, recorded: bytes, value: Any) -> bool:
        """Return whether a value of today is the recorded one."""
        ...

    def put_back(self, noun: Callable, arguments: list[Any], after: Sequence[tuple[int, bytes]]) -> None:
        """Make the arguments what they were after the call."""
        ...

    def missed(self, noun: Callable, arguments: list[Any], cause: str = "") -> BaseException:
        """Return the error for what the recording does not go on with."""
        ...


class Script:
    """The steps of one recorded call, for one who drives it. The arguments are put back once, before the outcome."""

    __slots__ = ("_arguments", "_at", "_call", "_noun", "_stage")

    def __init__(self, stage: Stage, noun: Callable, call: Call, arguments: list[Any]) -> None:
        self._stage = stage
        self._noun = noun
        self._call = call
        self._arguments = arguments
        self._at = 0

    def item(self) -> Any:
        """Return the next item that was handed out, `END` where there is none."""
        item = self._next()
        if item is None:
            return END
        if item.kind is not ItemKind.YIELDED:
            raise self._missed(f"after item {self._at} the recording goes on with {_PASSED[item.kind]}")
        self._at += 1
        return self._value(item.value)

    def sent(self, value: Any) -> None:
        """Hold what is sent in against the recording."""
        item = self._next()
        if item is not None and item.kind is ItemKind.SENT:
            self._at += 1
            if not self._stage.same(item.value, value):
                raise self._missed("another value was sent into it when it was recorded")
        elif value is not None:
            raise self._missed("no value was sent into it at this place when it was recorded")

    def thrown(self, error: BaseException) -> None:
        """Hold an exception that is thrown in against the recording; it goes on with the outcome where that ends it."""
        item = self._next()
        if item is not None and item.kind is ItemKind.THROWN:
            self._at += 1
            if not self._stage.same(item.value, error):
                raise self._missed("another exception was thrown into it when it was recorded") from error
        elif item is not None or not isinstance(self._call.outcome, Raised):
            raise self._missed("no exception was thrown into it at this place when it was recorded") from error

    async def late_outcome(self) -> Any:
        """Do as `outcome` does; where the call was cancelled, wait until this one is: a time limit around it then ends it as it did."""
        outcome, asyncio = self._call.outcome, sys.modules.get("asyncio")
        if asyncio is not None and isinstance(outcome, Raised):
            with suppress(RuntimeError):  # the loop is not asyncio's
                if isinstance(self._stage.error(outcome.error), asyncio.CancelledError):
                    await asyncio.get_running_loop().create_future()
        return self.outcome()

    def outcome(self) -> Any:
        """Return what was returned, or raise what was raised."""
        call = self._call
        if call.after:
            self._stage.put_back(self._noun, self._arguments, call.after)
        outcome = call.outcome
        if isinstance(outcome, Returned):
            return self._value(outcome.value)
        if isinstance(outcome, Raised):
            raise self._raised(outcome.error)
        raise self._missed("its recording ends here: it was not driven further")

    def generate(self) -> Generator[Any, Any, Any]:
        """Play a generator."""
        at = 0
        for item in self._call.items:  # as in `_generate`, with as little as can be for each: nothing is sent into most
            if item.kind is not _YIELDED:
                break
            value = plain(item.value)
            if value is NOT_PLAIN:
                value = self._live(item.value)
            at += 1
            try:
                sent = yield value
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001  (whatever is thrown in)
                self._at = at
                self.thrown(error)
                break
            if sent is not None:
                self._at = at
                self.sent(sent)
                break
        self._at = max(self._at, at)
        return (yield from self._generate()) if self._at < len(self._call.items) else self.outcome()

    def _generate(self) -> Generator[Any, Any, Any]:
        """Play the rest of a generator into which something is sent or thrown."""
        while (value := self.item()) is not END:
            try:
                sent = yield value
            except GeneratorExit:  # noqa: PERF203  (this is what passes through a generator)
                raise
            except BaseException as error:  # noqa: BLE001  (as above)
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

    def _value(self, snapshot: bytes) -> Any:
        made = plain(snapshot)
        return self._live(snapshot) if made is NOT_PLAIN else made

    def _live(self, snapshot: bytes) -> Any:
        return self._stage.live(self._noun, self._arguments, snapshot)

    def _missed(self, cause: str) -> BaseException:
        return self._stage.missed(self._noun, self._arguments, cause)

    def _next(self) -> Item | None:
        items = self._call.items
        return items[self._at] if self._at < len(items) else None

    def _raised(self, error: bytes) -> BaseException:
        live = self._stage.error(error)
        if live is not None:
            return live
        return self._missed("the exception it raised cannot be made again; name the module of its class in allow=[...]")


_YIELDED: Final = ItemKind.YIELDED
_PASSED: Final = {
    ItemKind.SENT: "a value sent in, which none is now",
    ItemKind.THROWN: "a value thrown in, which none is now",
    ItemKind.SUMMED: "items past the budget of detail, of which only a sum was kept: record it with `--detail-calls 0`",
}
