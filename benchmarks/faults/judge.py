"""What is in a cassette, held against what the program itself said of its crossings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracer.decode import decode, decode_arguments
from tracer.model import Returned, Unfinished
from tracer.storage.reader import open_cassette, verify
from tracer.values import Scalar, Sequence

if TYPE_CHECKING:
    from pathlib import Path

    from tracer.model import Call, RecordedRun
    from tracer.values import Value

OTHERS = ("truncated", "opaque", "redacted", "left-out dunder")
"""Losses that begin so are of parts of values, or of calls that the program does not number."""


@dataclass(frozen=True)
class Verdict:
    """Crossings that ended, how many of them are not in the cassette as ended, how many losses it tells of, and what cannot be.

    `unseen` says that it tells of processes whose calls nobody could count.
    """

    ended: int
    missing: int
    told: int
    unseen: bool
    wrong: tuple[str, ...] = field(default=())


def witnessed(path: Path) -> tuple[set[int], set[int]]:
    """Return the crossings that began and those that ended; a line that was cut off says nothing."""
    seen: dict[str, set[int]] = {"B": set(), "E": set()}
    if path.exists():
        for line in path.read_text("ascii").splitlines(keepends=True):
            kind, _, number = line.partition(" ")
            if line.endswith("\n"):
                seen[kind].add(int(number))
    return seen["B"], seen["E"]


def judge(cassette: Path, witness: Path) -> Verdict:
    """Compare a cassette with the witness's lines."""
    began, ended = witnessed(witness)
    verify(cassette)
    with open_cassette(cassette) as run:
        whole, open_, wrong = _calls(run)
        summed, summed_open = _summed(run)
        losses = [loss for loss in run.recording.losses if not loss.reason.startswith(OTHERS)]
    told = sum(loss.count for loss in losses)
    unseen = any(loss.reason == "forked processes that could not be recorded" for loss in losses)
    if invented := (whole.keys() | open_) - began:
        wrong.append(f"{len(invented)} calls that the program did not make, as {min(invented)}")
    if twice := [number for number, times in whole.items() if times > 1]:
        wrong.append(f"{len(twice)} calls twice, as {min(twice)}")
    if whole.total() + len(open_) + summed + summed_open > len(began):
        wrong.append(
            f"more calls than the program made: {summed} and {summed_open} that never ended are only summed up"
        )
    # Of calls that are only summed up nobody can say which they are: so many are not missing.
    missing = max(0, len(ended - whole.keys()) - summed)
    return Verdict(len(ended), missing, told, unseen, tuple(wrong))


def _position_of_number(run: RecordedRun) -> dict[str, int | None]:
    """Return, by callable, which of its parameters is the number of the crossing."""
    return {
        each.name: next((at for at, parameter in enumerate(each.parameters) if parameter.name == "number"), None)
        for each in run.recording.callables
    }


def _summed(run: RecordedRun) -> tuple[int, int]:
    """Return how many numbered calls that ended are only summed up, and how many that did not."""
    position = _position_of_number(run)
    runs = [each for lane in run.lanes for each in lane.thinned if position[each.callable] is not None]
    return sum(each.calls for each in runs), sum(each.unfinished for each in runs)


def _calls(run: RecordedRun) -> tuple[Counter[int], set[int], list[str]]:
    """Return the numbers of the calls that ended and of those that did not, and outcomes that are another call's."""
    position = _position_of_number(run)
    whole: Counter[int] = Counter()
    open_: set[int] = set()
    wrong: list[str] = []
    for lane in run.lanes:
        for call in run.calls(lane.name):
            at = position[call.callable]
            if at is None:
                continue
            number = _number(decode_arguments(call.arguments)[at])
            if isinstance(call.outcome, Unfinished):
                open_.add(number)
            else:
                whole[number] += 1
                if isinstance(call.outcome, Returned) and not _fits(call, number):
                    wrong.append(f"the outcome of call {number} is another's")
    return whole, open_, wrong


def _fits(call: Call, number: int) -> bool:
    value = decode(call.outcome.value)
    if isinstance(value, Sequence):
        value = value.items[0]
    return value in {Scalar(number), Scalar(None)}


def _number(value: Value) -> int:
    return value.value if isinstance(value, Scalar) and isinstance(value.value, int) else -1
