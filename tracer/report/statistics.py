"""Interface statistics as text and as JSON (schema 1: fields may be added, none is renamed or removed)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tracer.report.paint import paint
from tracer.report.safe import clip, plain, squeeze
from tracer.report.sentences import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracer.compare.interfaces import ComponentUse, Coverage, Edge, Statistics, StatisticsChange
    from tracer.report.formats import Appearance
    from tracer.report.paint import Line

SCHEMA: Final = 1
_NARROWEST: Final = 60
_ROWS: Final = 20
_INDENT: Final = "  "
_FIGURES: Final = 41
"""The columns of a component's row beside its name."""


def render_statistics(statistics: Statistics, look: Appearance) -> str:
    """Return the statistics as text: edges, coverage by component, and what was never crossed, each most called first.

    The width is at least 60. Rows and names are bounded; verbose, all are shown, in as many lines as they take.
    """
    width = max(look.width, _NARROWEST)
    return paint(_whole(statistics, width, verbose=look.verbose), width, look.color)


def render_change(change: StatisticsChange, look: Appearance) -> str:
    """Return the statistics of the new recording, then what came and went since the old one. Bounded as `render_statistics`."""
    width = max(look.width, _NARROWEST)
    lines = [*_whole(change.new, width, verbose=look.verbose), [], *_changes(change, width, verbose=look.verbose)]
    return paint(lines, width, look.color)


def statistics_to_json(statistics: Statistics) -> str:
    """Return the statistics as indented JSON in ASCII."""
    return _document(_side(statistics))


def change_to_json(change: StatisticsChange) -> str:
    """Return both statistics and what came and went between them, as indented JSON in ASCII."""
    return _document(
        {
            "old": _side(change.old),
            "new": _side(change.new),
            "came": [_edge(edge) for edge in change.came],
            "went": [_edge(edge) for edge in change.went],
            "newly_crossed": list(change.newly_crossed),
            "no_longer_crossed": list(change.no_longer_crossed),
        }
    )


def share(coverage: Coverage) -> str:
    """Say a coverage in words: `6 of 8 public callables crossed, 75.0 %`."""
    percent = "" if coverage.percent is None else f", {coverage.percent} %"
    return f"{coverage.crossed:,} of {counted(coverage.public, 'public callable')} crossed{percent}"


def _whole(statistics: Statistics, width: int, *, verbose: bool) -> Iterator[Line]:
    calls, edges = counted(statistics.calls, "call"), counted(len(statistics.edges), "edge")
    watched = counted(len(statistics.components), "component")
    yield [(f"{plain(statistics.cassette)}: {calls} over {edges}, {watched} watched", "bold")]
    if statistics.lost:
        yield [(f"{counted(statistics.lost, 'more call')} were seen and not kept", "")]
    yield [(f"interface coverage: {share(statistics.coverage)}", "")]
    if statistics.edges:
        yield from _section(f"{'calls':>9}", "caller -> component: callables")
        yield from _bounded([_edge_row(edge, width, verbose=verbose) for edge in statistics.edges], verbose=verbose)
    if statistics.components:
        yield []
        yield from _table(statistics.components, width, verbose=verbose)
    never = [each for each in statistics.components if each.never]
    if never:
        yield from _section("never crossed", "(what was imported and nobody outside called)")
        yield from _bounded([_never_row(each, width, verbose=verbose) for each in never], verbose=verbose)


def _section(title: str, explanation: str) -> Iterator[Line]:
    yield []
    yield [(title, "bold"), (f"  {explanation}", "dim")]


def _bounded(rows: Sequence[Line], *, verbose: bool) -> Iterator[Line]:
    shown = rows if verbose else rows[:_ROWS]
    yield from shown
    if len(shown) < len(rows):
        yield [(f"{_INDENT}… and {len(rows) - len(shown):,} more; -v or --format json shows all", "dim")]


def _edge_row(edge: Edge, width: int, *, verbose: bool) -> Line:
    calls = f"{edge.calls:>9,}  "
    names = f"{plain(edge.caller)} -> {plain(edge.component)}: "
    names = names if verbose else squeeze(names, width * 2 // 3)
    uses = [f"{_within(use.callable, edge.component)} {use.calls:,}" for use in edge.uses]
    room = None if verbose else width - len(calls) - len(names)
    return [(calls, "dim"), (names, "bold"), (_listed(uses, room), "")]


def _listed(names: Sequence[str], room: int | None) -> str:
    """Return as many of the names as have room, whole but for a long first one, and how many more there are; None is room for all."""
    text = ", ".join(names)
    if room is None or len(text) <= room:
        return text
    shown, more = "", ""
    for number, name in enumerate(names):
        longer = f"{shown}, {name}" if shown else name
        rest = len(names) - number - 1
        told = f" and {rest:,} more" if rest else ""
        if shown and len(longer) + len(told) > room:
            break
        shown, more = longer, told
    return clip(shown, room - len(more)) + more


def _table(components: Sequence[ComponentUse], width: int, *, verbose: bool) -> Iterator[Line]:
    longest = max(len(plain(each.component)) for each in components)
    name = max(min(longest, width - _FIGURES), len("component"))
    yield [(f"{'component':{name}}{'calls':>11}{'crossed':>10}{'public':>9}{'coverage':>11}", "bold")]
    yield from _bounded([_component_row(each, name) for each in components], verbose=verbose)


def _component_row(each: ComponentUse, width: int) -> Line:
    coverage = each.coverage
    percent = "-" if coverage.percent is None else f"{coverage.percent} %"
    figures = f"{each.calls:>11,}{coverage.crossed:>10,}{coverage.public:>9,}{percent:>11}"
    return [(f"{squeeze(plain(each.component), width):{width}}{figures}", "")]


def _never_row(each: ComponentUse, width: int, *, verbose: bool) -> Line:
    component = f"{plain(each.component)}: "
    component = component if verbose else squeeze(component, width // 2)
    names = [_within(name, each.component) for name in each.never]
    room = None if verbose else width - len(_INDENT) - len(component)
    return [(_INDENT, ""), (component, "bold"), (_listed(names, room), "")]


def _changes(change: StatisticsChange, width: int, *, verbose: bool) -> Iterator[Line]:
    yield [(f"since {plain(change.old.cassette)}", "bold")]
    yield [(f"interface coverage was: {share(change.old.coverage)}", "")]
    for title, edges in (("edges that came", change.came), ("edges that went", change.went)):
        if edges:
            yield from _section(title, f"({len(edges):,})")
            yield from _bounded([_edge_row(edge, width, verbose=verbose) for edge in edges], verbose=verbose)
    for title, names in (("newly crossed", change.newly_crossed), ("no longer crossed", change.no_longer_crossed)):
        if names:
            yield from _section(title, f"({len(names):,})")
            rows: list[Line] = [
                [(_INDENT, ""), (plain(name) if verbose else clip(plain(name), width - len(_INDENT)), "")]
                for name in names
            ]
            yield from _bounded(rows, verbose=verbose)
    if not (change.came or change.went or change.newly_crossed or change.no_longer_crossed):
        yield [("no edge came or went, and the same callables were crossed", "")]


def _within(callable_: str, component: str) -> str:
    """Return a callable's name as it is known inside its component."""
    name = callable_.removeprefix(component) if callable_[len(component) :][:1] in {":", "."} else callable_
    return plain(name.lstrip(":.") or callable_)


def _document(content: dict[str, Any]) -> str:
    return json.dumps({"schema": SCHEMA, **content}, indent=2) + "\n"


def _side(statistics: Statistics) -> dict[str, Any]:
    return {
        "cassette": statistics.cassette,
        "calls": statistics.calls,
        "lost": statistics.lost,
        "coverage": _coverage(statistics.coverage),
        "edges": [_edge(edge) for edge in statistics.edges],
        "components": [_component(each) for each in statistics.components],
    }


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {"crossed": coverage.crossed, "public": coverage.public, "percent": coverage.percent}


def _edge(edge: Edge) -> dict[str, Any]:
    uses = [{"callable": use.callable, "calls": use.calls} for use in edge.uses]
    return {"caller": edge.caller, "component": edge.component, "calls": edge.calls, "callables": uses}


def _component(each: ComponentUse) -> dict[str, Any]:
    return {
        "component": each.component,
        "calls": each.calls,
        **_coverage(each.coverage),
        "never": list(each.never),
    }
