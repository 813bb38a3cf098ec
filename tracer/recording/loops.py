"""Watches event loops: tasks, and callbacks that other threads hand in, have lanes of their own.

When a loop runs what another thread handed in depends on timing. What a loop's own thread schedules does not, and stays in its lane.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from collections import deque
from contextlib import suppress
from threading import RLock
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from tracer.recording.identity import NamesByIdentity

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, ModuleType

    from tracer.recording.lanes import Lane, Lanes

_INTERNAL: Final = frozenset({"asyncio.base_events", "asyncio.futures"})
"""Modules that hand in nothing but a future's outcome, which then wakes others from the loop's own thread."""


class Loops:
    """The event loops of one process. `watch` is `Observers.watch`."""

    def __init__(self, lanes: Lanes, watch: Callable[..., None]) -> None:
        self._lanes = lanes
        self._watch = watch
        self._watching = False
        self._homes = NamesByIdentity()
        # By the identities of callback and arguments: a loop may run a handle before whoever handed it in gets to see it.
        self._handed: dict[tuple[int, int], deque[_Handed]] = {}
        # A collection may run `_forget` in a thread that is just changing the above.
        self._turn = RLock()

    def observed(self) -> dict[str, Callable[[ModuleType], None]]:
        """Return what is to be called with which module once it is loaded."""
        return {"asyncio.base_events": self._observe}

    def _observe(self, module: ModuleType) -> None:
        lanes, loop = self._lanes, module.BaseEventLoop
        lanes.watch_asyncio(sys.modules["asyncio.events"], sys.modules["asyncio.tasks"])
        self._watch(
            loop.create_task,
            began=lambda frame, _: frame,
            returned=lambda frame, task: lanes.task_created(task, frame),
        )
        self._watch(loop.run_forever, began=lambda _, arguments: self._run(arguments[0]))
        self._watch(loop.call_soon_threadsafe, began=self._hand, returned=self._keep)

    def _watch_handles(self) -> None:
        """Watch where loops run callbacks of any kind, from the first one on that was handed in."""
        if self._watching:
            return
        self._watching = True
        self._watch(
            sys.modules["asyncio.events"].Handle._run,  # noqa: SLF001  (the one place all go through)
            wanted=lambda: self._handed,
            began=lambda _, arguments: self._begin(arguments[0]),
            returned=lambda before, _: self._end(before),
            raised=self._end,
        )

    def _run(self, loop: object) -> None:
        """Take note of where a loop runs."""
        lane = self._lanes.state().lane
        if lane is not None:
            self._homes.enter(loop, lane.name)

    def _hand(self, frame: FrameType, arguments: list[Any]) -> _Handed | None:
        """Name the lane of a callback that is about to be put into a loop's queue."""
        loop, callback, rest = arguments[:3]
        if frame.f_globals.get("__name__") in _INTERNAL or vars(loop).get("_thread_id") == get_ident():
            return None
        name = self._lanes.submitted("callback", frame, self._homes.get(loop))
        if name is None:
            return None
        self._watch_handles()
        handed = _Handed((id(callback), id(rest)), name)
        with self._turn:
            self._handed.setdefault(handed.key, deque()).append(handed)
        return handed

    def _keep(self, handed: _Handed | None, handle: Any) -> None:
        """Let a callback be forgotten with its handle: it may be cancelled."""
        if handed is not None:
            handed.handle = ref(handle, lambda _: self._forget(handed))

    def _begin(self, handle: Any) -> tuple[Lane | None] | None:
        """Go on in the lane of the callback that is about to run, if it was handed in; return the lane before."""
        key = id(handle._callback), id(handle._args)  # noqa: SLF001  (nothing else tells them)
        waiting = self._handed.get(key)
        if not waiting:
            return None
        handed = waiting[0]
        self._forget(handed)
        return (self._lanes.switch(handed.name),)

    def _end(self, before: tuple[Lane | None] | None) -> None:
        if before is not None:
            self._lanes.leave(before[0])

    def _forget(self, handed: _Handed) -> None:
        with self._turn:
            waiting = self._handed.get(handed.key)
            if waiting is not None:
                with suppress(ValueError):
                    waiting.remove(handed)
                if not waiting:
                    del self._handed[handed.key]


class _Handed:
    """A callback in a loop's queue: the identities of it and its arguments, its lane, and its handle once that is known."""

    __slots__ = ("handle", "key", "name")

    def __init__(self, key: tuple[int, int], name: str) -> None:
        self.key = key
        self.name = name
        self.handle: ref[Any] | None = None
