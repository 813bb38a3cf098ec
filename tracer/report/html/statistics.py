"""Interface statistics as one HTML page without a script: the map, and how much of each interface was crossed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tracer.report.html.frame import render_page
from tracer.report.html.layout import lay_out
from tracer.report.safe import clip, plain
from tracer.report.sentences import counted
from tracer.report.statistics import share

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.compare.context import Edge
    from tracer.compare.interfaces import ComponentUse, Statistics

_ROWS: Final = 1_000
_NEVER: Final = 200
_TEXT: Final = 300
_FULL: Final = 120
"""The width of the bar that stands for all public callables, in pixels."""


def render_statistics_html(now: Statistics, before: Statistics | None, edges: Iterable[Edge]) -> str:
    """Return the page of a recording; with an earlier one, the `edges` between both tell where numbers of calls differ.

    Raises:
        ConfigError: jinja2 is not installed.
    """
    covered = {plain(each.component): _covered(each) for each in now.components}
    return render_page(
        "statistics.html.jinja",
        cassette=clip(plain(now.cassette), _TEXT),
        before=clip(plain(before.cassette), _TEXT) if before else "",
        headline=f"{counted(now.calls, 'call')} over {counted(len(now.edges), 'edge')}: {share(now.coverage)}.",
        map=lay_out(edges),
        manner=lambda edge: "still" if edge.old == edge.new else "grown",
        told=_told,
        plain=plain,
        covered=lambda name: covered.get(name, "calls only"),
        rows=[_row(each) for each in now.components[:_ROWS]],
        more_rows=max(len(now.components) - _ROWS, 0),
    )


def _told(edge: Edge) -> str:
    return f"{edge.new:,}" if edge.old == edge.new else f"{edge.old:,} → {edge.new:,}"


def _covered(use: ComponentUse) -> str:
    coverage = use.coverage
    return f"{coverage.crossed} of {coverage.public} crossed" if coverage.public else f"called {use.calls:,}"


def _row(use: ComponentUse) -> dict[str, Any]:
    coverage = use.coverage
    return {
        "name": clip(plain(use.component), _TEXT),
        "calls": use.calls,
        "crossed": coverage.crossed,
        "public": coverage.public,
        "width": round(_FULL * coverage.crossed / coverage.public, 1) if coverage.public else 0,
        "never": [clip(plain(name), _TEXT) for name in use.never[:_NEVER]],
        "more": max(len(use.never) - _NEVER, 0),
    }
