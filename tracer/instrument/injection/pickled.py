"""What becomes of hooks where the code that they are constants of is pickled: nothing of tracer, and nothing is called for anything.

Cloudpickle and its like send functions by value, with all constants, to processes that may not have tracer. What they read is made of the
standard library alone: `entered` says that a call is of no interest, every kind of callable is one that is not told of, and nothing is swapped.
The hooks of C do the same by themselves.
"""

from __future__ import annotations

import typing
from functools import partial
from types import FunctionType, SimpleNamespace
from typing import Any


class Hook(partial[Any]):
    """A hook written in Python; pickled, it takes no argument and returns None."""

    def __reduce__(self) -> Any:
        return getattr, ({}, "clear")


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
