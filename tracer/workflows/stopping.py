"""Signals that end a command: what it leaves, is cleaned up behind it."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end what runs inside by SystemExit, so that it is cleaned up behind it."""
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL]
        before = {number: signal.signal(number, _leave) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave(number: int) -> None:
    """End as the signal asks for, by an exception.

    Raises:
        KeyboardInterrupt: for the signals of a terminal.
        SystemExit: for all others.
    """
    if number in (signal.SIGINT, signal.SIGQUIT):
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _leave(number: int, _frame: FrameType | None) -> None:
    leave(number)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let signals wait: a second Ctrl-C must not leave half of what the first one made us clean up."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *_ENDING})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
