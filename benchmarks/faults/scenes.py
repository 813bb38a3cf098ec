"""The faults: what is done to a run from outside, beside what its program does to itself (`host/`)."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import Enum


class Target(Enum):
    """Whom a signal from outside is sent to."""

    COMMAND = "the command"
    GROUP = "the command and tracer"
    TRACER = "tracer"


@dataclass(frozen=True)
class Scene:
    """One fault.

    `number` is sent to `target` some milliseconds after the program says that it is ready. `disk` has the cassette on a small file system,
    `bounded` the command in a group of bounded memory, `closed` the cassette's folder closed before, `unprivileged` the run without the
    rights that make root write everywhere, `jumping` the clock of all its processes jump. `same_errors` has what the program
    writes to its errors compared too. `native` has the hooks in C, which alone know of it; `summed` has few calls of each callable kept in detail, and sums of the others. `unreadable` says that a recording may be told to be impossible: no room at all, a closed folder.
    """

    group: str
    number: int = 0
    target: Target = Target.COMMAND
    disk: bool = False
    bounded: bool = False
    closed: bool = False
    unprivileged: bool = False
    jumping: bool = False
    same_errors: bool = True
    native: bool = False
    summed: bool = False
    unreadable: bool = False
    lasting: float = 0.0


SCENES = {
    "kill": Scene("kill -9"),
    "kill-outside": Scene("kill -9", signal.SIGKILL),
    "kill-threads": Scene("kill -9"),
    "kill-tracer": Scene("kill -9 of tracer as well", signal.SIGKILL, Target.GROUP),
    "kill-summed": Scene("kill -9 past the budget of detail", signal.SIGKILL, summed=True),
    "kill-summed-threads": Scene("kill -9 past the budget of detail", summed=True),
    "kill-summed-tracer": Scene("kill -9 past the budget of detail", signal.SIGKILL, Target.GROUP, summed=True),
    "term": Scene("SIGTERM"),
    "term-outside": Scene("SIGTERM", signal.SIGTERM, Target.TRACER),
    "term-handled": Scene("SIGTERM", signal.SIGTERM, Target.TRACER),
    "int": Scene("SIGINT"),
    "int-caught": Scene("SIGINT", signal.SIGINT, Target.GROUP),
    "alarms": Scene("exceptions of handlers", same_errors=False),
    "handler": Scene("handlers that call"),
    "exit": Scene("os._exit"),
    "exit-thread": Scene("os._exit"),
    "abort": Scene("abort, segmentation fault"),
    "segfault": Scene("abort, segmentation fault"),
    "memory-caught": Scene("out of memory"),
    "memory-uncaught": Scene("out of memory"),
    "memory-gone": Scene("out of memory", same_errors=False),
    "memory-killed": Scene("killed by the kernel for its memory", bounded=True),
    "disk": Scene("full disk", disk=True, unreadable=True),
    "disk-killed": Scene("full disk, then kill -9", disk=True, unreadable=True),
    "disk-file-size": Scene("limit on file sizes"),
    "folder-part": Scene("read-only folder", unprivileged=True),
    "folder-cassette": Scene("read-only folder", unprivileged=True),
    "folder-before": Scene("read-only folder", unprivileged=True, closed=True, unreadable=True),
    "folder-gone": Scene("journals removed", unreadable=True),
    "clock-replaced": Scene("clocks"),
    "clock-jumps": Scene("clocks", jumping=True),
    "fork-inside": Scene("fork in a call"),
    "fork-deep": Scene("fork in a call"),
    "fork-threads": Scene("fork beside threads"),
    "fork-past-python": Scene("fork past Python", native=True),
    "fork-outlives": Scene("a child outlives the command", lasting=3.0),
    "fork-pool": Scene("fork in a call"),
    "threads-daemon": Scene("threads alive at exit", same_errors=False),
    "threads-blocked": Scene("threads alive at exit"),
    "threads-late": Scene("threads alive at exit"),
    "exit-functions": Scene("interpreter shutdown"),
    "exit-finalizers": Scene("interpreter shutdown"),
    "threads-64": Scene("64 threads"),
    "threads-64-ended": Scene("64 threads, ended"),
    "tasks-10000": Scene("10,000 tasks"),
    "tasks-10000-ended": Scene("10,000 tasks, ended"),
    "tasks-cancelled": Scene("tasks cancelled"),
}
