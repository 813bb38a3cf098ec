"""The report people read in a terminal or a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracer.compare.result import Confidence, Role, Severity, Verdict
from tracer.report.contrast import Parts, windows
from tracer.report.paint import paint
from tracer.report.safe import clip, plain
from tracer.report.sentences import (
    SHOWN_CALLERS,
    counted,
    headline,
    listed,
    shift,
    totals,
    visible_to_callers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tracer.compare.result import Comparison, Finding
    from tracer.report.paint import Line

NARROWEST: Final = 40
MOST: Final = 1_000
"""Findings that are shown at most, whatever is asked for: who reads more of them reads a file."""
_LABEL: Final = 9
_INDENT: Final = "    "
_SHOWN_RULES: Final = 10
_SHOWN_NAMES: Final = 6
_STYLE: Final = {
    Severity.BREAKING: "bold red",
    Severity.CHANGED: "bold yellow",
    Severity.COMPATIBLE: "cyan",
    Severity.INTERNAL: "dim",
    Severity.NOISE: "dim",
}
_VERDICT_STYLE: Final = {
    Verdict.BREAKING: "bold red",
    Verdict.CHANGED: "bold yellow",
    Verdict.COMPATIBLE: "bold cyan",
    Verdict.NOISE: "bold green",
    Verdict.SAME: "bold green",
}


def render_text(comparison: Comparison, width: int, color: bool, verbose: bool = False, limit: int = 20) -> str:
    """Return the report as text, most important first.

    `width` is in columns, at least 40. Without `color` no escape sequence is written, and carets under a pair of values
    show where they part. `limit` bounds the findings shown; with `verbose` the first `MOST` are, in full, with internal changes.
    """
    width = max(width, NARROWEST)
    lines: list[Line] = [[("note     ", "dim"), (plain(note), "")] for note in comparison.notes]
    lines += [[]] if lines else []
    lines.append(
        [(f"{comparison.verdict.value.upper():9}", _VERDICT_STYLE[comparison.verdict]), (headline(comparison), "bold")],
    )
    lines += _findings(comparison, width, carets=not color, verbose=verbose, limit=limit)
    lines += [[], *_summary(comparison, verbose=verbose)]
    return paint(lines, width, color)


def render_finding(finding: Finding, number: int, width: int, color: bool) -> str:
    """Return one finding as the report shows it."""
    width = max(width, NARROWEST)
    return paint(_block(number, finding, width, carets=not color, verbose=False), width, color)


def _findings(comparison: Comparison, width: int, *, carets: bool, verbose: bool, limit: int) -> Iterator[Line]:
    shown = [finding for finding in comparison.findings if verbose or visible_to_callers(finding)]
    bound = MOST if verbose else min(limit, MOST)
    detailed = [finding for finding in shown if verbose or finding.role is Role.ORIGIN]
    by_key = {finding.key: finding for finding in detailed[:bound]}
    follows = _by_origin(shown, by_key)
    explained = 0 if verbose else sum(len(effects) for effects in follows.values())
    folded = [] if verbose else [each for each in shown if each.role is Role.EFFECT and each.explained_by not in by_key]
    for number, finding in enumerate(detailed[:bound], start=1):
        yield []
        yield from _block(number, finding, width, carets=carets, verbose=verbose)
        if finding.key in follows:
            yield _row("effects", _effects(follows[finding.key], verbose=verbose))
        if finding.explained_by in by_key:
            yield _row("cause", _cause(by_key[finding.explained_by]))
    room = max(bound - len(detailed), 0)
    if folded and room:
        yield []
        title = "Other effects" if follows else "Effects" if detailed else "Effects, of no origin seen"
        yield [(title, "bold"), (f" ({len(folded)})", "dim")]
        yield from (_folded(finding, width) for finding in folded[:room])
    left_out = len(shown) - min(len(detailed), bound) - min(len(folded), room) - explained
    if left_out:
        yield []
        all_of_them = "--format json" if len(shown) > MOST else "-v or --format json"
        yield [(f"… and {left_out:,} more; {all_of_them} shows all", "dim")]


def _by_origin(shown: list[Finding], origins: Mapping[str, Finding]) -> dict[str, list[Finding]]:
    """Return the effects of those origins that have any, by the origins' keys."""
    found: dict[str, list[Finding]] = {}
    for finding in shown:
        if finding.role is Role.EFFECT and finding.explained_by in origins:
            found.setdefault(finding.explained_by, []).append(finding)
    return found


def _effects(effects: list[Finding], *, verbose: bool) -> str:
    names = tuple(dict.fromkeys(effect.callable for effect in effects))
    where = listed(names, len(names) if verbose else SHOWN_CALLERS)
    return f"{counted(len(effects), 'effect')} of it, in {where}{'' if verbose else '; -v shows all'}"


def _cause(origin: Finding) -> str:
    return f"{origin.kind.value} of {plain(origin.callable)}"


def _block(number: int, finding: Finding, width: int, *, carets: bool, verbose: bool) -> Iterator[Line]:
    yield [
        (f"{number:>2}. ", "dim"),
        (finding.severity.value, _STYLE[finding.severity]),
        (f"  {finding.kind.value}  ", ""),
        (plain(finding.callable), "bold"),
        ("" if finding.role is Role.ORIGIN else "  (effect)", "dim"),
    ]
    if finding.path:
        yield _row("path", plain(finding.path))
    yield from _pair(finding, width, carets=carets, verbose=verbose)
    if finding.made_by:
        yield _row("made by", plain(finding.made_by))
    if finding.calls or finding.callers:
        yield _row("calls", _calls(finding, verbose=verbose))
    if finding.example is not None:
        room = width - len(_INDENT) - _LABEL
        arguments, lane = plain(finding.example.arguments), plain(finding.example.lane)
        yield _row("example", arguments if verbose else clip(arguments, 2 * room))
        yield _row("lane", lane, "dim")
    names = max(_SHOWN_NAMES, len(finding.inner)) if verbose else _SHOWN_NAMES
    if finding.inner:
        sure = finding.confidence is Confidence.HIGH and not finding.made_by
        yield _row("changed", f"{listed(finding.inner, names)} ({'called inside' if sure else 'other code'})")
    if finding.confidence is Confidence.LOW:
        yield _row("sure?", _doubt(finding), "dim")


def _pair(finding: Finding, width: int, *, carets: bool, verbose: bool) -> Iterator[Line]:
    before, after = plain(finding.before), plain(finding.after)
    if not before and not after:
        return
    room = max(len(before), len(after), 1) if verbose else width - len(_INDENT) - _LABEL
    left, right = windows(before, after, room)
    if before:
        yield _value("before", left, "red")
    if after:
        yield _value("after", right, "green")
    if before == after:
        yield _row("", "(they part beyond what is shown)", "dim")
    elif carets and _worth_marking(left, right, width):
        yield _row("", " " * len(left.head) + "^" * max(len(left.middle), len(right.middle)))


def _worth_marking(left: Parts, right: Parts, width: int) -> bool:
    longest = max(len(str(left)), len(str(right)))
    differing = max(len(left.middle), len(right.middle))
    # A character that is not ASCII may fill two columns, and the carets would stand beside what they mark.
    return longest <= width - len(_INDENT) - _LABEL and longest >= 2 * differing and (str(left) + str(right)).isascii()


def _value(label: str, parts: Parts, style: str) -> Line:
    return [
        (f"{_INDENT}{label:{_LABEL}}", "dim"),
        (parts.head, ""),
        (parts.middle, f"bold {style}"),
        (parts.tail, ""),
    ]


def _row(label: str, text: str, style: str = "") -> Line:
    return [(f"{_INDENT}{label:{_LABEL}}", "dim"), (text, style)]


def _calls(finding: Finding, *, verbose: bool) -> str:
    share = f"{finding.count:,} of {finding.calls:,}" if finding.calls else ""
    callers = listed(finding.callers, len(finding.callers) if verbose else SHOWN_CALLERS)
    return ", ".join(part for part in (share, f"from {callers}" if callers else "") if part)


def _doubt(finding: Finding) -> str:
    if finding.unseen:
        return f"low confidence: could not look at {listed(finding.unseen, _SHOWN_NAMES)}"
    return "low confidence: no code of it changed, or its inputs are equal only as far as they were kept"


def _folded(finding: Finding, width: int) -> Line:
    share = f"  {finding.count:,} of {finding.calls:,}" if finding.calls else ""
    severity = f"{finding.severity.value:11}"
    name = clip(plain(finding.callable), width // 3)
    room = width - len(_INDENT) - len(severity) - len(name) - len(share)
    return [
        (_INDENT, ""),
        (severity, _STYLE[finding.severity]),
        (name, "bold"),
        (f"  {shift(finding, room - 2)}", ""),
        (share, "dim"),
    ]


def _summary(comparison: Comparison, *, verbose: bool) -> Iterator[Line]:
    yield [(totals(comparison.summary), "")]
    rules = comparison.hidden if verbose else comparison.hidden[:_SHOWN_RULES]
    for rule, count in rules:
        yield [(f"{_INDENT}{count:>6,} hidden by  ", "dim"), (plain(rule), "dim")]
    if len(rules) < len(comparison.hidden):
        yield [(f"{_INDENT}… and {counted(len(comparison.hidden) - len(rules), 'more rule')}; -v shows all", "dim")]
    private = sum(not visible_to_callers(finding) for finding in comparison.findings)
    if private and not verbose:
        yield [(f"{counted(private, 'internal change')} not shown; -v shows all", "dim")]
