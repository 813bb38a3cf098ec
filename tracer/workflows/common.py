"""Settings, names and small steps that several workflows share."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.compare.result import Severity
from tracer.config import DETAILS, MODES, SEVERITIES, Config, load_config
from tracer.encoding.hiding import Secrets
from tracer.encoding.redact import Redactor
from tracer.errors import CassetteError, ConfigError, RecordingError
from tracer.recording.launch import packages
from tracer.recording.settings import Settings
from tracer.select.project import runs_python, select_project
from tracer.storage.regular import make_folder, write_new
from tracer.storage.remote import Url, place_of
from tracer.storage.store import SUFFIX, file_name, part_folder, path_for, replacing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tracer.model import Recording
    from tracer.select.selection import Selection
    from tracer.storage.remote import Place

LOCAL = ".tracer"
"""The folder of local state, beside the settings."""
_COMMANDS = "commands.json"


def settings(
    boundaries: Sequence[str] | None = None,
    folder: Path | None = None,
    *,
    detail: str | None = None,
    detail_calls: int | None = None,
    timings: bool = False,
) -> Config:
    """Return the settings that hold in `folder` (the working folder), with the boundaries, detail and timings of the command line if given.

    Raises:
        ConfigError: the settings are wrong, or there is no such detail.
    """
    if detail_calls is not None and detail_calls < 0:
        raise ConfigError(
            "record", f"{detail_calls} is no number of calls", "Give a whole number; 0 keeps all in detail."
        )
    config = load_config(folder or Path.cwd())
    if detail is not None and detail not in DETAILS:
        raise ConfigError("record", f"{detail!r} is no detail", f"Use one of: {', '.join(DETAILS)}.")
    return replace(
        config,
        boundaries=tuple(boundaries or config.boundaries),
        detail=detail or config.detail,
        detail_calls=config.detail_calls if detail_calls is None else detail_calls,
        timings=timings or config.timings,
    )


def settings_of(recording: Recording, boundaries: Sequence[str] | None = None) -> Config:
    """Return the settings that hold here, with what a recording was made with: its boundaries, if none are given, granularity and detail.

    Raises:
        ConfigError: the settings are wrong.
    """
    config = settings(boundaries or recording.boundaries)
    detail = recording.detail if recording.detail in DETAILS else config.detail
    kept = recording.detail_calls or (0 if recording.detail == "full" else config.detail_calls)
    return replace(config, granularity=recording.granularity, detail=detail, detail_calls=kept)


def severity(name: str) -> Severity:
    """Return a severity by name.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in SEVERITIES:
        raise ConfigError("use the fail-on level", f"{name!r} is no severity", f"Use one of: {', '.join(SEVERITIES)}.")
    return Severity(name)


def cassette_mode(name: str | None, config: Config) -> str:
    """Return the mode of a cassette: the one asked for, else that of the settings.

    Raises:
        ConfigError: there is none of that name.
    """
    mode = name or config.mode
    if mode not in MODES:
        raise ConfigError("open the cassette", f"{mode!r} is no mode", f"Use one of: {', '.join(MODES)}.")
    return mode


def secrets_of(config: Config) -> Secrets:
    """Return what takes secrets out of the texts of tracer itself. The user's function is for those of the program."""
    redactor = Redactor(extra=config.redact, allow=config.redact_allow)
    return Secrets(redactor, config.redact_values, entropy=config.redact_entropy)


def cassette_path(name: str, folder: Path) -> Path:
    """Return the file of a cassette by name; folders in the name stay folders. A name that ends in `.cassette` is a path.

    Raises:
        ConfigError: the name holds a secret, without which two tests might share a file; or it is a URL.
    """
    if isinstance(place_of(name), Url):
        cause = "it is a URL, and cassettes of tests lie in a folder here"
        raise ConfigError(f"use the cassette {name!r}", cause, "Record into a URL with tracer.record.")
    hidden = Secrets().name(name)
    if hidden != name:
        remedy = "Give the test case an id of its own, `pytest.param(..., id=...)`, or the cassette another name."
        raise ConfigError(f"name the cassette {hidden!r}", "there is a secret in its name", remedy)
    if name.endswith(SUFFIX):
        return Path(name)
    head, _, tail = name.rpartition("/")
    return path_for(folder.joinpath(*(file_name(part) for part in head.split("/") if part)), tail)


def today() -> date:
    """Return the day it is here."""
    return datetime.now().astimezone().date()


def open_part(cassette: Path) -> tuple[Path, tuple[str, ...]]:
    """Make a new folder for the journals of a recording; return it with notes about ones that were never closed.

    Raises:
        RecordingError: the folder cannot be made.
    """
    notes = []
    first = part_folder(cassette)
    for number in count(1):
        folder = first if number == 1 else first.with_name(f"{first.name}-{number}")
        try:
            make_folder(folder.parent)
            folder.mkdir(mode=0o700)  # what is recorded is nobody else's before it is closed
        except FileExistsError:
            notes.append(f"An earlier recording was never closed: `tracer recover {folder}` keeps what it holds.")
            continue
        except OSError as error:
            reason = error.strerror or str(error)
            raise RecordingError(f"record into {str(cassette)!r}", reason, "Name another file with -o.") from error
        return folder, tuple(notes)
    raise AssertionError


def make_settings(
    config: Config,
    selection: Selection,
    folder: Path,
    *,
    project: Path | None = None,
    original: Path | None = None,
    diagnose: bool = False,
    ambient_from: Path | None = None,
) -> Settings:
    """Return what a recording process needs to know; `folder` receives its journals.

    `project` is the folder below which paths are the project's, if it is not that of the selection, `original` what it is a checkout of;
    `diagnose` has each process say what it watched; `ambient_from` is a file of reads of the surroundings to play back.
    """
    return Settings(
        folder=str(folder.resolve()),
        selection=selection.to_json(),
        project=str(project or selection.root),
        redact=config.redact,
        redact_allow=config.redact_allow,
        redact_values=config.redact_values,
        redact_with=config.redact_with,
        redact_entropy=config.redact_entropy,
        dunders=config.dunders,
        timings=config.timings,
        detail=config.detail,
        detail_calls=config.calls_in_detail,
        original=str(original or ""),
        ambient=config.ambient,
        ambient_from=str(ambient_from or ""),
        packages=packages(),
        diagnose=diagnose,
    )


def select(config: Config, folder: Path, command: Sequence[str] = ()) -> Selection:
    """Return what is watched when `command` runs in `folder`."""
    return select_project(config, folder, command)


def remember_command(config: Config, cassette: Place, command: Sequence[str]) -> None:
    """Keep, in local state that git ignores, which command made a cassette, with which boundaries, unless it holds a secret.

    Failing to is no failure.
    """
    if secrets_of(config).words(command) != tuple(command):
        return
    known = _known_commands(config.root / LOCAL / _COMMANDS)
    known[_known_as(cassette)] = {
        "command": list(command),
        "folder": str(Path.cwd()),
        "python": _python_of(command),
        "boundaries": list(config.boundaries),
    }
    write_local(config, _COMMANDS, json.dumps(known, indent=1, sort_keys=True))


def write_local(config: Config, name: str, text: str) -> None:
    """Write a file of local state, which git ignores, in one step. Failing to is no failure."""
    path = config.root / LOCAL / name
    try:
        make_folder(path.parent)
        ignore_all(config.root / LOCAL)
        with replacing(path) as stream:
            stream.write(text.encode())
    except (OSError, CassetteError):
        return


def ignore_all(folder: Path) -> None:
    """Let git ignore a folder, once.

    Raises:
        OSError: the folder cannot be written.
    """
    with suppress(FileExistsError):
        write_new(folder / ".gitignore", "*\n")


def remembered_command(config: Config, cassette: Place) -> tuple[tuple[str, ...], Path] | None:
    """Return the command that made a cassette here, and the folder it ran in."""
    match _remembered(config, cassette):
        case {"command": [str(), *_] as command, "folder": str() as folder}:
            return tuple(map(str, command)), Path(folder)
        case _:
            return None


def remembered_python(config: Config, cassette: Place) -> str | None:
    """Return the interpreter of the command that made a cassette here; None where that is not known or is not there any more."""
    match _remembered(config, cassette):
        case {"python": str() as python} if os.access(python, os.X_OK):
            return python
        case _:
            return None


def _python_of(command: Sequence[str]) -> str | None:
    """Return the interpreter that a command runs, as it is found along PATH by now; None where it begins with something else."""
    found = shutil.which(command[0]) if command and runs_python(command[0]) else None
    return os.path.abspath(found) if found else None  # noqa: PTH100  (links stay: that of an environment says which it is)


def remembered_boundaries(config: Config, cassette: Place) -> tuple[str, ...]:
    """Return the boundaries with which a cassette was recorded here; none where that is not known."""
    match _remembered(config, cassette):
        case {"boundaries": [*boundaries]}:
            return tuple(boundary for boundary in boundaries if isinstance(boundary, str))
        case _:
            return ()


def _remembered(config: Config, cassette: Place) -> object:
    """Return what local state tells of how a cassette was made here, None where it tells nothing."""
    return _known_commands(config.root / LOCAL / _COMMANDS).get(_known_as(cassette))


def _known_as(cassette: Place) -> str:
    return str(cassette.resolve() if isinstance(cassette, Path) else cassette)


def _known_commands(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
