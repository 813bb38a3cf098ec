"""Private state that callers get to see after all: what a call left in it comes out of a later one.

`to()` returns an object whose `_magnitude` is another one; that is no one's business until `magnitude` returns it. Then the
difference is one that callers see, and it came about in `to()`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from tracer.compare.result import Kind, Severity
from tracer.values import Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tracer.compare.collapse import Group
    from tracer.compare.kinds import CallChange
    from tracer.values import ValuePath

    Told: TypeAlias = "Mapping[tuple[Kind, ValuePath], Group]"  # the groups of one call, by kind and general path

Mark: TypeAlias = tuple[int, int]
Trace: TypeAlias = tuple[str | int | Key, Mark]
_MOST_TRACES = 50_000
_PRESENCE = frozenset({Kind.CALL_ADDED, Kind.CALL_REMOVED, Kind.CALL_MOVED, Kind.CALLABLE_MISSING})


def trace(change: CallChange) -> Trace:
    """Return the last step to a changed value, and what it changed from and to."""
    return change.path.steps[-1], change.mark


class Surfacing:
    """Follows private differences from the calls that left them to the calls that show them."""

    def __init__(self) -> None:
        self._left: dict[Trace, list[Group]] = {}

    def follow(self, told: Iterable[CallChange], groups: Told, *, same_code: bool) -> None:
        """Take in what one call changed: calls must come in order. `same_code` says that the callable has no other code."""
        told = [change for change in told if change.kind not in _PRESENCE]
        came = {trace(change) for change in told if change.entering and change.internal}
        if came:
            seen = [change for change in told if not change.entering and not change.internal]
            self._raise(came, seen, groups, alone=same_code and len(came) == 1)
        for change in told:
            group = groups.get((change.kind, change.path.general))
            if group and change.internal and not change.entering and len(self._left) < _MOST_TRACES:
                self._left.setdefault(trace(change), []).append(group)

    def _raise(self, came: set[Trace], seen: list[CallChange], groups: Told, *, alone: bool) -> None:
        """Raise what left the state that this call shows: the very value, or what `alone` can have changed an outcome of the same code."""
        shown = {change.mark: groups.get((change.kind, change.path.general)) for change in seen}
        for left in came:
            group = shown.get(left[1])
            if group is None and not (shown and alone):
                continue
            for source in self._left.get(left, ()):
                source.raise_to(group.severity if group else Severity.CHANGED)
