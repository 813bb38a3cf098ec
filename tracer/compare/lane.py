"""What was seen of the calls of one lane, taken in beside all that was seen before: counted, told as findings, origins found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracer.compare.attribution import Shown, Told, attribute
from tracer.compare.collapse import Observation
from tracer.compare.eye import CALLER_SIDE
from tracer.compare.kinds import SUMS
from tracer.compare.noise import Subject
from tracer.compare.origins import Code, Node, Presence
from tracer.compare.reading import unseen_inputs
from tracer.compare.result import Kind, Severity, Spot
from tracer.compare.seen import SILENT, TOLD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.compare.collapse import Group
    from tracer.compare.columns import LaneReader
    from tracer.compare.seen import LaneSeen, Placed, SeenCall, SeenChange, SumsSeen
    from tracer.compare.shared import Shared

_MOST_EXPLAINED: Final = 100_000  # calls of a lane whose roles are found; each takes about a kilobyte until then


class LaneComparison:
    """Takes in what was seen of one pair of lanes, which `old` and `new` read, part by part in order."""

    def __init__(self, name: str, old: LaneReader, new: LaneReader, shared: Shared) -> None:
        self._name = name
        self._old = old
        self._new = new
        self._shared = shared
        self._nodes: list[Node] = []
        self._told: list[Told] = []
        self._explained: set[int] = set()  # identities of groups, which live as long as the comparison

    def take(self, seen: LaneSeen) -> None:
        """Take in a part of the lane."""
        for call in seen.calls:
            if call.presence is not Presence.BOTH:
                self._one_sided(call)
            elif call.reads:
                self._read_otherwise(call)
            else:
                self._changed(call)
        self._shared.tally.counts += seen.counts
        for name, count in seen.called.items():
            self._shared.calls[name] = self._shared.calls.get(name, 0) + count
        if seen.last:
            for sums in seen.sums:
                self._past_detail(sums)
            attribute(self._nodes, self._told, self._unseen_by)

    def _past_detail(self, sums: SumsSeen) -> None:
        counts = self._shared.tally.counts
        counts.compared += sums.made
        for each in sums.judged.differing:
            if each.kind is Kind.CALL_ADDED:
                counts.added += each.calls
                counts.compared -= each.calls
            elif each.kind is Kind.CALL_REMOVED:
                counts.removed += each.calls
        self._shared.calls[sums.callable] = self._shared.calls.get(sums.callable, 0) + sums.here
        self._shared.past_detail.take(sums.callable, sums.judged, sums.kept, sums.made)

    def _changed(self, call: SeenCall) -> None:
        told, hidden = self._sorted(call.callable, [self._written(change) for change in call.changes])
        if hidden:
            self._shared.outcomes.add([(change, None) for change in hidden], (self._name, call.number))
        if not told:
            return
        self._shared.tally.changed += 1
        callables = self._shared.callables
        passed = [change for change in told if change.sort.kind is Kind.ARGUMENT_PASSED]
        entered = [change for change in told if change.sort.entering and change.sort.kind is Kind.STATE]
        fed, fed_by = self._fed(passed, call)
        node = Node(
            number=call.number,
            frame=call.frame.number,
            place=call.place,
            arguments_changed=bool(passed),
            state_changed=bool(entered),
            outcome_changed=any(not change.sort.entering and change.sort.kind not in CALLER_SIDE for change in told),
            fed=fed,
            moved=any(change.sort.kind is Kind.CALL_MOVED for change in told),
            unpaired=call.frame.unpaired,
            code=callables.code(call.callable),
            maker=callables.code(call.frame.maker),
        )
        left_by = next(filter(None, map(self._shared.surfacing.source, entered)), None)
        shown = self._tell(call, told)
        self._explain_later(node, Told(shown, call.unseen, call.frame.maker, fed_by, left_by))

    def _read_otherwise(self, call: SeenCall) -> None:
        """Take note of a read of the surroundings that gave something else: no change of the code, but what may explain some."""
        self._shared.tally.reads[call.callable] += 1
        node = Node(call.number, call.frame.number, call.place, outcome_changed=True, unpaired=call.frame.unpaired)
        self._explain_later(node, Told(self._tell(call, call.changes), (), call.frame.maker))

    def _fed(self, passed: Sequence[SeenChange], call: SeenCall) -> tuple[bool, Group | None]:
        """Say whether earlier outcomes have shown all that was passed otherwise, and what told of it first."""
        outcomes = self._shared.outcomes
        if not passed or not all(map(outcomes.holds, passed)):
            return False, None
        around = {(self._name, number) for number in call.around}
        sources = [outcomes.source(change, around) for change in passed]
        return all(sources), next((source.group for source in sources if source and source.group), None)

    def _written(self, change: SeenChange) -> SeenChange:
        """Return state that may be what someone else wrote as something passed, if no call was seen to leave the difference behind."""
        return change if change.passed is None or self._shared.outcomes.holds(change) else change.passed

    def _one_sided(self, call: SeenCall) -> None:
        (change,) = call.changes
        removed = change.sort.kind is Kind.CALL_REMOVED
        if call.presence is Presence.REMOVED:
            self._shared.removed[call.callable] += 1
        if not self._is_told(call.callable, change):
            if removed and call.callable not in self._shared.silenced:
                self._shared.silenced[call.callable] = self._observation(call, change, None, None)
            return
        maker = self._shared.callables.code(call.frame.maker)
        frame = call.frame
        node = Node(call.number, frame.number, call.place, call.presence, unpaired=frame.unpaired, maker=maker)
        self._explain_later(node, Told(self._tell(call, call.changes), (), frame.maker))

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

    def _is_told(self, callable_: str, change: SeenChange) -> bool:
        if change.verdict == SILENT:
            return False
        sort, rules = change.sort, self._shared.rules
        if sort.step == SUMS and rules.concerns(callable_):
            self._shared.past_detail.undecided(callable_)
            return False
        told = change.verdict == TOLD
        if not told or rules.learning:
            subject = Subject(callable_, sort.kind, sort.path, sort.difference)
            rules.count(None if told else change.verdict, subject)
        return told

    def _sorted(self, callable_: str, changes: Sequence[SeenChange]) -> tuple[list[SeenChange], list[SeenChange]]:
        """Return what is told and what a rule hides. The latter still accounts for what later calls are entered with."""
        told: list[SeenChange] = []
        hidden: list[SeenChange] = []
        for change in changes:
            (told if self._is_told(callable_, change) else hidden).append(change)
        return told, hidden

    def _tell(self, call: SeenCall, told: Sequence[SeenChange]) -> tuple[Shown, ...]:
        """Count what is told of a call; return the findings it counts for."""
        placed: list[Placed] = []
        found: dict[int, Shown] = {}
        for change in told:
            sort = change.sort
            group = self._counted(call, change, first=found)
            placed.append((change, group if group.path == sort.path else None))
            if id(group) not in found or sort.severity.rank < found[id(group)].severity.rank:
                found[id(group)] = Shown(group, sort.entering or sort.kind in CALLER_SIDE, sort.severity)
        same_code = self._shared.callables.code(call.callable) is Code.SAME
        self._shared.surfacing.follow(placed, call.types, same_code=same_code)
        self._shared.outcomes.add(placed, (self._name, call.number))
        return tuple(found.values())

    def _counted(self, call: SeenCall, change: SeenChange, first: dict[int, Shown]) -> Group:
        """Count a change for the finding that it belongs to, which it opens if there is none; a call is counted for a finding `first` seen."""
        groups, sort = self._shared.groups, change.sort
        group = groups.find(call.callable, sort.kind, sort.path)
        if group is None:
            group = groups.open(self._example(call, change))
        elif call.cost < group.smallest.cost:
            group.smallest = self._example(call, change)
        if id(group) not in first:
            group.count_call(call.caller)
        group.raise_to(self._carried(change, cut=bool(call.unseen)))
        group.stamps.take(change.mark, change.stamp)
        return group

    def _carried(self, change: SeenChange, *, cut: bool) -> Severity:
        """Return the severity of a change, little where it only repeats what an outcome has shown before.

        Where arguments were `cut`, an after-image also tells of what they came with.
        """
        outcomes, own = self._shared.outcomes, change.sort.severity
        if own.rank >= Severity.COMPATIBLE.rank:
            return own
        left = cut and change.sort.kind is Kind.ARGUMENT_AFTER
        return Severity.COMPATIBLE if outcomes.repeat(change) or (left and outcomes.holds(change)) else own

    def _example(self, call: SeenCall, change: SeenChange) -> Observation:
        old = None if call.old is None else Spot(self._old.lane, call.old)
        return self._observation(call, change, old, None if call.new is None else Spot(self._new.lane, call.new))

    def _observation(self, call: SeenCall, change: SeenChange, old: Spot | None, new: Spot | None) -> Observation:
        assert change.texts is not None, "what may become an example has texts"
        return Observation(
            callable=call.callable,
            caller=call.caller,
            kind=change.sort.kind,
            path=change.sort.path,
            severity=change.sort.severity,
            before=change.texts[0],
            after=change.texts[1],
            lane=self._name,
            cost=call.cost,
            arguments=call.arguments,
            old=old,
            new=new,
        )
