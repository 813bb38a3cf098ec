"""Scenes in which the process is ended, or told to end, somewhere."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from play import Play


def _some_then(play: Play, action) -> None:
    play.some(play.random.randrange(3, 600))
    print("so far", play.random.randrange(10**6), flush=True)
    play.here(action)
    play.some(5)
    print("went on", flush=True)


def kill(play: Play) -> None:
    _some_then(play, lambda: os.kill(os.getpid(), signal.SIGKILL))


def forever(play: Play) -> None:
    """Go on until something outside ends it."""
    play.ready()
    until = time.monotonic() + 50
    while time.monotonic() < until:
        play.some(20)


def kill_threads(play: Play) -> None:
    for number in range(1, 9):
        threading.Thread(target=play.beside(number).some, args=(10**6,), daemon=True).start()
    time.sleep(play.random.random() * 0.05)
    os.kill(os.getpid(), signal.SIGKILL)


def terminated(play: Play) -> None:
    _some_then(play, lambda: signal.raise_signal(signal.SIGTERM))


def terminated_in_order(play: Play) -> None:
    code = play.random.randrange(1, 100)
    play.loops = False

    def leave(number: int, _frame: object) -> None:
        play.some(3)
        print("leaving", number)
        sys.exit(code)

    signal.signal(signal.SIGTERM, leave)
    forever(play)


def interrupted(play: Play) -> None:
    _some_then(play, lambda: signal.raise_signal(signal.SIGINT))


def interrupted_and_caught(play: Play) -> None:
    play.loops = False
    try:
        forever(play)
    except KeyboardInterrupt:
        play.some(5)
        print("interrupted")
        sys.exit(3)


class Late(Exception):
    """Raised by a handler, wherever the program happens to be."""


def alarms(play: Play) -> None:
    """An alarm every few milliseconds raises in the middle of whatever runs."""

    def late(_number: int, _frame: object) -> None:
        raise Late

    play.loops = False
    signal.signal(signal.SIGALRM, late)
    rounds = 0
    while rounds < 40:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.0005 + play.random.random() * 0.004)
            for _ in range(2_000):  # one that is raised in a finalizer is dropped
                play.one()
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Late:
            pass
        rounds += 1
    play.some(20)
    print("rounds", rounds)


def crossing_handler(play: Play) -> None:
    """A handler that crosses itself, as often as it is called."""
    seen = []
    play.loops = False

    def handle(_number: int, _frame: object) -> None:
        seen.append(1)
        play.one()

    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    while len(seen) < 30:
        play.some(10)
    signal.setitimer(signal.ITIMER_REAL, 0)
    print("handled", flush=True)
    if play.seed % 2:
        os._exit(4)


def leave_at_once(play: Play) -> None:
    code = play.random.randrange(100)
    _some_then(play, lambda: os._exit(code))


def leave_from_thread(play: Play) -> None:
    other = play.beside(1)
    code = play.random.randrange(100)

    def work() -> None:
        other.some(100)
        other.here(lambda: os._exit(code))

    threading.Thread(target=work).start()
    play.some(10**6)


def abort(play: Play) -> None:
    _some_then(play, os.abort)


def segfault(play: Play) -> None:
    _some_then(play, lambda: ctypes.string_at(0))


SCENES = {
    "kill": kill,
    "kill-outside": forever,
    "kill-threads": kill_threads,
    "kill-tracer": forever,
    "kill-summed": forever,
    "kill-summed-threads": kill_threads,
    "kill-summed-tracer": forever,
    "term": terminated,
    "term-outside": forever,
    "term-handled": terminated_in_order,
    "int": interrupted,
    "int-caught": interrupted_and_caught,
    "alarms": alarms,
    "handler": crossing_handler,
    "exit": leave_at_once,
    "exit-thread": leave_from_thread,
    "abort": abort,
    "segfault": segfault,
}
