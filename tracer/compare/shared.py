"""What the comparison of one lane shares with that of the others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tracer.compare.collapse import Group, Groups
from tracer.compare.past_detail import PastDetail
from tracer.compare.surfacing import Mark, Surfacing, Told, Trace, trace
from tracer.values import Key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from tracer.compare.callables import Callables
    from tracer.compare.collapse import Observation
    from tracer.compare.kinds import CallChange
    from tracer.compare.noise import Filter
    from tracer.compare.reading import Reader

_MOST: Final = 50_000
_MOST_SOURCES: Final = 4  # of one change of a value


@dataclass(slots=True)
class Tally:
    """Calls, counted while lanes are compared. `reads` are those of the surroundings that gave something else, by callable.

    `unexplained` are changed calls of which it was not looked for what explains them, since others tell of the same.
    """

    compared: int = 0
    changed: int = 0
    added: int = 0
    removed: int = 0
    partly: int = 0
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

    def add(self, told: Iterable[CallChange], groups: Told, call: tuple[str, int]) -> None:
        """Take in what changed about one call, with the groups that tell of it; its private outcomes do not count."""
        seen = [change for change in told if not change.entering and not change.internal]
        if len(self._marks) < _MOST:
            for change in seen:
                sources = self._marks.setdefault(change.mark, [])
                if len(sources) < _MOST_SOURCES:
                    sources.append(Source(call, groups.get((change.kind, change.path.general))))
            if len(self._traces) < _MOST:
                self._traces.update(trace(change) for change in seen)

    def hold(self, changes: Iterable[CallChange]) -> bool:
        """Whether an outcome has shown each of these changes of a value before, wherever it stood."""
        return all(change.mark in self._marks for change in changes)

    def source(self, change: CallChange, around: AbstractSet[tuple[str, int]]) -> Source | None:
        """Return what first showed this change of a value, and was over: it is not one of the calls `around` the one that asks."""
        return next((source for source in self._marks.get(change.mark, ()) if source.call not in around), None)

    def repeat(self, change: CallChange) -> bool:
        """Whether an outcome has shown this change of a value before, in a field or under a key of the same name."""
        steps = change.path.steps
        named = len(steps) > 1 and not isinstance(steps[-1], int) and steps[-1] != Key("*")
        return named and trace(change) in self._traces


@dataclass(slots=True)
class Shared:
    """What lanes share.

    `calls` are those compared or added, `removed` those that only the old run has, by callable; `silenced` is one of these that a rule
    hid, for each callable. `budget` is how many calls of a callable in a lane the new run keeps in detail, 0 where that is not known.
    """

    callables: Callables
    rules: Filter
    shapes_only: bool
    reader: Reader
    budget: int = 0
    groups: Groups = field(default_factory=Groups)
    tally: Tally = field(default_factory=Tally)
    calls: dict[str, int] = field(default_factory=dict)
    removed: Counter[str] = field(default_factory=Counter)
    silenced: dict[str, Observation] = field(default_factory=dict)
    past_detail: PastDetail = field(default_factory=PastDetail)
    surfacing: Surfacing = field(default_factory=Surfacing)
    outcomes: Outcomes = field(default_factory=Outcomes)
