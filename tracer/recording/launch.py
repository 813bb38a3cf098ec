"""The parent's side of recording: start a command with the recorder in every Python of it, and wait.

Nothing of this is imported in a traced process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.errors import RecordingError
from tracer.recording.settings import ENVIRONMENT, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

_BOOTSTRAP = Path(__file__).with_name("bootstrap")
_NEEDED = ("tracer", "msgpack", "wrapt")
_FORWARDED = (signal.SIGTERM, signal.SIGHUP)
_TICK_SECONDS = 0.2


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
    path = os.pathsep.join(part for part in (str(_BOOTSTRAP), base.get("PYTHONPATH", "")) if part)
    seed = hash_seed if hash_seed is not None else base.get("PYTHONHASHSEED", "0")
    return {**base, "PYTHONPATH": path, "PYTHONHASHSEED": seed, ENVIRONMENT: str(settings_file)}


def run_recorded(
    command: Sequence[str],
    settings: Settings,
    *,
    folder: Path | None = None,
    hash_seed: str | None = None,
    tick: Callable[[], None] = lambda: None,
    output_to_stderr: bool = False,
) -> int:
    """Run a command with recording on; return its exit code, 128 + n where signal n ended it.

    Input, output and signals are the command's own. `tick` is called a few times a second while it runs.
    `output_to_stderr` sends its standard output to ours for errors, where ours carries a report.

    Raises:
        RecordingError: the command cannot be started.
    """
    settings_file = Path(settings.folder) / "settings.json"
    settings.write(settings_file)
    try:
        process = subprocess.Popen(  # noqa: S603  (running the user's command is the purpose)
            list(command),
            cwd=folder,
            env=environment(settings_file, os.environ, hash_seed),
            stdout=sys.stderr if output_to_stderr else None,
        )
    except FileNotFoundError as error:
        missing = folder if folder is not None and not folder.is_dir() else command[0]
        raise RecordingError(
            f"run {command[0]!r}", f"there is no {str(missing)!r}", "Check the spelling and PATH."
        ) from error
    except OSError as error:
        raise RecordingError(f"run {command[0]!r}", error.strerror or str(error)) from error
    return _wait(process, tick)


def _wait(process: subprocess.Popen[bytes], tick: Callable[[], None]) -> int:
    """Wait for the command, handing signals on. The terminal sends Ctrl-C to both: here it only must not end the waiting."""

    def forward(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    before = {number: signal.signal(number, forward) for number in _FORWARDED}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        while True:
            try:
                code = process.wait(_TICK_SECONDS)
                break
            except subprocess.TimeoutExpired:
                tick()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - code if code < 0 else code
