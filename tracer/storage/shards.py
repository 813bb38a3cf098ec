"""Cassettes of the parts of one run, recorded on several machines -> one cassette, the same whatever their order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from tracer.errors import CassetteError
from tracer.storage.blocks import row_of
from tracer.storage.format import CassetteWriter
from tracer.storage.merging import merged
from tracer.storage.store import SUFFIX, replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tracer.model import LaneSummary, Recording
    from tracer.storage.reader import Cassette

_SETTINGS = ("python", "boundaries", "granularity", "detail", "detail_calls", "ambient", "block")
_WORDS = {
    "python": "Python",
    "detail_calls": "how many calls are kept in detail",
    "block": "recorded by tracer.cassette",
}


@dataclass(frozen=True, slots=True)
class Shard:
    """One part of a run. `label` tells it from the others, by what differs between their paths; `name` is how it is told of."""

    label: str
    name: str
    cassette: Cassette


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge came to: lanes and calls kept, lanes that several shards hold alike, lanes kept apart by shard since they differ.

    `otherwise` are callables that shards define differently: they are of different code.
    """

    lanes: int
    calls: int
    alike: int
    apart: int
    otherwise: tuple[str, ...]


def labels_of(paths: Sequence[str]) -> list[str]:
    """Return for each path what tells it from the others: `a` and `b` for `out/a/run.cassette` and `out/b/run.cassette`.

    Raises:
        CassetteError: one is given twice.
    """
    twice = next((path for at, path in enumerate(paths) if path in paths[:at]), None)
    if twice is not None:
        raise CassetteError(f"merge {twice!r}", "it was given twice", "Name each shard once.")
    parts = [PurePath(path.removesuffix(SUFFIX)).parts for path in paths]
    if len(parts) == 1:
        return [parts[0][-1]]
    front = _common(parts)
    back = min(_common([each[::-1] for each in parts]), min(map(len, parts)) - front - 1)
    return ["/".join(each[front : len(each) - back]) for each in parts]


def _common(parts: Sequence[tuple[str, ...]]) -> int:
    """Return how many parts at the front are common to all, so that something is left of each."""
    count = 0
    for some in zip(*(each[:-1] for each in parts), strict=False):
        if len(set(some)) > 1:
            break
        count += 1
    return count


def require_alike(shards: Sequence[Shard]) -> None:
    """Make sure that shards were recorded with the same settings.

    Raises:
        CassetteError: they were not; what differs is named.
    """
    first, *others = shards
    for other in others:
        for name in _SETTINGS:
            one, two = getattr(first.cassette.recording, name), getattr(other.cassette.recording, name)
            if one != two:
                raise CassetteError(
                    f"merge {first.name!r} and {other.name!r}",
                    f"{_WORDS.get(name, name)} differs: {_shown(one)} and {_shown(two)}",
                    "Record all shards of a run with the same Python and settings, or compare them one by one.",
                )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (", ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value) or "unknown"


def merge_shards(target: Path, shards: Sequence[Shard]) -> Merged:
    """Write the cassette `target` from shards, in one step.

    A lane that several hold alike (what every machine imports) is kept once. One that differs between them is kept for each, under its
    name and the shard's label: the other run's lane of that shard is then compared with it.

    Raises:
        CassetteError: a shard is damaged, or the target cannot be written; an earlier target is then as it was.
    """
    recordings = [shard.cassette.recording for shard in shards]
    lanes = dict(_lanes(shards))
    with replacing(target) as stream:
        writer = CassetteWriter(stream)
        for name, (shard, lane) in sorted(lanes.items()):
            writer.add_lane(name, map(row_of, shard.cassette.calls(lane.name)), lane.thinned)
        writer.finish(merged(recordings))
    return Merged(
        lanes=len(lanes),
        calls=sum(lane.calls_made for _, lane in lanes.values()),
        alike=sum(len(shard.cassette.lanes) for shard in shards) - len(lanes),
        apart=sum(name != lane.name for name, (_, lane) in lanes.items()),
        otherwise=tuple(_otherwise(recordings)),
    )


def _lanes(shards: Sequence[Shard]) -> Iterator[tuple[str, tuple[Shard, LaneSummary]]]:
    groups: dict[str, dict[tuple[bytes, int], tuple[Shard, LaneSummary]]] = {}
    for shard in sorted(shards, key=lambda shard: shard.label):
        for lane in shard.cassette.lanes:
            groups.setdefault(lane.name, {}).setdefault((lane.digest, lane.calls), (shard, lane))
    for name, group in groups.items():
        for shard, lane in group.values():
            yield name if len(group) == 1 else f"{name} ~{shard.label}", (shard, lane)


def _otherwise(recordings: Iterable[Recording]) -> Iterator[str]:
    codes: dict[str, set[str]] = {}
    for each in (each for recording in recordings for each in recording.callables):
        codes.setdefault(each.name, set()).add(each.code)
    yield from (name for name, found in sorted(codes.items()) if len(found) > 1)
