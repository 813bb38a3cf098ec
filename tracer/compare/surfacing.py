"""Private state that callers get to see after all: what a call left in it comes out of a later one.

`to()` returns an object whose `_magnitude` is another one; that is no one's business until `magnitude` returns it. Then the
difference is one that callers see, and it came about in `to()`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.compare.result import Kind, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from tracer.compare.collapse import Group
    from tracer.compare.seen import Mark, Placed, SeenChange, Trace

_MOST_TRACES = 50_000
_PRESENCE = frozenset({Kind.CALL_ADDED, Kind.CALL_REMOVED, Kind.CALL_MOVED, Kind.CALLABLE_MISSING})


class Surfacing:
    """Follows private differences from the calls that left them to the calls that show them."""

    def __init__(self) -> None:
        # Groups, each once and the last that told last: one change may be left behind by every call of a lane.
        self._left: dict[Trace, dict[Group, None]] = {}
        self._held: dict[tuple[str, Mark], dict[Group, None]] = {}  # by the type of the object that keeps the state

    def follow(self, told: Iterable[Placed], cut: AbstractSet[str], *, same_code: bool) -> None:
        """Take in what one call changed, and the findings that tell of it: calls must come in order.

        `cut` are the types of its arguments that were not recorded in full; `same_code` says that the callable has no other code.
        """
        told = [each for each in told if each[0].sort.kind not in _PRESENCE]
        came = {change.trace for change, _ in told if change.sort.entering and change.sort.internal}
        shown = {change.mark: group for change, group in told if change.sort.shows}
        for source, severity in self._sources(came, shown, cut, alone=same_code and len(came) == 1):
            source.raise_to(severity)
        if len(self._left) < _MOST_TRACES:
            self._keep(told)

    def source(self, change: SeenChange) -> Group | None:
        """Return what last told that this private difference was left behind."""
        return next(reversed(self._left.get(change.trace, {})), None)

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

    def _keep(self, told: Iterable[Placed]) -> None:
        for change, group in told:
            sort = change.sort
            if group and sort.internal and not sort.entering:
                _put_last(self._left.setdefault(change.trace, {}), group)
                if sort.inside:
                    _put_last(self._held.setdefault((sort.inside, change.mark), {}), group)


def _put_last(groups: dict[Group, None], group: Group) -> None:
    groups.pop(group, None)
    groups[group] = None
