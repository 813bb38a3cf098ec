"""Looks at the calls of lanes: pairs them, and tells what changed of each by itself.

What is seen of a part depends on that part alone. So parts may be looked at anywhere and in any order, by processes of their own where there is much
to see; what it means beside all others is found afterwards, in the order of the lanes: see `lane`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tracer.compare.callables import Callables
from tracer.compare.columns import LaneReader
from tracer.compare.delta import Difference
from tracer.compare.detail_end import Edges
from tracer.compare.eye import Eye, Place
from tracer.compare.frames import Frames, removed
from tracer.compare.kinds import CallChange
from tracer.compare.noise import CALL, Filter
from tracer.compare.origins import Presence
from tracer.compare.pairing import pair_calls
from tracer.compare.past_detail import Kept
from tracer.compare.prepared import prepare
from tracer.compare.reading import Reader
from tracer.compare.result import Kind
from tracer.compare.seen import Counts, LaneSeen, SeenCall, SumsSeen
from tracer.compare.thinned import ThinnedLanes
from tracer.values import ValuePath

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tracer.compare.pairing import Window
    from tracer.compare.prepared import Prepared
    from tracer.model import Call, LaneSummary, RecordedRun
    from tracer.rules import Rule

_ASKED_FIRST: Final = 300
_ASKED: Final = 30
"""Pairs of lists of which it is asked, in the first part and in each other one, what in them resembles what."""
_CALLABLE: Final = ValuePath(("callable",))


class Piece(NamedTuple):
    """Lanes to look at, each by its name on either side, None where it is not. Of a giant lane one `part` of so many changed calls, counted from 0."""

    lanes: tuple[tuple[str | None, str | None], ...]
    size: int  # of a part
    calls: int  # that may have changed in it
    part: int | None = None
    first: bool = False


class Terms(NamedTuple):
    """How runs are compared: under which rules, beside those that the old one holds, and so on, as `compare.compare` has it."""

    rules: tuple[Rule, ...]
    shapes_only: bool
    renamed: Mapping[str, str]


class Looked(NamedTuple):
    """What was seen of a piece, and digests of the values that could not be read."""

    lanes: list[LaneSeen]
    unreadable: frozenset[bytes]


def looking(old: RecordedRun, new: RecordedRun, terms: Terms) -> Looking:
    """Return what looks at two runs."""
    runs = prepare(old, new, terms.renamed)
    callables = Callables(runs.old.recording, runs.new.recording)
    return Looking(runs, callables, Filter((*old.recording.noise, *terms.rules)), shapes_only=terms.shapes_only)


class Looking:
    """Looks at two runs, piece by piece."""

    def __init__(self, runs: Prepared, callables: Callables, rules: Filter, *, shapes_only: bool) -> None:
        self._runs = runs
        self._summaries = [{lane.name: lane for lane in run.lanes} for run in (runs.old, runs.new)]
        self._eye = Eye(callables, rules, Reader(shapes_only=shapes_only))
        self._lane: _Lane | None = None  # the giant one that was looked at last
        self._names: tuple[str | None, str | None] | None = None

    def look(self, piece: Piece) -> Looked:
        """Return what is seen of a piece."""
        self._eye.begin(_ASKED_FIRST if piece.first else _ASKED)
        if piece.part is not None:
            found = [self._giant(piece.lanes[0], piece.part, piece.size)]
        else:
            found = [self._open(names).look(0, None) for names in piece.lanes]
        return Looked(found, self._eye.reader.unreadable)

    def _giant(self, names: tuple[str | None, str | None], part: int, size: int) -> LaneSeen:
        lane = self._lane
        if lane is None or self._names != names or lane.parts > part:
            lane = self._open(names)
        self._lane = None  # where it fails in the middle it cannot go on
        seen = lane.look(part, size)
        self._lane, self._names = lane, names
        return seen

    def _open(self, names: tuple[str | None, str | None]) -> _Lane:
        old, new = (
            lanes[name] if name is not None else None for lanes, name in zip(self._summaries, names, strict=True)
        )
        return _Lane(self._runs, old, new, self._eye)


class _Item(NamedTuple):
    """A call to look at: changed or moved where it is on both sides. `place` is where a removed one stood."""

    old: int | None
    new: int | None
    moved: bool = False
    place: float = 0.0


class _Lane:
    """Looks at one pair of lanes, or at a lane that only one side has, part by part in order."""

    def __init__(self, runs: Prepared, old: LaneSummary | None, new: LaneSummary | None, eye: Eye) -> None:
        lane = new or old
        assert lane is not None
        self._old, self._new = LaneReader(runs.old, old), LaneReader(runs.new, new)
        self._thinned = ThinnedLanes.of(old, new)
        self._edges = Edges.of(self._thinned, self._old, self._new)
        self._frames = Frames(self._old, self._new)
        self._eye = eye
        self._budget = runs.new.recording.detail_calls
        self._seen = LaneSeen(lane.name)  # of the part that is looked at
        self._items = self._all_items()
        self._next = next(self._items, None)
        self.parts = 0
        """How many parts were looked at, or passed over."""

    def look(self, part: int, size: int | None) -> LaneSeen:
        """Return what is seen of a part of that size, or of all that there is. Parts come in order; those between are passed over."""
        while self.parts < part:
            for _ in self._part(size):
                pass
            self._end_part()
        for item in self._part(size):
            if (call := self._look_at(item)) is not None:
                self._seen.calls.append(call)
        return self._end_part()

    def _part(self, most: int | None) -> Iterator[_Item]:
        """Yield the next so many items. One is always known ahead, so that it is known which part is the last."""
        count = 0
        while self._next is not None and (most is None or count < most):
            count += 1
            item = self._next
            self._seen.done = max(self._seen.done, 1 + (item.new if item.new is not None else item.old or 0))
            self._next = next(self._items, None)
            yield item

    def _end_part(self) -> LaneSeen:
        """Return what was counted since the last part ended."""
        found = self._seen
        self._seen = LaneSeen(found.name, done=found.done)
        self.parts += 1
        if self._next is None:
            found.last = True
            found.done = max(self._old.length, self._new.length)
            found.sums = tuple(map(self._summed, self._thinned.names))
        return found

    def _all_items(self) -> Iterator[_Item]:
        apart = dict(self._edges.differing)
        for window in pair_calls(self._old, self._new):
            self._frames.take(window)
            self._count(window)
            yield from self._of_window(window, apart)
        yield from (_Item(i, j) for j, i in sorted(apart.items()))

    def _of_window(self, window: Window, apart: dict[int, int]) -> Iterator[_Item]:
        crossed = set(window.moved)
        for i, j in window.changed:
            if self._edges.parts(i, j):
                self._seen.counts += Counts(compared=-1, added=1, removed=1)
                yield _Item(None, j)
                yield _Item(i, None, place=j)
            else:
                apart.pop(j, None)
                yield _Item(i, j, (i, j) in crossed)
        yield from (
            _Item(i, j, moved=True) for i, j in crossed.difference(window.changed) if not self._edges.parts(i, j)
        )
        yield from (_Item(None, j) for j in window.added)
        yield from (_Item(i, None, place=place) for i, place in window.removed)

    def _count(self, window: Window) -> None:
        seen = self._seen
        seen.counts += Counts(compared=window.paired, added=len(window.added), removed=len(window.removed))
        if window.called is None:
            first = window.partners[0]
            seen.unread.append((first, first + len(window.partners)))
        elif window.called:
            names = list(self._new.names)
            for number, count in window.called.items():
                seen.called[names[number]] = seen.called.get(names[number], 0) + count

    def _summed(self, name: str) -> SumsSeen:
        """Compare what is kept of a callable as sums, with the calls at the edge of detail."""
        olds, news = self._edges.old_of(name), self._edges.new_of(name)
        judged = self._thinned.judge(name, map(self._old.call, olds), map(self._new.call, news))
        here = sum(each.begun for each in self._thinned.new.get(name, ()))
        kept = self._new.count(name) - len(news) if judged.differing else 0
        return SumsSeen(name, judged, Kept(self._seen.name, kept, self._budget), here, here + len(news))

    def _look_at(self, item: _Item) -> SeenCall | None:
        if item.old is None:
            assert item.new is not None
            return self._came(item.new)
        if item.new is None:
            return self._went(item.old, item.place)
        return self._changed(item.old, item.new, moved=item.moved)

    def _came(self, j: int) -> SeenCall | None:
        call = self._new.call(j)
        if call.callable in self._eye.callables.ambient or self._edges.explains_new(j):
            self._seen.counts += Counts(added=-1)
            return None
        described = self._eye.describe(call, [_presence(Kind.CALL_ADDED)], place=Place(self._new, j))
        return SeenCall(
            call.callable, call.caller, Presence.ADDED, j, j, None, j, self._frames.of_new(j, call), *described
        )

    def _went(self, i: int, place: float) -> SeenCall | None:
        call = self._old.call(i)
        callables = self._eye.callables
        if call.callable in callables.ambient or self._edges.explains_old(i):
            self._seen.counts += Counts(removed=-1)
            return None
        kind = Kind.CALLABLE_MISSING if callables.is_gone(call.callable) else Kind.CALL_REMOVED
        described = self._eye.describe(call, [_presence(kind)], place=Place(self._old, i))
        frame = self._frames.of_old(i, call)
        return SeenCall(call.callable, call.caller, Presence.REMOVED, removed(i), place, i, None, frame, *described)

    def _changed(self, i: int, j: int, *, moved: bool) -> SeenCall | None:
        old, new = self._old.call(i), self._new.call(j)
        found = self._eye.compare(old, new)
        reads = new.callable in self._eye.callables.ambient
        if reads:
            changes = [change for change in found.changes if not change.entering]
        else:
            changes = [*found.changes, _presence(Kind.CALL_MOVED)] if moved else list(found.changes)
            self._seen.counts.partly += bool(found.unseen)
        if not changes:
            return None
        described = self._eye.describe(new, changes, place=Place(self._new, j))
        seen = SeenCall(
            new.callable, new.caller, Presence.BOTH, j, j, i, j, self._frames.of_new(j, new), *described, reads=reads
        )
        return seen if reads else self._with_inputs(seen, new, found.unseen)

    def _with_inputs(self, seen: SeenCall, call: Call, unseen: tuple[str, ...]) -> SeenCall:
        """Return a call with what is to be known of what it was given."""
        unseen = (*unseen, *self._eye.unseen_inputs(call))
        entered = any(change.sort.entering and not change.sort.internal for change in seen.changes)
        if not unseen and not entered:
            return seen
        return seen._replace(
            unseen=unseen,
            types=self._eye.cut_types(call) if unseen else frozenset(),
            around=tuple(self._frames.around(seen.number)) if entered else (),
        )


def _presence(kind: Kind) -> CallChange:
    return CallChange(kind, _CALLABLE if kind is Kind.CALLABLE_MISSING else CALL, Difference.VALUE, None, None)
