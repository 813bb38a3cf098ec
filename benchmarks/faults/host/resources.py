"""Scenes in which memory, room, permission or time is not what it was."""

from __future__ import annotations

import os
import resource
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from play import Play


def _limit_memory(more: int) -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    size = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def memory_caught(play: Play) -> None:
    play.some(50)
    _limit_memory(128 << 20)
    failed = 0
    for _ in range(20):
        try:
            play.here(lambda: bytearray(1 << 30))
        except MemoryError:
            failed += 1
        play.some(5)
    print("failed", failed)


def memory_uncaught(play: Play) -> None:
    play.some(play.random.randrange(3, 200))
    _limit_memory(128 << 20)
    play.here(lambda: bytearray(1 << 30))


def memory_gone(play: Play) -> None:
    """Memory is used up to the last 64 KiB, half a MiB, or 8 MiB while crossings go on."""
    play.some(200)
    _limit_memory(24 << 20)
    for _ in range(5):
        hoard = []
        for size in (4 << 20, 512 << 10, 64 << 10)[: play.random.randrange(1, 4)]:
            with suppress(MemoryError):
                while True:
                    hoard.append(bytearray(size))
        failed = 0
        for _ in range(20):
            try:
                play.one()
            except MemoryError:
                failed += 1
        hoard.clear()
    print("done")


def memory_killed(play: Play) -> None:
    """Grow until the kernel ends it: in a group of bounded memory where one can be made, else by hand at some size."""
    hoard = []
    bounded = "FAULTS_BOUNDED" in os.environ
    print("growing", flush=True)
    for at in range(10**6):
        play.some(3)
        hoard.append(b"\1" * (1 << 20))
        if not bounded and at == play.seed % 40:
            os.kill(os.getpid(), signal.SIGKILL)


def room(play: Play) -> None:
    """Run out of room for the journal, or not, and end in order or not."""
    play.some(play.random.randrange(100, 3_000))
    print("through", flush=True)
    if "FAULTS_KILLED" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)


def file_size(play: Play) -> None:
    size = play.random.randrange(150_000, 1_500_000)
    play.some(play.random.randrange(50))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    play.some(2_000)
    print("through", flush=True)


def _journals() -> Path | None:
    settings = os.environ.get("TRACER_SETTINGS")
    return Path(settings).parent if settings else None


def part_closed(play: Play) -> None:
    """The folder of the journals cannot be written any more."""
    play.some(play.random.randrange(50))
    folder = _journals()
    if folder is not None:
        folder.chmod(0o500)
    for span in range(1, 4):
        if not os.fork():
            play.beside(span).some(30)
            os._exit(0)
        os.wait()
    play.some(300)
    print("through", flush=True)


def folder_closed(play: Play) -> None:
    """The folder that the cassette is to lie in cannot be written any more."""
    play.some(play.random.randrange(50))
    folder = _journals()
    if folder is not None:
        folder.parent.chmod(0o500)
    play.some(300)
    print("through", flush=True)


def part_gone(play: Play) -> None:
    """Somebody removes the journals while they are written."""
    play.some(play.random.randrange(50))
    folder = _journals()
    if folder is not None:
        for file in folder.iterdir():
            file.unlink()
        if play.random.random() < 0.5:
            folder.rmdir()
    play.some(300)
    print("through", flush=True)


def clock_replaced(play: Play) -> None:
    """The program replaces its clocks by ones that jump, fail or return nonsense."""
    play.some(50)

    def broken(*_: object) -> float:
        kind = play.random.randrange(4)
        if kind == 0:
            raise OSError("no clock")
        return (float("nan"), -1e18, 10.0**12, 1e300)[kind]

    real = {name: getattr(time, name) for name in ("time", "monotonic", "perf_counter", "time_ns", "monotonic_ns")}
    for name in real:
        setattr(time, name, broken)
    play.some(300)
    for name, function in real.items():
        setattr(time, name, function)
    print("through")


def clock_jumps(play: Play) -> None:
    """The clock jumps below it, between any two readings."""
    for _ in range(50):
        play.some(5)
        time.time()
    print("through")


SCENES = {
    "memory-caught": memory_caught,
    "memory-uncaught": memory_uncaught,
    "memory-gone": memory_gone,
    "memory-killed": memory_killed,
    "disk": room,
    "disk-killed": room,
    "disk-file-size": file_size,
    "folder-part": part_closed,
    "folder-cassette": folder_closed,
    "folder-before": file_size,
    "folder-gone": part_gone,
    "clock-replaced": clock_replaced,
    "clock-jumps": clock_jumps,
}
