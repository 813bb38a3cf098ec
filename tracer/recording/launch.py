"""The parent's side of recording: start a command with the recorder in every Python of it, and wait.

Nothing of this is imported in a traced process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from tracer.errors import RecordingError
from tracer.recording.following import BOOTSTRAP
from tracer.recording.settings import ENVIRONMENT, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

    from typing_extensions import Self

_NEEDED = ("tracer", "msgpack", "wrapt")
_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_OF_TERMINALS = frozenset({signal.SIGINT, signal.SIGQUIT})
"""What a terminal sends to the command as well as to us."""
_TICK_SECONDS = 0.2
_GRACE_SECONDS = 1.0


def packages() -> dict[str, str]:
    """Return the folders of tracer and of what it needs in a traced process, for a Python that lacks them."""
    homes = {}
    for name in _NEEDED:
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            homes[name] = str(Path(next(iter(spec.submodule_search_locations))).resolve())
    return homes


def environment(settings_file: Path, base: Mapping[str, str], hash_seed: str | None = None) -> dict[str, str]:
    """Return the environment in which Pythons record.

    `PYTHONHASHSEED` becomes `hash_seed`; with None it stays what the user set, else 0, so that two runs iterate alike.
    """
    path = os.pathsep.join(part for part in (str(BOOTSTRAP), base.get("PYTHONPATH", "")) if part)
    seed = hash_seed if hash_seed is not None else base.get("PYTHONHASHSEED", "0")
    return {**base, "PYTHONPATH": path, "PYTHONHASHSEED": seed, ENVIRONMENT: str(settings_file)}


def run_recorded(
    command: Sequence[str],
    settings: Settings,
    *,
    folder: Path | None = None,
    hash_seed: str | None = None,
    environ: Mapping[str, str] = os.environ,
    tick: Callable[[], None] = lambda: None,
    signalled: Callable[[int], object] = lambda number: None,
    output_to_stderr: bool = False,
) -> int:
    """Run a command with recording on; return its exit code, 128 + n where signal n ended it.

    Input, output and signals are the command's own. `tick` is called a few times a second while it runs, `signalled` for each signal
    that came to us meanwhile. `output_to_stderr` sends its standard output to ours for errors, where ours carries a report.

    Raises:
        RecordingError: the command cannot be started.
    """
    settings_file = Path(settings.folder) / "settings.json"
    settings.write(settings_file)
    with _Signals(signalled) as signals:
        try:
            process = subprocess.Popen(  # noqa: S603  (running the user's command is the purpose)
                list(command),
                cwd=folder,
                env=environment(settings_file, environ, hash_seed),
                stdout=sys.stderr if output_to_stderr else None,
            )
        except FileNotFoundError as error:
            missing = folder if folder is not None and not folder.is_dir() else command[0]
            raise RecordingError(
                f"run {command[0]!r}", f"there is no {str(missing)!r}", "Check the spelling and PATH."
            ) from error
        except (OSError, ValueError) as error:  # ValueError: a null character in a word
            raise RecordingError(f"run {command[0]!r}", getattr(error, "strerror", None) or str(error)) from error
        signals.go_to(process)
        code = _wait(process, signals, tick)
    return 128 - code if code < 0 else code


def _wait(process: subprocess.Popen[bytes], signals: _Signals, tick: Callable[[], None]) -> int:
    while True:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(_TICK_SECONDS)
        signals.look()
        with suppress(Exception):  # what tells of the work must not end it
            tick()


class _Signals:
    """Hands signals on to the command while it runs. Ones that arrive before it has started reach it then."""

    def __init__(self, signalled: Callable[[int], object]) -> None:
        self._signalled = signalled
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._due: dict[int, float] = {}
        self._before: dict[int, Any] = {}
        self._mask: set[int | signal.Signals] = set()

    def __enter__(self) -> Self:
        handlers = {**dict.fromkeys(_FORWARDED, self._forward), **dict.fromkeys(_OF_TERMINALS, self._let_pass)}
        for number, handler in handlers.items():
            # What we were started to ignore (`nohup`, a job in the background) the command ignores too: it inherits that.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, handler)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: object) -> None:
        if self._process is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def go_to(self, process: subprocess.Popen[bytes]) -> None:
        """Name the process that signals go to from now on."""
        self._process = process
        # Blocked only now: a child inherits the mask.
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, _OF_TERMINALS)
        for number in self._early:
            process.send_signal(number)

    def look(self) -> None:
        """Hand on what a process sent to us alone; what a terminal sent went to the command as well.

        A process may also have sent it to both, which nothing tells: the command has a second to end by itself.
        """
        while sys.platform != "darwin" and (told := signal.sigtimedwait(_OF_TERMINALS, 0)) is not None:
            self._signalled(told.si_signo)
            if told.si_pid:
                self._due[told.si_signo] = monotonic() + _GRACE_SECONDS
        for number in [number for number, due in self._due.items() if due <= monotonic()]:
            del self._due[number]
            if self._process is not None:
                self._process.send_signal(number)

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        self._signalled(number)
        if self._process is None:
            self._early.append(number)
        else:
            self._process.send_signal(number)

    def _let_pass(self, number: int, _frame: FrameType | None) -> None:
        """Let the waiting go on: the command has it from the terminal."""
        self._signalled(number)
