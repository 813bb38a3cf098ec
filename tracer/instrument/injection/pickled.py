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


class _Nothing:
    def __reduce__(self) -> tuple[Any, ...]:
        """Become a builtin that takes no argument and returns None."""
        return getattr, ({}, "clear")


class _Sys:
    def __reduce__(self) -> Any:
        return __import__, ("sys",)


class _Modules:
    def __reduce__(self) -> Any:
        return getattr, (_Sys(), "modules")


class _Reader:
    def __reduce__(self) -> Any:
        return methodcaller("get", READER), (_Modules(),)


_NOTHING: Final = _Nothing()
_READER: Final = _Reader()


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


class Uninteresting(set[Any]):
    """What is of no interest; pickled, everything is."""

    def __reduce__(self) -> Any:
        return SimpleNamespace, (), {"__contains__": object.__instancecheck__}


class Swapped(set[Any]):
    """What something else is put in the place of; pickled, there is no such thing."""

    def __reduce__(self) -> Any:
        return set, ()


def constant(value: object) -> object:
    """Return an injected constant so that it can be pickled."""
    return Hook(value) if type(value) is FunctionType else value


def constants(hooks: Mapping[str, object]) -> tuple[object, ...]:
    """Return the hooks of a function, by their roles, so that they can be pickled."""
    made = []
    for role, hook in hooks.items():
        constant_ = constant(hook)
        if type(constant_) is Hook:
            constant_.role = role
        made.append(constant_)
    return tuple(made)
