"""Callables that are at another home now: in another module, further up or down their class's hierarchy, or under another name.

Callables are named by where they are defined, which is not what callers write: a function that a package moves and imports back
is called as before. Calls to the old home and to the new one are then calls of one callable.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tracer import wire
from tracer.ambient import AMBIENT
from tracer.compare.parts import type_name
from tracer.compare.renames import calls_of, renamed_callables, renamed_classes
from tracer.compare.renaming import Renamed, Renaming
from tracer.decode import decode
from tracer.errors import CassetteDamaged
from tracer.model import Callable, CallableKind, ParameterKind
from tracer.values import Named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tracer.model import Call, RecordedRun, Recording

_ALIKE: Final = 0.5
_LOOKED_AT: Final = 3  # calls of a method whose receivers are looked at
_VARIADIC: Final = frozenset({ParameterKind.VAR_POSITIONAL, ParameterKind.VAR_KEYWORD})


def find_renaming(old: RecordedRun, new: RecordedRun) -> Renaming:
    """Return what moved or was renamed.

    A callable moved to another module when one with the same qualified name is gone and one has come, with parameters alike. A
    method moved to another class when one of the same name is gone and one has come, and both were called on objects of one type.
    A class was renamed when one is gone and one has come with mostly the same methods. Any other callable was renamed when one is gone
    and one has come beside it that was called with the same arguments and had the same outcomes.
    """
    gone, come = _only_in(old.recording, new.recording), _only_in(new.recording, old.recording)
    homes = dict(_to_other_modules(gone, come))
    classes = renamed_classes(*_left(gone, come, homes))
    homes.update(_of_classes(classes, *_left(gone, come, homes)))
    left, free = _left(gone, come, homes)
    homes.update(_hierarchy(old, new, [each for each in left if each.bound], [each for each in free if each.bound]))
    renaming = Renaming(homes, classes | _moved_classes(homes, new.recording), _moved_modules(homes, old, new))
    left, free = _left(gone, come, homes)
    again = renamed_callables(Renamed(old, renaming), new, [renaming.known(each) for each in left], free)
    before = {renaming.callable(each.name): each.name for each in left}
    return replace(renaming, callables=homes | {before[name]: home for name, home in again.items()})


def _left(
    gone: Iterable[Callable], come: Iterable[Callable], homes: Mapping[str, str]
) -> tuple[list[Callable], list[Callable]]:
    """Return the callables whose other side is not known yet."""
    taken = set(homes.values())
    return [each for each in gone if each.name not in homes], [each for each in come if each.name not in taken]


def _of_classes(
    classes: Mapping[str, str], gone: Iterable[Callable], come: Iterable[Callable]
) -> Iterator[tuple[str, str]]:
    """Yield the methods of renamed classes."""
    names = {each.name for each in come}
    for each in gone:
        owner, _, simple = each.name.rpartition(".")
        if f"{classes.get(owner)}.{simple}" in names:
            yield each.name, f"{classes[owner]}.{simple}"


def _moved_classes(homes: Mapping[str, str], new: Recording) -> dict[str, str]:
    """Return the classes that moved with their methods to another module and left nothing behind."""
    stayed = {each.name.rpartition(".")[0] for each in new.callables}
    found: dict[str, str] = {}
    for old, home in homes.items():
        (owner, _, _), (other, _, _) = old.rpartition("."), home.rpartition(".")
        if ":" in owner and owner not in stayed and _simple_name(owner) == _simple_name(other):
            found[owner] = other
    return found


def _moved_modules(homes: Mapping[str, str], old: RecordedRun, new: RecordedRun) -> dict[str, str]:
    """Return the modules that are gone and whose callables have all come in one other module."""
    there = {_module(each.name) for each in new.recording.callables} | {each.name for each in new.recording.components}
    targets: dict[str, set[str]] = {}
    for each in (known for known in old.recording.callables if known.component != AMBIENT):
        if "<" not in each.name and _module(each.name) not in there:
            targets.setdefault(_module(each.name), set()).add(_module(homes.get(each.name, "")))
    return {module: next(iter(homes)) for module, homes in targets.items() if len(homes) == 1 and "" not in homes}


def _module(name: str) -> str:
    return name.partition(":")[0]


def _simple_name(name: str) -> str:
    return name.replace(":", ".").rpartition(".")[2]


def _hierarchy(
    old: RecordedRun, new: RecordedRun, left: list[Callable], free: list[Callable]
) -> Iterator[tuple[str, str]]:
    """Yield the methods that are further up or down the hierarchy of their class."""
    names = {_simple(each) for each in left} & {_simple(each) for each in free}
    if names:
        before = _receivers(old, {each.name for each in left if _simple(each) in names}, new)
        after = _receivers(new, {each.name for each in free if _simple(each) in names}, old)
        yield from _to_other_classes(before, after)


def _only_in(one: Recording, other: Recording) -> list[Callable]:
    """Return the callables that only one recording has and that have a name of their own."""
    known = {each.name for each in other.callables}
    own = (each for each in one.callables if each.component != AMBIENT)
    return [each for each in own if each.name not in known and not {"<", "#"} & set(each.name)]


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
    """Return the types of the objects on which methods were first called."""
    found: dict[str, set[str]] = {}
    for call in calls_of(run, names, other, _LOOKED_AT):
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
