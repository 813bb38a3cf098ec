"""Recordings of git revisions, kept in local state that git ignores, so that the same one is not made twice."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from dataclasses import fields
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracer.errors import CassetteError
from tracer.storage.format import FORMAT
from tracer.storage.reader import verify
from tracer.storage.regular import make_folder
from tracer.storage.store import SUFFIX, replacing
from tracer.workflows.common import LOCAL, ignore_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracer.config import Config

_FOLDER: Final = "base"
_MOST_KEPT: Final = 10
_MOST_BYTES: Final = 512 * 2**20
_UNRECORDED: Final = frozenset(
    {"root", "source", "cassettes", "command", "fail_on", "ignore", "rules", "renamed", "level", "mode"}
)
"""Settings that make no difference to what is recorded."""


class BaseCache:
    """Cassettes by key below a repository. The least recently used go when there are more than ten, or 512 MiB of them.

    Not being able to keep one is no failure; one that is damaged is as if it were not there.
    """

    def __init__(self, repository: Path) -> None:
        self._folder = repository / LOCAL / _FOLDER

    def fetch(self, key: str, target: Path) -> bool:
        """Copy the cassette of a key to `target`; False where there is none."""
        kept = self._path(key)
        try:
            shutil.copyfile(kept, target)
            verify(target)
            os.utime(kept)
        except (OSError, CassetteError):
            return False
        return True

    def keep(self, key: str, cassette: Path) -> None:
        """Keep a copy of a cassette."""
        try:
            make_folder(self._folder)
            ignore_all(self._folder.parent)
            with cassette.open("rb") as source, replacing(self._path(key)) as stream:
                shutil.copyfileobj(source, stream)
            self._drop_oldest()
        except (OSError, CassetteError):
            return

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{SUFFIX}"

    def _drop_oldest(self) -> None:
        kept = sorted(self._folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        size = 0
        for number, path in enumerate(kept):
            size += path.stat().st_size
            if number >= _MOST_KEPT or (number and size > _MOST_BYTES):
                with suppress(OSError):
                    path.unlink()


def base_key(commit: str, place: Path, command: Sequence[str], setup: str | None, config: Config) -> str:
    """Return what names the recording of a command at a commit: equal keys, equal recordings, as far as anyone can tell.

    It covers the commit, the folder in it, the command, the setup, the settings that recording depends on, the interpreters and
    what is installed for them, the variables that steer Python, and this tracer with its format. It does not cover the network, other
    variables, and files that git does not keep.
    """
    recorded: dict[str, Any] = {
        part.name: getattr(config, part.name) for part in fields(config) if part.name not in _UNRECORDED
    }
    variables = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
    parts = {
        "tracer": [FORMAT, sys.version, *_files_of_tracer()],
        "commit": commit,
        "place": place.as_posix(),
        "command": list(command),
        "setup": setup,
        "settings": recorded,
        "variables": variables,
        "installed": list(_installed(command)),
    }
    text = json.dumps(parts, sort_keys=True, default=list)
    return f"{commit[:12]}-{blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=12).hexdigest()}"


def _files_of_tracer() -> Iterator[list[Any]]:
    """Yield what tells one installed tracer from another: what it records may change without its format."""
    package = Path(__file__).parent.parent
    for path in sorted(path for path in package.rglob("*") if path.suffix in {".py", ".so"}):
        told = path.stat()
        yield [path.relative_to(package).as_posix(), told.st_size, told.st_mtime_ns]


def _installed(command: Sequence[str]) -> Iterator[list[str]]:
    """Yield, for each environment that the command may use, its interpreter and the names of what is installed there."""
    programs = [shutil.which(word) for word in (command[0], "python", "python3")]
    homes = {Path(program).absolute().parent.parent for program in (sys.executable, *programs) if program}
    for home in sorted(homes):
        python = home / "bin" / "python3"
        packages = sorted(path.name for path in home.glob("lib*/python3*/*-packages/*-info"))
        yield [str(home), str(python.resolve()) if python.exists() else "", *packages]
