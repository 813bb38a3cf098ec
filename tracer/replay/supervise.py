"""Carries out one task by processes of its own: a call that hangs or ends its process costs that call, and the rest goes on in another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Final

from tracer import wire
from tracer.errors import ReplayError
from tracer.model import Raised
from tracer.replay.frames import FrameReader
from tracer.replay.picking import Calls
from tracer.replay.task import Answer, Fate, Outcomes, Result, Survey, Task
from tracer.storage.reader import open_cassette
from tracer.values import Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from tracer.model import Call

PATIENCE: Final = 300.0
"""Seconds in which a process has to import the modules."""
CHANCES: Final = 3
"""So often the calls of one callable may hang or end their process before the rest of them are skipped."""

TIMED_OUT: Final = "tracer:ReplayTimedOut"
ENDED: Final = "tracer:ReplayEndedProcess"

_running: set[subprocess.Popen[bytes]] = set()
_lock = Lock()


def replay_task(data: bytes, tick: Callable[[], None] = lambda: None) -> bytes:
    """Carry out a packed task; return the packed answer. `tick` is called after each call.

    Raises:
        ReplayError: no process could be started, or none got as far as the first call.
    """
    task = Task.unpack(data)
    with open_cassette(task.cassette) as cassette:
        return _carry_out(task, Calls(cassette), tick).pack()


def _carry_out(task: Task, calls: Calls, tick: Callable[[], None]) -> Answer:
    results: list[bytes] = []
    survey: Survey | None = None
    spent: Counter[str] = Counter()
    todo = task
    while todo.calls or (task.survey and survey is None):
        before = len(results)
        with _Process(todo) as process:
            survey = process.ready() or survey
            ended = process.collect(results, task.calls, tick)
        if ended is not None:
            call = calls.call(*task.spot(len(results)))
            spent[call.callable] += 1
            results.append(_fatal(call, *ended))
            tick()
        given_up = {name for name, times in spent.items() if times >= CHANCES}
        todo = todo.after(len(results) - before, given_up)
    return Answer(tuple(results), survey)


def stop_all() -> None:
    """End every process that replays, from whatever thread."""
    with _lock:
        for process in tuple(_running):
            _end(process)


class _Process:
    """One process at work on a task."""

    def __init__(self, task: Task) -> None:
        self._task = task
        reading, writing = os.pipe()
        self._reading = reading
        self._reader = FrameReader(reading)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TRACER_")}
        environment.setdefault("PYTHONHASHSEED", "0")
        environment.setdefault("PYTHONSAFEPATH", "1")
        try:
            self._process = subprocess.Popen(  # noqa: S603  (this very Python)
                [sys.executable, "-m", "tracer.replay.child", str(writing)],
                cwd=task.options.root,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(writing,),
                start_new_session=True,
            )
        except OSError as error:
            os.close(reading)
            raise ReplayError("replay calls", f"no process can be started: {error.strerror or error}") from error
        finally:
            os.close(writing)
        with _lock:
            _running.add(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with _lock:
            _running.discard(self._process)
            _end(self._process)
        os.close(self._reading)

    def ready(self) -> Survey | None:
        """Hand over the task and wait until the modules are imported; return today's callables where they were asked for.

        Raises:
            ReplayError: the process ended before, or took too long.
        """
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(self._task.pack())
            self._process.stdin.close()
        try:
            frame = self._reader.next(PATIENCE)
        except TimeoutError:
            raise ReplayError(
                "replay calls", f"importing their modules took more than {PATIENCE:.0f} seconds"
            ) from None
        if frame is None:
            raise ReplayError("replay calls", f"importing their modules ended the process ({self._how_it_ended()})")
        row = wire.unpack(frame)
        return Survey.from_row(row) if row is not None else None

    def collect(self, results: list[bytes], calls: int, tick: Callable[[], None]) -> tuple[str, str] | None:
        """Add results as they come until there are `calls`; return the type and the text of what stands for an end before that."""
        limit = self._task.options.timeout
        while len(results) < calls:
            try:
                frame = self._reader.next(limit)
            except TimeoutError:
                return TIMED_OUT, f"no outcome within {limit:g} seconds"
            if frame is None:
                return ENDED, self._how_it_ended()
            results.append(frame)
            tick()
        return None

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return "it closed all files"
        if code < 0:
            with suppress(ValueError):
                return f"signal {signal.Signals(-code).name}"
            return f"signal {-code}"
        return f"exit code {code}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    process.wait()


def _fatal(call: Call, kind: str, text: str) -> bytes:
    """Return the result of a call that cost its process: it raised an exception of tracer's own naming."""
    pack = wire.packer()
    arguments = wire.Extension(wire.TUPLE, pack([text]))
    error = pack(wire.Extension(wire.OBJECT, pack([kind, Form.EXCEPTION.value, ["args"], [arguments]])))
    return Result(Fate.CHANGED, Outcomes(call.flow, Raised(error))).pack()
