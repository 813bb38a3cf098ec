"""What became of all calls: which came out otherwise, and counts by component and reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracer.compare.result import Replay, ReplayedComponent, SkippedCalls
from tracer.replay.task import GONE, THINNED, Fate, Result

if TYPE_CHECKING:
    from tracer.replay.task import Outcomes, Spot

_COUNTED = (Fate.EQUAL, Fate.CHANGED, Fate.SKIPPED)


@dataclass(slots=True)
class Ledger:
    """Collects results. `changed` holds the new outcomes by call, `by_chance` calls that differed from themselves, `gone` those of what is not there any more."""

    changed: dict[Spot, Outcomes] = field(default_factory=dict)
    by_chance: list[Spot] = field(default_factory=list)
    gone: set[Spot] = field(default_factory=set)
    fates: Counter[tuple[str, Fate]] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)

    def enter(self, spot: Spot, component: str, result: Result) -> None:
        """Take note of what became of a call of a callable of some component."""
        self.fates[component, result.fate] += 1
        if result.fate is Fate.SKIPPED:
            self.reasons[result.reason, result.type] += 1
            if result.reason == GONE:
                self.gone.add(spot)
        if result.outcomes is not None:
            self.changed[spot] = result.outcomes

    def enter_thinned(self, component: str, count: int) -> None:
        """Take note of calls of which nothing is kept that they could be made from."""
        self.fates[component, Fate.SKIPPED] += count
        self.reasons[THINNED, ""] += count

    def enter_again(self, spot: Spot, component: str, result: Result) -> None:
        """Take note of a second try of a call that came out otherwise: what does not come out alike twice is chance."""
        if result.outcomes != self.changed[spot]:
            del self.changed[spot]
            self.by_chance.append(spot)
            self.fates[component, Fate.CHANGED] -= 1
            self.fates[component, Fate.EQUAL] += 1

    def set_aside(self, spot: Spot, component: str, reason: str) -> None:
        """Count a call that was made as one that was not."""
        fate = Fate.CHANGED if self.changed.pop(spot, None) is not None else Fate.EQUAL
        if fate is Fate.EQUAL:
            self.by_chance.remove(spot)
        self.fates[component, fate] -= 1
        self.enter(spot, component, Result(Fate.SKIPPED, reason=reason))

    @property
    def replayed(self) -> int:
        """How many calls were made."""
        return sum(count for (_, fate), count in self.fates.items() if fate in {Fate.EQUAL, Fate.CHANGED})

    def summary(self) -> Replay:
        """Return the counts."""
        names = sorted({component for component, fate in self.fates if fate in _COUNTED})
        return Replay(
            tuple(ReplayedComponent(name, *(self.fates[name, fate] for fate in _COUNTED)) for name in names),
            tuple(
                SkippedCalls(reason, type_name, count)
                for (reason, type_name), count in sorted(self.reasons.items(), key=lambda each: (-each[1], each[0]))
            ),
            len(self.by_chance),
        )
