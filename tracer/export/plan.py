"""From the calls of a cassette to the cases that stand for them, and why the others are left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tracer.export.cases import GONE, CaseWriter
from tracer.export.choose import choose
from tracer.export.files import Subject
from tracer.export.layout import flat
from tracer.export.names import Unwritable

if TYPE_CHECKING:
    from collections.abc import Callable as Function
    from collections.abc import Collection, Iterable

    from tracer.export.cases import Case
    from tracer.export.choose import Examples
    from tracer.export.objects import Certain
    from tracer.model import Call, Callable, RecordedRun


@dataclass(frozen=True, slots=True)
class Candidates:
    """The cases of a callable by shape of ending, smallest first, of which some are to be taken."""

    subject: Subject
    shapes: tuple[tuple[Case, ...], ...]

    @property
    def everything(self) -> Subject:
        """All of them as one subject."""
        return replace(self.subject, cases=tuple(case for shape in self.shapes for case in shape))

    def pick(self, passing: Collection[int] | None, most: int) -> Subject:
        """Return the first cases of each shape; only of those whose `id` passes, where that is known."""
        picked = []
        for shape in self.shapes:
            picked += [case for case in shape if passing is None or id(case) in passing][:most]
        return replace(self.subject, cases=tuple(picked))


@dataclass(slots=True)
class Plan:
    """What is to be written. `left_out` counts by reason the shapes of ending of which there is no case."""

    candidates: list[Candidates] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    callables: int = 0


def choose_calls(run: RecordedRun, wanted: Function[[str], bool], examples: int) -> dict[str, Examples]:
    """Return examples of the calls that are wanted, by callable in the order of names."""
    return dict(sorted(choose(run, wanted, examples).items()))


def make_plan(
    chosen: dict[str, Examples],
    callables: Iterable[Callable],
    may_import: Function[[str], bool],
    certain: Certain,
) -> Plan:
    """Return the cases of the chosen calls."""
    known = {each.name: each for each in callables}
    plan = Plan(callables=len(chosen))
    for name, examples in chosen.items():
        shapes = examples.chosen()
        try:
            writer = _writer(known.get(name), may_import, certain)
        except Unwritable as error:
            plan.left_out[error.reason] += len(shapes)
            continue
        written = tuple(kept for calls in shapes if (kept := _cases(writer, calls, plan.left_out)))
        if written:
            plan.candidates.append(Candidates(Subject(known[name], writer, (), examples.calls), written))
    return plan


def _writer(known: Callable | None, may_import: Function[[str], bool], certain: Certain) -> CaseWriter:
    if known is None:
        raise Unwritable(GONE)
    return CaseWriter(known, may_import, certain)


def _cases(writer: CaseWriter, calls: Iterable[Call], left_out: Counter[str]) -> tuple[Case, ...]:
    """Return the cases of one shape; where there are none, the first reason counts."""
    found: dict[str, Case] = {}
    reasons: list[str] = []
    for call in calls:
        case = _case(writer, call, reasons)
        if case is not None:
            found.setdefault(_text(case), case)
    if not found:
        left_out[reasons[0]] += 1
    return tuple(found.values())


def _case(writer: CaseWriter, call: Call, reasons: list[str]) -> Case | None:
    try:
        return writer.case(call)
    except Unwritable as error:
        reasons.append(error.reason)
        return None


def _text(case: Case) -> str:
    """Return what goes into a case; of two with the same, one is enough."""
    columns = (case.receiver, *case.arguments) if case.receiver else case.arguments
    return repr((case.manner, [flat(column.value) for column in columns]))
