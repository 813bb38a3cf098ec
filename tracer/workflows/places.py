"""Cassettes wherever they lie: those of another file system are here while something is done with them."""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.errors import ReviewError, TracerError
from tracer.storage import remote
from tracer.storage.remote import Place, Url, place_of
from tracer.storage.store import PENDING, SUFFIX, list_cassettes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Place", "Url", "cassettes_in", "here", "is_folder", "named", "place_of", "told_as", "waiting_at"]

_NOT_PART = r"(?!\.part)"


@contextmanager
def here(*places: Place, beside: Sequence[str] = (), check: bool = True) -> Iterator[tuple[Path, ...]]:
    """Give the paths of cassettes, copied from where they lie if that is not here, with what lies beside each under some suffixes.

    Copies are gone after the block. An error that leaves it names places, not copies.

    Raises:
        CassetteError: one cannot be had, or is not whole.
    """
    if not any(isinstance(place, Url) for place in places):
        yield tuple(place for place in places if isinstance(place, Path))
        return
    with tempfile.TemporaryDirectory(prefix="tracer-remote-") as scratch:
        paths: list[Path] = []
        for number, place in enumerate(places):
            paths.append(place if isinstance(place, Path) else Path(scratch) / str(number) / place.name)
        with told_as(dict(zip(paths, places, strict=True))):
            for path, place in zip(paths, places, strict=True):
                if isinstance(place, Url):
                    path.parent.mkdir()
                    remote.fetch(place, path.parent, check=check)
                    for suffix in beside:
                        remote.fetch_beside(place, suffix, path)
            yield tuple(paths)


@contextmanager
def told_as(places: dict[Path, Place]) -> Iterator[None]:
    """Let errors of tracer's that leave the block name places instead of the files that stand for them here.

    Journals of a recording that was not closed stand for nothing elsewhere, and are named as they are.
    """
    try:
        yield
    except TracerError as error:
        for path, place in places.items():
            for name in ("action", "cause", "remedy"):
                setattr(error, name, named(getattr(error, name), path, place))
        error.args = (error.action, error.cause, error.remedy)
        raise


def named(text: str, path: Path, place: Place) -> str:
    """Return a text with the place where it names the path of what stands for it here."""
    return re.sub(re.escape(str(path)) + _NOT_PART, lambda _: str(place), text)


def is_folder(place: Place) -> bool:
    """Return whether cassettes lie below a place, and not one at it.

    Raises:
        CassetteError: that cannot be found out.
    """
    return place.is_dir() if isinstance(place, Path) else remote.is_folder(place)


def cassettes_in(folder: Place) -> dict[str, Place]:
    """Return the cassettes in a folder and below, by their names relative to it, sorted.

    Raises:
        CassetteError: the folder cannot be listed.
    """
    if isinstance(folder, Url):
        return {name: folder.below(name) for name in remote.cassettes_below(folder)}
    return {path.relative_to(folder).as_posix(): path for path in list_cassettes(folder)}


def waiting_at(place: Place) -> tuple[Place, ...]:
    """Return a place as it is, of a folder at a URL the cassettes in it and below beside which a recording waits.

    Raises:
        CassetteError: the folder cannot be listed.
        ReviewError: nothing waits in it.
    """
    if isinstance(place, Path) or not is_folder(place):
        return (place,)
    found = tuple(place.below(name.removesuffix(PENDING)) for name in remote.cassettes_below(place, SUFFIX + PENDING))
    if not found:
        raise ReviewError(
            f"review {str(place)!r}",
            "no recording waits in it",
            "A red `tracer diff CASSETTE -- COMMAND` or a red test leaves one.",
        )
    return found
