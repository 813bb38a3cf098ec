"""The simplest calls played at once: one look in a table, and an outcome that is plain data. All else is left to the player.

Where tracer was built with a C compiler, `tracer/playing/_native.c` does the same.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tracer.compiled import WANTED
from tracer.instrument.probe import UNREADY
from tracer.playing.plain import NOT_PLAIN, plain
from tracer.playing.recorded import Entry

if TYPE_CHECKING:
    from collections.abc import Callable as Function

    from tracer.playing.recorded import Waiting


class Working(threading.local):
    """Whether a thread is at work here, so that calls are not the program's."""

    busy = False


_native: Any = None
if WANTED:
    with suppress(ImportError):  # no compiler, another Python than it was built for, a subinterpreter
        from tracer.playing import _native


def working(*, pure: bool = False) -> Working:
    """Return what says of each thread whether it is at work."""
    made: Working = Working() if pure or _native is None else _native.Working()
    return made


def make_ready(
    local: Working,
    whole: Function[[list[Any]], bytes],
    waiting: Waiting,
    finish: Function[[Entry, list[Any]], Any],
) -> Function[[list[Any]], Any]:
    """Return the hook `Probe.ready` of one callable, in C where `local` is.

    whole: gives the snapshot of a call's arguments.
    finish: gives what comes of a call that is taken, where that is no scalar.
    """
    exact, turn = waiting.exact, waiting.turn
    if type(local) is not Working:
        made: Function[[list[Any]], Any] = _native.Ready(local, whole, exact, waiting.looking, finish, UNREADY, Entry)
        return made

    def ready(arguments: list[Any]) -> Any:
        if local.busy:
            return UNREADY
        local.busy = True
        try:
            queue = exact.get(whole(arguments))
        finally:
            local.busy = False
        if queue is None:
            return UNREADY
        with turn:
            entry = queue.popleft() if queue else None
            if entry is None or entry.played:
                return UNREADY
            entry.played = True
        value = NOT_PLAIN if entry.at_once is None else plain(entry.at_once)
        return finish(entry, arguments) if value is NOT_PLAIN else value

    return ready
