"""A comparison as one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tracer.report.html.frame import render_page
from tracer.report.html.payload import component_count, payload
from tracer.report.safe import clip, plain
from tracer.report.sentences import headline, totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.compare.result import Comparison, Summary

_SCRIPTS: Final = ("data.js", "list.js", "detail.js", "map.js", "app.js")
_NOTES: Final = 50
_ROWS: Final = 500
_TEXT: Final = 400
_SCALE: Final = 1_000


def render_html(comparison: Comparison) -> str:
    """Return a page that needs no other file and no network, at most some 10 MB; its findings are most important first.

    Recorded text is data in it and is shown as text only. The page allows its own style and script, by their hashes, and nothing else.

    Raises:
        ConfigError: jinja2 is not installed.
    """
    return render_page("page.html.jinja", payload(comparison), _SCRIPTS, **_shown(comparison))


def _shown(comparison: Comparison) -> dict[str, Any]:
    summary = comparison.summary
    counts = [(name, getattr(summary, name)) for name in ("compared", "identical", "changed", "added", "removed")]
    counts += [("hidden as noise", summary.hidden_as_noise)] if summary.hidden_as_noise else []
    counts += [("accepted", summary.accepted)] if summary.accepted else []
    counts += [("lost", summary.lost)] if summary.lost else []
    counts += [("partly seen", summary.partly)] if summary.partly else []
    return {
        "verdict": comparison.verdict.value,
        "headline": headline(comparison),
        "old": {"cassette": clip(plain(comparison.old.cassette), _TEXT), "calls": comparison.old.calls},
        "new": {"cassette": clip(plain(comparison.new.cassette), _TEXT), "calls": comparison.new.calls},
        "total": len(comparison.findings),
        "components": component_count(comparison),
        "counts": counts,
        "proportion": list(_proportion(summary)),
        "totals": totals(summary),
        "notes": [clip(plain(note), _TEXT) for note in comparison.notes[:_NOTES]],
        "interfaces": list(_interfaces(comparison)),
        "hidden": [(clip(plain(rule), _TEXT), count) for rule, count in comparison.hidden[:_ROWS]],
        "more_hidden": max(len(comparison.hidden) - _ROWS, 0),
    }


def _interfaces(comparison: Comparison) -> Iterator[tuple[str, int, int]]:
    """Yield component, callables crossed in the new run, and public callables."""
    interfaces = comparison.context.interfaces if comparison.context else ()
    for name, coverage in interfaces[:_ROWS]:
        if coverage.public:
            yield clip(plain(name), _TEXT), coverage.crossed, coverage.public


def _proportion(summary: Summary) -> Iterator[dict[str, Any]]:
    parts = [(name, getattr(summary, name)) for name in ("identical", "changed", "added", "removed")]
    whole = sum(count for _, count in parts) or 1
    start = 0.0
    for name, count in parts:
        width = _SCALE * count / whole
        yield {"name": name, "start": round(start, 1), "width": round(width, 1)}
        start += width
