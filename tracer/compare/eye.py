"""Tells what changed of one call by itself, in words that can be sent: no snapshots, but what is needed of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tracer.compare.delta import Difference
from tracer.compare.kinds import compare_calls
from tracer.compare.noise import Subject
from tracer.compare.reading import cut_types, parameter_names, unseen_inputs
from tracer.compare.result import Kind, Severity
from tracer.compare.seen import SILENT, TOLD, SeenChange, Sort
from tracer.compare.severity import Facts, is_iterator, is_private, severity
from tracer.compare.stamps import MOST_STAMPS, stamp
from tracer.compare.texts import arguments_text, focused
from tracer.model import OUTSIDE, Raised, Returned
from tracer.values import Opaque

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.compare.callables import Callables
    from tracer.compare.columns import LaneReader
    from tracer.compare.kinds import CallChange, CallDelta
    from tracer.compare.lenience import Lenience
    from tracer.compare.noise import Filter
    from tracer.compare.reading import Reader
    from tracer.model import Call

CALLER_SIDE: Final = frozenset({Kind.CALL_ADDED, Kind.CALL_REMOVED, Kind.CALL_MOVED})
_VALUE_KINDS: Final = frozenset(
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
_SHAPES: Final = frozenset({Difference.TYPE, Difference.KEY_ADDED, Difference.KEY_REMOVED})


class Place(NamedTuple):
    """Where a call stands: its lane, and its number there."""

    lane: LaneReader
    number: int


class Described(NamedTuple):
    """What is told of a call: its size, its changes, and its arguments where it may become an example."""

    cost: int
    changes: tuple[SeenChange, ...]
    arguments: str


class Eye:
    """Compares calls of two runs, and describes what changed."""

    def __init__(self, callables: Callables, rules: Filter, reader: Reader) -> None:
        self.callables = callables
        self.rules = rules
        self.reader = reader
        self._known = _Known()
        self._lenient: dict[str, Lenience | None] = {}

    def begin(self, asks: int) -> None:
        """Begin a part: forget all that must not have a say in what is seen of it. `asks` is as `Reader.begin` has it."""
        self.reader.begin(asks)
        self._known = _Known()
        self._lenient = {}

    def compare(self, old: Call, new: Call) -> CallDelta:
        """Return what changed between two calls."""
        callables = self.callables
        if new.callable not in self._lenient:
            self._lenient[new.callable] = self.rules.lenience(new.callable)
        return compare_calls(
            old,
            new,
            (callables.old.get(old.callable), callables.new.get(new.callable)),
            self.reader.under(self._lenient[new.callable]),
            lambda inside: callables.owns(new.callable, inside),
        )

    def unseen_inputs(self, call: Call) -> tuple[str, ...]:
        """Return what could not be looked at of what a new call was given."""
        return unseen_inputs(call, self.callables.new.get(call.callable), self.reader)

    def cut_types(self, call: Call) -> frozenset[str]:
        """Return the types of a new call's arguments that were not recorded in full."""
        return cut_types(call, self.callables.new.get(call.callable), self.reader)

    def describe(self, call: Call, changes: Iterable[CallChange], place: Place) -> Described:
        """Return what is told of a call at a place, given what changed."""
        own = self._is_own_callback(call, place)
        cost = _cost(call)
        seen = tuple(self._seen(call, change, cost, own_callback=own) for change in changes)
        shown = any(_has_texts(change) for change in seen)
        return Described(cost, seen, self._arguments(call) if shown else "")

    def _arguments(self, call: Call) -> str:
        known = self.callables
        names = parameter_names(known.new.get(call.callable) or known.old.get(call.callable))
        return arguments_text(self.reader.arguments(call, names))

    def _is_own_callback(self, call: Call, place: Place) -> bool:
        """Whether the called component called itself, through code of no component: how it does that is its own business."""
        if call.caller != OUTSIDE or not call.parent or call.parent > place.number:
            return False
        component_of = self.callables.component_of
        return component_of(place.lane.callable(place.number - call.parent)) == component_of(call.callable)

    def _seen(self, call: Call, change: CallChange, cost: int, *, own_callback: bool) -> SeenChange:
        if not self._may_be_passed(call.callable, change):
            verdict = self._verdict(call.callable, change, change.kind)
            sort = self._sort(call.callable, change, change.kind, own_callback=own_callback and verdict == TOLD)
            if verdict != TOLD and change.kind is not Kind.CALL_REMOVED:
                return SeenChange(sort, change.mark, verdict)
            texts, stamped = self._known.take(call.callable, sort, change, cost)
            return SeenChange(sort, change.mark, verdict, stamped, texts)
        # Which of the two it is, others decide. So neither makes known anything to calls that follow.
        as_state, as_passed = (
            SeenChange(
                self._sort(call.callable, change, kind, own_callback=own_callback),
                change.mark,
                self._verdict(call.callable, change, kind),
                stamp(change.before, change.after),
                focused(change.before, change.after),
            )
            for kind in (Kind.STATE, Kind.ARGUMENT_PASSED)
        )
        return as_state._replace(passed=as_passed)

    def _may_be_passed(self, callable_: str, change: CallChange) -> bool:
        """Whether state may be what someone else must have written: something passed, in truth.

        The code of the component is the same, and no attribute is private. It is so if no call was seen to leave the difference behind.
        """
        return (
            change.kind is Kind.STATE
            and change.entering
            and not change.internal
            and callable_ not in self.callables.ambient
            and self.callables.component_unchanged(callable_)
        )

    def _verdict(self, callable_: str, change: CallChange, kind: Kind) -> int:
        if callable_ in self.callables.ambient:
            return TOLD
        if self.reader.shapes_only and kind in _VALUE_KINDS and change.difference not in _SHAPES:
            return SILENT
        rule = self.rules.hiding(Subject(callable_, kind, change.path, change.difference), change)
        return TOLD if rule is None else rule

    def _sort(self, callable_: str, change: CallChange, kind: Kind, *, own_callback: bool) -> Sort:
        lazy = _lazy(change)
        key = (
            callable_,
            change.path.steps,
            id(kind),
            id(change.difference),
            change.entering,
            change.inside,
            own_callback,
            lazy,
        )
        sort = self._known.sorts.get(key)
        if sort is None:
            internal = change.internal
            facts = Facts(
                kind,
                change.difference,
                internal or (own_callback and (change.entering or kind in CALLER_SIDE)),
                is_private(callable_),
                lazy=lazy,
            )
            worth = Severity.NOISE if callable_ in self.callables.ambient else severity(facts)
            inside = change.inside[-1] if change.inside else ""
            steps = change.path.steps
            sort = Sort(
                kind, change.path.general, steps[-1], change.difference, worth, change.entering, internal, inside
            )
            self._known.sorts[key] = sort
        return sort


class _Known:
    """What was told of before in this part: it need not be told again.

    That it is enough: of the calls of one sort the smallest becomes the example, the first of several; distinct changes are stamped once, up to
    a number; and the calls of a part are counted in order.
    """

    def __init__(self) -> None:
        self.sorts: dict[tuple[object, ...], Sort] = {}  # which also keeps them, so that their identities are their own
        self._least: dict[tuple[str, int], int] = {}
        self._stamped: dict[tuple[str, int], set[tuple[int, int]]] = {}

    def take(
        self, callable_: str, sort: Sort, change: CallChange, cost: int
    ) -> tuple[tuple[str | None, str | None] | None, str]:
        """Take in a change; return its texts and its stamp, as far as they tell anything new."""
        place = callable_, id(sort)
        texts = None
        least = self._least.get(place)
        if least is None or cost < least:
            self._least[place] = cost
            texts = (None, None) if change.before is change.after is None else focused(change.before, change.after)
        if change.before is change.after is None:
            return texts, ""
        stamped = self._stamped.setdefault(place, set())
        if change.mark in stamped or len(stamped) >= MOST_STAMPS:
            return texts, ""
        stamped.add(change.mark)
        return texts, stamp(change.before, change.after)


def _has_texts(change: SeenChange) -> bool:
    return change.texts is not None


def _lazy(change: CallChange) -> bool:
    match change.before, change.after:
        case Opaque(type=before), Opaque(type=after):
            return is_iterator(before) and is_iterator(after)
        case _:
            return False


def _cost(call: Call) -> int:
    match call.outcome:
        case Returned(value=data) | Raised(error=data):
            return len(call.arguments) + len(data)
        case _:
            return len(call.arguments)
