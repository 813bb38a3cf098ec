"""A comparison as Markdown, for a pull request's comment or a job's summary."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

from tracer.compare.result import Confidence, Role
from tracer.report.safe import clip, plain
from tracer.report.sentences import SHOWN_CALLERS, change, counted, headline, totals, visible_to_callers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.compare.result import Comparison, Finding

_VALUE: Final = 400
_NAMES: Final = 6
_LINKING: Final = re.compile(r"@|www(?=\.)|:(?=//)|GH(?=-\d)", re.IGNORECASE)


def render_markdown(comparison: Comparison, limit: int = 50) -> str:
    """Return the comparison as GitHub-flavoured Markdown: at most `limit` findings, effects folded away.

    Recorded text is escaped: it can form no link, image, heading, tag or mention.
    """
    visible = [finding for finding in comparison.findings if visible_to_callers(finding)]
    shown = visible[:limit]
    origins = [finding for finding in shown if finding.role is Role.ORIGIN]
    effects = [finding for finding in shown if finding.role is Role.EFFECT]
    lines = [f"## tracer: {comparison.verdict.value}", "", _prose(headline(comparison))]
    lines += ["", *(f"> {_prose(plain(note))}" for note in comparison.notes)] if comparison.notes else []
    for finding in origins:
        lines += ["", *_section(finding)]
    lines += ["", *_folded(effects)] if effects else []
    if len(visible) > len(shown):
        lines += ["", f"… and {len(visible) - len(shown):,} more."]
    lines += ["", totals(comparison.summary) + "."]
    lines += [f"- {count:,} hidden by {_code(rule)}" for rule, count in comparison.hidden]
    return "\n".join(lines) + "\n"


def _section(finding: Finding) -> Iterator[str]:
    yield f"### {_code(finding.callable)}: {finding.kind.value} ({finding.severity.value})"
    yield ""
    if finding.path:
        yield f"- path: {_code(finding.path)}"
    if finding.before:
        yield f"- before: {_code(finding.before)}"
    if finding.after:
        yield f"- after: {_code(finding.after)}"
    if finding.calls:
        yield f"- calls: {finding.count:,} of {finding.calls:,}"
    if finding.callers:
        yield f"- called by: {_codes(finding.callers, SHOWN_CALLERS)}"
    if finding.example is not None:
        yield f"- example: {_code(finding.example.arguments)} in {_code(finding.example.lane)}"
    if finding.inner:
        yield f"- changed inside: {_codes(finding.inner, _NAMES)}"
    if finding.confidence is Confidence.LOW:
        yield "- confidence: low" + (f", not seen: {_codes(finding.unseen, _NAMES)}" if finding.unseen else "")


def _folded(effects: list[Finding]) -> Iterator[str]:
    yield f"<details><summary>{counted(len(effects), 'effect')}</summary>"
    yield ""
    for finding in effects:
        yield f"- {_code(finding.callable)} {_prose(change(finding))}"
    yield ""
    yield "</details>"


def _codes(names: tuple[str, ...], shown: int) -> str:
    more = len(names) - shown
    return ", ".join(_code(name) for name in names[:shown]) + (f" and {more} more" if more > 0 else "")


def _code(text: str) -> str:
    """Return a code span, fenced by more backticks than the text holds in a row."""
    shown = clip(plain(text), _VALUE)
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith(("`", " ")) or shown.endswith(("`", " ")) else ""
    return f"{fence}{pad}{shown}{pad}{fence}" if shown else "(nothing)"


def _prose(text: str) -> str:
    """Return running text that GitHub makes nothing of: no markup, formula, mention, link or reference."""
    escaped = re.sub(r"([\\`*_{}\[\]#|~$])", r"\\\1", html.escape(text, quote=False))
    return _LINKING.sub(r"\g<0><!-- -->", escaped)
