"""Callables that are at another home now: in another module, or further up or down their class's hierarchy.

Callables are named by where they are defined, which is not what callers write: a function that a package moves and imports back
is called as before. Calls to the old home and to the new one are then calls of one callable.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tracer import wire
from tracer.compare.parts import type_name
from tracer.decode import decode
from tracer.errors import CassetteDamaged
from tracer.model import Callable, CallableKind, ParameterKind
from tracer.values import Named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tracer.model import BlockSummary, Call, CallColumns, LaneSummary, RecordedRun, Recording

_ALIKE: Final = 0.5
_LOOKED_AT: Final = 3  # calls of a method whose receivers are looked at
_VARIADIC: Final = frozenset({ParameterKind.VAR_POSITIONAL, ParameterKind.VAR_KEYWORD})


def other_homes(old: RecordedRun, new: RecordedRun) -> dict[str, str]:
    """Return the new name of each callable that moved, by its old name.

    A callable moved to another module when one with the same qualified name is gone and one has come, with parameters alike. A
    method moved to another class when one of the same name is gone and one has come, and both were called on objects of one type.
    """
    gone, come = _only_in(old.recording, new.recording), _only_in(new.recording, old.recording)
    homes = dict(_to_other_modules(gone, come))
    left = [each for each in gone if each.bound and each.name not in homes]
    free = [each for each in come if each.bound and each.name not in homes.values()]
    names = {_simple(each) for each in left} & {_simple(each) for each in free}
    if names:
        before = _receivers(old, {each.name for each in left if _simple(each) in names}, new)
        after = _receivers(new, {each.name for each in free if _simple(each) in names}, old)
        homes.update(_to_other_classes(before, after))
    return homes


class Rehomed:
    """A recorded run whose moved callables go by their new names."""

    def __init__(self, run: RecordedRun, homes: Mapping[str, str]) -> None:
        self._run = run
        self._homes = homes
        callables = tuple(replace(each, name=homes.get(each.name, each.name)) for each in run.recording.callables)
        self._recording = replace(run.recording, callables=callables)

    @property
    def recording(self) -> Recording:
        """What is known of the run beside its calls."""
        return self._recording

    @property
    def lanes(self) -> Sequence[LaneSummary]:
        """The lanes, sorted by name."""
        return self._run.lanes

    def blocks(self, lane: str) -> Sequence[BlockSummary]:
        """Return the blocks of a lane in order."""
        return self._run.blocks(lane)

    def calls(self, lane: str, block: int | None = None) -> Iterator[Call]:
        """Yield the calls of a lane in the order they began."""
        for call in self._run.calls(lane, block):
            home = self._homes.get(call.callable)
            yield call if home is None else replace(call, callable=home)

    def columns(self, lane: str, block: int) -> CallColumns:
        """Return the calls of one block, part by part."""
        columns = self._run.columns(lane, block)
        return replace(columns, callables=[self._homes.get(name, name) for name in columns.callables])


def _only_in(one: Recording, other: Recording) -> list[Callable]:
    """Return the callables that only one recording has and that have a name of their own."""
    known = {each.name for each in other.callables}
    return [each for each in one.callables if each.name not in known and not {"<", "#"} & set(each.name)]


def _qualname(each: Callable) -> str:
    return each.name.partition(":")[2]


def _simple(each: Callable) -> str:
    return _qualname(each).rpartition(".")[2]


def _to_other_modules(gone: Iterable[Callable], come: Iterable[Callable]) -> Iterator[tuple[str, str]]:
    before, after = _unique(gone), _unique(come)
    for qualname, old in before.items():
        new = after.get(qualname)
        if new is not None and old.kind is new.kind and _alike(old, new):
            yield old.name, new.name


def _unique(callables: Iterable[Callable]) -> dict[str, Callable]:
    """Return the callables by qualified name, those whose name no other has."""
    found: dict[str, list[Callable]] = {}
    for each in callables:
        found.setdefault(_qualname(each), []).append(each)
    return {qualname: each[0] for qualname, each in found.items() if len(each) == 1}


def _alike(old: Callable, new: Callable) -> bool:
    """Whether two callables of one name take mostly the same; those that take nothing must have the same code or class."""
    before, after = _taken(old), _taken(new)
    if not before and not after:
        return old.bound or old.kind is CallableKind.FOREIGN or (old.code == new.code != "")
    return len(before & after) >= _ALIKE * len(before | after)


def _taken(callable_: Callable) -> set[str]:
    parameters = callable_.parameters[1:] if callable_.bound else callable_.parameters
    return {each.name for each in parameters if each.kind not in _VARIADIC}


def _receivers(run: RecordedRun, names: set[str], other: RecordedRun) -> dict[str, set[str]]:
    """Return the types of the objects on which methods were first called; lanes that are the same on both sides call none of them."""
    same = {(lane.name, lane.digest) for lane in other.lanes}
    found: dict[str, set[str]] = {}
    looked_at: dict[str, int] = {}
    for lane in run.lanes:
        for call in run.calls(lane.name) if (lane.name, lane.digest) not in same else ():
            if call.callable in names and looked_at.get(call.callable, 0) < _LOOKED_AT:
                looked_at[call.callable] = looked_at.get(call.callable, 0) + 1
                found.setdefault(call.callable, set()).update(_receiver(call))
    return found


def _receiver(call: Call) -> set[str]:
    try:
        value = decode(wire.split_array(call.arguments)[0])
    except (CassetteDamaged, ValueError, IndexError):
        return set()
    return {value.name if isinstance(value, Named) else type_name(value)}


def _to_other_classes(before: Mapping[str, set[str]], after: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    for old, types in before.items():
        simple = old.rpartition(".")[2]
        fitting = [new for new, others in after.items() if new.rpartition(".")[2] == simple and types & others]
        rivals = [each for each, others in before.items() if each.rpartition(".")[2] == simple and types & others]
        if len(fitting) == 1 and rivals == [old]:
            yield old, fitting[0]
