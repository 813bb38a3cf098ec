"""What lives in the process: every function there is, and things that are known for as long as they live."""

from __future__ import annotations

import builtins
import gc
import os
from threading import RLock
from types import FunctionType
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUILTINS: Final = vars(builtins)
_Thing = TypeVar("_Thing")


def all_functions() -> list[FunctionType]:
    """Return every live function the collector knows of: registries, closures and defaults included. Takes some 20 ms.

    Found by what all functions refer to, the builtins; one that was given others by its globals is not among them. A list of all
    objects would hold tuples that another thread is still making, and making them longer then fails there with a SystemError
    (https://github.com/python/cpython/issues/59313).
    """
    return [found for found in gc.get_referrers(_BUILTINS) if type(found) is FunctionType]


def lock_of_all() -> RLock:
    """Return a lock that all of a process share; a forked child has it anew, since a thread that it does not have may hold it."""
    lock = RLock()
    os.register_at_fork(after_in_child=lock._at_fork_reinit)  # type: ignore[attr-defined]  # noqa: SLF001  (as the standard library does with its own)
    return lock


class Living(Generic[_Thing]):
    """Things as long as they live, by identity.

    Whoever goes through them sees those there were, though threads, finalizers and signal handlers change them meanwhile; going through a
    `WeakSet` raises then.
    """

    def __init__(self) -> None:
        self._known: dict[int, ref[_Thing]] = {}

    def add(self, thing: _Thing) -> None:
        """Take one in."""
        known, key = self._known, id(thing)
        known[key] = ref(thing, lambda _: known.pop(key, None))

    def discard(self, thing: _Thing) -> None:
        """Leave one out."""
        self._known.pop(id(thing), None)

    def __iter__(self) -> Iterator[_Thing]:
        """Go through those there are now; the list of a dict's values is made in one step."""
        return iter([thing for known in list(self._known.values()) if (thing := known()) is not None])

    def __len__(self) -> int:
        """Count them."""
        return len(self._known)
