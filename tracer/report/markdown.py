"""A comparison as Markdown, for a pull request's comment or a job's summary."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

from tracer.compare.result import Confidence, Role
from tracer.report.mermaid import sequence_diagram
from tracer.report.places import places_of, spelled
from tracer.report.safe import clip, plain
from tracer.report.sentences import SHOWN_CALLERS, change, counted, foremost, headline, totals, visible_to_callers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracer.compare.context import Place
    from tracer.compare.result import Comparison, Finding

MOST_TEXT: Final = 60_000
"""GitHub takes no comment of more than 65,536 characters."""
_VALUE: Final = 400
_RULES: Final = 20
_NOTES: Final = 20
_NAMES: Final = 6
_LINKING: Final = re.compile(r"@|www(?=\.)|:(?=//)|GH(?=-\d)", re.IGNORECASE)


def render_markdown(comparison: Comparison, limit: int = 50) -> str:
    """Return the comparison as GitHub-flavoured Markdown: at most `limit` findings in at most `MOST_TEXT` characters.

    The first origin comes with a diagram of the calls around its example, where the comparison brings them; effects are folded away.
    Recorded text is escaped: it can form no link, image, heading, tag or mention.
    """
    visible = [finding for finding in comparison.findings if visible_to_callers(finding)]
    origins = [finding for finding in visible[:limit] if finding.role is Role.ORIGIN]
    effects = [finding for finding in visible[:limit] if finding.role is Role.EFFECT]
    head = [f"## tracer: {comparison.verdict.value}", "", _prose(headline(comparison))]
    notes = [f"> {_prose(clip(plain(note), _VALUE))}" for note in comparison.notes[:_NOTES]]
    head += ["", *notes] if notes else []
    foot = [totals(comparison.summary) + "."]
    foot += [f"- {count:,} hidden by {_code(rule)}" for rule, count in comparison.hidden[:_RULES]]
    sections, left = _fitting(_sections(comparison, origins), MOST_TEXT - _length(head) - _length(foot))
    lines, _ = _fitting((_effect(finding) for finding in effects), left)
    body = [line for section in sections for line in section]
    body += ["", *_folded(lines)] if lines else []
    more = len(visible) - len(sections) - len(lines)
    body += ["", f"… and {more:,} more."] if more else []
    return "\n".join([*head, *body, "", *foot]) + "\n"


def _sections(comparison: Comparison, origins: list[Finding]) -> Iterator[list[str]]:
    places, first = places_of(comparison), foremost(comparison)
    trees = dict(comparison.context.trees) if comparison.context else {}
    for finding in origins:
        lines = ["", *_section(finding, places.get(finding.callable))]
        if finding is first and finding.key in trees:
            lines += ["", "```mermaid", sequence_diagram(trees[finding.key]), "```"]
        yield lines


def _fitting(pieces: Iterable[list[str]], room: int) -> tuple[list[list[str]], int]:
    """Return the first pieces that fit into so many characters together, and how many are left."""
    taken: list[list[str]] = []
    for piece in pieces:
        room -= _length(piece)
        if room < 0:
            break
        taken.append(piece)
    return taken, max(room, 0)


def _length(lines: list[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _section(finding: Finding, place: Place | None) -> Iterator[str]:
    yield f"### {_code(finding.callable)}: {finding.kind.value} ({finding.severity.value})"
    yield ""
    if finding.path:
        yield f"- path: {_code(finding.path)}"
    if finding.before:
        yield f"- before: {_code(finding.before)}"
    if finding.after:
        yield f"- after: {_code(finding.after)}"
    if place is not None:
        yield f"- defined at: {_code(spelled(place))}"
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


def _effect(finding: Finding) -> list[str]:
    return [f"- {_code(finding.callable)} {_prose(change(finding))}"]


def _folded(effects: list[list[str]]) -> Iterator[str]:
    yield f"<details><summary>{counted(len(effects), 'effect')}</summary>"
    yield ""
    for lines in effects:
        yield from lines
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
