"""Values that are stored by name alone: classes, functions, modules, enum members, loggers."""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from tracer.encoding import looks

if TYPE_CHECKING:
    from tracer.encoding.walk import Walk


def class_name(walk: Walk, value: type) -> bytes:
    """Encode a class."""
    return walk.named("class", looks.type_name(value))


def function_name(walk: Walk, value: FunctionType) -> bytes:
    """Encode a Python function."""
    return walk.named("function", _function(value))


def builtin_name(walk: Walk, value: BuiltinFunctionType) -> bytes:
    """Encode a C function or a C method bound to something, which is not told."""
    owner = value.__self__
    if owner is None or type(owner) is ModuleType:
        return walk.named("function", f"{looks.text(value.__module__)}:{looks.text(value.__qualname__)}")
    return walk.named("method", f"{looks.type_name(type(owner))}.{looks.text(value.__name__)}")


def method_name(walk: Walk, value: MethodType) -> bytes:
    """Encode a bound method by its function; what it is bound to is not told."""
    function = value.__func__
    return walk.named(
        "method", _function(function) if type(function) is FunctionType else looks.type_name(type(function))
    )


def descriptor_name(walk: Walk, value: Any) -> bytes:
    """Encode a C type's unbound method (`str.upper`) by its owner and name."""
    return walk.named("function", f"{looks.type_name(value.__objclass__)}.{looks.text(value.__name__)}")


def module_name(walk: Walk, value: ModuleType) -> bytes:
    """Encode a module."""
    return walk.named("module", looks.text(object.__getattribute__(value, "__dict__").get("__name__")))


def logger_name(walk: Walk, value: Any) -> bytes:
    """Encode a logger by its name: it refers to every other logger of the program."""
    return walk.atom("logging:Logger", looks.text(object.__getattribute__(value, "__dict__").get("name")))


def enum_member(walk: Walk, value: Any) -> bytes:
    """Encode an enum member by its name, a flag without one by its number."""
    attributes = object.__getattribute__(value, "__dict__")
    name = attributes.get("_name_")
    if type(name) is not str:
        name = int.__repr__(attributes["_value_"])
    return walk.atom(looks.type_name(type(value)), name)


def _function(value: FunctionType) -> str:
    return f"{looks.text(value.__module__)}:{looks.text(value.__qualname__)}"
