"""Differences that follow from the surroundings of a run alone: another time, other random numbers, another environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracer.compare.origins import Code
from tracer.compare.result import Kind, Severity

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from tracer.compare.callables import Callables
    from tracer.compare.collapse import Group

_SHOWN: Final = 3
_VALUES: Final = frozenset(
    {Kind.RETURNED_VALUE, Kind.ARGUMENT_PASSED, Kind.ARGUMENT_AFTER, Kind.YIELDED, Kind.STATE, Kind.EXCEPTION_MESSAGE}
)
"""What a read may explain away: not another type, nor a call or an exception that came or went."""


def lower_explained(groups: Iterable[Group], callables: Callables) -> int:
    """Make noise of each group of other values all of whose calls follow from reads of the surroundings; return how many there were.

    Where code of the callable's is another one, it may be that which behaves otherwise: such a group keeps its severity.
    """
    groups = list(groups)
    explained = {group for group in groups if group.callable in callables.ambient}
    waiting = [group for group in groups if group not in explained and _may_follow(group, callables)]
    found = True
    while found:
        found = False
        for group in waiting:
            if group not in explained and all(cause in explained for cause in group.roles.causes):
                explained.add(group)
                found = True
    lowered = [group for group in waiting if group in explained]
    for group in lowered:
        group.severity = Severity.NOISE
    return len(lowered)


def _may_follow(group: Group, callables: Callables) -> bool:
    roles = group.roles
    if group.kind not in _VALUES or group.severity.rank < Severity.CHANGED.rank:
        return False
    if roles.sure or roles.doubtful or sum(roles.causes.values()) < roles.effects:
        return False
    return callables.code(group.callable) is not Code.OTHER


def told_of_reads(reads: Counter[str], findings: int) -> tuple[str, ...]:
    """Return what is to be told of reads that gave something else, and of the findings that follow from them."""
    if not reads:
        return ()
    names = [f"{name} ({count:,})" for name, count in reads.most_common()]
    total = sum(reads.values())
    word = "read" if total == 1 else "reads"
    told = f"{total:,} {word} of the surroundings gave something else: {', '.join(names[:_SHOWN])}"
    told += f" and {len(names) - _SHOWN} others." if len(names) > _SHOWN else "."
    if findings == 1:
        told += " 1 finding follows from that alone, and counts as noise."
    elif findings:
        told += f" {findings:,} findings follow from that alone, and count as noise."
    return (told,)
