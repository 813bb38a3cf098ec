"""Scores what a comparison reported against what is true of an upgrade case. Pure: names in, figures out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

CONSTRUCTORS = (".__init__", ".__new__")
ALARMING = frozenset({"breaking", "changed"})

Same = Callable[[str, str], bool]
"""Whether two dotted names mean the same object in the environments of a case."""


@dataclass
class Score:
    """What became of a case. `rank` is the 1-based place of the first right finding, 0 where there was none.

    `hits` and `missed` name expected callables; `alarms` the callables reported although nothing is true of them, `mild` those
    of them that would not fail a build (no finding above `compatible`); `kinds` says in which ways they were reported.
    """

    hits: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    tolerated: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    mild: list[str] = field(default_factory=list)
    kinds: dict[str, list[str]] = field(default_factory=dict)
    rank: int = 0


def dotted(callable_name: str) -> str:
    """Return `module:qualname` as a dotted name; a constructor counts as its class."""
    name = callable_name.replace(":", ".", 1)
    for ending in CONSTRUCTORS:
        name = name.removesuffix(ending)
    return name


def names_of(entry: dict[str, Any]) -> list[str]:
    """Return the names under which an expected or tolerated callable may be reported."""
    return [entry["callable"], *entry.get("aliases", [])]


def matches(reported: str, entry: dict[str, Any], same: Same) -> bool:
    """Whether a reported dotted name is the callable of an entry: literally, below its `.*`, or as the same object."""
    for name in names_of(entry):
        if name.endswith(".*") and reported.startswith(name[:-1]):
            return True
        if reported == name or same(reported, name):
            return True
    return False


def score(case: dict[str, Any], findings: Iterable[dict[str, Any]], same: Same = lambda _left, _right: False) -> Score:
    """Sort the findings of a comparison, most important first, into hits, tolerated ones and false alarms.

    An expected callable goes before a tolerated one, and a tolerated one is neither hit nor alarm. Findings of severity `internal`
    and `noise` were not reported as changes and do not count.
    """
    result = Score()
    expected, tolerated = case.get("expected", []), case.get("tolerated", [])
    worst: dict[str, str] = {}
    for place, finding in enumerate(findings, start=1):
        if finding["severity"] in {"internal", "noise"}:
            continue
        name = dotted(finding["callable"])
        if any(matches(name, entry, same) for entry in expected):
            result.rank = result.rank or place
            result.hits += [entry["callable"] for entry in expected if matches(name, entry, same)]
        elif any(matches(name, entry, same) for entry in tolerated):
            result.tolerated.append(name)
        else:
            result.kinds[name] = sorted({*result.kinds.get(name, ()), finding["kind"]})
            if name not in worst or finding["severity"] in ALARMING:
                worst[name] = finding["severity"]
    result.alarms = sorted(name for name, severity in worst.items() if severity in ALARMING)
    result.mild = sorted(name for name, severity in worst.items() if severity not in ALARMING)
    result.hits = sorted(set(result.hits))
    result.tolerated = sorted(set(result.tolerated))
    result.missed = sorted({entry["callable"] for entry in expected} - set(result.hits))
    return result
