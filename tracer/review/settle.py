"""A comparison and what was accepted -> the comparison as it is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tracer.compare.compare import verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from tracer.compare.result import Comparison, Finding
    from tracer.review.acceptances import Acceptance

_MOST_NOTES: Final = 5


def settle(comparison: Comparison, accepted: Sequence[Acceptance], today: date, file: str) -> Comparison:
    """Return the comparison without the findings that were accepted and are still the same, which are counted.

    Notes tell which acceptances ended, do not match any more, or were not needed. `file` is where they are written down.
    """
    if not accepted:
        return comparison
    holding = [each for each in accepted if not each.ended(today)]
    told = tuple(finding for finding in comparison.findings if not _covered(finding, holding))
    notes = list(_notes(comparison, accepted, today, file))
    if len(notes) > _MOST_NOTES:
        notes[_MOST_NOTES - 1 :] = [
            f"{len(notes) - _MOST_NOTES + 1} more accepted changes ended or do not match; see {file}."
        ]
    return replace(
        comparison,
        verdict=verdict(told, hides=bool(comparison.hidden)),
        findings=told,
        notes=(*comparison.notes, *notes),
        summary=replace(comparison.summary, accepted=len(comparison.findings) - len(told)),
    )


def _covered(finding: Finding, accepted: Iterable[Acceptance]) -> bool:
    return any(each.covers(finding) for each in accepted)


def _notes(comparison: Comparison, accepted: Sequence[Acceptance], today: date, file: str) -> Iterator[str]:
    """Yield a sentence for each acceptance that hides nothing, but where another one under its key does."""
    findings = {finding.key: finding for finding in comparison.findings}
    for each in accepted:
        finding = findings.get(each.key)
        others = [other for other in accepted if other.key == each.key and not other.ended(today)]
        if finding is not None and _covered(finding, others):
            continue
        what = f"{each.callable} {each.kind} ({each.key})"
        if each.ended(today):
            yield f"The accepted change of {what} was accepted until {each.until}, which is over."
        elif finding is not None:
            yield f"{what} is not the change that was accepted any more, so it is told again."
        elif not comparison.left_out:
            yield f"The accepted change of {what} was not seen; if it is over, remove its line from {file}."
