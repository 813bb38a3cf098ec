"""What is to be replayed, and what came of it: the nouns that travel between processes, as plain data.

A task says which calls of a cassette to make; its answer is bytes, so that any executor can carry both.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field, fields, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tracer import wire
from tracer.errors import ReplayError
from tracer.model import Call, Flow, Item, ItemKind, Raised, Returned, Unfinished
from tracer.storage import rows
from tracer.version import VERSION, mismatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracer.model import Callable, Outcome

Spot: TypeAlias = "tuple[str, int]"
"""A call by its lane and its number there, counted from 0."""

GONE: Final = "there is no such callable any more"
"""The reason why a call is skipped that today's code could not make either."""

THINNED: Final = "only sums are kept, past the budget of detail"
SUMMED: Final = "of some of its items only sums are kept, past the budget of detail"
"""The reason why a call is skipped of which a lane has only a sum with others."""

LACKED: Final = "only sums are kept of what it calls, past the budget of detail"
"""The reason why a call is skipped that is to be answered from what was recorded inside it, where that is not all there."""


@dataclass(frozen=True, slots=True)
class Options:
    """How calls are replayed.

    root: the project's folder: what runs runs there, and paths below it are the project's.
    folders: put in front of `sys.path`.
    selection: `Selection.to_json()` of what is watched.
    trusted: prefixes of the modules that may be imported.
    only: patterns of the callables whose calls are made; empty for all.
    redact, redact_allow, redact_values, redact_with, redact_entropy, dunders: as in the settings.
    python: the interpreter that runs the code.
    detail: how much of values was looked at when they were recorded.
    isolated: answer the crossings inside a call from those recorded inside it.
    thinned: names of the callables of which some calls are known by sums alone.
    timeout: seconds a call may take. memory: bytes of address space a process may have, 0 for no limit.
    """

    root: str
    folders: tuple[str, ...]
    selection: dict[str, Any]
    trusted: tuple[str, ...]
    only: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    redact_allow: tuple[str, ...] = ()
    redact_values: tuple[str, ...] = ()
    redact_with: str = ""
    redact_entropy: bool = False
    dunders: tuple[str, ...] = ()
    python: str = sys.executable
    detail: str = "sampled"
    isolated: bool = False
    thinned: tuple[str, ...] = ()
    timeout: float = 10.0
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Pick:
    """Neighbouring calls of a lane: those from number `first` up to `stop`, without it."""

    lane: str
    first: int
    stop: int


@dataclass(frozen=True, slots=True)
class Names:
    """Today's names by those that were recorded; see `tracer.compare.renaming.Renaming`."""

    callables: dict[str, str] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """Calls of one cassette to be made in this order.

    `renamings` are applied to the cassette one after the other; lanes and calls are then those of the renamed one. `survey` asks for the
    callables of today too. Calls of callables in `given_up` are not made: they hung or killed their process before. `cassette` is a path,
    or a URL where who carries out the task may be on another machine; `version` is that of the tracer which asks.
    """

    cassette: str
    picks: tuple[Pick, ...]
    options: Options
    renamings: tuple[Names, ...] = ()
    survey: bool = False
    given_up: tuple[str, ...] = ()
    version: str = VERSION

    def pack(self) -> bytes:
        """Return the task as bytes."""
        return wire.packer()(_plain(asdict(self)))

    @classmethod
    def unpack(cls, data: bytes) -> Task:
        """Return the task that `pack` was asked of.

        Raises:
            ReplayError: by another tracer.
        """
        parts = wire.unpack(data)
        if cause := mismatch(parts.get("version", "")):
            raise ReplayError("replay calls", cause, "Install one version of tracer everywhere.")
        options = parts["options"]
        for each in fields(Options):
            if isinstance(options[each.name], list):
                options[each.name] = tuple(options[each.name])
        return cls(
            parts["cassette"],
            tuple(Pick(**pick) for pick in parts["picks"]),
            Options(**options),
            tuple(Names(**names) for names in parts["renamings"]),
            parts["survey"],
            tuple(parts["given_up"]),
        )

    def after(self, done: int, given_up: Iterable[str]) -> Task:
        """Return what is left once the first `done` calls have been seen to. The callables of today are known by then."""
        left = []
        for pick in self.picks:
            size = pick.stop - pick.first
            if done < size:
                left.append(Pick(pick.lane, pick.first + done, pick.stop))
            done = max(0, done - size)
        return replace(self, picks=tuple(left), survey=False, given_up=tuple(given_up))

    @property
    def calls(self) -> int:
        """How many calls it names."""
        return sum(pick.stop - pick.first for pick in self.picks)

    def spot(self, place: int) -> Spot:
        """Return which call is the one at `place`, counted from 0."""
        for pick in self.picks:
            if place < pick.stop - pick.first:
                return pick.lane, pick.first + place
            place -= pick.stop - pick.first
        raise IndexError(place)


def pack_call(lane: str, call: Call, inside: Iterable[Call] = ()) -> bytes:
    """Return a call as bytes, with its lane and the calls made inside it."""
    return wire.packer()([lane, _call_row(call), [_call_row(each) for each in inside]])


def unpack_call(data: bytes) -> tuple[str, Call, tuple[Call, ...]]:
    """Return what `pack_call` was given; who called, and within what, is not told."""
    lane, call, inside = wire.unpack(data)
    return lane, _call_from(call), tuple(map(_call_from, inside))


def _call_row(call: Call) -> list[Any]:
    return [call.callable, call.arguments, _outcomes_row(recorded(call))]


def _call_from(row: Any) -> Call:
    name, arguments, outcomes = row
    was = _outcomes_from(outcomes)
    assert was is not None
    return was.instead(Call(name, "", 0, was.flow, arguments, was.outcome))


class Fate(IntEnum):
    """What became of one recorded call."""

    EQUAL = 0
    CHANGED = 1
    SKIPPED = 2
    PASSED_OVER = 3  # not asked for by `only`


@dataclass(frozen=True, slots=True)
class Nested:
    """A call made inside another one, at this place among those that were recorded there, with other arguments."""

    place: int
    arguments: bytes
    outcome: Returned | Raised

    def instead(self, call: Call) -> Call:
        """Return the recorded call as it was made."""
        return replace(call, arguments=self.arguments, outcome=self.outcome, items=(), after=())


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a call did today: all that takes the place of what was recorded of it. `inside` holds what it passed on otherwise."""

    flow: Flow
    outcome: Outcome
    items: tuple[Item, ...] = ()
    after: tuple[tuple[int, bytes], ...] = ()
    inside: tuple[Nested, ...] = ()

    def instead(self, call: Call) -> Call:
        """Return a recorded call with this outcome."""
        return Call(
            call.callable, call.caller, call.parent, self.flow, call.arguments, self.outcome, self.items, self.after
        )


def recorded(call: Call) -> Outcomes:
    """Return what was recorded of a call's outcome."""
    return Outcomes(call.flow, call.outcome, call.items, call.after)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one call: `outcomes` where it came out otherwise, `reason` and the `type` concerned where it was skipped."""

    fate: Fate
    outcomes: Outcomes | None = None
    reason: str = ""
    type: str = ""

    def pack(self) -> bytes:
        """Return the result as bytes."""
        return wire.packer()([int(self.fate), _outcomes_row(self.outcomes), self.reason, self.type])

    @classmethod
    def unpack(cls, data: bytes) -> Result:
        """Return the result that `pack` was asked of."""
        fate, outcomes, reason, type_name = wire.unpack(data)
        return cls(Fate(fate), _outcomes_from(outcomes), reason, type_name)


_ENDINGS: Final = (Returned, Raised, Unfinished)


def _outcomes_row(outcomes: Outcomes | None) -> Any:
    if outcomes is None:
        return None
    match outcomes.outcome:
        case Returned(value) | Raised(value):
            data = value
        case Unfinished():
            data = b""
    items = [[int(item.kind), item.value] for item in outcomes.items]
    kind = _ENDINGS.index(type(outcomes.outcome))
    inside = [
        [each.place, each.arguments, _ENDINGS.index(type(each.outcome)), snapshot_of(each.outcome)]
        for each in outcomes.inside
    ]
    return [int(outcomes.flow), kind, data, items, [list(pair) for pair in outcomes.after], inside]


def snapshot_of(outcome: Returned | Raised) -> bytes:
    """Return what was returned or raised."""
    return outcome.value if isinstance(outcome, Returned) else outcome.error


def _outcomes_from(row: Any) -> Outcomes | None:
    if row is None:
        return None
    flow, kind, data, items, after, inside = row
    outcome = (Returned(data), Raised(data), Unfinished())[kind]
    passed = tuple(Item(ItemKind(each), value) for each, value in items)
    nested = tuple(
        Nested(place, arguments, Raised(value) if ending else Returned(value))
        for place, arguments, ending, value in inside
    )
    return Outcomes(Flow(flow), outcome, passed, tuple((position, image) for position, image in after), nested)


@dataclass(frozen=True, slots=True)
class Survey:
    """Today's callables; modules that could not be imported, by name with the reason; and which of them are not there any more."""

    callables: tuple[Callable, ...]
    python: str
    failed: tuple[tuple[str, str], ...] = ()
    gone: tuple[str, ...] = ()

    def row(self) -> list[Any]:
        """Return the survey as plain data."""
        callables = [rows.callable_to_row(each) for each in self.callables]
        return [callables, self.python, [list(pair) for pair in self.failed], list(self.gone)]

    @classmethod
    def from_row(cls, row: Any) -> Survey:
        """Return the survey that `row` was asked of."""
        callables, python, failed, gone = row
        watched = tuple(rows.callable_from_row(each) for each in callables)
        return cls(watched, python, tuple((name, reason) for name, reason in failed), tuple(gone))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a task: the results of its calls in order, and today's callables where it asked for them."""

    results: tuple[bytes, ...]
    survey: Survey | None = None

    def pack(self) -> bytes:
        """Return the answer as bytes."""
        return wire.packer()([list(self.results), self.survey.row() if self.survey else None])

    @classmethod
    def unpack(cls, data: bytes) -> Answer:
        """Return the answer that `pack` was asked of."""
        results, survey = wire.unpack(data)
        return cls(tuple(results), Survey.from_row(survey) if survey is not None else None)

    def each(self, task: Task) -> Iterator[tuple[Spot, Result]]:
        """Yield the calls of the task with what became of them."""
        places = ((pick.lane, number) for pick in task.picks for number in range(pick.first, pick.stop))
        for spot, data in zip(places, self.results, strict=True):
            yield spot, Result.unpack(data)


def _plain(value: Any) -> Any:
    """Return data with lists in place of tuples."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
