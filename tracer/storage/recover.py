"""Keeping what is whole of a recording that was never closed, or of a cassette that was cut or damaged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracer import errors, model
from tracer.storage import format as form
from tracer.storage.block_reader import decode
from tracer.storage.blocks import LARGEST_BLOCK, digest_of, row_of
from tracer.storage.compact import compact
from tracer.storage.reader import check_head, open_cassette, verify
from tracer.storage.store import SUFFIX, replacing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PART: Final = ".part"
_EVERY: Final = "*"


def recover(source: Path | str, target: Path | str | None = None) -> Path:
    """Write a cassette from all that is whole in `source`, and return its path.

    `source` is the `.part` folder of a recording that was never closed, or a damaged cassette. Without a `target`, a folder
    becomes the cassette it was meant for, unless there is one already; then, and for a damaged cassette, `NAME.recovered.cassette`.
    What could not be kept is counted among the losses.

    Raises:
        CassetteError: nothing in it is whole, the cassette is not damaged at all, or the target cannot be written.
    """
    source = Path(source)
    if source.is_dir():
        goal = Path(target) if target is not None else _goal_of(source)
        return compact(source, goal).target
    goal = Path(target) if target is not None else recovered(source)
    _refuse_whole(source)
    if not source.stat().st_size:
        raise _nothing_whole(source)
    with source.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as data:
        _salvage(source, data, goal)
    return goal


def _goal_of(folder: Path) -> Path:
    name = folder.name.removesuffix(_PART)
    goal = folder.with_name(name if name.endswith(SUFFIX) else name + SUFFIX)
    return recovered(goal) if goal.exists() else goal


def recovered(cassette: Path) -> Path:
    """Return where it is put what is whole of a damaged cassette."""
    return cassette.with_name(f"{cassette.name.removesuffix(SUFFIX)}.recovered{SUFFIX}")


def _refuse_whole(source: Path) -> None:
    """Let only a damaged cassette pass: every other error says what is wrong with the file."""
    try:
        verify(source)
    except errors.CassetteDamaged:
        return
    raise errors.CassetteError(f"recover cassette {str(source)!r}", "nothing in it is damaged")


def _nothing_whole(source: Path) -> errors.CassetteDamaged:
    return errors.CassetteDamaged(f"recover cassette {str(source)!r}", "no block of it is whole", "Record it again.")


@dataclass(frozen=True, slots=True, order=True)
class _Found:
    """A whole block: its first call's position in its lane, how many calls it holds, where it lies in the file."""

    first: int
    calls: int
    start: int
    stop: int


def _salvage(source: Path, data: mmap, goal: Path) -> None:
    check_head(source, data[: 2 * len(form.MAGIC)])
    lanes: dict[str, list[_Found]] = {}
    for lane, found in _whole_blocks(data):
        lanes.setdefault(lane, []).append(found)
    if not lanes:
        raise _nothing_whole(source)
    thinned = _thinned(source)
    with replacing(goal) as stream:
        writer = form.CassetteWriter(stream)
        flows: dict[str, model.Flow] = {}
        kept: dict[str, int] = {}
        for lane in sorted({*lanes, *thinned}):  # of one without a whole block its sums are left
            summary = writer.add_lane(
                lane, map(row_of, _joined(data, lanes.get(lane, ()), flows)), thinned.get(lane, ())
            )
            kept[lane] = summary.calls if summary else 0
        writer.finish(_recording(source, kept, lanes, flows))


def _thinned(source: Path) -> dict[str, tuple[model.Thinned, ...]]:
    """Return the runs of thinned calls by lane, which stand in the index; none where that is lost."""
    try:
        with open_cassette(source) as cassette:
            return {lane.name: lane.thinned for lane in cassette.lanes}
    except errors.CassetteDamaged:
        return {}


def _whole_blocks(data: mmap) -> Iterator[tuple[str, _Found]]:
    at = data.find(form.BLOCK_MAGIC)
    while at >= 0:
        found = _block_at(data, at)
        if found is not None:
            yield found
        at = data.find(form.BLOCK_MAGIC, at + 1 if found is None else found[1].stop)


def _block_at(data: mmap, at: int) -> tuple[str, _Found] | None:
    try:
        size = form.block_size(data[at : at + form.BLOCK_HEADER.size])
        meta, body = form.parse_block(data[at : at + size], LARGEST_BLOCK)
        count = sum(1 for _ in decode(body, meta.first, meta.open_calls))
    except form.MALFORMED:
        return None
    if count != meta.calls or digest_of(body) != meta.digest:
        return None
    return meta.lane, _Found(meta.first, count, at, at + size)


def _joined(data: mmap, blocks: Sequence[_Found], flows: dict[str, model.Flow]) -> Iterator[model.Call]:
    """Yield the calls of a lane from its whole blocks; a parent in a missing block is none, distances close the gaps."""
    gaps: list[tuple[int, int]] = []
    position = 0
    for block in sorted(blocks):
        if block.first < position:
            continue  # the same block twice
        if block.first > position:
            gaps.append((position, block.first))
        position = block.first
        meta, body = form.parse_block(data[block.start : block.stop], LARGEST_BLOCK)
        for call in decode(body, meta.first, meta.open_calls):
            flows.setdefault(call.callable, call.flow)
            yield replace(call, parent=_closed_up(call.parent, position, gaps)) if gaps and call.parent else call
            position += 1


def _closed_up(distance: int, position: int, gaps: Sequence[tuple[int, int]]) -> int:
    parent = position - distance
    if any(start <= parent < stop for start, stop in gaps):
        return 0
    return distance - sum(stop - start for start, stop in gaps if start > parent)


def _recording(
    source: Path, kept: Mapping[str, int], lanes: Mapping[str, Sequence[_Found]], flows: Mapping[str, model.Flow]
) -> model.Recording:
    """Return what the index knows of the run, or the callables by their names where it is lost, with what is missing."""
    try:
        with open_cassette(source) as cassette:
            known, total = cassette.recording, sum(lane.calls for lane in cassette.lanes)
    except errors.CassetteDamaged:
        known = model.Recording(callables=tuple(_named(name, flow) for name, flow in flows.items()))
        known = replace(known, losses=(model.Loss(_EVERY, "calls after the damage, their number is not known", 1),))
        total = sum(max(block.first + block.calls for block in blocks) for blocks in lanes.values())
    missing = total - sum(kept.values())
    if missing:
        known = replace(known, losses=(*known.losses, model.Loss(_EVERY, "calls in damaged blocks", missing)))
    return known


def _named(name: str, flow: model.Flow) -> model.Callable:
    """Return a callable of which only the name and the way it runs are left."""
    return model.Callable(name, name.partition(":")[0], model.CallableKind.FUNCTION, flow, ())
