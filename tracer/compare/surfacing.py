"""Private state that callers get to see after all: what a call left in it comes out of a later one.

`to()` returns an object whose `_magnitude` is another one; that is no one's business until `magnitude` returns it. Then the
difference is one that callers see, and it came about in `to()`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from tracer.compare.result import Kind, Severity
from tracer.values import Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

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
        # Groups, each once and the last that told last: one change may be left behind by every call of a lane.
        self._left: dict[Trace, dict[Group, None]] = {}
        self._held: dict[tuple[str, Mark], dict[Group, None]] = {}  # by the type of the object that keeps the state

    def follow(self, told: Iterable[CallChange], groups: Told, cut: AbstractSet[str], *, same_code: bool) -> None:
        """Take in what one call changed: calls must come in order.

        `cut` are the types of its arguments that were not recorded in full; `same_code` says that the callable has no other code.
        """
        told = [change for change in told if change.kind not in _PRESENCE]
        came = {trace(change) for change in told if change.entering and change.internal}
        shown = {
            change.mark: groups.get((change.kind, change.path.general))
            for change in told
            if not change.entering and not change.internal
        }
        for source, severity in self._sources(came, shown, cut, alone=same_code and len(came) == 1):
            source.raise_to(severity)
        if len(self._left) < _MOST_TRACES:
            self._keep(told, groups)

    def source(self, change: CallChange) -> Group | None:
        """Return what last told that this private difference was left behind."""
        return next(reversed(self._left.get(trace(change), {})), None)

    def _sources(
        self, came: set[Trace], shown: Mapping[Mark, Group | None], cut: AbstractSet[str], *, alone: bool
    ) -> Iterator[tuple[Group, Severity]]:
        """Yield what left the state that a call shows, and how severe that is.

        The call shows the very value that its arguments hold, or, where these were cut, that objects of such a type were left
        with; or nothing but this state can have changed an outcome of the same code.
        """
        for left in came:
            group = shown.get(left[1])
            if group or (shown and alone):
                severity = group.severity if group else Severity.CHANGED
                yield from ((source, severity) for source in self._left.get(left, ()))
        for type_ in cut:
            for mark, group in shown.items():
                if group:
                    yield from ((source, group.severity) for source in self._held.get((type_, mark), ()))

    def _keep(self, told: Iterable[CallChange], groups: Told) -> None:
        for change in told:
            group = groups.get((change.kind, change.path.general))
            if group and change.internal and not change.entering:
                _put_last(self._left.setdefault(trace(change), {}), group)
                if change.inside:
                    _put_last(self._held.setdefault((change.inside[-1], change.mark), {}), group)


def _put_last(groups: dict[Group, None], group: Group) -> None:
    groups.pop(group, None)
    groups[group] = None
