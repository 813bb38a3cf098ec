"""Cassettes of other file systems that something is written beside: made here, and sent when that is done."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.errors import CassetteError, CassetteNotFound, TracerError
from tracer.storage import remote
from tracer.storage.regular import make_folder
from tracer.storage.store import baseline_of, belongings, file_name, unclosed
from tracer.workflows import common
from tracer.workflows.places import told_as

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracer.config import Config
    from tracer.storage.remote import Place, Url

_FOLDER = "remote"


def folder_of(url: Url, config: Config) -> Path:
    """Return the folder, in local state, in which cassettes for a URL are made."""
    return config.root / common.LOCAL / _FOLDER / file_name(str(url))


def left_unclosed(url: Url, config: Config) -> tuple[str, ...]:
    """Return a note for each recording for a URL that was never closed here."""
    return tuple(
        f"An earlier recording was never closed: `tracer recover {folder}` keeps what it holds."
        for folder in unclosed(folder_of(url, config))
    )


@contextmanager
def mirrored(url: Url, config: Config, *, fetched: bool = True) -> Iterator[Path]:
    """Give a path that stands for a URL, with what lies there and beside it; what the block changed is sent at its end.

    Without `fetched` nothing is there at first. Where sending fails, or the block does, what it made stays here.

    Raises:
        CassetteError: what lies there cannot be had; or what was made not be sent, and where it is kept.
    """
    parent = folder_of(url, config)
    _make(parent, config)
    folder = Path(tempfile.mkdtemp(dir=parent))
    path = folder / url.name
    before: dict[Path, object] = {}
    owner = os.getpid()
    try:
        with told_as({path: url}):
            if fetched:
                _fetch(url, path)
            before = _state(path)
            yield path
    except BaseException:
        if os.getpid() == owner and set(folder.iterdir()) <= before.keys() and _state(path) == before:
            _remove(folder)
        raise
    if os.getpid() == owner:  # a child that was forked in the block ends it too
        _send(url, path, before)
        _remove(folder)


@contextmanager
def at(place: Place) -> Iterator[Path]:
    """Give the path of a cassette to read and to change, itself and what lies beside it, wherever that is.

    Raises:
        CassetteError: what lies at a URL cannot be had, or what was made not be sent.
    """
    if isinstance(place, Path):
        yield place
        return
    with mirrored(place, common.settings()) as path:
        yield path


@contextmanager
def written(place: Place) -> Iterator[Path]:
    """Give an absolute path at which the cassette of a place is made; one for a URL is sent when the block ends.

    No file system is loaded before that: the block is the user's, in the user's process.

    Raises:
        CassetteError: what was made could not be sent, and where it is kept.
    """
    if isinstance(place, Path):
        yield place.absolute()  # the block may change the working folder
        return
    with mirrored(place, common.settings(), fetched=False) as path:
        yield path.absolute()


def _make(folder: Path, config: Config) -> None:
    try:
        make_folder(folder)
        common.ignore_all(config.root / common.LOCAL)
    except OSError as error:
        raise CassetteError(
            f"write below {str(folder)!r}", error.strerror or str(error), "Make it writable."
        ) from error


def _fetch(url: Url, path: Path) -> None:
    with suppress(CassetteNotFound):  # what waits may be there without a baseline
        remote.fetch(url, path.parent)
    for suffix in _suffixes(path):
        remote.fetch_beside(url, suffix, path)


def _suffixes(path: Path) -> Sequence[str]:
    return [each.name.removeprefix(path.name) for each in belongings(path)[1:]]


def _state(path: Path) -> dict[Path, object]:
    """Return what tells one content of the files from another: each is only ever replaced as a whole."""
    found: dict[Path, object] = {}
    for each in belongings(path):
        with suppress(FileNotFoundError):
            known = each.stat()
            found[each] = (known.st_ino, known.st_size, known.st_mtime_ns)
    return found


def _send(url: Url, path: Path, before: dict[Path, object]) -> None:
    """Send what is other than before, and then remove what is not there any more."""
    now = _state(path)
    try:
        for each in belongings(path):
            if each in now and now[each] != before.get(each):
                remote.send(each, url.beside(each.name.removeprefix(path.name)))
        for each in before.keys() - now.keys():
            remote.drop(url.beside(each.name.removeprefix(path.name)))
    except TracerError as error:
        kept = path if path in now else baseline_of(path)
        raise CassetteError(
            error.action,
            error.cause,
            f"What was made is kept in {kept.parent}; `tracer merge --force {url} {kept}` sends it again.",
        ) from error


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()
