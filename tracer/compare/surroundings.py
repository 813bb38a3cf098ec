"""The calls around the example of a finding, both sides in one tree, as bounded texts."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tracer.compare.align import Run, align
from tracer.compare.columns import LaneReader
from tracer.compare.context import Moment, NearCall
from tracer.compare.reading import Reader, parameter_names
from tracer.model import Raised
from tracer.render import PASSED, render, render_error
from tracer.values import Object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tracer.compare.result import Finding, Spot
    from tracer.model import Call, RecordedRun

MOST_TEXT: Final = 1_500_000
"""Characters of all trees together; findings after that get none."""
_ENCLOSING: Final = 6
_BESIDE: Final = 3  # before, and as many after
_INSIDE: Final = 16
_BACK: Final = 64  # calls looked at before the example,
_AHEAD: Final = 192  # and after it
_ARGUMENTS: Final = 12
_NEAR: Final = 80  # characters of an argument
_NEAR_OUTCOME: Final = 240
_HERE: Final = 1_200  # of a value of the example itself
_PASSED: Final = 12
_OPEN_LANES: Final = 4


def trees(
    old: RecordedRun, new: RecordedRun, findings: Iterable[Finding], most: int
) -> tuple[tuple[str, tuple[NearCall, ...]], ...]:
    """Return the calls around the examples of the first `most` findings that have one, by key.

    Damaged values are said to be so; what all trees hold together is bounded.

    Raises:
        CassetteDamaged: a block of a lane cannot be read.
    """
    sides = _Side(old), _Side(new)
    found: list[tuple[str, tuple[NearCall, ...]]] = []
    room = MOST_TEXT
    for finding in findings:
        if len(found) >= most or room <= 0:
            break
        example = finding.example
        if example is not None and (example.old or example.new):
            tree = tuple(_merged(sides[0].around(example.old), sides[1].around(example.new)))
            room -= sum(_size(call.old) + _size(call.new) for call in tree)
            found.append((finding.key, tree))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A call on one side of a tree. `key` and `identity` say which calls belong together, and which of them are equal."""

    depth: int
    call: Call
    component: str
    moment: Moment
    here: bool

    @property
    def key(self) -> tuple[int, str]:
        return self.depth, self.call.callable

    @property
    def identity(self) -> tuple[object, ...]:
        call = self.call
        return self.depth, call.callable, call.arguments, call.outcome, call.items, call.after


class _Side:
    """One of the two runs, with the lanes that were read last."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._reader = Reader()
        self._callables = {each.name: each for each in run.recording.callables}
        self._summaries = {lane.name: lane for lane in run.lanes}
        self._open: OrderedDict[str, LaneReader] = OrderedDict()

    def around(self, spot: Spot | None) -> list[_Seen]:
        """Return the calls that enclose a call, some beside it, and those made inside it, in the order they began."""
        if spot is None or spot.lane not in self._summaries:
            return []
        lane = self._lane(spot.lane)
        if not 0 <= spot.number < lane.length:
            return []
        return [self._seen(lane, number, depth, spot) for number, depth in _numbers(lane, spot.number)]

    def _seen(self, lane: LaneReader, number: int, depth: int, spot: Spot) -> _Seen:
        call, here = lane.call(number), number == spot.number
        known = self._callables.get(call.callable)
        component = known.component if known else call.callable.partition(":")[0]
        return _Seen(depth, call, component, self._moment(call, in_full=here), here)

    def _moment(self, call: Call, *, in_full: bool) -> Moment:
        limit, outcome_limit = (_HERE, _HERE) if in_full else (_NEAR, _NEAR_OUTCOME)
        names = parameter_names(self._callables.get(call.callable))
        given = self._reader.arguments(call, names)
        fields = given.fields if isinstance(given, Object) else (("", given),)
        outcome = self._reader.outcome(call)
        raised = isinstance(call.outcome, Raised)
        return Moment(
            tuple((name, render(value, limit)) for name, value in fields[:_ARGUMENTS]),
            render_error(outcome, outcome_limit) if raised else render(outcome, outcome_limit),
            raised,
            tuple(self._passed(call, names)) if in_full else (),
        )

    def _passed(self, call: Call, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        for item in call.items[:_PASSED]:
            yield PASSED[item.kind], render(self._reader.read(item.value), _HERE)
        for place, data in call.after[:_PASSED]:
            name = names[place] if place < len(names) else str(place)
            yield f"{name} afterwards", render(self._reader.read(data), _HERE)

    def _lane(self, name: str) -> LaneReader:
        reader = self._open.pop(name, None) or LaneReader(self._run, self._summaries[name])
        self._open[name] = reader
        if len(self._open) > _OPEN_LANES:
            self._open.popitem(last=False)
        return reader


def _numbers(lane: LaneReader, here: int) -> list[tuple[int, int]]:
    """Return the numbers of the calls to show, each with its depth below the outermost of them."""
    enclosing: list[int] = []
    number = here
    while len(enclosing) < _ENCLOSING and (parent := _parent(lane, number)) is not None:
        enclosing.append(number := parent)
    level = len(enclosing)
    depths = {number: level - distance for distance, number in enumerate(enclosing, 1)}
    beside, inside = _relatives(lane, here, enclosing[0] if enclosing else None)
    before = [number for number in beside if number < here][-_BESIDE:]
    after = [number for number in beside if number > here][:_BESIDE]
    depths |= dict.fromkeys((*before, here, *after), level)
    depths |= {number: level + depth for number, depth in inside[:_INSIDE]}
    return sorted(depths.items())


def _parent(lane: LaneReader, number: int) -> int | None:
    distance = lane.call(number).parent
    return number - distance if 0 < distance <= number else None


def _relatives(lane: LaneReader, here: int, parent: int | None) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the calls near `here` that were made in the same call, and those inside `here` with their depth below it."""
    start = max(here - _BACK, 0 if parent is None else parent + 1)
    stop = min(here + _AHEAD, lane.length)
    beside: list[int] = []
    depths = {here: 0}
    for number, distance in zip(range(start, stop), _parents(lane, start, stop), strict=True):
        enclosing = number - distance if 0 < distance <= number else None
        if enclosing == parent and number != here:
            beside.append(number)
        elif enclosing in depths:
            depths[number] = depths[enclosing] + 1
    del depths[here]
    return beside, list(depths.items())


def _parents(lane: LaneReader, start: int, stop: int) -> Iterator[int]:
    for calls, within in lane.parts(start, stop):
        yield from calls.parents[within]


def _merged(old: list[_Seen], new: list[_Seen]) -> Iterator[NearCall]:
    """Yield both sides as one tree: what is only on the old side stands before what is only on the new one."""
    if not old or not new:
        yield from (_near(None if new else seen, seen if new else None) for seen in old or new)
        return
    at, other = (next(place for place, seen in enumerate(side) if seen.here) for side in (old, new))
    yield from _paired(old[:at], new[:other])
    yield _near(old[at], new[other])
    yield from _paired(old[at + 1 :], new[other + 1 :])


def _paired(old: Sequence[_Seen], new: Sequence[_Seen]) -> Iterator[NearCall]:
    identities = [seen.identity for seen in old], [seen.identity for seen in new]
    runs = align(identities, ([seen.key for seen in old], [seen.key for seen in new]))
    i = j = 0
    for run in (*runs, Run(len(old), len(new), 0)):
        yield from (_near(seen, None) for seen in old[i : run.old])
        yield from (_near(None, seen) for seen in new[j : run.new])
        yield from (_near(old[run.old + n], new[run.new + n]) for n in range(run.length))
        i, j = run.old + run.length, run.new + run.length


def _near(old: _Seen | None, new: _Seen | None) -> NearCall:
    seen = new or old
    assert seen is not None
    return NearCall(
        depth=seen.depth,
        callable=seen.call.callable,
        caller=seen.call.caller,
        component=seen.component,
        old=old.moment if old else None,
        new=new.moment if new else None,
        same=bool(old and new and old.identity == new.identity),
        here=seen.here,
    )


def _size(moment: Moment | None) -> int:
    if moment is None:
        return 0
    return len(moment.outcome) + sum(len(name) + len(text) for name, text in (*moment.arguments, *moment.passed))
