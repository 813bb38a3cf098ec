"""Transparent wrappers, around callables that have no code and around objects that leave a component. The only home of wrapt."""

from __future__ import annotations

import functools
import sys
from types import GetSetDescriptorType
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument.signatures import class_namespace, mro

if TYPE_CHECKING:
    from collections import abc
    from types import FrameType

    Called = abc.Callable[[str, Any, tuple[Any, ...], dict[str, Any], abc.Callable[..., Any], FrameType], Any]


@functools.lru_cache(maxsize=1)
def wrapper_type() -> Any:
    """Return the class of the wrappers that take the place of foreign callables."""
    from wrapt import FunctionWrapper  # noqa: PLC0415 - heavy, and needed only where a foreign callable is watched

    own = next((found for base in FunctionWrapper.__mro__ if (found := vars(base).get("__wrapped__"))), None)
    in_c = isinstance(own, GetSetDescriptorType)  # wrapt written in Python reads the name `__wrapped__` itself

    class ForeignWrapper(FunctionWrapper):  # type: ignore[misc, type-arg, unused-ignore] # untyped before wrapt 2
        """Shows everything of the callable it stands for; pickles by name where that does, copies as itself."""

        _self_bare = own if in_c else property(lambda self: self.__wrapped__)
        if in_c:
            __wrapped__ = property(lambda self: self._self_bare.__wrapped__)  # of a cache: the function in it

        def __repr__(self) -> str:
            return repr(self._self_bare)

        def __reduce_ex__(self, protocol: Any) -> Any:
            return self._self_bare.__reduce_ex__(protocol)

        def __reduce__(self) -> Any:
            return self._self_bare.__reduce__()

        def __copy__(self) -> Any:
            return self

        def __deepcopy__(self, memo: Any) -> Any:
            return self

    if in_c:
        ForeignWrapper.__wrapped__ = property(
            lambda self: self._self_bare.__wrapped__
        )  # of a cache: the function in it
    return ForeignWrapper


def is_wrapper(value: Any) -> bool:
    """Whether an object is such a wrapper; nothing is loaded to find out."""
    return bool(wrapper_type.cache_info().currsize) and type(value) is wrapper_type()


PROTOCOL: Final = (
    *("__call__", "__iter__", "__next__", "__aiter__", "__anext__"),
    *("__enter__", "__exit__", "__aenter__", "__aexit__"),
    *("__len__", "__getitem__", "__setitem__", "__delitem__", "__contains__", "__bool__"),
)
"""The methods that the language itself calls, and that are seen on a watched object."""


@functools.lru_cache(maxsize=1)
def _object_type() -> Any:
    from wrapt import ObjectProxy  # noqa: PLC0415 - as above

    class WatchedObject(ObjectProxy):  # type: ignore[misc, type-arg, unused-ignore] # untyped before wrapt 2
        """Shows everything of an object and tells of each method that is called on it, and of each attribute that is read."""

        _self_called: Called

        def __getattr__(self, name: str) -> Any:
            value = getattr(self.__wrapped__, name)
            if name.startswith("_"):
                return value
            if callable(value):
                return _method(self, name, value)
            return self._self_called(f".{name}", self, (), {}, lambda: value, sys._getframe(0))  # noqa: SLF001

        def __reduce_ex__(self, protocol: Any) -> Any:
            return self.__wrapped__.__reduce_ex__(protocol)

        def __copy__(self) -> Any:
            return self

        def __deepcopy__(self, memo: Any) -> Any:
            return self

    return WatchedObject


def watched_object(value: Any, called: Called) -> Any:
    """Return what shows everything of an object, and has `called` make each call of a method and each look at an attribute.

    `called` is given the name (with a dot before it for an attribute), the wrapper, the arguments of the call, what makes it, and the frame that stands for it.
    The same object is wrapped once only by whoever asks: a wrapper is returned as it is.
    """
    if is_watched(value):
        return value
    kind: Any = type(value)
    proxy = _class_for(kind)(value)
    proxy._self_called = called  # noqa: SLF001  (wrapt keeps attributes of this prefix on the wrapper)
    return proxy


def is_watched(value: Any) -> bool:
    """Whether an object is such a wrapper."""
    return issubclass(type(value), watched_base())


def unwrapped(value: Any) -> Any:
    """Return the object that a wrapper stands for; any other as it is."""
    return value.__wrapped__ if is_watched(value) else value


def watched_base() -> type:
    """Return the class of all such wrappers."""
    base: type = _object_type()
    return base


@functools.lru_cache(maxsize=256)
def _class_for(kind: type) -> Any:
    """Return the wrapper class for a type: with those methods of the protocol that it has."""
    has = {name for base in mro(kind) for name in class_namespace(base) if name in PROTOCOL}
    return type(kind.__name__, (watched_base(),), {name: _protocol_method(name) for name in sorted(has)})


def _protocol_method(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = getattr(type(self.__wrapped__), name)
        run = functools.partial(call, self.__wrapped__)
        return self._self_called(name, self, args, kwargs, run, sys._getframe(0))  # noqa: SLF001

    method.__name__ = name
    return method


def _method(owner: Any, name: str, bound: Any) -> Any:
    @functools.wraps(bound, updated=())
    def method(*args: Any, **kwargs: Any) -> Any:
        return owner._self_called(name, owner, args, kwargs, bound, sys._getframe(0))  # noqa: SLF001

    return method
