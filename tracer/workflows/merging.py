"""Merging: the shards of a run, from many machines, made one cassette."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.errors import CassetteError, CassetteNotFound
from tracer.report.sentences import counted, listed
from tracer.storage import remote
from tracer.storage.reader import open_cassette
from tracer.storage.shards import Merged, Shard, labels_of, merge_shards, require_alike
from tracer.storage.store import SIDE, read_side, side_path, write_side
from tracer.workflows.places import Url, cassettes_in, here, is_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracer.workflows.places import Place

_NAMES_SHOWN = 3


def merge(out: Place, shards: Sequence[Place], *, force: bool = False) -> tuple[str, ...]:
    """Make one cassette of several, or of all in folders; return what came of it, in sentences.

    Everything is checked before anything is written, and what is at `out` is replaced only with `force`.

    Raises:
        CassetteError: a shard cannot be read, they were recorded with other settings or another tracer, or `out` is there already.
    """
    _require_free(out, force=force)
    places = [place for shard in shards for place in _cassettes(shard)]
    labels = labels_of([str(place) for place in places])
    with here(*places, beside=(SIDE,)) as paths, ExitStack() as stack:
        tracer, unknown = _one_tracer(places, paths)
        opened = [
            Shard(label, str(place), stack.enter_context(open_cassette(path)))
            for label, place, path in zip(labels, places, paths, strict=True)
        ]
        require_alike(opened)
        found = _written(out, opened, {} if unknown else {"tracer": tracer})
    return tuple(_told(out, len(places), found, unknown))


def _require_free(out: Place, *, force: bool) -> None:
    if not force and (remote.exists(out) if isinstance(out, Url) else out.exists()):
        cause = "it is there already"
        raise CassetteError(f"merge into {str(out)!r}", cause, "Name a new file first, or write over it with --force.")


def _cassettes(place: Place) -> tuple[Place, ...]:
    if not is_folder(place):
        return (place,)
    found = tuple(cassettes_in(place).values())
    if not found:
        raise CassetteNotFound(f"merge what is in {str(place)!r}", "there is no cassette in it", "Check the folder.")
    return found


def _one_tracer(places: Sequence[Place], paths: Sequence[Path]) -> tuple[str, tuple[str, ...]]:
    """Return the version of the tracer that recorded all shards, and those of which that is not known.

    Tracers of different versions may keep the same values otherwise.
    """
    known = [(read_side(path).get("tracer"), place) for path, place in zip(paths, places, strict=True)]
    told = [(version, place) for version, place in known if isinstance(version, str)]
    for version, place in told[1:]:
        if version != told[0][0]:
            raise CassetteError(
                f"merge {str(told[0][1])!r} and {str(place)!r}",
                f"tracer {told[0][0]} recorded one and tracer {version} the other",
                "Record all shards of a run with one tracer.",
            )
    return (told[0][0] if told else ""), tuple(str(place) for version, place in known if not isinstance(version, str))


def _written(out: Place, shards: Sequence[Shard], side: dict[str, str]) -> Merged:
    """Write the cassette, and beside it what a later merge asks for, which is nothing where not all shards told it."""
    if isinstance(out, Path):
        found = merge_shards(out, shards)
        _leave(out, side)
        return found
    with tempfile.TemporaryDirectory(prefix="tracer-merge-") as scratch:
        target = Path(scratch) / "merged.cassette"
        found = merge_shards(target, shards)
        remote.send(target, out)
        if side:
            write_side(target, side)
            remote.send(side_path(target), out.beside(SIDE))
        else:
            remote.drop(out.beside(SIDE))
    return found


def _leave(out: Path, side: dict[str, str]) -> None:
    if side:
        write_side(out, side)
    else:
        side_path(out).unlink(missing_ok=True)  # one from before tells of what was there


def _told(out: Place, shards: int, found: Merged, unknown: Sequence[str]) -> Iterator[str]:
    yield f"{out} holds {counted(found.calls, 'call')} in {counted(found.lanes, 'lane')} of {counted(shards, 'shard')}."
    if found.alike:
        yield f"{counted(found.alike, 'lane')} held alike by several shards, kept once."
    if found.apart:
        yield f"{counted(found.apart, 'lane')} of the same name that differ between shards, kept apart by shard."
    if unknown:
        names = listed(unknown, _NAMES_SHOWN)
        yield f"Which tracer recorded {names} is not known: what says so ({SIDE}) does not lie beside. Was it one for all?"
    if found.otherwise:
        names = listed(found.otherwise, _NAMES_SHOWN)
        yield f"The shards are of different code: {names}. Were all recorded at one revision?"
