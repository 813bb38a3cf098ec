"""Where the detail of two lanes ends: which of the calls kept whole on one side are known to the other by their sums alone."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracer.compare.align import align

if TYPE_CHECKING:
    from tracer.compare.columns import LaneReader
    from tracer.compare.thinned import ThinnedLanes


@dataclass(slots=True)
class OwnCalls:
    """The calls of one callable that a lane keeps in detail: their numbers, and keys of all that is kept of each and of what it was given."""

    numbers: array[int] = field(default_factory=lambda: array("q"))
    whole: array[int] = field(default_factory=lambda: array("q"))
    given: array[int] = field(default_factory=lambda: array("q"))


def own_calls(lane: LaneReader, names: frozenset[str]) -> dict[str, OwnCalls]:
    """Return the calls of some callables in a lane, in one pass."""
    found = {name: OwnCalls() for name in names}
    number = 0
    for calls, _ in lane.parts(0, lane.length):
        columns = zip(
            calls.callables, calls.arguments, calls.endings, calls.outcomes, calls.items, calls.after, strict=True
        )
        for name, given, *rest in columns:
            if name in names:
                own = found[name]
                own.numbers.append(number)
                own.given.append(hash(given))
                own.whole.append(hash((given, *rest)))
            number += 1
    return found


class Edges:
    """Which calls in detail of two lanes have no partner because the other side keeps only sums from there on.

    What a callable's own calls say decides, held against one another alone: where all calls are equal, any may be the one more.
    """

    def __init__(self) -> None:
        self._old: dict[str, list[int]] = {}
        self._new: dict[str, list[int]] = {}
        self._at_old: set[int] = set()
        self._at_new: set[int] = set()
        self._partners: dict[int, int] = {}  # new by old
        self.differing: dict[int, int] = {}
        """The old calls by the new ones whose partners they are without being equal. Where they stand in the lane says otherwise at times."""
        self._paired_new: set[int] = set()

    @classmethod
    def of(cls, thinned: ThinnedLanes, old: LaneReader, new: LaneReader) -> Edges:
        """Return the edges of two lanes."""
        edges = cls()
        names = frozenset(thinned.names)
        if names:
            olds, news = own_calls(old, names), own_calls(new, names)
            for name in names:
                edges._find(name, thinned, olds[name], news[name])
        return edges

    def _find(self, name: str, thinned: ThinnedLanes, old: OwnCalls, new: OwnCalls) -> None:
        olds, news = thinned.old.get(name), thinned.new.get(name)
        pairs = _own_pairs(old, new, old_cut=olds is not None, new_cut=news is not None)
        # Where the other side has no sums, the last calls are no edge of detail but calls that came or went.
        theirs = _Side(new, {j: i for i, j in pairs})
        at_new = theirs.edge() if olds is not None else 0
        ours = _Side(old, {i: j for j, i in theirs.partners.items()})
        at_old = ours.edge() if news is not None else 0
        if at_old and at_new:
            # Detail ends on both sides at once: one of them holds what the other summed up, as much as the other's sums are of more calls.
            more = sum(each.begun for each in news or ()) - sum(each.begun for each in olds or ())
            at_old, at_new = min(at_old, max(more, 0)), min(at_new, max(-more, 0))
        self._old[name], self._new[name] = ours.cut(at_old), theirs.cut(at_new)
        self._at_old.update(self._old[name])
        self._at_new.update(self._new[name])
        for i, j in ours.partners.items():
            self._partners[old.numbers[i]] = new.numbers[j]
            if old.whole[i] != new.whole[j]:
                self.differing[new.numbers[j]] = old.numbers[i]
        self._paired_new.update(new.numbers[j] for j in theirs.partners)

    def parts(self, i: int, j: int) -> bool:
        """Whether two unequal calls that stand against each other are no pair: one of them has its partner elsewhere."""
        if i in self._partners:
            return self._partners[i] != j
        return self.explains_old(i) or self.explains_new(j)

    def explains_old(self, i: int) -> bool:
        """Whether an old call that has no partner where it stands is no call that went."""
        return i in self._at_old or i in self._partners

    def explains_new(self, j: int) -> bool:
        """Whether a new call that has no partner where it stands is no call that came."""
        return j in self._at_new or j in self._paired_new

    def old_of(self, name: str) -> list[int]:
        """Return the old calls of a callable that the new side has sums of."""
        return self._old.get(name, [])

    def new_of(self, name: str) -> list[int]:
        """Return the new calls of a callable that the old side has sums of."""
        return self._new.get(name, [])


def _own_pairs(old: OwnCalls, new: OwnCalls, *, old_cut: bool, new_cut: bool) -> list[tuple[int, int]]:
    """Return the places of partners among a callable's own calls.

    Where detail ends on one side, what it kept is the beginning of what there was: of the other side so much is taken in as gives the fewest
    calls without a partner up to there.
    """
    shorter, longer = sorted((len(old.whole), len(new.whole)))
    cut = new_cut if len(old.whole) > len(new.whole) else old_cut
    reach, step = (shorter if cut else longer), 0
    found: list[list[tuple[int, int]]] = []
    while True:
        levels = [(one[:reach], other[:reach]) for one, other in ((old.whole, new.whole), (old.given, new.given))]
        found.append([(run.old + n, run.new + n) for run in align(*levels) for n in range(run.length)])
        missing = shorter - len(found[-1])
        if not missing or reach >= longer:
            side = int(len(new.whole) == longer)
            return min(found, key=lambda pairs: (pairs[-1][side] + 1 - 2 * len(pairs) if pairs else 0, -len(pairs)))
        step = max(2 * step, missing)
        reach += step


class _Side:
    """The calls of one callable that one side keeps, by place, with their partners' places."""

    def __init__(self, own: OwnCalls, partners: dict[int, int]) -> None:
        self._own = own
        self.partners = partners

    def edge(self) -> int:
        """Count the last calls without a partner. One further up moves on over equal calls, any of which may as well be the one without."""
        whole, start = self._own.whole, len(self._own.whole)
        for place in range(start - 1, -1, -1):
            if place in self.partners:
                continue
            at = place
            while at + 1 < start and whole[at + 1] == whole[place]:
                at += 1
            if at + 1 != start:
                break
            for moved in range(place, at):
                self.partners[moved] = self.partners.pop(moved + 1)
            start = at
        return len(whole) - start

    def cut(self, edge: int) -> list[int]:
        """Return the numbers of the last so many calls."""
        return list(self._own.numbers[len(self._own.numbers) - edge :])
