"""One walk through what waits: each finding decided once, each decision kept at once."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING

from tracer.compare.prepared import prepare
from tracer.report.safe import plain
from tracer.report.sentences import counted
from tracer.report.show import call_tree
from tracer.review.acceptances import load
from tracer.storage.reader import open_cassette
from tracer.storage.store import accepted_path, drop_pending, pending_path
from tracer.workflows import common, pending
from tracer.workflows.decisions import Rejections, accept_findings
from tracer.workflows.review import take_over

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tracer.compare.result import Finding
    from tracer.workflows.review import Waiting


class Decision(Enum):
    """What was decided about a finding."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SKIPPED = "skipped"


class Review:
    """Findings of recordings that wait, and what is decided about them. Each decision is on the disk when `decide` returns."""

    def __init__(self, waiting: Sequence[Waiting]) -> None:
        self._waiting = tuple(waiting)
        self._rejections = Rejections(common.settings())
        self.subjects = tuple((each.cassette, finding) for each in waiting for finding in each.findings)
        self._decisions: dict[int, Decision] = {}
        self._recall()

    @property
    def open(self) -> tuple[int, ...]:
        """The numbers of the findings that were not decided yet, in order."""
        return tuple(number for number in range(len(self.subjects)) if number not in self._decisions)

    def count(self, decision: Decision) -> int:
        """Return how many findings were decided so."""
        return Counter(self._decisions.values())[decision]

    def decide(self, number: int, decision: Decision) -> None:
        """Decide one finding.

        Raises:
            TracerError: what was accepted cannot be written down.
        """
        if decision is Decision.ACCEPTED:
            self.accept_many([number])
        elif decision is Decision.REJECTED:
            self._rejections.add(*self.subjects[number])
        self._decisions[number] = decision

    def same_callable(self, number: int) -> tuple[int, ...]:
        """Return the open findings of the callable that one is about, in all cassettes."""
        name = self.subjects[number][1].callable
        return tuple(other for other in self.open if self.subjects[other][1].callable == name)

    def with_effects(self, number: int) -> tuple[int, ...]:
        """Return a finding and the open ones of its cassette that follow from it."""
        cassette, finding = self.subjects[number]
        explained = [
            other
            for other in self.open
            if self.subjects[other][0] == cassette and self.subjects[other][1].explained_by == finding.key
        ]
        return (number, *(other for other in explained if other != number))

    def accept_many(self, numbers: Sequence[int]) -> int:
        """Accept some findings; return how many.

        Raises:
            TracerError: what was accepted cannot be written down.
        """
        for cassette in {self.subjects[number][0]: None for number in numbers}:
            accept_findings(
                cassette, [self.subjects[number][1] for number in numbers if self.subjects[number][0] == cassette]
            )
        self._decisions |= dict.fromkeys(numbers, Decision.ACCEPTED)
        return len(numbers)

    def close(self) -> Iterator[str]:
        """End the walk: where all was decided, what waited becomes the baseline or goes. Yields a sentence for each cassette.

        What was accepted as a whole becomes the baseline, unless some of it was accepted for a time or with a reason to keep.
        """
        first = 0
        for each in self._waiting:
            mine = [self._decisions.get(number) for number in range(first, first + len(each.findings))]
            first += len(mine)
            yield self._closed(each, mine)

    def _closed(self, each: Waiting, decided: Sequence[Decision | None]) -> str:
        cassette, count = each.cassette, Counter(decided)
        undecided = count[None] + count[Decision.SKIPPED]
        if undecided:
            return f"{cassette}: {counted(undecided, 'change')} not decided, {_told(count)}; the new recording still waits."
        self._rejections.forget(cassette)
        if not decided:
            drop_pending(cassette)
            return f"{cassette}: nothing is left to decide, the recording that waited is gone."
        if count[Decision.REJECTED]:
            drop_pending(cassette)
            return f"{cassette}: {_told(count)}; the baseline stays, the recording that waited is gone."
        whole = not pending.doubt(cassette) and not each.comparison.left_out
        if whole and not any(accepted.until or accepted.reason for accepted in load(accepted_path(cassette))):
            return take_over(cassette)
        drop_pending(cassette)
        return f"{cassette}: {_told(count)}, kept in {accepted_path(cassette).name}; the baseline stays."

    def _recall(self) -> None:
        """Take over what was rejected in a walk that was interrupted."""
        for cassette in {cassette: None for cassette, _ in self.subjects}:
            mine = {number: finding for number, (other, finding) in enumerate(self.subjects) if other == cassette}
            known = self._rejections.of(cassette, mine.values())
            self._decisions |= {number: Decision.REJECTED for number, finding in mine.items() if finding.key in known}


def tree_around(cassette: Path, finding: Finding, value_limit: int) -> Iterator[str]:
    """Yield the lines of the whole call tree around the example of a finding, as it was and as it is.

    `value_limit` is in characters.
    """
    if finding.example is None:
        yield "No call shows this change: it is about the definition."
        return
    with open_cassette(cassette) as old, open_cassette(pending_path(cassette)) as new:
        compared = prepare(old, new, dict(common.settings().renamed))
        sides = (("before", compared.old, finding.example.old), ("now", compared.new, finding.example.new))
        for title, run, spot in sides:
            if spot is None:
                yield f"{title}: not called there"
            else:
                yield f"{title}, in lane {plain(spot.lane)}"
                yield from call_tree(run, spot.lane, spot.number, value_limit=value_limit)


def _told(count: Counter[Decision | None]) -> str:
    return (
        ", ".join(f"{count[each]} {each.value}" for each in (Decision.ACCEPTED, Decision.REJECTED) if count[each])
        or "none accepted"
    )
