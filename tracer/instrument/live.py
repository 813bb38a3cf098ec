"""Live functions of a module that has run: what its names are bound to, and everything reachable from there.

Nothing of the host runs: class and instance dictionaries are read past overridden attribute access, descriptors are opened by
the slots of their own C types, containers are entered only where they are exact builtins.
"""

from __future__ import annotations

import functools
from contextlib import suppress
from dataclasses import dataclass
from types import FunctionType, GetSetDescriptorType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument.signatures import class_namespace, class_qualname, mro
from tracer.model import CallableKind

if TYPE_CHECKING:
    from collections import abc

MAX_WRAPPERS: Final = 16
"""How many objects deep a chain of wrappers is followed."""

_SLOTS: Final[tuple[tuple[type, str, CallableKind | None], ...]] = (
    (staticmethod, "__func__", CallableKind.STATIC_METHOD),
    (classmethod, "__func__", CallableKind.CLASS_METHOD),
    (property, "fget", CallableKind.PROPERTY),
    (property, "fset", CallableKind.PROPERTY),
    (property, "fdel", CallableKind.PROPERTY),
    (functools.partial, "func", None),
    (MethodType, "__func__", None),
)
_ATTRIBUTES: Final[tuple[tuple[type, str, CallableKind | None], ...]] = (
    (functools.cached_property, "func", CallableKind.PROPERTY),
    (functools.partialmethod, "func", None),
    (functools.singledispatchmethod, "func", None),
    (object, "__wrapped__", None),
)
_NOT_A_DEFINITION: Final = (functools.partial, functools.partialmethod, MethodType)


@dataclass(frozen=True, slots=True)
class Binding:
    """A function that a module's or class's name leads to.

    `path` is the name below the module (`Cart.total`), `depth` how many wrappers with `__wrapped__` were passed on the way,
    `kind` what the descriptors on the way make of it, None where they say nothing.
    """

    path: str
    function: FunctionType
    kind: CallableKind | None
    in_class: bool
    depth: int


def module_namespace(module: ModuleType) -> dict[str, Any]:
    """Return a module's dictionary without waking a lazy one."""
    namespace: dict[str, Any] = object.__getattribute__(module, "__dict__")
    return namespace


def bindings(module: str, namespace: abc.Mapping[str, Any]) -> abc.Iterator[Binding]:
    """Yield the functions that the names of a module are bound to, its classes' and nested classes' names included.

    Classes count where they say `__module__` is this one. A decorated name leads to the wrapper first, then to what it wraps.
    """
    for name, value in tuple(namespace.items()):
        if not issubclass(type(value), type):
            yield from _unwrapped(str(name), value, None, in_class=False)
    for kind in classes(module, namespace):
        yield from bindings_of_class(kind)


def bindings_of_class(kind: type) -> abc.Iterator[Binding]:
    """Yield the same for the names of one class alone."""
    prefix = class_qualname(kind)
    for name, value in tuple(class_namespace(kind).items()):
        if not issubclass(type(value), type):
            yield from _unwrapped(f"{prefix}.{name}", value, None, in_class=True)


def classes(module: str, namespace: abc.Mapping[str, Any]) -> abc.Iterator[type]:
    """Yield the classes of a module that its names lead to, nested ones included, each once."""
    seen: set[int] = set()
    waiting = [value for value in tuple(namespace.values()) if issubclass(type(value), type)]
    while waiting:
        kind = waiting.pop(0)
        content = class_namespace(kind)
        if id(kind) in seen or content.get("__module__") != module:
            continue
        seen.add(id(kind))
        yield kind
        waiting.extend(value for value in tuple(content.values()) if issubclass(type(value), type))


def _unwrapped(
    path: str, value: Any, kind: CallableKind | None, in_class: bool, depth: int = 0
) -> abc.Iterator[Binding]:
    if depth > MAX_WRAPPERS:
        return
    if type(value) is FunctionType:
        yield Binding(path, value, kind, in_class, depth)
        if "__wrapped__" in value.__dict__:
            yield from _unwrapped(path, value.__dict__["__wrapped__"], kind, in_class, depth + 1)
    elif not issubclass(type(value), _NOT_A_DEFINITION):
        for inner, inner_kind in _opened(value):
            yield from _unwrapped(path, inner, inner_kind or kind, in_class, depth + 1)


def _opened(value: Any) -> abc.Iterator[tuple[Any, CallableKind | None]]:
    """Yield what a descriptor or callable object that is no function holds, with the kind it gives that."""
    own = type(value)
    for base, slot, kind in _SLOTS:
        if issubclass(own, base):
            inner = base.__dict__[slot].__get__(value)
            if inner is not None:
                yield inner, kind
    attributes = instance_dict(value)
    for base, name, kind in _ATTRIBUTES:
        if attributes and name in attributes and issubclass(own, base):
            yield attributes[name], kind


def instance_dict(value: Any) -> dict[str, Any] | None:
    """Return an object's own attribute dictionary where it is a plain one, past any property named `__dict__`."""
    for base in mro(type(value)):
        entry = class_namespace(base).get("__dict__")
        if entry is not None:
            found = None
            if type(entry) is GetSetDescriptorType:
                with suppress(AttributeError):  # a proxy, as wrapt's: what it stands for has none
                    found = entry.__get__(value)
            return found if type(found) is dict else None
    return None


def reachable(namespace: abc.Mapping[str, Any], module: str) -> abc.Iterator[FunctionType]:
    """Yield the functions reachable from a module's names.

    The ways are classes, descriptors, wrappers, closures, defaults, partials, and the items of lists, tuples and dicts one level
    down. The collector knows of more, but not of what `gc.freeze` took from it.
    """
    waiting: list[tuple[Any, int]] = [(value, 0) for value in tuple(namespace.values())]
    for kind in classes(module, namespace):
        waiting.extend((value, 1) for value in tuple(class_namespace(kind).values()))
    seen: set[int] = set()
    while waiting:
        value, depth = waiting.pop()
        if id(value) in seen or depth > MAX_WRAPPERS or issubclass(type(value), (type, ModuleType)):
            continue
        seen.add(id(value))
        if type(value) is FunctionType:
            yield value
        waiting.extend((inner, depth + 1) for inner in _held(value, depth))


def _held(value: Any, depth: int) -> abc.Iterator[Any]:
    own = type(value)
    if own is FunctionType:
        yield from (content for _, content in closure(value))
        yield from value.__defaults__ or ()
        yield from (value.__kwdefaults__ or {}).values()
        yield from value.__dict__.values()
    elif own is dict or own is list or own is tuple:
        if depth == 0:
            yield from tuple(value.values()) if own is dict else tuple(value)
    elif own not in _LEAVES:
        yield from (inner for inner, _ in _opened(value))


_LEAVES: Final = frozenset({str, int, float, bool, bytes, type(None), complex, set, frozenset})


def closure(function: FunctionType) -> abc.Iterator[tuple[str, Any]]:
    """Yield the free variables of a function that hold something, with their contents."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        with suppress(ValueError):  # the cell is still empty
            yield name, cell.cell_contents
