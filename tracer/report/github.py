"""A comparison as workflow commands, which GitHub Actions shows as annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracer.compare.result import Severity
from tracer.report.safe import plain
from tracer.report.sentences import headline, sentence, totals, visible_to_callers

if TYPE_CHECKING:
    from tracer.compare.result import Comparison, Finding

_COMMAND: Final = {Severity.BREAKING: "error", Severity.CHANGED: "warning", Severity.COMPATIBLE: "notice"}


def render_github(comparison: Comparison) -> str:
    """Return one workflow command per finding, then the headline and the totals as notices.

    GitHub keeps ten annotations of a level per step; findings come most important first.
    """
    lines = [_annotation(finding) for finding in comparison.findings if visible_to_callers(finding)]
    lines += [f"::notice title=tracer::{_data(plain(note))}" for note in comparison.notes]
    lines.append(f"::notice title=tracer {comparison.verdict.value}::{_data(headline(comparison))}")
    lines.append(totals(comparison.summary))
    return "\n".join(lines) + "\n"


def _annotation(finding: Finding) -> str:
    title = _property(f"{plain(finding.callable)} {finding.kind.value}")
    return f"::{_COMMAND[finding.severity]} title={title}::{_data(sentence(finding, 200))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
