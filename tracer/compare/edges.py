"""Who calls whom on both sides, and where on the way changes show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracer.compare.context import Edge
from tracer.compare.result import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.compare.interfaces import Statistics
    from tracer.compare.result import Finding


def edges(old: Statistics, new: Statistics, findings: Iterable[Finding]) -> tuple[Edge, ...]:
    """Return the edges of both sides, sorted, with the findings that callers can see put on the edges they show on."""
    before, after = ({(edge.caller, edge.component): edge.calls for edge in side.edges} for side in (old, new))
    homes = {use.callable: edge.component for side in (old, new) for edge in side.edges for use in edge.uses}
    changes = _changes(findings, homes)
    found = ((name, changes.get(name, _Changes())) for name in sorted({*before, *after, *changes}))
    return tuple(
        Edge(*name, before.get(name, 0), after.get(name, 0), change.count, change.worst if change.count else None)
        for name, change in found
    )


@dataclass(slots=True)
class _Changes:
    count: int = 0
    worst: Severity = Severity.NOISE


def _changes(findings: Iterable[Finding], homes: dict[str, str]) -> dict[tuple[str, str], _Changes]:
    found: dict[tuple[str, str], _Changes] = {}
    for finding in findings:
        if finding.severity.rank >= Severity.INTERNAL.rank:
            continue
        for caller in finding.callers:
            change = found.setdefault((caller, homes.get(finding.callable, _module(finding.callable))), _Changes())
            change.count += 1
            change.worst = min(change.worst, finding.severity, key=lambda each: each.rank)
    return found


def _module(name: str) -> str:
    return name.partition(":")[0]
