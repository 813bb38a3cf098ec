"""Rules for differences that also show between two runs of the same code: does one cover a change, and learning them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tracer.compare.delta import Difference
from tracer.compare.result import Comparison, Kind
from tracer.model import NoiseRule

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALWAYS_TOLD = frozenset({Kind.RETURNED_TYPE, Kind.RAISED, Kind.EXCEPTION_TYPE, Kind.CALLABLE_MISSING, Kind.SIGNATURE})
LEARNED = "learned"
PRESENCE = "learned presence"


@dataclass(frozen=True, slots=True)
class Subject:
    """A change as rules see it. `path` is the text of a general `ValuePath`."""

    callable: str
    kind: Kind
    path: str
    difference: Difference = Difference.VALUE


def covers(rule: NoiseRule, subject: Subject) -> bool:
    """Whether a rule hides a change.

    `*` and `?` are wildcards everywhere; a path also covers what lies below it. A learned rule never hides another type or shape,
    a new exception or a changed signature: a rule someone wrote may. It hides a lost key only at the very place where keys were
    seen to come and go.
    """
    if rule.source in {LEARNED, PRESENCE} and _protected(subject) and not _came_and_went(rule, subject):
        return False
    return bool(
        _pattern(rule.callable).fullmatch(subject.callable)
        and _pattern(rule.kind).fullmatch(subject.kind.value)
        and _path_pattern(rule.path).fullmatch(subject.path)
    )


def learn(*comparisons: Comparison) -> tuple[NoiseRule, ...]:
    """Return rules for everything that comparisons of runs of the same code still told, sorted.

    What no learned rule may hide gives none: a run that now and then returns another type stays visible.
    """
    rules = {
        NoiseRule(finding.callable, finding.kind.value, finding.path, PRESENCE if finding.presence else LEARNED)
        for comparison in comparisons
        for finding in comparison.findings
        if finding.kind not in _ALWAYS_TOLD
    }
    return tuple(sorted(rules, key=lambda rule: (rule.callable, rule.kind, rule.path)))


def describe(rule: NoiseRule) -> str:
    """Return a rule as one line."""
    return f"{rule.callable} {rule.kind} {rule.path} ({rule.source})"


class Filter:
    """Rules applied to many changes, and how many each one hid."""

    def __init__(self, rules: Iterable[NoiseRule]) -> None:
        self._rules = tuple(rules)
        self._known: dict[Subject, NoiseRule | None] = {}
        self._hidden: Counter[NoiseRule] = Counter()

    def hides(self, subject: Subject) -> bool:
        """Whether a rule covers this change; counts it if so."""
        if not self._rules:
            return False
        if subject not in self._known:
            self._known[subject] = next((rule for rule in self._rules if covers(rule, subject)), None)
        rule = self._known[subject]
        if rule is not None:
            self._hidden[rule] += 1
        return rule is not None

    @property
    def hidden(self) -> tuple[tuple[str, int], ...]:
        """Return how many differences each rule hid, in the order of the rules."""
        return tuple((describe(rule), self._hidden[rule]) for rule in dict.fromkeys(self._rules) if self._hidden[rule])


def _protected(subject: Subject) -> bool:
    return subject.kind in _ALWAYS_TOLD or subject.difference in (Difference.TYPE, Difference.KEY_REMOVED)


def _came_and_went(rule: NoiseRule, subject: Subject) -> bool:
    return (
        rule.source == PRESENCE
        and subject.difference is Difference.KEY_REMOVED
        and subject.kind not in _ALWAYS_TOLD
        and rule.path == subject.path
    )


@lru_cache(maxsize=4096)
def _pattern(glob: str) -> re.Pattern[str]:
    """Compile a glob of `*` and `?` only: paths are full of brackets, which fnmatch would take for sets."""
    return re.compile(_translate(glob), re.DOTALL)


@lru_cache(maxsize=4096)
def _path_pattern(glob: str) -> re.Pattern[str]:
    return re.compile(_translate(glob) + r"(?:[.\[].*)?", re.DOTALL)


def _translate(glob: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in glob)
