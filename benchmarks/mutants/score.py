"""Scores what a comparison reported of a mutant. Pure: names and findings in, figures out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COUNTED = frozenset({"breaking", "changed"})


@dataclass(frozen=True)
class Score:
    """What became of a mutant.

    `found` says that something at or above `changed` was reported, `place` which of the origins among it is the first to name the
    mutated function (0: none), `first` the callable of the first origin, `findings` how many there were.
    """

    found: bool
    place: int
    first: str
    findings: int


def score(findings: Iterable[dict[str, Any]], module: str, function: str) -> Score:
    """Hold the findings of a comparison, most important first, against the function that was changed."""
    counted = [finding for finding in findings if finding["severity"] in COUNTED]
    origins = [finding for finding in counted if finding["role"] == "origin"]
    places = [place for place, origin in enumerate(origins, start=1) if names(origin, module, function)]
    first = origins[0]["callable"] if origins else ""
    return Score(bool(counted), places[0] if places else 0, first, len(counted))


def names(origin: dict[str, Any], module: str, function: str) -> bool:
    """Whether an origin names a function: as its callable, as who made the call, or as changed code that it reaches.

    What a class or module body holds is in no function that is called: there, whatever the same module did otherwise.
    """
    told = {origin["callable"], origin.get("made_by", ""), *origin["inner"]}
    if f"{module}:{function}" in told:
        return True
    in_a_body = not function or function.rpartition(".")[2][:1].isupper()
    return in_a_body and (module in origin["callers"] or any(name.startswith(f"{module}:") for name in told))


@dataclass(frozen=True)
class Tally:
    """Figures of many mutants of one label."""

    mutants: int
    found: int
    first: int

    def __str__(self) -> str:
        """Return the figures as a row's end."""
        return f"{self.found} of {self.mutants} found, {self.first} with the function as the first origin"


def tally(scores: Sequence[Score]) -> Tally:
    """Count."""
    return Tally(len(scores), sum(each.found for each in scores), sum(each.place == 1 for each in scores))
