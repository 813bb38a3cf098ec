"""Comparing a cassette with a run; where it is red, the new side runs once more, and chance is told from change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tracer.compare.noise import learn
from tracer.compare.result import Severity
from tracer.report.sentences import counted
from tracer.storage.reader import open_cassette
from tracer.storage.rewrite import write_rules
from tracer.workflows.comparing import diff, rules_of_settings
from tracer.workflows.repeating import Repeated, repeat

if TYPE_CHECKING:
    from pathlib import Path

    from tracer.compare.result import Comparison
    from tracer.rules import Rule
    from tracer.workflows.recording import Take
    from tracer.workflows.terms import Terms


def diff_take(old: Path, take: Take, terms: Terms) -> Comparison:
    """Compare a cassette with the closed recording of a take. What differs between two runs of the new side becomes rules of that recording."""
    comparison = diff(old, take.target, config=take.config, terms=terms)
    failing = terms.failing or Severity(take.config.fail_on)
    if not terms.confirm or not comparison.at_or_above(failing):
        return comparison
    with open_cassette(old) as before, open_cassette(take.target) as after:
        own = after.recording.noise
        known = (*before.recording.noise, *own, *rules_of_settings(take.config), *terms.rules)
    repeated = repeat(take.target, take.exit_code, [take.again], rules=known)
    rules = learn(repeated.seen, confirming=True)
    if rules:
        write_rules(take.target, (*own, *rules))
        comparison = diff(old, take.target, config=take.config, terms=terms)
    return replace(comparison, notes=(*comparison.notes, *_about(repeated, rules)))


def _about(repeated: Repeated, rules: tuple[Rule, ...]) -> tuple[str, ...]:
    """Say what running the new side once more has shown."""
    if not repeated.runs:
        return (*repeated.notes, "So what is told may hold differences that come by chance.")
    if not repeated.seen:
        return ("The new side ran a second time and behaved the same.",)
    if not rules:
        return repeated.warnings
    return (
        *repeated.warnings,
        f"The new side ran a second time: what differed between its two runs, at {counted(len(rules), 'place')}, is hidden.",
    )
