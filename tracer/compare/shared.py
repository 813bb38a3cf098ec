"""What the comparison of one lane shares with that of the others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tracer.compare.collapse import Group, Groups
from tracer.compare.past_detail import PastDetail
from tracer.compare.seen import Counts
from tracer.compare.surfacing import Surfacing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from tracer.compare.callables import Callables
    from tracer.compare.collapse import Observation
    from tracer.compare.noise import Filter
    from tracer.compare.reading import Reader
    from tracer.compare.seen import Mark, Placed, SeenChange, Trace

_MOST: Final = 50_000
_MOST_SOURCES: Final = 4  # of one change of a value


@dataclass(slots=True)
class Tally:
    """Calls, counted while lanes are compared. `reads` are those of the surroundings that gave something else, by callable.

    `unexplained` are changed calls of which it was not looked for what explains them, since others tell of the same.
    """

    counts: Counts = field(default_factory=Counts)
    changed: int = 0
    unexplained: int = 0
    reads: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Source:
    """A call whose outcome showed a change of a value, named by its lane and number, and the group that tells of it."""

    call: tuple[str, int]
    group: Group | None


class Outcomes:
    """What changed outcomes, seen so far, changed from and to: the same elsewhere follows from them."""

    def __init__(self) -> None:
        self._marks: dict[Mark, list[Source]] = {}
        self._traces: set[Trace] = set()

    def add(self, told: Iterable[Placed], call: tuple[str, int]) -> None:
        """Take in what changed about one call, with what tells of it; its private outcomes do not count."""
        seen = [each for each in told if each[0].sort.shows]
        if len(self._marks) < _MOST:
            for change, group in seen:
                sources = self._marks.setdefault(change.mark, [])
                if len(sources) < _MOST_SOURCES:
                    sources.append(Source(call, group))
            if len(self._traces) < _MOST:
                self._traces.update(change.trace for change, _ in seen)

    def holds(self, change: SeenChange) -> bool:
        """Whether an outcome has shown this change of a value before, wherever it stood."""
        return change.mark in self._marks

    def source(self, change: SeenChange, around: AbstractSet[tuple[str, int]]) -> Source | None:
        """Return what first showed this change of a value, and was over: it is not one of the calls `around` the one that asks."""
        return next((source for source in self._marks.get(change.mark, ()) if source.call not in around), None)

    def repeat(self, change: SeenChange) -> bool:
        """Whether an outcome has shown this change of a value before, in a field or under a key of the same name."""
        return change.sort.named and change.trace in self._traces


@dataclass(slots=True)
class Shared:
    """What lanes share.

    `calls` are those compared or added, `removed` those that only the old run has, by callable; `silenced` is one of these that a rule
    hid, for each callable.
    """

    callables: Callables
    rules: Filter
    reader: Reader
    groups: Groups = field(default_factory=Groups)
    tally: Tally = field(default_factory=Tally)
    calls: dict[str, int] = field(default_factory=dict)
    removed: Counter[str] = field(default_factory=Counter)
    silenced: dict[str, Observation] = field(default_factory=dict)
    past_detail: PastDetail = field(default_factory=PastDetail)
    surfacing: Surfacing = field(default_factory=Surfacing)
    outcomes: Outcomes = field(default_factory=Outcomes)
