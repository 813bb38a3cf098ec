"""Looking at cassettes: their text, their list, whether they are whole, and what can be saved of a broken recording."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tracer.errors import CassetteError, CassetteNotFound
from tracer.report.listing import CassetteSummary, render_list, summarise_cassette
from tracer.report.show import show as show_lines
from tracer.storage import reader, store
from tracer.storage.recover import recover as recover_cassette
from tracer.workflows import common
from tracer.workflows.usage import unused_now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def show(
    path: Path,
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
    with reader.open_cassette(path) as cassette:
        yield from show_lines(
            cassette,
            tree=tree,
            callable_glob=callable_glob,
            lane_glob=lane_glob,
            raised_only=raised_only,
            limit=limit,
        )


def list_cassettes(folder: Path, width: int, color: bool) -> str:
    """Return a table of the cassettes in a folder and below. One that cannot be read is listed with its problem, unused ones are marked.

    Raises:
        CassetteNotFound: there is no such folder.
    """
    if not folder.is_dir():
        action = f"list the cassettes in {str(folder)!r}"
        raise CassetteNotFound(action, "there is no such folder", "Record one with `tracer record`.")
    unused = unused_now(common.settings())
    rows = [replace(_row(path, folder), unused=path.absolute() in unused) for path in store.list_cassettes(folder)]
    return render_list(rows, width, color)


def _row(path: Path, folder: Path) -> CassetteSummary:
    name, size = str(path.relative_to(folder)), path.stat().st_size
    try:
        with reader.open_cassette(path) as cassette:
            return summarise_cassette(name, size, cassette)
    except CassetteError as error:
        return CassetteSummary(name, size, problem=error.cause)


def verify(path: Path) -> str:
    """Check every checksum of a cassette; return what is whole, in one sentence.

    Raises:
        CassetteError: something is not.
    """
    found = reader.verify(path)
    return f"{path} is whole: {found.calls:,} calls in {found.blocks:,} blocks of {found.lanes:,} lanes."


def recover(path: Path) -> str:
    """Close a recording that was killed, or save the whole blocks of a damaged cassette; return what was saved, in one sentence.

    Raises:
        CassetteError: nothing could be saved.
    """
    target = recover_cassette(path)
    with reader.open_cassette(target) as cassette:
        calls = sum(lane.calls_made for lane in cassette.lanes)
        return f"{target} holds what could be saved: {calls:,} calls in {len(cassette.lanes):,} lanes."
