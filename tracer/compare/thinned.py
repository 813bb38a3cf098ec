"""Calls of which only sums are kept, past their callable's budget of detail, compared: in which run something differs, and what.

The last calls that one side keeps in detail may be the first that the other does not (a call more at the front shifts all by one): their sums
are put in front of the runs, so that both sides tell of the same calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from tracer import sums
from tracer.compare.align import Gap, align, gaps
from tracer.compare.result import Kind
from tracer.model import Raised

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tracer.model import Call, LaneSummary, Thinned

_MOST_TOLD: Final = 1 << 16  # runs that differ, of one callable in one lane


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some calls of one callable, in the order they ended: how many, of them raised and unfinished; their sums, None where those prove nothing."""

    calls: int
    raised: int
    unfinished: int
    inputs: sums.Sum | None
    outcomes: sums.Sum | None
    caller: str = ""

    @property
    def begun(self) -> int:
        """How many calls there were."""
        return self.calls + self.unfinished


@dataclass(frozen=True, slots=True)
class Differing:
    """What differs between two stretches: `kind` is the most that can be said. `first` and `last` number the new calls from 1.

    `calls` is how many may be concerned; for calls added or removed it is how many were.
    """

    kind: Kind
    calls: int
    first: int
    last: int
    caller: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What comparing came to: what differs; calls of the new side that are proven equal; calls of either side of which nothing can be said."""

    differing: tuple[Differing, ...] = ()
    equal: int = 0
    unjudged: int = 0


@dataclass(slots=True)
class ThinnedLanes:
    """The runs of two lanes that are held against each other, by callable."""

    old: dict[str, list[Stretch]]
    new: dict[str, list[Stretch]]

    @classmethod
    def of(cls, old: LaneSummary | None, new: LaneSummary | None) -> ThinnedLanes:
        """Return those of two lanes; of a lane that is not there, none."""
        return cls(_by_callable(old.thinned if old else ()), _by_callable(new.thinned if new else ()))

    @property
    def names(self) -> list[str]:
        """The callables concerned, sorted."""
        return sorted({*self.old, *self.new})

    def judge(self, name: str, old_edge: Iterable[Call], new_edge: Iterable[Call]) -> Judged:
        """Compare the runs of a callable, with the calls at the edge of detail in front: those that the other side only summed up."""
        return judge(
            [*map(_of_call, old_edge), *self.old.get(name, ())], [*map(_of_call, new_edge), *self.new.get(name, ())]
        )


def judge(old: Sequence[Stretch], new: Sequence[Stretch]) -> Judged:
    """Compare two sequences of stretches, each in order."""
    whole, other = together(old), together(new)
    if whole.inputs is None or other.inputs is None:
        return Judged(unjudged=whole.begun + other.begun)
    if _same(whole, other):
        return Judged(equal=other.begun)
    differing: list[Differing] = []
    equal = unjudged = 0
    starts = [0, *accumulate(each.begun for each in new)]
    for ours, theirs, first in _parts(old, new):
        if _same(ours, theirs):
            equal += theirs.begun
            continue
        found = _difference(ours, theirs, starts[first] + 1)
        if found.kind in {Kind.CALL_ADDED, Kind.CALL_REMOVED}:
            unjudged += theirs.begun
        differing.append(found)
    return Judged(tuple(differing[:_MOST_TOLD]), equal, unjudged)


def together(stretches: Iterable[Stretch]) -> Stretch:
    """Return stretches that follow one another as one."""
    calls = raised = unfinished = 0
    inputs: sums.Sum | None = sums.NOTHING
    outcomes: sums.Sum | None = sums.NOTHING
    caller = ""
    for each in stretches:
        inputs = _joined(inputs, each.inputs, each.calls)
        outcomes = _joined(outcomes, each.outcomes, each.calls)
        calls, raised, unfinished = calls + each.calls, raised + each.raised, unfinished + each.unfinished
        caller = caller or each.caller
    return Stretch(calls, raised, unfinished, inputs, outcomes, caller)


def _joined(before: sums.Sum | None, after: sums.Sum | None, count: int) -> sums.Sum | None:
    return None if before is None or after is None else sums.joined(before, after, count)


def _parts(old: Sequence[Stretch], new: Sequence[Stretch]) -> Iterator[tuple[Stretch, Stretch, int]]:
    """Yield what stands against each other, each with the place of its first new stretch: runs of the same calls, then what lies between."""
    whole = (
        [hash((each.calls, each.inputs, each.outcomes)) for each in old],
        [hash((each.calls, each.inputs, each.outcomes)) for each in new],
    )
    asked = [hash((each.calls, each.inputs)) for each in old], [hash((each.calls, each.inputs)) for each in new]
    matched = align(whole, asked)
    found: list[tuple[Stretch, Stretch, int]] = [
        (old[run.old + n], new[run.new + n], run.new + n) for run in matched for n in range(run.length)
    ]
    for gap in gaps(matched, Gap(0, len(old), 0, len(new))):
        ours, theirs = old[gap.old_start : gap.old_end], new[gap.new_start : gap.new_end]
        found.append((together(ours), together(theirs), gap.new_start))
    yield from sorted(found, key=lambda part: part[2])


def _same(old: Stretch, new: Stretch) -> bool:
    return (old.calls, old.unfinished, old.inputs, old.outcomes) == (
        new.calls,
        new.unfinished,
        new.inputs,
        new.outcomes,
    )


def _difference(old: Stretch, new: Stretch, first: int) -> Differing:
    before, after = old.begun, new.begun
    if before != after:
        kind = Kind.CALL_ADDED if after > before else Kind.CALL_REMOVED
        concerned = abs(after - before)
        texts = f"{before:,} calls", f"{after:,} calls"
    elif old.inputs != new.inputs:
        kind, concerned, texts = Kind.ARGUMENT_PASSED, after, (_text(old, old.inputs), _text(new, new.inputs))
    else:
        concerned, texts = after, (_text(old, old.outcomes), _text(new, new.outcomes))
        kind = Kind.RETURNED_VALUE
        if old.raised != new.raised:
            kind = Kind.RAISED if new.raised > old.raised else Kind.NO_LONGER_RAISED
    return Differing(kind, concerned, first, first + max(after, 1) - 1, new.caller or old.caller, *texts)


def _text(stretch: Stretch, found: sums.Sum | None) -> str:
    raised = f", {stretch.raised:,} raised" if stretch.raised else ""
    proof = sums.written(found).hex()[:12] if found else ""
    return f"{stretch.begun:,} calls{raised}, in sum {proof}"


def _by_callable(runs: Iterable[Thinned]) -> dict[str, list[Stretch]]:
    found: dict[str, list[Stretch]] = {}
    for run in runs:
        known = len(run.inputs) == sums.SIZE
        stretch = Stretch(
            run.calls,
            run.raised,
            run.unfinished,
            sums.read(run.inputs) if known else None,
            sums.read(run.outcomes) if known else None,
            run.caller,
        )
        found.setdefault(run.callable, []).append(stretch)
    return found


def _of_call(call: Call) -> Stretch:
    inputs, outcomes = sums.of_call(call)
    return Stretch(1, int(isinstance(call.outcome, Raised)), 0, inputs, outcomes, call.caller)
