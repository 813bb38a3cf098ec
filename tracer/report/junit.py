"""A comparison as JUnit XML: a test case per finding, failed where callers can see a change."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from tracer.compare.result import Severity
from tracer.report.places import places_of, spelled
from tracer.report.safe import plain
from tracer.report.sentences import counted, headline, sentence, totals, visible_to_callers

if TYPE_CHECKING:
    from tracer.compare.context import Place
    from tracer.compare.result import Comparison, Finding

MOST: Final = 5_000
_VALUE: Final = 2_000


def render_junit(comparison: Comparison) -> str:
    """Return a JUnit document; severities from `changed` up are failures, compatible changes pass and are told.

    After the first findings one case more stands for those that are not listed; it fails if one of them does.
    """
    places = places_of(comparison)
    visible = [finding for finding in comparison.findings if visible_to_callers(finding)]
    listed, rest = visible[:MOST], visible[MOST:]
    failures = sum(_fails(finding) for finding in listed) + any(_fails(finding) for finding in rest)
    cases = [_case(finding, places.get(finding.callable)) for finding in listed] or [_passed(comparison)]
    cases += [_unlisted(rest)] if rest else []
    head = f'name="tracer diff" tests="{len(cases)}" failures="{failures}" errors="0"'
    told = [*(plain(note) for note in comparison.notes), totals(comparison.summary)]
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f"<testsuites {head}>",
        f"  <testsuite {head}>",
        *cases,
        f"    <system-out>{_text(' | '.join(told))}</system-out>",
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _case(finding: Finding, place: Place | None) -> str:
    name = _text(f"{finding.kind.value} {plain(finding.path)}".rstrip())
    opening = f'    <testcase classname="{_text(plain(finding.callable))}" name="{name}">'
    message = _text(sentence(finding))
    where = f" ({plain(spelled(place))})" if place else ""
    full = _text(f"{sentence(finding, _VALUE)}{where}")
    if _fails(finding):
        return f'{opening}<failure type="{finding.severity.value}" message="{message}">{full}</failure></testcase>'
    return f"{opening}<system-out>{full}</system-out></testcase>"


def _unlisted(rest: list[Finding]) -> str:
    told = f"{counted(len(rest), 'finding')} more; --format json has all"
    outcome = f"<system-out>{told}</system-out>"
    if any(_fails(finding) for finding in rest):
        outcome = f'<failure type="changed" message="{told}">{told}</failure>'
    return f'    <testcase classname="tracer" name="more findings">{outcome}</testcase>'


def _passed(comparison: Comparison) -> str:
    return f'    <testcase classname="tracer" name="diff"><system-out>{_text(headline(comparison))}</system-out></testcase>'


def _fails(finding: Finding) -> bool:
    return finding.severity.rank <= Severity.CHANGED.rank


def _text(text: str) -> str:
    return html.escape(text, quote=True)
