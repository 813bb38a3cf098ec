"""Who calls whom: calls between components, counted on both sides."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tracer.compare.context import Edge
from tracer.compare.result import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.compare.result import Finding
    from tracer.model import RecordedRun

    Pairs: TypeAlias = "Counter[tuple[str, str]]"


def edges(old: RecordedRun, new: RecordedRun, findings: Iterable[Finding]) -> tuple[Edge, ...]:
    """Return the edges of both runs, sorted, with the findings that callers can see put on the edges they show on.

    Reads every block of both runs once; blocks that are stored alike are read once together.

    Raises:
        CassetteDamaged: a block cannot be read.
    """
    counted: dict[bytes, Pairs] = {}
    before, after = _calls(old, counted), _calls(new, counted)
    changes = _changes(findings, _components(old, new))
    names = sorted({*before, *after, *changes})
    found = ((name, changes.get(name, _Changes())) for name in names)
    return tuple(
        Edge(*name, before[name], after[name], change.count, change.worst if change.count else None)
        for name, change in found
    )


@dataclass(slots=True)
class _Changes:
    count: int = 0
    worst: Severity = Severity.NOISE


def _components(*runs: RecordedRun) -> dict[str, str]:
    return {each.name: each.component for run in runs for each in run.recording.callables}


def _calls(run: RecordedRun, counted: dict[bytes, Pairs]) -> Pairs:
    components = _components(run)
    total: Pairs = Counter()
    for lane in run.lanes:
        for number, block in enumerate(run.blocks(lane.name)):
            if block.digest not in counted:
                columns = run.columns(lane.name, number)
                counted[block.digest] = Counter(zip(columns.callers, columns.callables, strict=True))
            for (caller, name), count in counted[block.digest].items():
                total[caller, components.get(name, _module(name))] += count
    return total


def _changes(findings: Iterable[Finding], components: dict[str, str]) -> dict[tuple[str, str], _Changes]:
    found: dict[tuple[str, str], _Changes] = {}
    for finding in findings:
        if finding.severity.rank >= Severity.INTERNAL.rank:
            continue
        for caller in finding.callers:
            change = found.setdefault((caller, components.get(finding.callable, _module(finding.callable))), _Changes())
            change.count += 1
            change.worst = min(change.worst, finding.severity, key=lambda each: each.rank)
    return found


def _module(name: str) -> str:
    return name.partition(":")[0]
