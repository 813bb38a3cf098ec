"""Until when a process can be recorded that ends: to where the interpreter takes down what recording is made of."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def newest_module() -> dict[str, Any]:
    """Return the namespace of the module of tracer that was imported last so far.

    The interpreter clears modules in the reverse of the order they were imported in: of those there now, this one's names go first, and
    those of modules that the host imports later are gone by then.
    """
    newest = (name for name in reversed(list(sys.modules)) if name.startswith("tracer."))
    return vars(sys.modules[next(newest, "tracer")])


def last_breath(namespace: dict[str, Any], act: Callable[[], object]) -> None:
    """Call `act` when a module's namespace is cleared, or collected with what refers to it."""
    namespace["_last_breath"] = _LastBreath(act)


class _LastBreath:
    # The collector finalizes what it finds unreachable in the order of its making, before it takes any of it apart: this is among the last.
    __slots__ = ("_act",)

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def __del__(self) -> None:
        self._act()
