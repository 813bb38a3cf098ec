"""Names for living objects of the host, by identity: their own `__hash__` and `__eq__` are the host's code."""

from __future__ import annotations

from typing import Any
from weakref import ref


class NamesByIdentity:
    """Names of objects, each forgotten with its object."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[ref[Any], str]] = {}

    def enter(self, key: Any, name: str) -> None:
        """Name an object, which must allow weak references."""
        names, number = self._names, id(key)
        names[number] = (ref(key, lambda gone: _forget(names, number, gone)), name)

    def get(self, key: object) -> str | None:
        """Return an object's name, None where it has none."""
        found = self._names.get(id(key))
        return found[1] if found is not None and found[0]() is key else None


def _forget(names: dict[int, tuple[ref[Any], str]], number: int, gone: ref[Any]) -> None:
    if number in names and names[number][0] is gone:
        del names[number]
