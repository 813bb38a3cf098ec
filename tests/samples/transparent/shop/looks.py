"""Functions that a program looks at from all sides.

>>> double(2)
4
"""

from __future__ import annotations

import functools
import inspect
import logging
import sys
import traceback
import warnings
import weakref
from typing import Any, Protocol, runtime_checkable


def double(value: int, *more: str, times: int = 2, **rest: float) -> int:
    """Twice.

    >>> double(3)
    6
    >>> double("x", times="y")
    Traceback (most recent call last):
    ...
    TypeError: can't multiply sequence by non-int of type 'str'
    """
    return value * times


def take(value):
    return None


def fails(depth=2):
    if depth:
        return fails(depth - 1)
    raise KeyError("gone")


def chained():
    try:
        fails()
    except KeyError as error:
        raise ValueError("worse") from error


def raises_custom():
    raise Custom(3, "x")


def raises(error):
    raise error


def warns(level=2):
    warnings.warn(f"old {level}", UserWarning, stacklevel=level)


def logs():
    logging.getLogger("looks").warning("from here")
    logging.getLogger("looks").warning("from there", stacklevel=2)


def caller():
    return sys._getframe(1).f_code.co_name, sys._getframe(1).f_lineno


def stack():
    first = [(frame.function, frame.lineno, frame.code_context) for frame in inspect.stack()[:3]]
    return first, [(frame.name, frame.lineno) for frame in traceback.extract_stack()]


def own_frame():
    frame = sys._getframe()
    above = frame.f_back
    return frame.f_lineno, sorted(frame.f_locals), above and above.f_code.co_name, frame.f_code is own_frame.__code__


def names():
    inner = 1
    return sorted(locals()), dir(), inner


def refcount(value):
    return sys.getrefcount(value)


def dies_at_once(maker):
    thing = maker()
    seen = weakref.ref(thing)
    del thing
    return seen() is None


def plain(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@plain
def wrapped(a, b=1):
    return a + b


@functools.lru_cache
def cached(n):
    return n


@functools.singledispatch
def dispatched(value: object) -> str:
    return "object"


@dispatched.register
def _(value: int) -> str:
    return "int"


def items(n):
    total = 0
    for i in range(n):
        got = yield i
        total += got or 0
    return total


async def waits(value):
    return value


async def streams(n):
    for i in range(n):
        yield i


def closure(n):
    def inner(m):
        return n + m

    return inner


def deep(n):
    return 0 if n == 0 else deep(n - 1) + 1


class Base:
    """What greets.

    >>> Base().greet("you")
    'hello you'
    """

    attribute = 1
    made = False

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        cls.made = True

    def greet(self, name: str) -> str:
        return "hello " + name

    @property
    def size(self) -> int:
        return 3

    @classmethod
    def make(cls):
        return cls()

    @staticmethod
    def helper(x):
        return x

    def __eq__(self, other):
        return type(other) is type(self)

    def __hash__(self):
        return 7


class Derived(Base):
    def greet(self, name: str = "nobody") -> str:
        return super().greet(name) + "!"


@runtime_checkable
class Greets(Protocol):
    def greet(self, name: str) -> str: ...


class Custom(Exception):
    def __init__(self, code, *rest):
        super().__init__(code, *rest)
        self.code = code


FUNCTIONS = (
    *(double, wrapped, dispatched, items, waits, streams, closure(1)),
    *(Base, Base.greet, Derived.greet, Base.make, Base.helper),
)
