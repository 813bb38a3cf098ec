"""Types of C extensions: what they are called, which of their callables are watched, and each one's probe.

Nothing of a type is replaced: C code checks for exact types, and a type written in C has no code to instrument. What is known here
is asked at call sites (`callsites`). A type belongs to the module it names; to the one it is bound in where it names none that exists.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    MethodDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument import live
from tracer.instrument.arguments import RECEIVER, signature_of
from tracer.instrument.discovery import CallableCode, ModuleRecord
from tracer.instrument.extensions import is_extension
from tracer.instrument.signatures import class_module, class_namespace, class_qualname, is_dunder, mro
from tracer.model import Callable, CallableKind, Flow, Parameter

if TYPE_CHECKING:
    from collections import abc

    from tracer.instrument.arguments import Bind
    from tracer.instrument.probe import Probe

_MADE_BY: Final = ("__init__", "__new__")
_NAMELESS: Final = "builtins"
"""What C types say their module is when they say nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A foreign callable that is watched: its hooks, and what brings a call's arguments into the order of its parameters."""

    probe: Probe
    bind: Bind
    parameters: tuple[Parameter, ...]


class ForeignTypes:
    """Knows the C types of watched modules. `component_of`, `wanted` and `make_probe` are as of `Instrumentation`.

    `compiled` says whether one has methods compiled by Cython, which are bound as Python functions are.
    """

    def __init__(
        self,
        component_of: abc.Callable[[str, str | None], str | None],
        wanted: abc.Callable[[str], bool],
        make_probe: abc.Callable[[Callable, CallableCode], Probe | None],
        left_out: frozenset[str],
    ) -> None:
        self._component_of = component_of
        self._wanted = wanted
        self._make_probe = make_probe
        self._left_out = left_out
        self._homes: dict[int, tuple[type, ModuleRecord]] = {}
        self._made: dict[str, Watched | None] = {}
        self._descriptions: dict[str, tuple[Callable, Bind]] = {}
        self.callables: dict[str, Callable] = {}
        self.compiled = False

    def adopt(self, record: ModuleRecord, namespace: dict[str, Any]) -> bool:
        """Take note of the C types that a module defines, with their constructors and methods; whether there are any."""
        found = False
        for value in tuple(namespace.values()):
            if issubclass(type(value), type) and is_c_type(value) and self._is_at_home(value, record):
                self._homes.setdefault(id(value), (value, record))
                self._describe_all(value, record)
                found = True
        return found

    def home(self, kind: type) -> ModuleRecord | None:
        """Return the watched module that a type written in C is of, None where it is none of a watched one."""
        return self._home(kind) if is_c_type(kind) else None

    def of_interest(self, kind: type) -> bool:
        """Whether a type or one it inherits from is a C type of a watched module."""
        return any(is_c_type(base) and self._home(base) is not None for base in mro(kind))

    def constructor(self, kind: type) -> Watched | None:
        """Return what is recorded of a call of a class: None where Python code makes its objects, or no watched type does."""
        if not _is_called_by_c(type(kind)):
            return None
        makers = [maker for name in _MADE_BY if (maker := _definer(kind, name)) is not None]
        if not all(_is_written_in_c(entry) for _, entry in makers):
            return None
        watched = [base for base, _ in makers if self._home(base) is not None]
        if not watched:
            return None
        base = min(watched, key=mro(kind).index)
        return self._watched(base, "", base)

    def method(self, kind: type, name: str) -> Watched | None:
        """Return what is recorded of a method asked of instances of a type; None where it is not one of a watched C type."""
        found = _lookup(kind, name)
        return self._entry(*found, name) if found is not None else None

    def bound(self, kind: type, name: str) -> Watched | None:
        """Return what is recorded of a C method that is bound already, past the Python methods that override it in a type."""
        for base in mro(kind):
            entry = class_namespace(base).get(name)
            if entry is not None and _is_own_c_method(base, entry):
                return self._entry(base, entry, name)
        return None

    def descriptor(self, descriptor: Any) -> Watched | None:
        """Return what is recorded of a method taken from its class."""
        return self._entry(descriptor.__objclass__, descriptor, descriptor.__name__)

    def compiled_method(self, kind: type, function: Any) -> Watched | None:
        """Return what is recorded of a function compiled by Cython that is a method of a type, None where it is none."""
        found = _lookup(kind, function.__name__)
        return self._entry(*found, function.__name__) if found is not None and found[1] is function else None

    def _entry(self, base: type, entry: Any, name: str) -> Watched | None:
        if not _is_own_c_method(base, entry) or self._home(base) is None:
            return None
        return self._watched(base, name, entry)

    def _watched(self, base: type, name: str, entry: Any) -> Watched | None:
        home = self._home(base)
        assert home is not None
        path = _path(base, name)
        full = home.name_of(path)
        try:
            return self._made[full]
        except KeyError:
            noun, bind = self._describe(base, name, entry, home)
            watched = None
            if self._wanted(full):
                code = CallableCode(
                    Watched.__init__.__code__, noun, home, path, bool(name), left_out=name in self._left_out
                )
                probe = self._make_probe(noun, code)
                watched = Watched(probe, bind, noun.parameters) if probe is not None else None
            return self._made.setdefault(full, watched)

    def _describe(self, base: type, name: str, entry: Any, home: ModuleRecord) -> tuple[Callable, Bind]:
        path = _path(base, name)
        full = home.name_of(path)
        found = self._descriptions.get(full)
        if found is None:
            parameters, bind = signature_of(entry, RECEIVER if name else ())
            kind = CallableKind.FOREIGN
            noun = Callable(full, home.component, kind, Flow.CALL, parameters, bound=bool(name), file=home.file)
            found = self._descriptions[full] = noun, bind
            if self._wanted(full) and name not in self._left_out:
                self.callables[full] = noun
        return found

    def _describe_all(self, kind: type, record: ModuleRecord) -> None:
        for name, entry in class_namespace(kind).items():
            if not _is_own_c_method(kind, entry):
                continue
            record.foreign.add(_path(kind, name))
            if not is_dunder(name):
                self._describe(kind, name, entry, record)
                self.compiled = self.compiled or is_cython_function(type(entry))
        if any((found := _definer(kind, name)) is not None and found[0] is kind for name in _MADE_BY):
            self._describe(kind, "", kind, record)

    def _home(self, kind: type) -> ModuleRecord | None:
        """Return the watched module that a type is of."""
        known = self._homes.get(id(kind))
        if known is not None:
            return known[1]
        name = class_module(kind)
        if name == _NAMELESS:
            return None
        file = _file_of(name)
        component = self._component_of(name, file)
        if component is None:
            return None
        record = ModuleRecord(name, component, file or "", name)
        self._homes[id(kind)] = (kind, record)
        return record

    def _is_at_home(self, kind: type, record: ModuleRecord) -> bool:
        name = class_module(kind)
        if name == record.name:
            return True
        if not is_extension(record.file):
            return False  # a Python module only has such a type from somewhere else
        return not _is_builtin(kind) if name == _NAMELESS else name not in sys.modules


def is_c_type(kind: type) -> bool:
    """Whether a class has methods of its own that are written in C."""
    return any(_is_own_c_method(kind, entry) for entry in class_namespace(kind).values())


def _is_own_c_method(kind: type, entry: Any) -> bool:
    """Whether what a class's namespace holds is a method written in C, and not a C function or another class's method put there."""
    if is_descriptor(type(entry)):
        return entry.__objclass__ is kind
    if is_builtin(type(entry)):
        return entry.__self__ is kind
    return is_cython_function(type(entry))


def _is_written_in_c(maker: Any) -> bool:
    """Whether what makes objects of a class is no Python function."""
    inner = maker.__func__ if type(maker) is staticmethod else maker
    kind = type(inner)
    return kind is WrapperDescriptorType or is_builtin(kind) or is_cython_function(kind)


# Types are told apart by identity alone: a metaclass of the host may compare and hash by code of its own.


def is_descriptor(kind: type) -> bool:
    """Whether a type is that of methods written in C as their class holds them."""
    return kind is MethodDescriptorType or kind is WrapperDescriptorType or kind is ClassMethodDescriptorType


def is_builtin(kind: type) -> bool:
    """Whether a type is that of functions written in C, and of methods bound to their receiver.

    Those that are told the class that defines them have a type of their own, without a name in `types`.
    """
    return issubclass(kind, BuiltinFunctionType)


def is_cython_function(kind: type) -> bool:
    """Whether a type is that of functions compiled by Cython; every extension module brings its own."""
    return kind.__name__ == "cython_function_or_method"


def _lookup(kind: type, name: str) -> tuple[type, Any] | None:
    """Return the class that gives a type an attribute, and what its namespace holds for it."""
    for base in mro(kind):
        namespace = class_namespace(base)
        if name in namespace:
            return base, namespace[name]
    return None


def _definer(kind: type, name: str) -> tuple[type, Any] | None:
    """The same for what makes objects; None where it is that of `object`."""
    found = _lookup(kind, name)
    return found if found is not None and found[0] is not object else None


def _is_called_by_c(metaclass: type) -> bool:
    found = _lookup(metaclass, "__call__")
    return found is not None and type(found[1]) is WrapperDescriptorType


def _is_builtin(kind: type) -> bool:
    return live.module_namespace(sys.modules[_NAMELESS]).get(class_qualname(kind)) is kind


def _path(base: type, name: str) -> str:
    return f"{class_qualname(base)}.{name}" if name else class_qualname(base)


def _file_of(name: str) -> str | None:
    module = sys.modules.get(name)
    if module is None or not issubclass(type(module), ModuleType):
        return None
    file = live.module_namespace(module).get("__file__")
    return file if type(file) is str else None
