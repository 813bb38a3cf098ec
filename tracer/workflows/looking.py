"""Looking at cassettes: their text, their list, whether they are whole, and what can be saved of a broken recording."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.errors import CassetteError, CassetteNotFound
from tracer.report.listing import CassetteSummary, render_list, summarise_cassette
from tracer.report.show import show as show_lines
from tracer.storage import reader, store
from tracer.storage.recover import recover as recover_cassette
from tracer.storage.recover import recovered
from tracer.workflows import common
from tracer.workflows.places import Url, cassettes_in, here
from tracer.workflows.usage import unused_now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.workflows.places import Place


def show(
    place: Place,
    *,
    tree: bool = True,
    callable_glob: str = "*",
    lane_glob: str = "*",
    raised_only: bool = False,
    limit: int | None = None,
) -> Iterator[str]:
    """Yield the lines of a cassette's text.

    Raises:
        CassetteError: it cannot be read.
    """
    with here(place) as (path,), reader.open_cassette(path) as cassette:
        yield from show_lines(
            cassette,
            tree=tree,
            callable_glob=callable_glob,
            lane_glob=lane_glob,
            raised_only=raised_only,
            limit=limit,
        )


def list_cassettes(folder: Place, width: int, color: bool) -> str:
    """Return a table of the cassettes in a folder and below. One that cannot be read is listed with its problem, unused ones are marked.

    Raises:
        CassetteNotFound: there is no such folder.
    """
    if isinstance(folder, Url):
        return render_list([_row_of(name, place) for name, place in cassettes_in(folder).items()], width, color)
    if not folder.is_dir():
        action = f"list the cassettes in {str(folder)!r}"
        raise CassetteNotFound(action, "there is no such folder", "Record one with `tracer record`.")
    unused = unused_now(common.settings())
    rows = [replace(_row(path, folder), unused=path.absolute() in unused) for path in store.list_cassettes(folder)]
    return render_list(rows, width, color)


def _row_of(name: str, place: Place) -> CassetteSummary:
    try:
        with here(place) as (path,):
            return replace(_row(path, path.parent), name=name)
    except CassetteError as error:
        return CassetteSummary(name, 0, problem=error.cause)


def _row(path: Path, folder: Path) -> CassetteSummary:
    name, size = str(path.relative_to(folder)), path.stat().st_size
    try:
        with reader.open_cassette(path) as cassette:
            return summarise_cassette(name, size, cassette)
    except CassetteError as error:
        return CassetteSummary(name, size, problem=error.cause)


def verify(place: Place) -> str:
    """Check every checksum of a cassette; return what is whole, in one sentence.

    Raises:
        CassetteError: something is not.
    """
    with here(place) as (path,):
        found = reader.verify(path)
    return f"{place} is whole: {found.calls:,} calls in {found.blocks:,} blocks of {found.lanes:,} lanes."


def recover(place: Place) -> str:
    """Close a recording that was killed, or save the whole blocks of a damaged cassette; return what was saved, in one sentence.

    What is saved of a cassette at a URL is put into the working folder.

    Raises:
        CassetteError: nothing could be saved.
    """
    with here(place, check=False) as (path,):
        target = recover_cassette(path, None if path == place else Path.cwd() / recovered(path).name)
    with reader.open_cassette(target) as cassette:
        calls = sum(lane.calls_made for lane in cassette.lanes)
        return f"{target} holds what could be saved: {calls:,} calls in {len(cassette.lanes):,} lanes."
