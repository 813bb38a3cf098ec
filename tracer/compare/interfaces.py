"""The nouns of interface statistics: who calls whom, and what of each interface was crossed. Reports see these, as they see results."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Use:
    """A callable, and how many calls were made to it."""

    callable: str
    calls: int


@dataclass(frozen=True, slots=True)
class Edge:
    """Calls from one caller into one component, by callable, most called first.

    `caller` is a component, another module of the project (a test), or `<outside>`. A component may be its own caller: through code
    of no component.
    """

    caller: str
    component: str
    calls: int
    uses: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the public callables of an interface were crossed."""

    crossed: int
    public: int

    @property
    def percent(self) -> float | None:
        """Return the share to one decimal, rounded down, so that 100.0 means all; None where there is nothing to cross."""
        return self.crossed * 1000 // self.public / 10 if self.public else None

    def reaches(self, percent: float) -> bool:
        """Whether the share, unrounded, is at least that."""
        return self.crossed * 100 >= percent * self.public


@dataclass(frozen=True, slots=True)
class ComponentUse:
    """What was seen of one component: how many calls crossed into it, and which of its public callables they did and did not reach.

    Public is what others may import by name and what a recording watches: functions, methods, properties, constructors, and dunders
    that not every object has (`__iter__`, not `__eq__`). `crossed` and `never` are sorted.
    """

    component: str
    calls: int
    crossed: tuple[str, ...]
    never: tuple[str, ...]

    @property
    def coverage(self) -> Coverage:
        """Return how much of the interface was crossed."""
        return Coverage(len(self.crossed), len(self.crossed) + len(self.never))


@dataclass(frozen=True, slots=True)
class Statistics:
    """One recording's interfaces. `edges` and `components` come most called first, then by name.

    `calls` are those told of, `lost` those that were seen to cross and not kept: their callables count as crossed, no edge has them.
    """

    cassette: str
    calls: int
    lost: int
    edges: tuple[Edge, ...]
    components: tuple[ComponentUse, ...]

    @property
    def coverage(self) -> Coverage:
        """Return how much of all interfaces together was crossed."""
        each = [component.coverage for component in self.components]
        return Coverage(sum(one.crossed for one in each), sum(one.public for one in each))


@dataclass(frozen=True, slots=True)
class StatisticsChange:
    """The interfaces of two recordings. What came is an edge of the new one, what went of the old one, most called first.

    `newly_crossed` and `no_longer_crossed` are public callables that both recordings know, sorted.
    """

    old: Statistics
    new: Statistics
    came: tuple[Edge, ...]
    went: tuple[Edge, ...]
    newly_crossed: tuple[str, ...]
    no_longer_crossed: tuple[str, ...]
