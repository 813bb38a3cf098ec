"""A comparison as workflow commands, which GitHub Actions shows as annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracer.compare.result import Severity
from tracer.report.places import places_of
from tracer.report.safe import plain
from tracer.report.sentences import headline, sentence, totals, visible_to_callers

if TYPE_CHECKING:
    from tracer.compare.context import Place
    from tracer.compare.result import Comparison, Finding

MOST: Final = 100
"""GitHub keeps ten annotations of a level per step, and fifty of a job."""
_COMMAND: Final = {Severity.BREAKING: "error", Severity.CHANGED: "warning", Severity.COMPATIBLE: "notice"}


def render_github(comparison: Comparison) -> str:
    """Return a workflow command for each of the first findings, at the definition where it is known, then the headline and the totals.

    Findings come most important first.
    """
    places = places_of(comparison)
    visible = [finding for finding in comparison.findings if visible_to_callers(finding)]
    lines = [_annotation(finding, places.get(finding.callable)) for finding in visible[:MOST]]
    if len(visible) > MOST:
        lines.append(f"::notice title=tracer::{len(visible) - MOST:,} more findings are not annotated")
    lines += [f"::notice title=tracer::{_data(plain(note))}" for note in comparison.notes]
    lines.append(f"::notice title=tracer {comparison.verdict.value}::{_data(headline(comparison))}")
    lines.append(totals(comparison.summary))
    return "\n".join(lines) + "\n"


def _annotation(finding: Finding, place: Place | None) -> str:
    where = "" if place is None else f"file={_property(plain(place.file))},"
    if place is not None and place.line:
        where += f"line={place.line},"
    title = _property(f"{plain(finding.callable)} {finding.kind.value}")
    return f"::{_COMMAND[finding.severity]} {where}title={title}::{_data(sentence(finding, 200))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
