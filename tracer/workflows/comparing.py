"""Comparing two cassettes, and what all forms of comparing share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tracer.compare.compare import compare
from tracer.compare.detailed import with_or_without_sums
from tracer.compare.looking import Terms as LookingTerms
from tracer.compare.result import Comparison, Kind, Severity
from tracer.config import LEVELS
from tracer.errors import CassetteError, ComparisonError, ConfigError
from tracer.review.acceptances import load
from tracer.review.settle import settle
from tracer.rules import Rule
from tracer.storage.reader import open_cassette
from tracer.storage.store import ACCEPTED, accepted_path, replacing
from tracer.workflows import common
from tracer.workflows.comparators import load_comparators, not_applied
from tracer.workflows.context import with_context
from tracer.workflows.helping import Work, helpers
from tracer.workflows.places import here
from tracer.workflows.terms import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tracer.compare.compare import Level
    from tracer.compare.result import Finding
    from tracer.config import Config
    from tracer.workflows.places import Place
    from tracer.workflows.terms import Terms


def diff(
    old: Place, new: Place, *, config: Config | None = None, terms: Terms = PLAIN, with_sums: bool = True
) -> Comparison:
    """Compare two cassettes under the rules that either holds, those of the settings and of `terms`, without what was accepted beside the old one.

    Calls of which only sums are kept are compared by them, or passed over where `with_sums` is false.

    Raises:
        CassetteError: one of them cannot be read.
        ReviewError: the accepted changes beside the old one cannot be read.
        ConfigError: there is no such level; one of the rules is none, or names no function where that is to be called.
        ComparisonError: a function that a rule names raised an exception.
    """
    with here(old, new, beside=(ACCEPTED,)) as (before, after):
        return _diff(before, after, (str(old), str(new)), config or common.settings(), terms, with_sums=with_sums)


def _diff(old: Path, new: Path, names: tuple[str, str], config: Config, terms: Terms, *, with_sums: bool) -> Comparison:
    user = (*rules_of_settings(config), *_checked(terms.rules))
    comparators = load_comparators(user) if terms.allow_imports else {}
    accepted = accepted_path(old)
    level = _level(terms.level or config.level)
    with open_cassette(old) as before, open_cassette(new) as after:
        rules = (*after.recording.noise, *user)
        work = Work(old, new, LookingTerms(rules, level == "shape", dict(config.renamed)), with_sums)
        # Functions of the user's are called in one process, which knows how to tell of their errors.
        with helpers(work, 1 if comparators else terms.workers) as beside:
            found = compare(
                with_or_without_sums(before, with_sums=with_sums),
                with_or_without_sums(after, with_sums=with_sums),
                old_name=names[0],
                new_name=names[1],
                rules=rules,
                level=level,
                renamed=work.terms.renamed,
                comparators=comparators,
                progress=terms.progress,
                helpers=beside,
            )
        settled = settle(found, load(accepted), common.today(), accepted.name)
        told = with_context(settled, before, after, terms.request, config)
    return told if terms.allow_imports else replace(told, notes=(*told.notes, *not_applied(user)))


def rules_of_settings(config: Config) -> tuple[Rule, ...]:
    """Return the user's own rules."""
    return (*config.ignore, *config.rules)


def _checked(rules: Sequence[Rule]) -> Sequence[Rule]:
    for rule in rules:
        if not isinstance(rule, Rule):
            raise ConfigError("use the rules", f"{rule!r} is no rule", "Make each with tracer.Rule(...).")
    return rules


def _level(name: str) -> Level:
    if name not in LEVELS:
        raise ConfigError("compare", f"there is no level {name!r}", f"Use one of: {', '.join(LEVELS)}.")
    return "shape" if name == "shape" else "value"


def findings_against(comparison: Comparison, level: Severity, mode: str) -> tuple[Finding, ...]:
    """Return the findings that make a cassette inside a test fail. In mode `new_episodes` added calls are welcome."""
    found = comparison.at_or_above(level)
    return tuple(finding for finding in found if mode != "new_episodes" or finding.kind is not Kind.CALL_ADDED)


def with_notes(
    comparison: Comparison, notes: Sequence[str], *, new_name: str, old_name: str | None = None
) -> Comparison:
    """Return a comparison with further notes, and names that mean something to the reader in place of scratch files."""
    return replace(
        comparison,
        notes=(*comparison.notes, *notes),
        old=replace(comparison.old, cassette=old_name or comparison.old.cassette),
        new=replace(comparison.new, cassette=new_name),
    )


def write_report(path: Path, parts: Iterable[str]) -> None:
    """Write a report, given in parts, to a file, which is there whole or not at all; a device or pipe is written to as it is.

    Raises:
        ComparisonError: the file cannot be written.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("w", encoding="utf-8") as stream:
                stream.writelines(parts)
        else:
            path.parent.stat()  # a folder that is not there is a slip of the keyboard
            with replacing(path) as file:
                file.writelines(part.encode("utf-8") for part in parts)
    except OSError as error:
        raise ComparisonError(f"write the report {str(path)!r}", error.strerror or str(error)) from error
    except CassetteError as error:
        raise ComparisonError(f"write the report {str(path)!r}", error.cause) from error
