"""What some reports show beside the findings: where callables are defined, the calls around an example, who calls whom.

Nouns only. `tracer.compare.surroundings` and `tracer.compare.edges` make them, for reports that ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tracer.compare.interfaces import Coverage
    from tracer.compare.result import Severity


@dataclass(frozen=True, slots=True)
class Request:
    """What a report asks for: places of definition, the calls around the examples of so many findings, edges between components."""

    places: bool = False
    trees: int = 0
    edges: bool = False


NOTHING: Final = Request()
"""What a report of findings alone asks for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a callable is defined: a file below the project's folder, and a line of it, 0 where that is not known."""

    file: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """What one call was given and came to on one side, as bounded texts.

    `arguments` are by parameter. `passed` tells of what went through a generator, and of arguments that the call changed.
    """

    arguments: tuple[tuple[str, str], ...]
    outcome: str
    raised: bool = False
    passed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NearCall:
    """A call near an example, or the example itself (`here`). A side it is not on is None; `same` says that both sides are equal.

    `caller` and `component` are the components it went from and into.
    """

    depth: int
    callable: str
    caller: str
    component: str
    old: Moment | None
    new: Moment | None
    same: bool
    here: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """Calls from one component into another, counted on both sides.

    `findings` is how many changes show on it, `worst` the severest of them.
    """

    caller: str
    callee: str
    old: int
    new: int
    findings: int = 0
    worst: Severity | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a report asked for. `places` are by callable, `trees` by key of a finding: the calls around its example, in order.

    `interfaces` tells for each component how much of its interface the new run crossed.
    """

    places: tuple[tuple[str, Place], ...] = ()
    trees: tuple[tuple[str, tuple[NearCall, ...]], ...] = ()
    edges: tuple[Edge, ...] = ()
    interfaces: tuple[tuple[str, Coverage], ...] = ()
