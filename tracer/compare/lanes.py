"""Which lanes belong together, and what is to be told before any finding."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from tracer.compare.losses import told_of_runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracer.model import LaneSummary, RecordedRun, Recording

_SELECTED = ("test ", "fixture ")  # what pytest's selections leave out
_IMPORTED = "import "  # goes with the tests that import it
_SAMPLE = 1_000  # calls at the front of a lane by which it is recognised
_ALIKE = 0.6
_MOST_COMPARED = 10_000  # pairs of lanes whose calls are held against each other


@dataclass(frozen=True, slots=True)
class LanePairs:
    """Lanes to compare, and lanes whose calls are only on one side; `left_out` are the old ones of tests that the new run did not do."""

    both: tuple[tuple[LaneSummary, LaneSummary], ...]
    removed: tuple[LaneSummary, ...]
    added: tuple[LaneSummary, ...]
    left_out: tuple[LaneSummary, ...] = ()
    notes: tuple[str, ...] = ()


def pair_lanes(old: RecordedRun, new: RecordedRun) -> LanePairs:
    """Pair lanes by name, those left over by content: equal digests, then (other lanes than tests) by what they call."""
    news = {lane.name: lane for lane in new.lanes}
    both = [(lane, news.pop(lane.name)) for lane in old.lanes if lane.name in news]
    paired = {lane.name for lane, _ in both}
    olds = {lane.name: lane for lane in old.lanes if lane.name not in paired}
    for pair in (*_by_digest(olds, news), *_by_likeness(old, new, olds, news)):
        both.append(pair)
        del olds[pair[0].name], news[pair[1].name]
    both.sort(key=lambda pair: pair[0].name)
    left_out, removed = _parted(olds.values())
    not_in_old, added = _parted(news.values())
    notes = (*_left_out(left_out, "OLD"), *_left_out(not_in_old, "NEW"))
    return LanePairs(tuple(both), removed, added, left_out, notes)


def _parted(lanes: Iterable[LaneSummary]) -> tuple[tuple[LaneSummary, ...], tuple[LaneSummary, ...]]:
    """Part lanes of one side into those that a selection of tests leaves out, and all others."""
    lanes = tuple(lanes)
    selected = _SELECTED if not any(_is_selected(lane) for lane in lanes) else (*_SELECTED, _IMPORTED)
    left_out = tuple(lane for lane in lanes if lane.name.startswith(selected))
    return left_out, tuple(lane for lane in lanes if lane not in left_out)


def notes(old: Recording, new: Recording) -> tuple[str, ...]:
    """Return a sentence for each thing that makes two runs hard to compare."""
    told = []
    if old.python != new.python:
        told.append(f"OLD was recorded with Python {old.python or 'unknown'}, NEW with {new.python or 'unknown'}.")
    if old.boundaries != new.boundaries:
        told.append(f"OLD has boundaries {_listed(old.boundaries)}, NEW has {_listed(new.boundaries)}.")
    if old.granularity != new.granularity:
        told.append(f"OLD was recorded by {old.granularity}, NEW by {new.granularity}.")
    if old.detail != new.detail:
        told.append(f"OLD has {old.detail} detail, NEW {new.detail}: only what both looked at is compared.")
    return (*told, *told_of_runs(old, new))


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) if names else "of the project's own modules"


def _is_selected(lane: LaneSummary) -> bool:
    return lane.name.startswith(_SELECTED)


def _left_out(lanes: Iterable[LaneSummary], side: str) -> Iterator[str]:
    counts = Counter(lane.name.split(" ", 1)[0] for lane in lanes)
    for what, count in sorted(counts.items(), reverse=True):
        verb = "were" if count > 1 else "was"
        yield f"{count} {what}{'s' if count > 1 else ''} only in {side} {verb} not compared."


def _by_digest(olds: dict[str, LaneSummary], news: dict[str, LaneSummary]) -> Iterator[tuple[LaneSummary, LaneSummary]]:
    waiting: dict[tuple[bytes, int], list[LaneSummary]] = {}
    for lane in news.values():
        waiting.setdefault((lane.digest, lane.calls), []).append(lane)
    for lane in list(olds.values()):
        partners = waiting.get((lane.digest, lane.calls))
        if lane.calls and partners:
            yield lane, partners.pop(0)


def _by_likeness(
    old: RecordedRun, new: RecordedRun, olds: dict[str, LaneSummary], news: dict[str, LaneSummary]
) -> Iterator[tuple[LaneSummary, LaneSummary]]:
    """Pair the most alike first. Tests are paired by name and digest only: another test of the same code is no renamed one."""
    digests = {lane.digest for lane in olds.values()} & {lane.digest for lane in news.values()}
    before = {lane.name: _called(old, lane) for lane in olds.values() if _worth(lane) and lane.digest not in digests}
    after = {lane.name: _called(new, lane) for lane in news.values() if _worth(lane) and lane.digest not in digests}
    if len(before) * len(after) > _MOST_COMPARED:
        return
    ranked = sorted(
        (-likeness, name, other)
        for name, calls in before.items()
        for other, others in after.items()
        if (likeness := _likeness(calls, others)) >= _ALIKE
    )
    taken: set[tuple[str, str]] = set()
    for _, name, other in ranked:
        if ("old", name) not in taken and ("new", other) not in taken:
            taken |= {("old", name), ("new", other)}
            yield olds[name], news[other]


def _worth(lane: LaneSummary) -> bool:
    return lane.calls > 0 and not _is_selected(lane)


def _called(run: RecordedRun, lane: LaneSummary) -> Counter[str]:
    return Counter(call.callable for call in islice(run.calls(lane.name), _SAMPLE))


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    """Return how much of two multisets is common, from 0 to 1 (Jaccard)."""
    union = sum((one | other).values())
    return sum((one & other).values()) / union if union else 0.0
