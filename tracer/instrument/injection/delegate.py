"""Seeing what passes through `yield from` in CPython 3.10, whose YIELD_FROM hands items out within one instruction.

The iterator it delegates to is wrapped. Generators and iterators written in C are wrapped so that items pass no Python
frame. What the wrappers' own frames add to a traceback is taken out before the host can look at it.
"""

from __future__ import annotations

from types import GeneratorType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement


def delegation(yielded: Callable[[Any, Any], None], resumed: Callable[[Any, Any], None]) -> Callable[[Any, Any], Any]:
    """Return a function of an iterator and a token that gives what to delegate to instead of the iterator."""

    def delegate(iterator: Any, token: Any) -> Any:
        kind = type(iterator)
        if not hasattr(kind, "__next__"):
            return iterator  # a coroutine, in a generator that is one too: an await
        passing = _Passing(iterator, token, yielded, resumed)
        if kind is GeneratorType or kind is _PassingInC or not kind.__flags__ & _HEAP_TYPE:
            return _PassingInC(passing)
        return passing

    return delegate


def strip(error: BaseException) -> None:
    """Take the frames of this file out of a traceback."""
    entry = error.__traceback__
    while entry is not None:
        while entry.tb_next is not None and entry.tb_next.tb_frame.f_code.co_filename == _HERE:
            entry.tb_next = entry.tb_next.tb_next
        entry = entry.tb_next


_HERE = strip.__code__.co_filename


class _Passing:
    """An iterator that tells of each item, and of each resumption after one."""

    __slots__ = ("iterator", "resumed", "suspended", "token", "yielded")

    def __init__(
        self,
        iterator: Any,
        token: Any,
        yielded: Callable[[Any, Any], None],
        resumed: Callable[[Any, Any], None],
    ) -> None:
        self.iterator = iterator
        self.token = token
        self.yielded = yielded
        self.resumed = resumed
        self.suspended = False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self.goes_on(None)
        return self.passes(next(self.iterator))

    def __getattr__(self, name: str) -> Any:
        """Give send, throw and close only where the iterator has them, as `yield from` looks for them."""
        method = getattr(self.iterator, name)
        if name == "send":
            return self._sends(method)
        if name == "throw":
            return lambda *error: self.passes(method(*error))
        return method

    def _sends(self, send: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def goes_on_with(value: Any) -> Any:
            self.goes_on(value)
            return self.passes(send(value))

        return goes_on_with

    def goes_on(self, value: Any = None) -> None:
        if self.suspended:
            self.resumed(self.token, value)
        self.suspended = True

    def passes(self, item: Any) -> Any:
        self.yielded(self.token, item)
        return item

    def passes_second(self, _: None, item: Any) -> Any:
        return self.passes(item)


class _PassingInC(map):  # type: ignore[type-arg]  # never subscripted
    """The same for an iterator whose own __next__ leaves no frame in a traceback: map's leaves none either.

    map pulls one value from each of its iterators in turn: the first pull tells of the resumption, the second runs the
    iterator, then the function is given the item.
    """

    passing: _Passing

    def __new__(cls, passing: _Passing) -> Self:
        self = super().__new__(cls, passing.passes_second, iter(passing.goes_on, _NEVER), passing.iterator)
        self.passing = passing
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self.passing, name)


_NEVER = object()
