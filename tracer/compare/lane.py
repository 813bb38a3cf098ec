"""One pair of lanes compared: calls paired, their changes told, origins found."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tracer.compare.collapse import Group, Observation
from tracer.compare.delta import Difference
from tracer.compare.kinds import CallChange, compare_calls
from tracer.compare.noise import Subject
from tracer.compare.origins import NO_FRAME, UNPAIRED_FRAME, Explanation, Node, Presence, explain
from tracer.compare.pairing import Window, pair_calls
from tracer.compare.reading import cut_types, parameter_names, unseen_inputs
from tracer.compare.result import Confidence, Kind, Role, Severity
from tracer.compare.severity import Facts, is_iterator, is_private, severity
from tracer.compare.texts import arguments_text
from tracer.model import OUTSIDE, Raised, Returned
from tracer.values import Opaque, ValuePath

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tracer.compare.columns import LaneReader
    from tracer.compare.shared import Shared
    from tracer.model import Call

_CALL = ValuePath(("call",))
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


@dataclass(frozen=True, slots=True)
class _Told:
    """What was told of one call: its groups, each with whether the change was there on entering, and how severe it is by itself."""

    callable: str
    groups: tuple[tuple[Group, bool, Severity], ...]
    unseen: tuple[str, ...]


class LaneComparison:
    """Compares one lane with its partner, or with nothing."""

    def __init__(self, name: str, old: LaneReader, new: LaneReader, shared: Shared) -> None:
        self._name = name
        self._old = old
        self._new = new
        self._shared = shared
        self._partners: list[tuple[int, Sequence[int]]] = []
        self._added: set[int] = set()
        self._nodes: list[Node] = []
        self._told: list[_Told] = []

    def run(self, progress: Callable[[int], None], unread: Callable[[int, int], None]) -> None:
        """Compare all calls; `progress` is told of calls done, `unread` of ranges of new calls passed over as equal."""
        for window in pair_calls(self._old, self._new):
            self._partners.append((window.start, window.partners))
            self._added.update(window.added)
            self._window(window)
            self._count(window, unread)
            progress(len(window.partners) + len(window.added))
        for node, explanation, told in zip(self._nodes, explain(self._nodes), self._told, strict=True):
            self._explain(node, explanation, told)

    def _window(self, window: Window) -> None:
        crossed = set(window.moved)
        for i, j in window.changed:
            self._changed(i, j, moved=(i, j) in crossed)
        for i, j in crossed.difference(window.changed):
            self._changed(i, j, moved=True)
        for j in window.added:
            self._added_call(j)
        for i, place in window.removed:
            self._removed_call(i, place)

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
        changes = (*found.changes, _presence(Kind.CALL_MOVED)) if moved else found.changes
        told, hidden = self._sorted(new.callable, [self._written(new.callable, each) for each in changes])
        self._shared.outcomes.add(hidden)
        self._shared.tally.partly += bool(found.unseen)
        if not told:
            return
        self._shared.tally.changed += 1
        passed = [change for change in told if change.kind is Kind.ARGUMENT_PASSED]
        node = Node(
            number=j,
            frame=self._frame(j, new),
            place=j,
            arguments_changed=bool(passed),
            state_changed=any(change.entering and change.kind is Kind.STATE for change in told),
            outcome_changed=any(not change.entering and change.kind not in _CALLER_SIDE for change in told),
            moved=any(change.kind is Kind.CALL_MOVED for change in told),
            fed=bool(passed) and self._shared.outcomes.hold(passed),
        )
        self._tell(
            node, new, told, (*found.unseen, *unseen_inputs(new, callables.new.get(new.callable), reader)), self._new
        )

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
        change = _presence(Kind.CALL_ADDED)
        if self._is_told(call.callable, change):
            self._tell(Node(j, self._frame(j, call), j, Presence.ADDED), call, [change], (), self._new)

    def _removed_call(self, i: int, place: float) -> None:
        call = self._old.call(i)
        self._shared.removed[call.callable] += 1
        gone = self._shared.callables.is_gone(call.callable)
        change = _presence(Kind.CALLABLE_MISSING if gone else Kind.CALL_REMOVED)
        if self._is_told(call.callable, change):
            frame = self._partner(i - call.parent) if call.parent else NO_FRAME
            self._tell(Node(-3 - i, frame, place, Presence.REMOVED), call, [change], (), self._old)

    def _frame(self, j: int, call: Call) -> int:
        if not call.parent or call.parent > j:
            return NO_FRAME
        return UNPAIRED_FRAME if j - call.parent in self._added else j - call.parent

    def _partner(self, i: int) -> int:
        number = bisect_right(self._partners, i, key=lambda each: each[0]) - 1
        if i < 0 or number < 0:
            return NO_FRAME
        start, partners = self._partners[number]
        partner = partners[i - start] if i - start < len(partners) else UNPAIRED_FRAME
        return partner if partner >= 0 else UNPAIRED_FRAME

    def _is_told(self, callable_: str, change: CallChange) -> bool:
        if self._shared.shapes_only and change.kind in _VALUE_KINDS and change.difference not in _SHAPES:
            return False
        return not self._shared.rules.hides(Subject(callable_, change.kind, change.path, change.difference), change)

    def _sorted(self, callable_: str, changes: Iterable[CallChange]) -> tuple[list[CallChange], list[CallChange]]:
        """Return what is told and what a rule hides. The latter still accounts for what later calls are entered with."""
        told: list[CallChange] = []
        hidden: list[CallChange] = []
        for change in changes:
            (told if self._is_told(callable_, change) else hidden).append(change)
        return told, hidden

    def _tell(self, node: Node, call: Call, told: list[CallChange], unseen: tuple[str, ...], lane: LaneReader) -> None:
        self._nodes.append(node)
        number = -3 - node.number if node.presence is Presence.REMOVED else node.number
        own_callback = self._is_own_callback(lane, number, call)
        observations = [self._observation(call, change, own_callback=own_callback) for change in told]
        groups = self._shared.groups.add(
            self._carried(seen, change, cut=bool(unseen)) for seen, change in zip(observations, told, strict=True)
        )
        by_place = {(group.kind, group.path): group for group in groups}
        known = self._shared.callables
        cut = cut_types(call, known.new.get(call.callable), self._shared.reader) if unseen else frozenset()
        self._shared.surfacing.follow(told, by_place, cut, same_code=known.unchanged(call.callable))
        self._shared.outcomes.add(told)
        found: dict[int, tuple[Group, bool, Severity]] = {}
        for change, seen in zip(told, observations, strict=True):
            path = change.path.general
            # Of a kind with very many paths the groups go by the first step alone.
            group = by_place.get((change.kind, path)) or by_place.get((change.kind, ValuePath(path.steps[:1])))
            if group and (id(group) not in found or seen.severity.rank < found[id(group)][2].rank):
                found[id(group)] = (group, change.entering or change.kind in _CALLER_SIDE, seen.severity)
        self._told.append(_Told(call.callable, tuple(found.values()), unseen))

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

    def _observation(self, call: Call, change: CallChange, *, own_callback: bool) -> Observation:
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
            severity=severity(facts),
            before=change.before,
            after=change.after,
            lane=self._name,
            cost=_cost(call),
            arguments=lambda: self._arguments(call),
        )

    def _arguments(self, call: Call) -> str:
        known = self._shared.callables
        names = parameter_names(known.new.get(call.callable) or known.old.get(call.callable))
        return arguments_text(self._shared.reader.arguments(call, names))

    def _explain(self, node: Node, explanation: Explanation, told: _Told) -> None:
        doubtful = bool(told.unseen) or self._shared.callables.unchanged(told.callable)
        for group, entering, by_itself in told.groups:
            role, confidence = explanation.outcome, Confidence.LOW if doubtful else explanation.outcome_confidence
            if group.kind is Kind.CALLABLE_MISSING:
                role, confidence = Role.ORIGIN, Confidence.HIGH
            elif group.kind is Kind.STATE and entering:
                role, confidence = Role.EFFECT, Confidence.HIGH
            elif entering or node.presence is not Presence.BOTH:
                role, confidence = explanation.entry, explanation.entry_confidence
            group.explain(role, confidence, told.unseen)
            if role is Role.ORIGIN:
                group.raise_to(by_itself)


def _lazy(change: CallChange) -> bool:
    match change.before, change.after:
        case Opaque(type=before), Opaque(type=after):
            return is_iterator(before) and is_iterator(after)
        case _:
            return False


def _presence(kind: Kind) -> CallChange:
    return CallChange(kind, _CALLABLE if kind is Kind.CALLABLE_MISSING else _CALL, Difference.VALUE, None, None)


def _cost(call: Call) -> int:
    match call.outcome:
        case Returned(value=data) | Raised(error=data):
            return len(call.arguments) + len(data)
        case _:
            return len(call.arguments)
