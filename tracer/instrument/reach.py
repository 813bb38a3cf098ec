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
        self._hashes: dict[int, str] = {}
        self._mentions: dict[int, tuple[CallableCode, ...]] = {}
        self._by_name: dict[tuple[str, str], list[CallableCode]] = {}
        for record in records:
            for known in record.codes:
                for name in _simple_names(known):
                    self._by_name.setdefault((record.component, name), []).append(known)

    def hash_of(self, known: CallableCode) -> str:
        """Return the hash of a callable's code, computed once; "" for one that was put into a function."""
        if known.put_in:
            return ""
        found = self._hashes.get(id(known))
        if found is None:
            found = self._hashes[id(known)] = code_hash(known.code)
        return found

    def of(self, known: CallableCode) -> tuple[tuple[str, str], ...]:
        """Return (name, code hash) of the inner callables a callable reaches, sorted by name; itself is not among them."""
        if known.put_in:
            return ()
        seen = {id(known)}
        found: dict[str, str] = {}
        level = [known]
        while level and len(found) < MAX_REACH:
            mentioned = {id(inner): inner for outer in level for inner in self._mentioned_by(outer)}
            level = sorted((inner for key, inner in mentioned.items() if key not in seen), key=_name)
            level = level[: MAX_REACH - len(found)]
            seen.update(map(id, level))
            found.update((inner.callable.name, self.hash_of(inner)) for inner in level)
        return tuple(sorted(found.items()))

    def _mentioned_by(self, known: CallableCode) -> tuple[CallableCode, ...]:
        found = self._mentions.get(id(known))
        if found is None:
            component = known.record.component
            names = sorted(_names_in(known.code))
            found = tuple(inner for name in names for inner in self._by_name.get((component, name), ()))
            self._mentions[id(known)] = found
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
