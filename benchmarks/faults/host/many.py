"""Scenes with many processes, threads or tasks, and what is left of them when a process ends."""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING

import witness
from depot import ledger
from play import SPAN
from till.counter import Closing

if TYPE_CHECKING:
    from play import Play


def _child_ends(play: Play) -> None:
    """End a child in one of the ways a child ends."""
    kind = play.random.randrange(5)
    if kind == 0:
        os._exit(5)
    if kind == 1:
        sys.exit(6)
    if kind == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == 3:
        raise ValueError("the child's")


def _fork(play: Play, span: int) -> int:
    """Fork a child that works and ends in its own way; return how it did."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    other = play.beside(span)
    other.some(other.random.randrange(200))
    _child_ends(other)
    return -99  # it goes on as its parent does


def fork_inside(play: Play) -> None:
    play.some(20)
    codes = []
    for span in range(1, 4):
        play.here(lambda span=span, play=play: codes.append(_fork(play, span)))
        if codes[-1] == -99:
            print("child", flush=True)
            play = play.beside(50 + span)  # its parent goes on with the other numbers
            break
        play.some(10)
    play.some(20)
    print(codes)


def fork_deep(play: Play) -> None:
    """Each child forks another one, and all go on."""
    play.some(10)
    for span in range(1, 5):
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            play.some(20)
            print("generation", span, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            return
        play = play.beside(span)
        play.some(20)


def fork_threads(play: Play) -> None:
    """Fork again and again while other threads are in the middle of crossings."""
    stop = threading.Event()

    def work(other: Play) -> None:
        while not stop.is_set():
            other.one()

    threads = [threading.Thread(target=work, args=(play.beside(number),)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    codes = []
    for span in range(10, 16):
        pid = os.fork()
        if not pid:
            play.beside(span).some(50)
            os._exit(7)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        play.some(5)
    stop.set()
    for thread in threads:
        thread.join()
    print(codes)


def fork_past_python(play: Play) -> None:
    """C code forks, and nobody tells Python: what the child calls is not its parent's, and the witness is not asked."""
    play.some(play.random.randrange(200))
    sys.stdout.flush()
    pid = ctypes.PyDLL(None).fork()
    if not pid:
        for _ in range(play.random.randrange(2_000)):
            ledger.plain(-1)
        os._exit(9)
    play.some(300)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    play.some(20)


def fork_outlives(play: Play) -> None:
    """A daemon goes on for a while after the command has ended."""
    play.some(10)
    if not os.fork():
        os.setsid()
        other = play.beside(1)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            other.some(10)
        os._exit(0)
    play.some(10)
    print("left")


def _pool_job(seed_and_span: tuple[int, int]) -> int:
    from play import Play  # noqa: PLC0415  (in the pool's process)

    Play(seed_and_span[0], seed_and_span[1]).some(20)
    return seed_and_span[1]


def pool(play: Play) -> None:
    play.some(10)
    with multiprocessing.get_context("fork").Pool(3) as workers:
        done = workers.map(_pool_job, [(play.seed, span) for span in range(1, 13)])
        workers.close()
        workers.join()
    print(done)


def daemons(play: Play) -> None:
    """Threads go on as the process ends under them."""
    for number in range(1, 4):
        threading.Thread(target=play.beside(number).some, args=(10**7,), daemon=True).start()
    play.some(play.random.randrange(200))
    print("ending")


def blocked(play: Play) -> None:
    """Threads wait in the middle of a crossing that never ends."""
    inside = threading.Barrier(5)

    def wait() -> None:
        inside.wait()
        threading.Event().wait()

    for number in range(1, 5):
        other = play.beside(number)
        threading.Thread(target=lambda other=other: other.within(wait), daemon=True).start()
    inside.wait()
    play.some(30)
    print("ending")


def late_threads(play: Play) -> None:
    """Threads that are no daemons work on after the main thread is through."""
    for number in range(1, 5):
        threading.Thread(target=play.beside(number).some, args=(200,)).start()
    print("through")


def at_exit(play: Play) -> None:
    """Functions that run at the exit cross, and fail."""

    def last(span: int) -> None:
        play.beside(span).some(20)
        print("last", span)
        if span == 2:
            raise ValueError("at the exit")

    for span in range(1, 4):
        atexit.register(last, span)
    threading.Thread(target=play.beside(7).some, args=(50,)).start()
    play.some(20)
    hook = sys.excepthook

    def told(*error: object) -> None:
        play.beside(9).some(3)
        hook(*error)

    sys.excepthook = told
    if play.random.random() < 0.5:
        raise RuntimeError("uncaught")


KEPT: list[object] = []


def finalizers(play: Play) -> None:
    """What modules hold is finalized as the interpreter is taken down, and crosses."""
    play.some(20)
    numbers = iter(range(90 * SPAN, 91 * SPAN))
    KEPT.extend(Closing(next(numbers)) for _ in range(6))
    sys.modules["depot.ledger"].kept = Closing(next(numbers))
    sys.modules["till.counter"].kept = Closing(next(numbers))
    sys.modules["__main__"].kept = Closing(next(numbers))
    vars(sys.modules["__main__"])["_kept"] = Closing(next(numbers))
    sys.modules["json"] = Closing(next(numbers))
    thing = Closing(next(numbers))
    weakref.finalize(thing, _told, next(numbers))
    threading.local().kept = Closing(next(numbers))
    KEPT.append(_suspended(next(numbers)))
    next(KEPT[-1])
    print("through")


def _told(number: int, before=witness.before, after=witness.after, plain=ledger.plain) -> None:
    before(number)
    plain(number)
    after(number)


def _suspended(number: int, told=_told):
    try:
        yield
    finally:
        told(number)


def threads(play: Play) -> None:
    """64 threads at once."""
    sys.setswitchinterval(1e-5)
    some = [threading.Thread(target=play.beside(number).some, args=(40,)) for number in range(1, 65)]
    for thread in some:
        thread.start()
    for thread in some:
        thread.join()
    print("joined", len(some))


def threads_killed(play: Play) -> None:
    """64 threads, and an end at a random time."""
    for number in range(1, 65):
        threading.Thread(target=play.beside(number).some, args=(10**6,), daemon=True).start()
    time.sleep(play.random.random() * 0.3)
    (lambda: os._exit(9), lambda: os.kill(os.getpid(), signal.SIGKILL), os.abort)[play.random.randrange(3)]()


async def _task(number: int, play: Play) -> int:
    witness.before(number)
    kind = number % 5
    if kind == 0:
        async for _ in ledger.stream(number, 2):
            pass
    else:
        await ledger.fetch(number, 1 + number % 3)
    witness.after(number)
    if number == play.number_to_leave_at:
        os._exit(8)
    return number


def _run_tasks(play: Play, count: int) -> None:
    async def main() -> int:
        return sum(await asyncio.gather(*(_task(number, play) for number in range(1, count + 1))))

    print(asyncio.run(main()))


def tasks(play: Play) -> None:
    """10,000 tasks at once."""
    play.number_to_leave_at = 0
    _run_tasks(play, 10_000)


def tasks_left(play: Play) -> None:
    """10,000 tasks, and an end among them."""
    play.number_to_leave_at = play.random.randrange(1, 10_000)
    _run_tasks(play, 10_000)


def tasks_cancelled(play: Play) -> None:
    """Tasks are cancelled in the middle of crossings, and the loop is closed over others."""

    async def main() -> None:
        async def work(other: Play) -> None:
            while True:
                number = other.number()
                witness.before(number)
                await ledger.fetch(number, 3)
                witness.after(number)

        running = [asyncio.create_task(work(play.beside(number))) for number in range(1, 200)]
        for _ in range(play.random.randrange(5, 40)):
            await asyncio.sleep(0)
        for task in running[: play.random.randrange(200)]:
            task.cancel()
        await asyncio.sleep(0)

    asyncio.run(main())
    print("closed")


SCENES = {
    "fork-inside": fork_inside,
    "fork-deep": fork_deep,
    "fork-threads": fork_threads,
    "fork-past-python": fork_past_python,
    "fork-outlives": fork_outlives,
    "fork-pool": pool,
    "threads-daemon": daemons,
    "threads-blocked": blocked,
    "threads-late": late_threads,
    "exit-functions": at_exit,
    "exit-finalizers": finalizers,
    "threads-64": threads,
    "threads-64-ended": threads_killed,
    "tasks-10000": tasks,
    "tasks-10000-ended": tasks_left,
    "tasks-cancelled": tasks_cancelled,
}
