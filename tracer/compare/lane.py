"""One pair of lanes compared: calls paired, their changes told, origins found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tracer.compare.attribution import Shown, Told, attribute
from tracer.compare.collapse import Observation
from tracer.compare.delta import Difference
from tracer.compare.detail_end import Edges
from tracer.compare.frames import Frames, removed
from tracer.compare.kinds import SUMS, CallChange, compare_calls
from tracer.compare.noise import CALL, Subject
from tracer.compare.origins import Code, Node, Presence
from tracer.compare.pairing import Window, pair_calls
from tracer.compare.past_detail import Kept
from tracer.compare.reading import cut_types, parameter_names, unseen_inputs
from tracer.compare.result import Kind, Severity, Spot
from tracer.compare.severity import Facts, is_iterator, is_private, severity
from tracer.compare.texts import arguments_text
from tracer.model import OUTSIDE, Raised, Returned
from tracer.values import Opaque, ValuePath

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tracer.compare.collapse import Group
    from tracer.compare.columns import LaneReader
    from tracer.compare.frames import Frame
    from tracer.compare.shared import Shared
    from tracer.compare.thinned import ThinnedLanes
    from tracer.model import Call

_MOST_EXPLAINED = 100_000  # calls of a lane whose roles are found; each takes about a kilobyte until then
_CALLABLE = ValuePath(("callable",))
_CALLER_SIDE = frozenset({Kind.CALL_ADDED, Kind.CALL_REMOVED, Kind.CALL_MOVED})
_VALUE_KINDS = frozenset(
    {
        Kind.RETURNED_VALUE,
        Kind.ARGUMENT_PASSED,
        Kind.ARGUMENT_AFTER,
        Kind.YIELDED,
        Kind.STATE,
        Kind.EXCEPTION_MESSAGE,
        Kind.CALL_MOVED,
    }
)
_SHAPES = frozenset({Difference.TYPE, Difference.KEY_ADDED, Difference.KEY_REMOVED})


class LaneComparison:
    """Compares one lane with its partner, or with nothing."""

    def __init__(self, name: str, old: LaneReader, new: LaneReader, shared: Shared, thinned: ThinnedLanes) -> None:
        self._name = name
        self._thinned = thinned
        self._edges = Edges.of(thinned, old, new)
        self._apart = dict(self._edges.differing)
        self._old = old
        self._new = new
        self._shared = shared
        self._frames = Frames(old, new)
        self._nodes: list[Node] = []
        self._told: list[Told] = []
        self._explained: set[int] = set()  # identities of groups, which live as long as the comparison

    def run(self, progress: Callable[[int], None], unread: Callable[[int, int], None]) -> None:
        """Compare all calls; `progress` is told of calls done, `unread` of ranges of new calls passed over as equal."""
        for window in pair_calls(self._old, self._new):
            self._frames.take(window)
            self._window(window)
            self._count(window, unread)
            progress(len(window.partners) + len(window.added))
        for j, i in sorted(self._apart.items()):
            self._changed(i, j, moved=False)
        for name in self._thinned.names:
            self._past_detail(name)
        attribute(self._nodes, self._told, self._unseen_by)

    def _window(self, window: Window) -> None:
        crossed = set(window.moved)
        for i, j in window.changed:
            if self._edges.parts(i, j):
                self._shared.tally.compared -= 1
                self._shared.tally.added += 1
                self._shared.tally.removed += 1
                self._added_call(j)
                self._removed_call(i, j)
            else:
                self._apart.pop(j, None)
                self._changed(i, j, moved=(i, j) in crossed)
        for i, j in crossed.difference(window.changed):
            if not self._edges.parts(i, j):
                self._changed(i, j, moved=True)
        for j in window.added:
            self._added_call(j)
        for i, place in window.removed:
            self._removed_call(i, place)

    def _past_detail(self, name: str) -> None:
        """Compare what is kept of a callable as sums, with the calls at the edge of detail."""
        olds, news = self._edges.old_of(name), self._edges.new_of(name)
        judged = self._thinned.judge(name, map(self._old.call, olds), map(self._new.call, news))
        here = sum(each.begun for each in self._thinned.new.get(name, ()))
        tally = self._shared.tally
        made = here + len(news)
        tally.compared += made
        for each in judged.differing:
            if each.kind is Kind.CALL_ADDED:
                tally.added += each.calls
                tally.compared -= each.calls
            elif each.kind is Kind.CALL_REMOVED:
                tally.removed += each.calls
        self._shared.calls[name] = self._shared.calls.get(name, 0) + here
        kept = self._new.count(name) - len(news) if judged.differing else 0
        self._shared.past_detail.take(name, judged, Kept(self._name, kept, self._shared.budget), made)

    def _count(self, window: Window, unread: Callable[[int, int], None]) -> None:
        tally = self._shared.tally
        tally.compared += window.paired
        tally.added += len(window.added)
        tally.removed += len(window.removed)
        if window.called is None:
            first = window.partners[0]
            unread(first, first + len(window.partners))
        elif window.called:
            names = list(self._new.names)
            for number, count in window.called.items():
                self._shared.calls[names[number]] = self._shared.calls.get(names[number], 0) + count

    def _changed(self, i: int, j: int, *, moved: bool) -> None:
        old, new = self._old.call(i), self._new.call(j)
        callables = self._shared.callables
        reader = self._shared.reader.under(self._shared.rules.lenience(new.callable))
        found = compare_calls(
            old,
            new,
            (callables.old.get(old.callable), callables.new.get(new.callable)),
            reader,
            lambda inside: callables.owns(new.callable, inside),
        )
        if new.callable in callables.ambient:
            self._read_otherwise(i, j, [change for change in found.changes if not change.entering])
            return
        changes = (*found.changes, _presence(Kind.CALL_MOVED)) if moved else found.changes
        told, hidden = self._sorted(new.callable, [self._written(new.callable, each) for each in changes])
        self._shared.outcomes.add(hidden, {}, (self._name, j))
        self._shared.tally.partly += bool(found.unseen)
        if not told:
            return
        self._shared.tally.changed += 1
        passed = [change for change in told if change.kind is Kind.ARGUMENT_PASSED]
        entered = [change for change in told if change.entering and change.kind is Kind.STATE]
        fed, fed_by = self._fed(passed, j)
        frame = self._frames.of_new(j, new)
        node = Node(
            number=j,
            frame=frame.number,
            place=j,
            arguments_changed=bool(passed),
            state_changed=bool(entered),
            outcome_changed=any(not change.entering and change.kind not in _CALLER_SIDE for change in told),
            fed=fed,
            moved=any(change.kind is Kind.CALL_MOVED for change in told),
            unpaired=frame.unpaired,
            code=callables.code(new.callable),
            maker=callables.code(frame.maker),
        )
        left_by = next(filter(None, map(self._shared.surfacing.source, entered)), None)
        unseen = (*found.unseen, *unseen_inputs(new, callables.new.get(new.callable), reader))
        shown = self._tell(node, new, told, self._new, Spot(self._old.lane, i), cut=bool(unseen))
        self._explain_later(node, Told(shown, unseen, frame.maker, fed_by, left_by))

    def _read_otherwise(self, i: int, j: int, told: list[CallChange]) -> None:
        """Take note of a read of the surroundings that gave something else: no change of the code, but what may explain some."""
        if not told:
            return
        new = self._new.call(j)
        self._shared.tally.reads[new.callable] += 1
        frame = self._frames.of_new(j, new)
        node = Node(j, frame.number, j, outcome_changed=True, unpaired=frame.unpaired)
        shown = self._tell(node, new, told, self._new, Spot(self._old.lane, i), cut=False)
        self._explain_later(node, Told(shown, (), frame.maker))

    def _fed(self, passed: Sequence[CallChange], j: int) -> tuple[bool, Group | None]:
        """Say whether earlier outcomes have shown all that was passed otherwise, and what told of it first."""
        if not passed or not self._shared.outcomes.hold(passed):
            return False, None
        around = {(self._name, number) for number in self._frames.around(j)}
        sources = [self._shared.outcomes.source(change, around) for change in passed]
        return all(sources), next((source.group for source in sources if source and source.group), None)

    def _written(self, callable_: str, change: CallChange) -> CallChange:
        """Return state that someone else must have written as what it is, something passed.

        The code of the component is the same, no attribute is private, and no call was seen to leave the difference behind.
        """
        by_itself = change.kind is not Kind.STATE or not change.entering or change.internal
        if (
            by_itself
            or not self._shared.callables.component_unchanged(callable_)
            or self._shared.outcomes.hold([change])
        ):
            return change
        return replace(change, kind=Kind.ARGUMENT_PASSED)

    def _added_call(self, j: int) -> None:
        call = self._new.call(j)
        if call.callable in self._shared.callables.ambient or self._edges.explains_new(j):
            self._shared.tally.added -= 1
            return
        self._one_sided(call, j, j, self._frames.of_new(j, call), Presence.ADDED, Kind.CALL_ADDED)

    def _removed_call(self, i: int, place: float) -> None:
        call = self._old.call(i)
        if call.callable in self._shared.callables.ambient or self._edges.explains_old(i):
            self._shared.tally.removed -= 1
            return
        self._shared.removed[call.callable] += 1
        kind = Kind.CALLABLE_MISSING if self._shared.callables.is_gone(call.callable) else Kind.CALL_REMOVED
        self._one_sided(call, removed(i), place, self._frames.of_old(i, call), Presence.REMOVED, kind)

    def _one_sided(self, call: Call, number: int, place: float, frame: Frame, presence: Presence, kind: Kind) -> None:
        change = _presence(kind)
        if not self._is_told(call.callable, change):
            if kind is Kind.CALL_REMOVED:
                seen = self._observation(call, change, (None, None), own_callback=False)
                self._shared.silenced.setdefault(call.callable, seen)
            return
        maker = self._shared.callables.code(frame.maker)
        node = Node(number, frame.number, place, presence, unpaired=frame.unpaired, maker=maker)
        shown = self._tell(node, call, [change], self._new if presence is Presence.ADDED else self._old, cut=False)
        self._explain_later(node, Told(shown, (), frame.maker))

    def _explain_later(self, node: Node, told: Told) -> None:
        """Keep what is known of a call until the lane is through; past a number of them only of those whose findings are new."""
        groups = {id(shown.group) for shown in told.shown}
        if len(self._nodes) >= _MOST_EXPLAINED and groups <= self._explained:
            self._shared.tally.unexplained += 1
            return
        self._explained |= groups
        self._nodes.append(node)
        self._told.append(told)

    def _unseen_by(self, j: int) -> tuple[str, ...]:
        call = self._new.call(j)
        return unseen_inputs(call, self._shared.callables.new.get(call.callable), self._shared.reader)

    def _is_told(self, callable_: str, change: CallChange) -> bool:
        if self._shared.shapes_only and change.kind in _VALUE_KINDS and change.difference not in _SHAPES:
            return False
        if change.path.steps[-1] == SUMS and self._shared.rules.concerns(callable_):
            self._shared.past_detail.undecided(callable_)
            return False
        return not self._shared.rules.hides(Subject(callable_, change.kind, change.path, change.difference), change)

    def _sorted(self, callable_: str, changes: Iterable[CallChange]) -> tuple[list[CallChange], list[CallChange]]:
        """Return what is told and what a rule hides. The latter still accounts for what later calls are entered with."""
        told: list[CallChange] = []
        hidden: list[CallChange] = []
        for change in changes:
            (told if self._is_told(callable_, change) else hidden).append(change)
        return told, hidden

    def _tell(
        self,
        node: Node,
        call: Call,
        told: list[CallChange],
        lane: LaneReader,
        partner: Spot | None = None,
        *,
        cut: bool,
    ) -> tuple[Shown, ...]:
        """Count what is told of a call, of which `cut` says that it was not recorded in full; return the findings it counts for.

        `partner` is where the call stands on the old side, if it is on both.
        """
        number = removed(node.number) if node.presence is Presence.REMOVED else node.number
        own_callback = self._is_own_callback(lane, number, call)
        spot = Spot(lane.lane, number)
        spots = (spot, None) if node.presence is Presence.REMOVED else (partner, spot)
        observations = [self._observation(call, change, spots, own_callback=own_callback) for change in told]
        groups = self._shared.groups.add(
            self._carried(seen, change, cut=cut) for seen, change in zip(observations, told, strict=True)
        )
        by_place = {(group.kind, group.path): group for group in groups}
        known = self._shared.callables
        types = cut_types(call, known.new.get(call.callable), self._shared.reader) if cut else frozenset()
        same_code = known.code(call.callable) is Code.SAME
        self._shared.surfacing.follow(told, by_place, types, same_code=same_code)
        self._shared.outcomes.add(told, by_place, (self._name, number))
        found: dict[int, Shown] = {}
        for change, seen in zip(told, observations, strict=True):
            path = change.path.general
            # Of a kind with very many paths the groups go by the first step alone.
            group = by_place.get((change.kind, path)) or by_place.get((change.kind, ValuePath(path.steps[:1])))
            if group and (id(group) not in found or seen.severity.rank < found[id(group)].severity.rank):
                found[id(group)] = Shown(group, change.entering or change.kind in _CALLER_SIDE, seen.severity)
        return tuple(found.values())

    def _carried(self, seen: Observation, change: CallChange, *, cut: bool) -> Observation:
        """Return an observation as little severe as one is that only repeats what an outcome has shown before.

        Where arguments were `cut`, an after-image also tells of what they came with.
        """
        outcomes = self._shared.outcomes
        repeats = outcomes.repeat(change) or (cut and change.kind is Kind.ARGUMENT_AFTER and outcomes.hold([change]))
        if seen.severity.rank >= Severity.COMPATIBLE.rank or not repeats:
            return seen
        return replace(seen, severity=Severity.COMPATIBLE)

    def _is_own_callback(self, lane: LaneReader, number: int, call: Call) -> bool:
        """Whether the called component called itself, through code of no component: how it does that is its own business."""
        if call.caller != OUTSIDE or not call.parent or call.parent > number:
            return False
        component_of = self._shared.callables.component_of
        return component_of(lane.call(number - call.parent).callable) == component_of(call.callable)

    def _observation(
        self, call: Call, change: CallChange, spots: tuple[Spot | None, Spot | None], *, own_callback: bool
    ) -> Observation:
        facts = Facts(
            change.kind,
            change.difference,
            change.internal or (own_callback and (change.entering or change.kind in _CALLER_SIDE)),
            is_private(call.callable),
            lazy=_lazy(change),
        )
        return Observation(
            callable=call.callable,
            caller=call.caller,
            kind=change.kind,
            path=change.path,
            severity=Severity.NOISE if call.callable in self._shared.callables.ambient else severity(facts),
            before=change.before,
            after=change.after,
            lane=self._name,
            cost=_cost(call),
            arguments=lambda: self._arguments(call),
            old=spots[0],
            new=spots[1],
            mark=change.mark,
        )

    def _arguments(self, call: Call) -> str:
        known = self._shared.callables
        names = parameter_names(known.new.get(call.callable) or known.old.get(call.callable))
        return arguments_text(self._shared.reader.arguments(call, names))


def _lazy(change: CallChange) -> bool:
    match change.before, change.after:
        case Opaque(type=before), Opaque(type=after):
            return is_iterator(before) and is_iterator(after)
        case _:
            return False


def _presence(kind: Kind) -> CallChange:
    return CallChange(kind, _CALLABLE if kind is Kind.CALLABLE_MISSING else CALL, Difference.VALUE, None, None)


def _cost(call: Call) -> int:
    match call.outcome:
        case Returned(value=data) | Raised(error=data):
            return len(call.arguments) + len(data)
        case _:
            return len(call.arguments)
