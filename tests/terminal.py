"""A program in a terminal of its own: what it shows, and keys pressed when it waits for them."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from time import monotonic
from typing import TYPE_CHECKING

from tests.helpers import TIMEOUT, clean_environment

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self


class Terminal:
    """Runs `tracer ARGS` in a pseudo terminal of 100 columns. Use it in a `with` statement."""

    def __init__(self, folder: Path, *args: str) -> None:
        self.shown = ""
        self._ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tracer", *args],
            cwd=folder,
            env={**_environment(), "NO_COLOR": "1", "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        os.close(self._ours)

    def press(self, keys: str) -> None:
        """Press keys, without waiting."""
        os.write(self._ours, keys.encode())

    def wait_for(self, text: str) -> str:
        """Wait until a text is shown; return what was shown up to it, and go on behind it."""
        end = monotonic() + TIMEOUT
        while text not in self.shown:
            assert self._read(end - monotonic()), f"{text!r} was not shown: {self.shown!r}"
        before, _, self.shown = self.shown.partition(text)
        return before + text

    def finish(self) -> tuple[int, str]:
        """Wait for the end; return the exit code and what was shown since the last wait."""
        end = monotonic() + TIMEOUT
        while self._read(end - monotonic()):
            pass
        return self._process.wait(TIMEOUT), self.shown

    def _read(self, seconds: float) -> bool:
        """Take in what is shown next; False at the end of the program."""
        if not select.select([self._ours], [], [], max(seconds, 0))[0]:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # as Linux tells the end
            return False
        self.shown += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)


def _environment() -> dict[str, str]:
    """Return a clean environment in which the size of the terminal is its own: xdist tells its workers another one."""
    return {name: value for name, value in clean_environment().items() if name not in {"COLUMNS", "LINES"}}
