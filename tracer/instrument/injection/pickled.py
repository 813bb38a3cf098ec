"""What becomes of hooks where the code that they are constants of is pickled: what needs no tracer where it is read.

Cloudpickle and its like send functions by value, with all constants, to processes that may not have tracer. What they read is made by the
standard library alone. The hooks of a function look for `tracer.instrument.copied` among the modules that are loaded, and find what goes on
recording; where it is not there, `entered` says that each call is of no interest. At call sites every kind of callable is one that is not told
of, and nothing is swapped. The hooks written in C ask `reduced` what they become.
"""

from __future__ import annotations

import typing
from functools import partial
from operator import methodcaller
from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

READER: Final = "tracer.instrument.copied"
"""The module whose attributes are, by their roles, what hooks become where they are read."""

namers: Final[list[Callable[[object], str]]] = []
"""Asked for the name of the callable whose `began` is given; "" where it is not known."""


class _Made:
    """What a function returns where this is read."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._made = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self._made


_NOTHING: Final = _Made(getattr, {}, "clear")
"""A builtin that takes no argument and returns None."""
_READER: Final = _Made(methodcaller("get", READER), _Made(getattr, _Made(__import__, "sys"), "modules"))


def reduced(role: str, hook: object = None) -> tuple[Any, ...]:
    """Return how a hook of a function is made where it is read; "" is the role of those that do nothing there."""
    if not role:
        return _NOTHING.__reduce__()
    name = next(filter(None, (name_of(hook) for name_of in tuple(namers))), "") if role == "began" else ""
    return getattr, (_READER, f"{role}:{name}" if name else role, _NOTHING)


class Hook(partial[Any]):
    """A hook written in Python. What it becomes where it is read depends on its role."""

    role = ""

    def __reduce__(self) -> Any:
        return reduced(self.role, self.func)


class Exchange(partial[Any]):
    """What returns what stands in the place of its argument; pickled, it returns the argument."""

    def __reduce__(self) -> Any:
        return partial, (typing.cast, None)


class Chosen(partial[Any]):
    """What returns what is stored in the place of its second argument; pickled, it returns that."""

    def __reduce__(self) -> Any:
        return partial, (typing.cast,)


class Uninteresting(set[Any]):
    """What is of no interest; pickled, everything is."""

    def __reduce__(self) -> Any:
        return SimpleNamespace, (), {"__contains__": object.__instancecheck__}


class Swapped(set[Any]):
    """What something else is put in the place of; pickled, there is no such thing."""

    def __reduce__(self) -> Any:
        return set, ()


def hook(role: str, function: Callable[..., Any]) -> Hook:
    """Return a hook of a role."""
    made = Hook(function)
    made.role = role
    return made


def constant(value: object, role: str = "") -> object:
    """Return an injected constant so that it can be pickled."""
    return hook(role, value) if type(value) is FunctionType else value


def constants(hooks: Mapping[str, object]) -> tuple[object, ...]:
    """Return the hooks of a function, by their roles, so that they can be pickled."""
    return tuple(constant(value, role) for role, value in hooks.items())
