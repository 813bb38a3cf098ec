"""Interface statistics of a recording, in one pass over its calls that decodes no value and holds one block at a time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from tracer.ambient import AMBIENT
from tracer.compare.interfaces import ComponentUse, Edge, Statistics, StatisticsChange, Use
from tracer.compare.severity import is_private
from tracer.model import DEFAULT_LEFT_OUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tracer.model import RecordedRun, Recording


_CONSTRUCTORS: Final = frozenset({"__init__", "__new__"})
_OF_EVERY_OBJECT: Final = (
    frozenset(dir(object)) | {"__getstate__", "__setstate__", "__getnewargs__", "__replace__"} | DEFAULT_LEFT_OUT
) - _CONSTRUCTORS
"""Methods that say nothing about an interface by not being crossed: every object has them, most are generated, or nobody calls them."""


def _any_component(name: str) -> bool:
    del name
    return True


def statistics(run: RecordedRun, name: str, wanted: Callable[[str], bool] = _any_component) -> Statistics:
    """Return who calls whom in a recording called `name`, and how much of each interface was crossed.

    Only components that are `wanted` have rows, and only calls into them count.

    Raises:
        CassetteDamaged: a block of the recording is not whole.
    """
    homes = {each.name: each.component for each in run.recording.callables}
    calls: Counter[tuple[str, str]] = Counter()
    for lane in run.lanes:
        for number in range(len(run.blocks(lane.name))):
            columns = run.columns(lane.name, number)
            calls.update(zip(columns.callers, columns.callables, strict=True))
        for thinned in lane.thinned:
            calls[thinned.caller, thinned.callable] += thinned.begun
    edges = tuple(edge for edge in _edges(calls, homes) if wanted(edge.component))
    lost = {callable_: count for callable_, count in _lost(run.recording).items() if wanted(_home(callable_, homes))}
    components = tuple(each for each in _components(run.recording, edges, lost) if wanted(each.component))
    return Statistics(name, sum(edge.calls for edge in edges), sum(lost.values()), edges, components)


def change(old: Statistics, new: Statistics) -> StatisticsChange:
    """Return which edges came and went between two recordings, and which callables both know that only one of them crossed."""
    before, after = ({(edge.caller, edge.component) for edge in side.edges} for side in (old, new))
    was, now = _crossed(old), _crossed(new)
    never, no_longer = _never(old), _never(new)
    return StatisticsChange(
        old,
        new,
        tuple(edge for edge in new.edges if (edge.caller, edge.component) not in before),
        tuple(edge for edge in old.edges if (edge.caller, edge.component) not in after),
        tuple(sorted(now & never)),
        tuple(sorted(was & no_longer)),
    )


def _edges(calls: Mapping[tuple[str, str], int], homes: Mapping[str, str]) -> list[Edge]:
    uses: dict[tuple[str, str], list[Use]] = {}
    for (caller, callable_), count in calls.items():
        uses.setdefault((caller, _home(callable_, homes)), []).append(Use(callable_, count))
    edges = [
        Edge(caller, component, sum(use.calls for use in made), tuple(sorted(made, key=_most_called)))
        for (caller, component), made in uses.items()
    ]
    return sorted(edges, key=lambda edge: (-edge.calls, edge.caller, edge.component))


def _most_called(use: Use) -> tuple[int, str]:
    return -use.calls, use.callable


def _home(callable_: str, homes: Mapping[str, str]) -> str:
    """Return the component of a callable; its module's name where the recording does not say."""
    return homes.get(callable_) or callable_.partition(":")[0]


def _lost(recording: Recording) -> Counter[str]:
    """Return how many calls were seen to cross and not kept, by callable. What `*` lost are values, or calls of no known callable."""
    lost: Counter[str] = Counter()
    for loss in recording.losses:
        if loss.callable != "*":
            lost[loss.callable] += loss.count
    return lost


def _components(recording: Recording, edges: tuple[Edge, ...], lost: Mapping[str, int]) -> Iterator[ComponentUse]:
    calls: Counter[str] = Counter()
    for edge in edges:
        calls[edge.component] += edge.calls
    called = {use.callable for edge in edges for use in edge.uses}
    crossed: dict[str, list[str]] = {}
    never: dict[str, list[str]] = {}
    for name, component in _interface(recording):
        (crossed if name in called or name in lost else never).setdefault(component, []).append(name)
    names = {component.name for component in recording.components if component.watched} | set(calls)
    for name in sorted(names, key=lambda name: (-calls[name], name)):
        yield ComponentUse(name, calls[name], tuple(sorted(crossed.get(name, ()))), tuple(sorted(never.get(name, ()))))


def _interface(recording: Recording) -> Iterator[tuple[str, str]]:
    """Yield the public callables of a recording with their components, each once."""
    known = {each.name: each.component for each in recording.callables if each.component != AMBIENT}
    for name, component in known.items():
        if not is_private(name) and name.rpartition(".")[2] not in _OF_EVERY_OBJECT:
            yield name, component


def _crossed(side: Statistics) -> set[str]:
    return {name for component in side.components for name in component.crossed}


def _never(side: Statistics) -> set[str]:
    return {name for component in side.components for name in component.never}
