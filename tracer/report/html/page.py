"""A comparison as one HTML page. The only home of jinja2, which is loaded when a page is asked for."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from tracer.errors import ConfigError
from tracer.report.html.payload import component_count, payload
from tracer.report.safe import clip, plain
from tracer.report.sentences import headline, totals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

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
    jinja2 = load_jinja2()
    style = _asset("style.css")
    script = "(() => {\n" + "".join(map(_asset, _SCRIPTS)) + "})();"
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    markup = environment.filters["safe"]
    return str(
        environment.from_string(_asset("page.html.jinja")).render(
            policy=_policy(style, script),
            style=markup(style),
            script=markup(script),
            data=markup(payload(comparison)),
            **_shown(comparison),
        )
    )


def load_jinja2() -> ModuleType:
    """Return jinja2.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import jinja2  # noqa: PLC0415  (an extra, for those who want pages)
    except ImportError as error:
        raise ConfigError(
            "write the HTML report", "jinja2 is not installed", "Install it with `pip install 'tracer[html]'`."
        ) from error
    return jinja2


def _shown(comparison: Comparison) -> dict[str, Any]:
    summary = comparison.summary
    counts = [(name, getattr(summary, name)) for name in ("compared", "identical", "changed", "added", "removed")]
    counts += [("hidden as noise", summary.hidden_as_noise)] if summary.hidden_as_noise else []
    counts += [("lost", summary.lost)] if summary.lost else []
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


def _policy(style: str, script: str) -> str:
    """Return what the page may do: nothing but what it holds itself."""
    own = f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    return f"default-src 'none'; {own}; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _asset(name: str) -> str:
    return resources.files("tracer.report.html").joinpath("page").joinpath(name).read_text(encoding="utf-8")
