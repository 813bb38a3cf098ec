"""Cutting the calls of a cassette into tasks."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Final

from tracer.replay.task import Pick

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracer.model import LaneSummary
    from tracer.replay.task import Spot, Task

LEAST: Final = 500
"""Calls that are worth a process of their own: starting one and importing the modules costs as much as many a call."""
PER_WORKER: Final = 2
"""Tasks for each worker, so that one that has the slow calls does not keep all others waiting."""


def plan(task: Task, lanes: Iterable[LaneSummary], workers: int, left_out: Iterable[Spot] = ()) -> tuple[Task, ...]:
    """Return tasks as the given one, which names no calls, for all calls of some lanes but those left out."""
    numbers: dict[str, list[int]] = {}
    for lane, number in left_out:
        numbers.setdefault(lane, []).append(number)
    picks = [pick for lane in lanes for pick in _between(lane, sorted(numbers.get(lane.name, ())))]
    return _tasks(task, picks, workers)


def plan_again(task: Task, spots: Iterable[Spot], workers: int) -> tuple[Task, ...]:
    """Return tasks as the given one for single calls."""
    return _tasks(task, [Pick(lane, number, number + 1) for lane, number in sorted(spots)], workers)


def _between(lane: LaneSummary, numbers: Iterable[int]) -> Iterator[Pick]:
    """Yield what lies between the calls of a lane with these numbers, which are sorted."""
    first = 0
    for number in (*numbers, lane.calls):
        if number > first:
            yield Pick(lane.name, first, number)
        first = number + 1


def _tasks(task: Task, picks: list[Pick], workers: int) -> tuple[Task, ...]:
    calls = sum(pick.stop - pick.first for pick in picks)
    size = max(LEAST, ceil(calls / (workers * PER_WORKER)))
    return tuple(replace(task, picks=group) for group in _groups(picks, size))


def _groups(picks: Iterable[Pick], size: int) -> Iterator[tuple[Pick, ...]]:
    """Yield picks in groups of so many calls, the last may have fewer; a longer pick is cut."""
    group: list[Pick] = []
    room = size
    for whole in picks:
        pick = whole
        while pick.stop - pick.first > room:
            group.append(Pick(pick.lane, pick.first, pick.first + room))
            pick = Pick(pick.lane, pick.first + room, pick.stop)
            yield tuple(group)
            group, room = [], size
        group.append(pick)
        room -= pick.stop - pick.first
        if not room:
            yield tuple(group)
            group, room = [], size
    if group:
        yield tuple(group)
