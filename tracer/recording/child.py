"""Recording a whole process: started before the program by the bootstrap, or around a block by the Python API.

Imported in every Python that a recorded command starts, so it imports nothing but the recorder.
"""

from __future__ import annotations

import atexit
import json
import os
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from traceback import format_exception_only
from typing import TYPE_CHECKING
from weakref import WeakSet

from tracer.encoding.budget import BUDGETS
from tracer.encoding.encode import Encoder
from tracer.encoding.hiding import Secrets
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.recording.checkout import follow_checkout
from tracer.recording.following import Following
from tracer.recording.recorder import Recorder
from tracer.recording.settings import ENVIRONMENT, FAILURE_SUFFIX, Settings
from tracer.select.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.recording.ambient.player import Player

UNANSWERED = 2
"""How a process ends in which components could not be played back."""

_process_recorder: Recorder | None = None


def process_recorder() -> Recorder | None:
    """Return the recorder of this whole process, None where it is not being recorded."""
    return _process_recorder


def open_recorder(settings: Settings, *, scoped: bool = False) -> Recorder:
    """Return a recorder that is not started yet. The children of a scoped one are told by its settings, which are written.

    Raises:
        OSError: the journal folder cannot be written.
    """
    redactor, secrets, encoder = open_encoder(settings)
    selection = open_selection(settings)
    folder = Path(settings.folder)
    following = None
    if scoped:
        settings.write(folder / "settings.json")
        following = Following(str(folder / "settings.json"))
    return Recorder(
        folder,
        selection,
        encoder,
        redactor,
        secrets,
        dunders=settings.dunders,
        detail=settings.detail,
        detail_calls=settings.detail_calls,
        scoped=scoped,
        following=following,
        timings=settings.timings,
        ambient=frozenset(settings.ambient),
        player=_player(settings),
    )


def open_encoder(settings: Settings) -> tuple[Redactor, Secrets, Encoder]:
    """Return what hides and tells the values of this process, as its settings say."""
    redactor = Redactor(extra=settings.redact, allow=settings.redact_allow)
    secrets = Secrets(redactor, settings.redact_values, settings.redact_with, entropy=settings.redact_entropy)
    paths = PathNormaliser(project=settings.project, recording=settings.folder)
    if _pytest.basetemp is not None:
        paths.set_basetemp(_pytest.basetemp)
    _pytest.waiting.add(paths)
    encoder = Encoder(redactor=redactor, paths=paths, secrets=secrets, budget=BUDGETS[settings.detail])
    return redactor, secrets, encoder


def open_selection(settings: Settings) -> Selection:
    """Return what is watched in this process."""
    return _selection(json.dumps(settings.selection, sort_keys=True), str(Path.cwd()))


def _player(settings: Settings) -> Player | None:
    """Return what plays back the reads of a recorded run; None where none is given."""
    if not settings.ambient_from:
        return None
    # Reading snapshots is for those alone who play something back.
    from tracer.recording.ambient.player import Player  # noqa: PLC0415

    return Player.read(settings.ambient_from, settings.project)


class _Pytest:
    """What is known of the pytest that this process runs."""

    def __init__(self) -> None:
        self.basetemp: str | None = None
        self.begun = False
        self.waiting: WeakSet[PathNormaliser] = WeakSet()


_pytest = _Pytest()


def pytest_begins(basetemp: str | None) -> None:
    """Take note of the base temporary folder that a run of pytest was given, None where it makes one in the temporary folder.

    A run inside another one changes nothing: its folder lies in that of the one outside.
    """
    if _pytest.begun:
        return
    _pytest.begun = True
    _pytest.basetemp = basetemp
    if basetemp is not None:
        for paths in tuple(_pytest.waiting):
            paths.set_basetemp(basetemp)


@lru_cache(maxsize=8)
def _selection(settings: str, folder: str) -> Selection:
    """Return a selection that knows the modules it was asked about before: hundreds are loaded when the next cassette opens."""
    del folder  # relative files of modules refer to it
    return Selection.from_json(json.loads(settings))


def start_from_environment() -> None:
    """Record this process if the environment says so. Never raises: a failure is left as a file for the parent to tell."""
    global _process_recorder  # noqa: PLW0603  (there is one process)
    path = os.environ.get(ENVIRONMENT)
    if path is None or _process_recorder is not None:
        return
    settings: Settings | None = None
    try:
        settings = Settings.read(path)
        if settings.original:
            follow_checkout(settings)
        if settings.playback:
            # By name: playing back builds on recording, and few processes need it.
            _process_recorder = import_module("tracer.playing.child").start(settings)
            return
        recorder = open_recorder(settings)
        finish = _begin(recorder, diagnose=settings.diagnose)
    except Exception as error:  # noqa: BLE001  (the host must start whatever happens here)
        with suppress(OSError):
            reason = Secrets().text("".join(format_exception_only(type(error), error)).strip())
            Path(path).with_name(f"{os.getpid()}{FAILURE_SUFFIX}").write_text(reason, encoding="utf-8")
        if settings is not None and settings.playback:
            # Unanswered, the program would reach what it is to be kept from.
            os._exit(UNANSWERED)
        return
    _process_recorder = recorder
    recorder.instrumentation.expect_script()
    # Registered before anything of the host, so run after everything of it.
    atexit.register(finish)


def _begin(recorder: Recorder, *, diagnose: bool) -> Callable[[], None]:
    """Start a recorder; return what stops it as the process ends."""
    if not diagnose:
        recorder.start()
        return recorder.finish
    from tracer.recording.diagnosis import Diagnosis  # noqa: PLC0415  (only `tracer doctor` pays for it)

    diagnosis = Diagnosis(recorder)
    diagnosis.begin()
    return diagnosis.finish
