"""Comparisons of many pairs of recordings as one: a change that shows in fifty cassettes is one finding."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from tracer.compare.collapse import importance
from tracer.compare.compare import verdict
from tracer.compare.context import Context, Edge
from tracer.compare.result import Comparison, Finding, Role, Severity, Side, Summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tracer.compare.interfaces import Coverage

_MOST_CALLERS = 8
_COUNTS = (
    "compared",
    "identical",
    "changed",
    "added",
    "removed",
    "hidden_as_noise",
    "lost",
    "accepted",
    "partly",
)


def together(
    comparisons: Mapping[str, Comparison], old_name: str, new_name: str, notes: Sequence[str] = ()
) -> Comparison:
    """Return the comparisons of pairs that go by some names as one; the same whatever their order.

    Findings of one callable, kind and path are one: its role is an origin's where it is one in any pair, its example comes from the
    pair whose example is the shortest, and its lane tells the pair.
    """
    pairs = sorted(comparisons.items())
    groups: dict[str, list[tuple[str, Finding]]] = {}
    for name, comparison in pairs:
        for finding in comparison.findings:
            groups.setdefault(finding.key, []).append((name, finding))
    chosen = {key: _one(group) for key, group in groups.items()}
    findings = tuple(sorted((finding for _, finding in chosen.values()), key=importance))
    hidden = Counter[str]()
    for _, comparison in pairs:
        hidden.update(dict(comparison.hidden))
    all_ = [comparison for _, comparison in pairs]
    return Comparison(
        verdict=verdict(findings, hides=bool(hidden) or any(each.verdict.value == "noise" for each in all_)),
        old=Side(old_name, sum(each.old.calls for each in all_)),
        new=Side(new_name, sum(each.new.calls for each in all_)),
        summary=_summary(all_),
        findings=findings,
        notes=(*notes, *_notes(pairs)),
        hidden=tuple(sorted(hidden.items(), key=lambda rule: (-rule[1], rule[0]))),
        context=_context(comparisons, chosen),
        left_out=sum(each.left_out for each in all_),
    )


def _summary(comparisons: Sequence[Comparison]) -> Summary:
    return Summary(**{name: sum(getattr(each.summary, name) for each in comparisons) for name in _COUNTS})


def _one(group: list[tuple[str, Finding]]) -> tuple[str, Finding]:
    """Return findings of one key as one, with the name of the pair that its example is from."""
    name, best = min(group, key=_rank)
    callers = sorted({caller for _, finding in group for caller in finding.callers})
    example = best.example and replace(best.example, lane=f"{name}: {best.example.lane}")
    return name, replace(
        best,
        severity=min((finding.severity for _, finding in group), key=lambda each: each.rank),
        count=sum(finding.count for _, finding in group),
        calls=sum(finding.calls for _, finding in group),
        callers=tuple(callers[:_MOST_CALLERS]),
        example=example,
        unseen=_union(finding.unseen for _, finding in group),
        inner=_union(finding.inner for _, finding in group),
        changes=_union(finding.changes for _, finding in group),
    )


def _rank(named: tuple[str, Finding]) -> tuple[object, ...]:
    name, finding = named
    size = len(finding.example.arguments) if finding.example else 0
    return finding.role is not Role.ORIGIN, finding.severity.rank, finding.example is None, size, name


def _union(some: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for one in some for each in one))


def _notes(pairs: Sequence[tuple[str, Comparison]]) -> Iterator[str]:
    """Yield what is told of pairs, each sentence once, with those it is told of."""
    told: dict[str, list[str]] = {}
    for name, comparison in pairs:
        for note in comparison.notes:
            told.setdefault(note, []).append(name)
    for note, names in told.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"{names[0]}{more}: {note}"


def _context(comparisons: Mapping[str, Comparison], chosen: Mapping[str, tuple[str, Finding]]) -> Context | None:
    """Return what a report shows beside the findings: places of all, the calls around the examples that were chosen, edges summed."""
    known = {name: each.context for name, each in comparisons.items() if each.context is not None}
    if not known:
        return None
    trees = {name: dict(context.trees) for name, context in known.items()}
    edges: dict[tuple[str, str], Edge] = {}
    interfaces: dict[str, Coverage] = {}
    for context in known.values():
        for edge in context.edges:
            key = edge.caller, edge.callee
            edges[key] = _sum(edges[key], edge) if key in edges else edge
        for component, coverage in context.interfaces:
            # How much all together crossed is not known; the one that crossed most says the least that was.
            if component not in interfaces or coverage.crossed > interfaces[component].crossed:
                interfaces[component] = coverage
    return Context(
        places=tuple({name: place for context in known.values() for name, place in context.places}.items()),
        trees=tuple((key, trees[name][key]) for key, (name, _) in chosen.items() if key in trees.get(name, {})),
        edges=tuple(edges[key] for key in sorted(edges)),
        interfaces=tuple(sorted(interfaces.items())),
    )


def _sum(one: Edge, other: Edge) -> Edge:
    worst: Severity | None = min(filter(None, (one.worst, other.worst)), key=lambda each: each.rank, default=None)
    return Edge(
        one.caller,
        one.callee,
        one.old + other.old,
        one.new + other.new,
        max(one.findings, other.findings),
        worst,
    )
