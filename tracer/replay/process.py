"""One process that makes calls, seen from the one that starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final

from tracer import wire
from tracer.errors import ReplayError, TracerError
from tracer.recording.following import BOOTSTRAP
from tracer.recording.launch import packages
from tracer.recording.settings import ENVIRONMENT
from tracer.replay.child import OWN_ENVIRONMENT
from tracer.replay.frames import FrameReader, FrameWriter
from tracer.replay.picking import Calls, places
from tracer.replay.task import Survey, Task, pack_call
from tracer.storage import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from tracer.model import RecordedRun

PATIENCE: Final = 300.0
"""Seconds in which a process has to import the modules."""

TIMED_OUT: Final = "tracer:ReplayTimedOut"
ENDED: Final = "tracer:ReplayEndedProcess"

_AT_ONCE: Final = 64
"""Calls that are handed over with one write."""

_running: set[subprocess.Popen[bytes]] = set()
_lock = Lock()
_stopping = Event()


@contextmanager
def stopped_at_error() -> Iterator[None]:
    """End every process that makes calls, in whatever thread, and start no other, if the block is left by an exception."""
    try:
        yield
    except BaseException:
        _stopping.set()
        with _lock:
            for process in tuple(_running):
                _end(process)
        raise


def start_anew() -> None:
    """Let processes be started again after some were stopped."""
    _stopping.clear()


class Process:
    """A process at work on a task. As a context manager it is gone afterwards, with all it has started.

    Raises:
        ReplayError: it cannot be started.
    """

    def __init__(self, task: Task, run: RecordedRun) -> None:
        self._task = task
        self._run = run
        self._scratch = tempfile.TemporaryDirectory(prefix="tracer-replay-")
        reading, writing = os.pipe()
        watched, lifeline = os.pipe()
        self._own = reading, lifeline
        self._reader = FrameReader(reading)
        try:
            self._process = subprocess.Popen(  # noqa: S603  (running the user's code is the purpose)
                [task.options.python, "-m", "tracer.replay.child", str(writing), str(watched)],
                cwd=task.options.root,
                env=_environment(Path(self._scratch.name)),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(writing, watched),
                start_new_session=True,
            )
        except OSError as error:
            self._close()
            raise ReplayError(f"start {task.options.python!r}", error.strerror or str(error)) from error
        finally:
            os.close(writing)
            os.close(watched)
        with _lock:
            _running.add(self._process)
            if _stopping.is_set():
                _end(self._process)
        self._failure: TracerError | None = None
        self._feeder = Thread(target=self._feed, daemon=True)
        self._feeder.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with _lock:
            _running.discard(self._process)
            _end(self._process)
        self._feeder.join()
        self._close()

    def _close(self) -> None:
        for descriptor in self._own:
            os.close(descriptor)
        self._scratch.cleanup()

    def ready(self) -> Survey | None:
        """Wait until the modules are imported; return today's callables where they were asked for.

        Raises:
            ReplayError: the process ended before, or took too long.
        """
        try:
            frame = self._reader.next(PATIENCE)
        except TimeoutError:
            cause = f"importing their modules took more than {PATIENCE:.0f} seconds"
            raise ReplayError("replay calls", cause) from None
        if frame is None:
            cause = f"importing their modules ended the process ({self._how_it_ended()})"
            raise ReplayError("replay calls", cause, "Check that the modules can be imported in the project's folder.")
        row = wire.unpack(frame)
        return Survey.from_row(row) if row is not None else None

    def collect(self, results: list[bytes], calls: int, tick: Callable[[], None]) -> tuple[str, str] | None:
        """Add results as they come until there are `calls`; return the type and the text of what stands for an end before that.

        Raises:
            TracerError: the calls cannot be read.
        """
        limit = self._task.options.timeout
        while len(results) < calls:
            try:
                frame = self._reader.next(limit)
            except TimeoutError:
                return TIMED_OUT, "no outcome within the time for one call"
            if frame is None:
                if self._failure is not None:
                    raise self._failure
                if _stopping.is_set():
                    raise ReplayError("replay calls", "it was stopped")
                return ENDED, self._how_it_ended()
            results.append(frame)
            tick()
        return None

    def _feed(self) -> None:
        """Hand over the task and its calls; ends with them, or with the process."""
        stream: Any = self._process.stdin
        writer = FrameWriter(stream.fileno())
        pack = wire.packer()
        try:
            writer.put(self._task.pack())
            writer.put(pack([rows.callable_to_row(each) for each in self._run.recording.callables]))
            calls, inner = Calls(self._run), Calls(self._run)
            for number, spot in enumerate(places(self._task.picks)):
                writer.put(pack_call(spot[0], calls.call(*spot), inner.inside(*spot)))
                if not number % _AT_ONCE:
                    writer.flush()
            writer.flush()
        except OSError:  # the process is gone, which its results tell
            return
        except TracerError as error:
            self._failure = error
        finally:
            with suppress(OSError):
                stream.close()

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return "it closed all its files"
        if code >= 0:
            return f"exit code {code}"
        try:
            return f"signal {signal.Signals(-code).name}"
        except ValueError:
            return f"signal {-code}"


def _environment(scratch: Path) -> dict[str, str]:
    """Return the environment in which a Python finds tracer, wherever it is installed, and is not led astray by the project's files."""
    settings = scratch / "settings.json"
    settings.write_text(json.dumps({"packages": packages()}), encoding="utf-8")
    user = {
        name: value for name, value in os.environ.items() if not name.startswith("TRACER_") or name == "TRACER_PURE"
    }
    path = os.pathsep.join(part for part in (str(BOOTSTRAP), user.get("PYTHONPATH", "")) if part)
    own = {"PYTHONPATH": path, "PYTHONSAFEPATH": "1", ENVIRONMENT: str(settings)}
    before = [f"{name}={user[name]}" if name in user else name for name in own]
    seed = user.get("PYTHONHASHSEED", "0")
    return {**user, **own, "PYTHONHASHSEED": seed, OWN_ENVIRONMENT: "\n".join(before)}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
