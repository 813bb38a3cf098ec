"""Classes and callables under another name: known by their methods, and by what they were called with and gave."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from tracer import wire
from tracer.model import Call, Callable, CallableKind, Returned, Unfinished, columns_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from tracer.model import CallColumns, LaneSummary, RecordedRun

_ALIKE: Final = 0.6
_COMPARED: Final = 500  # calls of a callable that are held against those of another
_MOST_BESIDE: Final = 50  # others that a callable is held against
_NOTHING: Final = wire.packer()(None)


def calls_of(run: RecordedRun, names: AbstractSet[str], other: RecordedRun, limit: int) -> Iterator[Call]:
    """Yield the first calls of some callables, so many of each; lanes that are the same in another run call none of them."""
    same = {(lane.name, lane.digest) for lane in other.lanes}
    left = Counter(dict.fromkeys(names, limit))
    for lane in run.lanes:
        for columns in _columns(run, lane) if (lane.name, lane.digest) not in same else ():
            for number, name in enumerate(columns.callables):
                if left[name] > 0:
                    left[name] -= 1
                    yield columns.call(number)
            if not any(left.values()):
                return


def _columns(run: RecordedRun, lane: LaneSummary) -> Iterator[CallColumns]:
    blocks = run.blocks(lane.name)
    if sum(block.calls for block in blocks) != lane.calls:
        yield columns_of(run.calls(lane.name))
        return
    for number in range(len(blocks)):
        yield run.columns(lane.name, number)


def renamed_classes(gone: Iterable[Callable], come: Iterable[Callable]) -> dict[str, str]:
    """Return the new name of each class that is known by its methods: most have the same name and code, and no other class fits."""
    before, after = _methods(gone), _methods(come)
    fitting = {
        owner: [other for other, others in after.items() if _resemble(methods, others)]
        for owner, methods in before.items()
    }
    return _one_to_one(fitting)


def _methods(callables: Iterable[Callable]) -> dict[str, dict[str, str]]:
    """Return the code of methods by class and simple name, as far as it is known."""
    found: dict[str, dict[str, str]] = {}
    for each in callables:
        owner, _, simple = each.name.rpartition(".")
        if ":" in owner and each.code and each.kind is not CallableKind.FOREIGN:
            found.setdefault(owner, {})[simple] = each.code
    return found


def _resemble(methods: Mapping[str, str], others: Mapping[str, str]) -> bool:
    same = sum(others.get(simple) == code for simple, code in methods.items())
    return same >= _ALIKE * max(len(methods), len(others))


def renamed_callables(
    old: RecordedRun, new: RecordedRun, gone: Iterable[Callable], come: Iterable[Callable]
) -> dict[str, str]:
    """Return the new name of each callable that was called as another one beside it is now, where no other fits.

    Calls that take nothing and give nothing say nothing.
    """
    places: dict[tuple[object, ...], list[str]] = {}
    for each in come:
        places.setdefault(_kind(each), []).append(each.name)
    beside = {each.name: places.get(_kind(each), [])[:_MOST_BESIDE] for each in gone}
    wanted = {name for names in beside.values() for name in names}
    if not wanted:
        return {}
    before = _called(old, {name for name, names in beside.items() if names}, new)
    after = _called(new, wanted, old)
    fitting = {
        name: [other for other in names if _likeness(before.get(name), after.get(other)) >= _ALIKE]
        for name, names in beside.items()
    }
    return _one_to_one(fitting)


def _kind(each: Callable) -> tuple[object, ...]:
    """Return what callables have in common that are defined side by side and take as much."""
    place = each.name.rpartition("." if "." in each.name.partition(":")[2] else ":")[0]
    kinds = tuple(parameter.kind for parameter in each.parameters)
    return place, each.kind, each.flow, each.bound, kinds


def _called(run: RecordedRun, names: set[str], other: RecordedRun) -> dict[str, Counter[int]]:
    found: dict[str, Counter[int]] = {}
    bound = {each.name for each in run.recording.callables if each.bound}
    for call in calls_of(run, names, other, _COMPARED):
        if _says_something(call, call.callable in bound):
            found.setdefault(call.callable, Counter())[hash((call.arguments, call.outcome))] += 1
    return found


def _says_something(call: Call, bound: bool) -> bool:
    taken = wire.unpack(call.arguments)
    gives = not isinstance(call.outcome, Unfinished) and call.outcome != Returned(_NOTHING)
    return gives or not isinstance(taken, list) or len(taken) > bound


def _likeness(one: Counter[int] | None, other: Counter[int] | None) -> float:
    """Return how much of two multisets is common, from 0 to 1 (Jaccard)."""
    if not one or not other:
        return 0.0
    return sum((one & other).values()) / sum((one | other).values())


def _one_to_one(fitting: Mapping[str, list[str]]) -> dict[str, str]:
    """Keep what fits one thing only, and is the only one that fits it."""
    chosen = Counter(other for others in fitting.values() for other in others)
    return {name: others[0] for name, others in fitting.items() if len(others) == 1 and chosen[others[0]] == 1}
