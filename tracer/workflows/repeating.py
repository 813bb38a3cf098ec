"""Running the same code again, in order to tell what differs by itself."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracer.compare.compare import compare
from tracer.compare.noise import told_all_the_same
from tracer.compare.result import Kind
from tracer.errors import RecordingError
from tracer.report.sentences import listed
from tracer.storage.compact import compact
from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tracer.compare.noise import Subject
    from tracer.model import RecordedRun
    from tracer.rules import Rule
    from tracer.workflows.recording import Take

_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Repeated:
    """What differed between a run and later ones of the same code; `runs` of these could be compared, `notes` tell of the others."""

    seen: frozenset[Subject]
    runs: int
    notes: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be told: runs that say nothing, and chance that no rule may hide."""
        names = told_all_the_same(self.seen)
        if not names:
            return self.notes
        chance = "another type or a new exception comes by chance, which no learned rule hides"
        return (*self.notes, f"From {listed(names, _SHOWN)} {chance}.")


def repeat(
    base: Path,
    exit_code: int,
    again: Iterable[Callable[[Path], Take]],
    *,
    rules: Sequence[Rule] = (),
    tick: Callable[[str], None] = lambda text: None,
) -> Repeated:
    """Run again, once for each of `again`, and compare with the recording at `base`, whose command ended with `exit_code`.

    A run that fails where the first did not, or captures nothing, says nothing about chance: half of its calls may be missing. It is
    told of, and not compared. `rules` hide what is known already.
    """
    seen: set[Subject] = set()
    notes: list[str] = []
    runs = 0
    for number, start in enumerate(again, 2):
        with tempfile.TemporaryDirectory(prefix="tracer-again-") as scratch:
            target = Path(scratch) / "again.cassette"
            problem = _record(start(target), target, exit_code, tick)
            if problem:
                notes.append(f"Run {number} of the same code says nothing about chance: {problem}.")
                continue
            runs += 1
            with open_cassette(base) as first, open_cassette(target) as other:
                seen |= _differences(first, other, rules)
                # Of two calls that changed places either may be told as the one that moved.
                seen |= {each for each in _differences(other, first, rules) if each.kind is Kind.CALL_MOVED}
    return Repeated(frozenset(seen), runs, tuple(notes))


def _differences(old: RecordedRun, new: RecordedRun, rules: Sequence[Rule]) -> set[Subject]:
    seen: set[Subject] = set()
    compare(old, new, old_name="", new_name="", rules=tuple(rules), seen=seen)
    return seen


def _record(take: Take, target: Path, exit_code: int, tick: Callable[[str], None]) -> str:
    """Run a take into a cassette; return why that cannot be compared with another run, "" where it can."""
    try:
        take.run(tick)
    except RecordingError as error:
        return error.cause.rstrip(".")
    with take:
        if not take.captured:
            return "it captured no call"
        if take.exit_code != exit_code:
            return f"it exited with {take.exit_code}, the first with {exit_code}"
        return "" if compact(take.part, target).calls else "it captured no call"
