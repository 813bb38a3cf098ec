"""Cassettes on other file systems, by URL. The only home of fsspec, which is loaded when the first URL is used.

A cassette is read by ranges of a mapped file, so one from elsewhere is copied here first; a new one is closed here and then sent, and
stands at its place whole or not at all.
"""

from __future__ import annotations

import errno
import os
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tracer.errors import CassetteError, CassetteNotFound, TracerError
from tracer.storage.reader import open_cassette
from tracer.storage.store import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(::[A-Za-z][A-Za-z0-9+.-]*)*://")
_LOCAL: Final = ("file://", "local://")
_PASSWORD: Final = re.compile(r"(://[^/@:]*):[^/@]*@")
_QUERY: Final = re.compile(r"\?.*", re.DOTALL)
_ONE_STEP: Final = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "r2"})
"""Stores in which an object is there when all of it is. They rename by copying, for which one needs more rights."""
_CREDENTIALS: Final = re.compile(r"(?i)credential|authenti|forbidden|access.?denied|signature|InvalidAccessKey")
_MOST: Final = 200
_SHORTEST: Final = 5
"""Characters of a secret that is taken out of texts: shorter ones are parts of other words."""


@dataclass(frozen=True, slots=True)
class Url:
    """A place on another file system. As text, in reports and errors, it holds no password and no query."""

    text: str = field(repr=False)

    def __str__(self) -> str:
        return _QUERY.sub("?…", _PASSWORD.sub(r"\1@", self.text))

    @property
    def name(self) -> str:
        """The last part of its path."""
        return _QUERY.sub("", self.text).rstrip("/").rpartition("/")[2]

    def below(self, name: str) -> Url:
        """Return the place called `name` in the folder that this one is."""
        head, mark, query = self.text.partition("?")
        return Url(f"{head.rstrip('/')}/{name}{mark}{query}")

    def beside(self, suffix: str) -> Url:
        """Return the place whose name is this one's with something at its end."""
        head, mark, query = self.text.partition("?")
        return Url(f"{head}{suffix}{mark}{query}")


Place: TypeAlias = "Path | Url"
"""Where a cassette or a folder of them lies: here, or on another file system."""


def place_of(word: str | os.PathLike[str]) -> Place:
    """Return the place that a word of the user's names: a path, or a URL of any file system that fsspec knows."""
    text = os.fspath(word)
    for scheme in _LOCAL:
        if text.startswith(scheme):
            return Path(text.removeprefix(scheme))
    return Url(text) if _URL.match(text) else Path(text)


def exists(url: Url) -> bool:
    """Return whether there is a file at `url`.

    Raises:
        CassetteError: that cannot be found out.
    """
    with _told(f"reach {str(url)!r}", url):
        system, path = _system(url)
        return bool(system.exists(path))


def is_folder(url: Url) -> bool:
    """Return whether cassettes lie below `url`. Raises CassetteError where that cannot be found out."""
    if url.name.endswith(SUFFIX):
        return False
    with _told(f"reach {str(url)!r}", url):
        system, path = _system(url)
        return bool(system.isdir(path))


def cassettes_below(url: Url, ending: str = SUFFIX) -> list[str]:
    """Return the names of the cassettes in a folder and below, or of other files by what they end in, relative to it, sorted.

    Raises:
        CassetteError: the folder cannot be listed.
    """
    with _told(f"list the cassettes in {str(url)!r}", url):
        system, path = _system(url)
        top = str(path).rstrip("/")
        found = (str(each) for each in system.find(path))
        return sorted(each[len(top) :].lstrip("/") for each in found if each.endswith(ending))


def fetch(url: Url, folder: Path, *, check: bool = True) -> Path:
    """Copy the cassette at `url` into a folder here under its own name; return the copy.

    It has the size that the other side tells; with `check` its head, index and their checksums are whole. Blocks are checked as they are
    read, as those of any cassette.

    Raises:
        CassetteError: it cannot be had, or is not whole.
    """
    target = folder / url.name
    with _told(f"read cassette {str(url)!r}", url):
        system, path = _system(url)
        size = system.info(path).get("size")
        system.get_file(path, str(target))
        if size is not None and target.stat().st_size != size:
            raise CassetteError(
                f"read cassette {str(url)!r}",
                f"{target.stat().st_size:,} of {size:,} bytes came",
                "Try again: it may have been replaced meanwhile.",
            )
    if check:
        open_cassette(target).close()
    return target


def fetch_beside(url: Url, suffix: str, cassette: Path) -> None:
    """Copy what lies beside the cassette at `url` to beside its copy here, if it is there.

    Who may not list a store is told "forbidden" of what is not there, so that counts as absent: nothing beside a cassette makes it greener
    by being absent.
    """
    target = cassette.with_name(cassette.name + suffix)
    other = url.beside(suffix)
    with _told(f"read {str(other)!r}", other), suppress(FileNotFoundError, PermissionError):
        system, path = _system(other)
        if "?" in url.text or not system.exists(path):
            return
        system.get_file(path, str(target))


def send(file: Path, url: Url) -> None:
    """Make the file the one at `url`; before, and after any error, what is there is as it was.

    Raises:
        CassetteError: it cannot be written there.
    """
    action = f"write {str(url)!r}"
    with _told(action, url):
        system, path = _system(url)
        if _protocols(system) & _ONE_STEP:
            system.put_file(str(file), path)
            _same_size(action, system, path, file)
            return
        folder, _, name = str(path).rpartition("/")
        if folder:
            system.makedirs(folder, exist_ok=True)
        scratch = f"{folder}/.{name}.{os.urandom(4).hex()}.tmp"
        try:
            system.put_file(str(file), scratch)
            _same_size(action, system, scratch, file)
            system.mv(scratch, path)
        except BaseException:
            with suppress(Exception):
                system.rm_file(scratch)
            raise


def drop(url: Url) -> None:
    """Remove the file at `url`, if there is one. Raises CassetteError where that cannot be done."""
    with _told(f"remove {str(url)!r}", url), suppress(FileNotFoundError):
        system, path = _system(url)
        system.rm_file(path)


def _same_size(action: str, system: Any, path: str, file: Path) -> None:
    system.invalidate_cache()
    there, here = system.info(path).get("size"), file.stat().st_size
    if there is not None and there != here:
        raise CassetteError(action, f"{there:,} of {here:,} bytes arrived", "Try again.")


def _system(url: Url) -> tuple[Any, str]:
    """Return the file system of a URL, and the path there. What it remembers of listings is forgotten: others write there too."""
    import fsspec  # noqa: PLC0415  (an extra, and 60 ms for those who use no URL)

    system, path = fsspec.core.url_to_fs(url.text)
    system.invalidate_cache()
    return system, path


def _protocols(system: Any) -> set[str]:
    return {system.protocol} if isinstance(system.protocol, str) else set(system.protocol)


@contextmanager
def _told(action: str, url: Url) -> Iterator[None]:
    """Make one sentence of whatever a file system raises: each has exceptions of its own, and of the libraries below it."""
    try:
        yield
    except TracerError:
        raise
    except Exception as error:
        raise _as_ours(action, url, error) from error


def _as_ours(action: str, url: Url, error: Exception) -> CassetteError:
    while isinstance(error, FileNotFoundError) and isinstance(error.__cause__, OSError):
        error = error.__cause__  # of a web server that does not answer, fsspec says that there is no file
    cause = _cause(url, error)
    if isinstance(error, FileNotFoundError):
        return CassetteNotFound(action, "there is no such file", "Check the URL.")
    return CassetteError(action, *_explained(error, cause))


def _explained(error: Exception, cause: str) -> tuple[str, str]:
    """Return the cause as it is told, and the remedy."""
    for fits, told, remedy in _EXPLAINED:
        if fits(error, cause):
            return told.format(cause), remedy
    return cause, "Check the URL, and that the server can be reached."


_EXPLAINED: Final[tuple[tuple[Callable[[Exception, str], bool], str, str], ...]] = (
    (
        lambda error, _: isinstance(error, ModuleNotFoundError) and error.name == "fsspec",
        "fsspec, by which URLs are read, is not installed",
        "Install it with pip install 'tracer[remote]'.",
    ),
    (
        lambda error, _: isinstance(error, ImportError),
        "{}",
        "Install what this kind of URL needs beside tracer[remote].",
    ),
    (
        lambda error, cause: isinstance(error, ValueError) and "rotocol" in cause,
        "{}",
        "Begin the URL with the name of a file system that fsspec knows.",
    ),
    (
        lambda error, cause: (
            isinstance(error, PermissionError) or bool(_CREDENTIALS.search(f"{type(error).__name__} {cause}"))
        ),
        "its credentials are missing or not accepted ({})",
        "Set them as the library of that file system reads them; docs/past-one-machine.md says where.",
    ),
    (
        lambda error, _: isinstance(error, NotImplementedError),
        "its file system cannot do that",
        "Name a place that can be written.",
    ),
    (lambda error, _: isinstance(error, OSError) and error.errno == errno.ENOSPC, "{}", "Make room on the disk."),
)
"""Of what file systems raise: what it is known by, how it is told, and what to do about it; the first that fits counts."""


def _cause(url: Url, error: Exception) -> str:
    """Return the first line of an error's text, without what the URL is not to show."""
    strerror = error.strerror if isinstance(error, OSError) else None
    text = str(strerror or error).strip().replace(url.text, str(url))
    for secret in _secrets(url):
        text = text.replace(secret, "…")
    line = text.partition("\n")[0][:_MOST]
    return line or type(error).__name__


def _secrets(url: Url) -> Iterator[str]:
    """Yield what a URL holds and does not show, as it may stand in the text of an error."""
    _, _, query = url.text.partition("?")
    password = re.search(r"://[^/@:]*:([^/@]*)@", url.text)
    found = (query, f":{password[1]}@" if password else "", password[1] if password else "")
    yield from (secret for secret in found if len(secret) >= _SHORTEST)
