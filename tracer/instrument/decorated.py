"""Names that lead to a decorator's wrapper.

All functions a decorator made share one code object, so the code alone does not say which of them runs. The content of one of
their free variables does: the function each of them wraps.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument.discovery import rename
from tracer.instrument.live import MAX_WRAPPERS, closure, instance_dict
from tracer.instrument.signatures import flow_of, parameters_of_function
from tracer.model import Callable, CallableKind

if TYPE_CHECKING:
    from collections import abc

    from tracer.instrument.discovery import CallableCode, Catalogue, ModuleRecord
    from tracer.instrument.live import Binding


_WRAPPED: Final = ".__wrapped__"


def is_inside(name: str, outer: str) -> bool:
    """Whether a callable's name is that of what the wrapper wraps that goes by `outer`, whatever is between them.

    >>> is_inside("shop:price.__wrapped__.__wrapped__", "shop:price"), is_inside("shop:price", "shop:price")
    (True, False)
    """
    return name != outer and name.startswith(outer) and not name[len(outer) :].replace(_WRAPPED, "")


class Wrappers:
    """Gives the wrappers that decorators of watched modules made the names they are bound to."""

    def __init__(
        self,
        catalogue: Catalogue,
        wanted: abc.Callable[[str], bool],
    ) -> None:
        self._catalogue = catalogue
        self._wanted = wanted
        self._kept: list[Any] = []

    def bind(self, record: ModuleRecord, binding: Binding, at_home: bool) -> None:
        """Name a wrapper by what it is bound to, and what it wraps by the way to it. Other functions are passed over.

        With `at_home` only where what it wraps was defined in the module that binds it. Else also where it comes from another
        watched module, which has run and gave it no name itself.
        """
        known = self._known_code(binding.function)
        if known is None or not _is_wrapper(known, binding.function):
            return
        home = self._catalogue.modules.get(_home(binding.function))
        if home is record or (not at_home and (home is None or home.settled)):
            self._bind_chain(record, binding, known)

    def callable_of(self, known: CallableCode, function: FunctionType) -> Callable | None:
        """Return which callable a live function of this code is; None where its name is not wanted."""
        if not known.freevar:
            return known.callable
        content = next((content for name, content in closure(function) if name == known.freevar), None)
        return known.bound.get(id(content), known.callable)

    def _known_code(self, function: FunctionType) -> CallableCode | None:
        return self._catalogue.find_beneath(function.__code__)

    def _bind_chain(self, record: ModuleRecord, binding: Binding, known: CallableCode) -> None:
        function, path = binding.function, binding.path
        for _ in range(MAX_WRAPPERS):
            found = _content(known, function)
            if found is None:
                return
            known.freevar, content = found
            if id(content) in known.bound:
                return
            self._kept.append(content)
            known.bound[id(content)] = self._noun(record, path, binding, known, function)
            path += _WRAPPED
            inner = _function_in(content)
            below = self._known_code(inner) if inner is not None else None
            if inner is None or below is None:
                return
            if not _is_wrapper(below, inner):
                if below.record is record and below.qualname == binding.path:
                    rename(below, record.name_of(path))
                return
            known, function = below, inner

    def _noun(
        self, record: ModuleRecord, path: str, binding: Binding, known: CallableCode, function: FunctionType
    ) -> Callable | None:
        name = record.name_of(path)
        if not self._wanted(record.name_of(binding.path)):
            return None
        kind = binding.kind or (CallableKind.METHOD if binding.in_class else CallableKind.FUNCTION)
        parameters = parameters_of_function(function, known.code)
        bound = binding.in_class and kind is not CallableKind.STATIC_METHOD and bool(parameters)
        return Callable(name, record.component, kind, flow_of(known.code), parameters, bound=bound, file=record.file)


def _is_wrapper(known: CallableCode, function: FunctionType) -> bool:
    return "<locals>" in known.qualname and bool(function.__closure__)


def _content(known: CallableCode, function: FunctionType) -> tuple[str, Any] | None:
    """Return the free variable that tells functions of this code apart, and its content in this one."""
    contents = tuple(closure(function))
    if known.freevar:
        return next((pair for pair in contents if pair[0] == known.freevar), None)
    wrapped = function.__dict__.get("__wrapped__")
    for pair in contents:
        if wrapped is not None and pair[1] is wrapped:
            return pair
    functions = (pair for pair in contents if _function_in(pair[1]) is not None)
    return next(functions, None) or next((pair for pair in contents if callable(pair[1])), None)


def _function_in(value: Any) -> FunctionType | None:
    """Return the Python function a value is or, being a descriptor or cache, stands for."""
    for _ in range(MAX_WRAPPERS):
        if type(value) is FunctionType:
            return value
        if issubclass(type(value), (staticmethod, classmethod)):
            value = (
                (staticmethod if issubclass(type(value), staticmethod) else classmethod)
                .__dict__["__func__"]
                .__get__(value)
            )
            continue
        attributes = instance_dict(value)
        if not attributes or "__wrapped__" not in attributes:
            return None
        value = attributes["__wrapped__"]
    return None


def _home(function: FunctionType) -> str:
    """Return the module of the function that a chain of wrappers was put around."""
    for _ in range(MAX_WRAPPERS):
        inner = next((found for _, content in closure(function) if (found := _function_in(content)) is not None), None)
        wrapped = _function_in(function.__dict__.get("__wrapped__"))
        if wrapped is None and inner is None:
            break
        function = wrapped or inner or function
    return str(function.__globals__.get("__name__", ""))
