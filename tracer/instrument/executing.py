"""Code that Python code gives to `exec`: something else is put in its place on the value stack, so that no frame comes between."""

from __future__ import annotations

from sys import _getframe
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from tracer.instrument.injection.sites import SiteHooks, Swap

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracer.instrument.probe import Engine

    Choose = Callable[[FrameType, CodeType], CodeType]

_OF_THE_LANGUAGE: Final = "<frozen "
"""What the file names of the import system's own modules begin with. Its loaders ask themselves for a module's code, and can be asked."""


def choosing(choose: Choose) -> SiteHooks:
    """Return hooks for a function that executes code: `choose` is given its frame and the code object, and returns what is to be executed.

    `choose` does not raise. It is called for the first argument of other builtins too, where that is a code object.
    """

    def place(code: CodeType) -> CodeType:
        return choose(_getframe(1), code)

    def untold(*_: object) -> None:
        """Do nothing: the hooks are told of no call."""

    swap = Swap(set(), (), CodeType, frozenset(), place)
    return SiteHooks(set(), set(), untold, untold, untold, untold, told=False, swap=swap)


class Executing:
    """Bound methods, such as a loader's `exec_module`, so that they execute what `choose` returns (see `choosing`).

    Their functions stay as they are, whoever else watches them; what takes their place has a code object of its own.
    """

    def __init__(self, engine: Engine, choose: Choose) -> None:
        self._engine = engine
        self._choose = choose
        self._made: WeakKeyDictionary[FunctionType, FunctionType] = WeakKeyDictionary()

    def of(self, method: Any) -> Any:
        """Return what takes the place of a method; itself where that calls no `exec`."""
        function = method.__func__ if type(method) is MethodType else None
        if type(function) is not FunctionType or not self._engine.tells_of_calls:
            return method
        code = function.__code__
        if "exec" not in code.co_names or code.co_filename.startswith(_OF_THE_LANGUAGE):
            return method
        made = self._made.get(function)
        if made is None:
            made = self._made[function] = self._make(function)
        return MethodType(made, method.__self__)

    def _make(self, function: FunctionType) -> FunctionType:
        made = FunctionType(
            function.__code__.replace(),
            function.__globals__,
            function.__name__,
            function.__defaults__,
            function.__closure__,
        )
        made.__kwdefaults__ = function.__kwdefaults__
        made.__qualname__ = function.__qualname__
        self._engine.attach_function(made, lambda _: None, choosing(self._choose))
        return made
