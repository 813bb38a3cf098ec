"""What makes a recording of a block say less than it seems to: a boundary that matched nothing, one that nothing called, faults of tracer's own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tracer.report.sentences import counted
from tracer.select.patterns import longest_cover

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracer.instrument.instrumentation import InstrumentationReport
    from tracer.select.selection import Selection
    from tracer.storage.compact import Summary

_OURS = "tracer failed"


def unmatched(selection: Selection, components: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each boundary that none of the components of a recording falls under."""
    for boundary in selection.unmatched(components):
        yield f"Boundary {boundary!r} matched no module that was imported: check its spelling."


def doubts(selection: Selection, report: InstrumentationReport, closed: Summary) -> Iterator[str]:
    """Yield a sentence for each. Where no boundary is named, no component need be called."""
    told = {each.component: each.callables for each in report.components}
    yield from unmatched(selection, told)
    called = {longest_cover(selection.boundaries, name.partition(":")[0]) for name in closed.calls_of}
    for boundary in selection.boundaries:
        if told.get(boundary) and boundary not in called:
            yield f"Nothing called into {boundary!r} ({counted(told[boundary], 'callable')} watched)."
    faults: Counter[str] = Counter()
    for loss in closed.losses:
        if loss.reason.startswith(_OURS):
            faults[loss.reason] += loss.count
    for reason, count in sorted(faults.items()):
        yield f"{counted(count, 'time')} {reason}."
