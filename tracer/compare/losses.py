"""What two recordings say they did not keep: calls, parts of values, and what befell a run as a whole."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.model import Recording

_IN_PART = ("truncated ", "opaque ", "failed ")


def lost(recording: Recording) -> int:
    """Count the calls that were seen and not kept; values kept in part are losses of no callable, and told where they matter."""
    return sum(loss.count for loss in recording.losses if loss.callable != "*")


def partly(recording: Recording) -> int:
    """Count the values that were cut past a budget, or of which only the type is known."""
    return sum(loss.count for loss in recording.losses if loss.callable == "*" and loss.reason.startswith(_IN_PART))


def told_of_runs(old: Recording, new: Recording) -> Iterator[str]:
    """Yield a sentence for each thing that befell a run and may hide calls of any callable: a child that did not record, a fault of tracer's."""
    before, after = _of_the_run(old), _of_the_run(new)
    for reason in sorted({*before, *after}):
        sides = [f"{counts[reason]} in {side}" for side, counts in (("OLD", before), ("NEW", after)) if counts[reason]]
        yield f"Not all was recorded: {reason}, {' and '.join(sides)}."


def _of_the_run(recording: Recording) -> Counter[str]:
    counts: Counter[str] = Counter()
    for loss in recording.losses:
        if loss.callable == "*" and not loss.reason.startswith(_IN_PART):
            counts[loss.reason] += loss.count
    return counts
