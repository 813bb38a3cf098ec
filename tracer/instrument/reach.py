"""Which inner callables of its component a callable's code mentions, directly or through others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracer.instrument.codehash import code_hash

if TYPE_CHECKING:
    from collections import abc
    from types import CodeType

    from tracer.instrument.discovery import CallableCode, ModuleRecord

MAX_REACH: Final = 64
"""Inner callables listed per callable; the nearest ones, by number of steps and then by name."""

_CONSTRUCTORS: Final = frozenset({"__init__", "__new__", "__post_init__"})


class Reach:
    """Answers for the modules it is made of. Names are resolved within a component by their last part alone.

    A class is mentioned through its constructor. Without running the code this is the most that can be said: too much where two
    functions of a component share a simple name, too little where one is called through a variable.
    """

    def __init__(self, records: abc.Iterable[ModuleRecord]) -> None:
        # Sorted by name, each goes by its place: large components have thousands, and each of them reaches the most there may be.
        self._known = sorted((known for record in records for known in record.codes), key=_name)
        self._places = {id(known): place for place, known in enumerate(self._known)}
        self._hashes: dict[int, str] = {}
        self._mentions: dict[int, frozenset[int]] = {}
        self._by_name: dict[tuple[str, str], list[int]] = {}
        for place, known in enumerate(self._known):
            for name in _simple_names(known):
                self._by_name.setdefault((known.record.component, name), []).append(place)

    def hash_of(self, known: CallableCode) -> str:
        """Return the hash of a callable's code, computed once; "" for one that was put into a function."""
        return self._hash_at(self._places[id(known)])

    def of(self, known: CallableCode) -> tuple[tuple[str, str], ...]:
        """Return (name, code hash) of the inner callables a callable reaches, sorted by name; itself is not among them."""
        if known.put_in:
            return ()
        level = [self._places[id(known)]]
        seen = set(level)
        found: list[int] = []
        while level and len(found) < MAX_REACH:
            mentioned = frozenset().union(*map(self._mentioned_by, level))
            level = sorted(mentioned - seen)[: MAX_REACH - len(found)]
            seen.update(level)
            found += level
        return tuple([(self._known[place].callable.name, self._hash_at(place)) for place in sorted(found)])

    def _hash_at(self, place: int) -> str:
        found = self._hashes.get(place)
        if found is None:
            known = self._known[place]
            found = self._hashes[place] = "" if known.put_in else code_hash(known.code)
        return found

    def _mentioned_by(self, place: int) -> frozenset[int]:
        found = self._mentions.get(place)
        if found is None:
            known = self._known[place]
            names, component = _names_in(known.code), known.record.component
            inner = (self._by_name.get((component, name), ()) for name in names)
            found = self._mentions[place] = frozenset().union(*inner)
        return found


def _simple_names(known: CallableCode) -> abc.Iterator[str]:
    """Yield the names under which code elsewhere can mention this one."""
    parts = known.qualname.split(".")
    if "<locals>" in parts or known.put_in:
        return  # its constants hold it, so the hash of the outer function covers it
    yield parts[-1]
    if parts[-1] in _CONSTRUCTORS and len(parts) > 1:
        yield parts[-2]


def _names_in(code: CodeType) -> set[str]:
    """Return the global and attribute names a code object and those nested in it mention."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if type(constant) is type(code):
            names |= _names_in(constant)
    return names


def _name(known: CallableCode) -> str:
    return known.callable.name
