"""Calls into C extensions, seen where they are made.

A type written in C has no code to instrument, and nothing may take its place: C code checks for it. So the code of those who call is
changed (`injection.sites_311`, `sites_310`): at each call a test in C rules out what is of no interest, and the rest is judged
here. What is judged once is remembered for the test.
"""

from __future__ import annotations

import sys
from threading import RLock
from types import BuiltinFunctionType, MethodType, MethodWrapperType, ModuleType
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from tracer.instrument import live
from tracer.instrument.foreign import TYPE_CHECKED
from tracer.instrument.foreign_types import is_builtin, is_cython_function, is_descriptor
from tracer.instrument.injection.pickled import Uninteresting
from tracer.instrument.injection.sites import ARITHMETIC, Site, SiteHooks
from tracer.instrument.signatures import class_module, class_namespace, class_qualname, mro, type_name
from tracer.instrument.site_arguments import bound

if TYPE_CHECKING:
    from collections import abc
    from typing import TypeAlias

    from tracer.instrument.foreign_types import ForeignTypes, Watched
    from tracer.instrument.probe import Probe

    Found: TypeAlias = "tuple[Watched, tuple[Any, ...], tuple[Any, ...]]"

_HEAP_TYPE: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_REFLECTED: Final = {
    **{f"__{name}__": f"__r{name}__" for name in ARITHMETIC},
    "__lt__": "__gt__",
    "__gt__": "__lt__",
    "__le__": "__ge__",
    "__ge__": "__le__",
    "__eq__": "__eq__",
    "__ne__": "__ne__",
}


class CallSites:
    """The hooks of call sites, and what they know. One for each `Instrumentation`.

    types: knows C types; `function` gives what is recorded of a C function or another callable object, None for all others.
    in_component: given a module's name and file, the component it belongs to, None where it is not watched.
    note: told of a fault that is tracer's own.
    """

    def __init__(
        self,
        types: ForeignTypes,
        function: abc.Callable[[Any], Watched | None],
        in_component: abc.Callable[[str, str | None], str | None],
        note: abc.Callable[[Exception], None],
    ) -> None:
        self.active = False
        self._types = types
        self._function = function
        self._in_component = in_component
        self._note = note
        self._lock = RLock()
        self._kinds = Uninteresting()
        self._plain = Uninteresting()
        # Kinds and called classes that must not be kept alive, by identity: the hook finds them, the test does not.
        self._passing: set[int] = set()
        self._passing_classes: set[int] = set()
        self._kept: dict[tuple[int, int], ref[type]] = {}
        self.hooks = SiteHooks(self._kinds, self._plain, self._make_begin(), self._make_received(), _returned, _raised)

    def met(self) -> None:
        """Look again at what was ruled out before a type was known."""
        if self._types.compiled:
            self._kinds.discard(MethodType)

    def forget(self) -> None:
        """Let go of everything that was judged; from now on the hooks do nothing."""
        self.active = False
        with self._lock:
            self._kept.clear()
            self._kinds.clear()
            self._plain.clear()
            self._passing.clear()
            self._passing_classes.clear()

    # -- hooks ---------------------------------------------------------------------------------------------------------------

    def _make_begin(self) -> abc.Callable[[Site, Any, tuple[Any, ...]], tuple[Probe, Any, bool] | None]:
        judge, kinds, passing, classes = self._judge, self._kinds, self._passing, self._passing_classes

        # One function on purpose: it also runs for what the test cannot rule out, where each call more would be most of the cost.
        def begin(  # noqa: PLR0911
            site: Site, called: Any, values: tuple[Any, ...]
        ) -> tuple[Probe, Any, bool] | None:
            if not self.active:
                return None
            if not site.operator:
                if id(called) in classes or id(type(called)) in passing:
                    return None
                if type(called) is BuiltinFunctionType:
                    owner = type(called.__self__)
                    if (owner if type(owner) is type else id(owner)) in kinds:
                        return None
            found = judge(site, called, values)
            if found is None:
                return None
            watched, receiver, values = found
            probe = watched.probe
            # Asked from here, since the frame above this one is the caller's.
            ticket = probe.entered()
            if ticket is None:
                return None
            arguments = bound(watched, site, receiver, values)
            if type(arguments) is str:
                probe.lost(arguments)
                return None
            token = probe.began(ticket, [*arguments])
            return None if token is None else (probe, token, site.negated)

        return begin

    def _make_received(
        self,
    ) -> abc.Callable[[Site, Any, tuple[Any, ...], tuple[Any, ...]], tuple[Probe, Any, bool] | None]:
        begin = self._make_begin()

        def received(
            site: Site, called: Any, values: tuple[Any, ...], receiver: tuple[Any, ...]
        ) -> tuple[Probe, Any, bool] | None:
            return begin(site, called, receiver + values)

        return received

    def _judge(self, site: Site, called: Any, values: tuple[Any, ...]) -> Found | None:
        try:
            return self._find(site, called, values)
        except (AttributeError, LookupError, TypeError, ValueError, AssertionError) as fault:
            self._note(fault)
            return None

    # -- judging -------------------------------------------------------------------------------------------------------------

    def _find(self, site: Site, called: Any, values: tuple[Any, ...]) -> Found | None:
        """Return what is recorded of a call, its receiver if that is not among the arguments, and the arguments."""
        kind = type(called)
        if site.operator:
            return self._find_operator(site.name, called, values)
        if _is_bound(kind) and not _is_function(called):
            return self._find_bound(called, values)
        if kind is MethodType and is_cython_function(type(called.__func__)):
            receiver = called.__self__
            return _found(self._types.compiled_method(type(receiver), called.__func__), (receiver,), values)
        if _is_judged_apart(kind):
            return _found(self._or_plain(called, values), (), values)
        return self._find_instance(site, called, values)

    def _find_instance(self, site: Site, called: Any, values: tuple[Any, ...]) -> Found | None:
        """The same for an object that is called, or asked for a method."""
        kind = type(called)
        if type_name(kind) in TYPE_CHECKED and not _has(kind, site.name):
            known = self._function(called)
            if known is not None:
                return known, (), values
        if not self._types.of_interest(kind):
            self._rule_out(kind)
            return None
        watched = self._types.method(kind, site.name) if site.name else None
        if watched is not None:
            return watched, (called,), values
        known = self._function(called)
        if known is not None:
            return known, (), values
        return _found(self._types.method(kind, "__call__"), (called,), values)

    def _find_operator(self, name: str, left: Any, values: tuple[Any, ...]) -> Found | None:
        watched = self._operand(left, name)
        if watched is None and name.startswith("__i"):
            name = f"__{name[3:]}"
            watched = self._operand(left, name)
        if watched is not None:
            return watched, (left,), values
        if name in _REFLECTED:
            return _found(self._operand(values[0], _REFLECTED[name]), values, (left,))
        return None

    def _operand(self, value: Any, name: str) -> Watched | None:
        kind = type(value)
        if self._types.of_interest(kind):
            return self._types.method(kind, name)
        if not _is_judged_apart(kind):
            self._rule_out(kind)
        return None

    def _or_plain(self, called: Any, values: tuple[Any, ...]) -> Watched | None:
        """Return what is recorded of a class, a function or a descriptor; rule it out where that is nothing."""
        watched = self._judged_apart(called, values)
        if watched is not None:
            return watched
        home = called.__module__ if is_builtin(type(called)) else None
        if type(home) is str and self._in_component(home, None) is not None:
            return None  # it may become known when its module has run
        with self._lock:
            if not issubclass(type(called), type) or (type(called) is type and _lives_on(called)):
                self._plain.update((called, id(called)))
            else:
                self._keep(called, self._passing_classes)
        return None

    def _judged_apart(self, called: Any, values: tuple[Any, ...]) -> Watched | None:
        kind = type(called)
        if issubclass(kind, type):
            return self._types.constructor(called)
        if is_descriptor(kind):
            return self._types.descriptor(called)
        watched = self._function(called)
        if watched is None and is_cython_function(kind) and values:
            return self._types.compiled_method(type(values[0]), called)
        return watched

    def _find_bound(self, called: Any, values: tuple[Any, ...]) -> Found | None:
        """The same for a method that knows its receiver."""
        owner, name = called.__self__, called.__name__
        if is_builtin(type(called)) and issubclass(type(owner), type):
            # Of a class: a class method, or what makes its objects.
            return _found(self._types.bound(owner, name), () if name == "__new__" else (owner,), values)
        if not self._types.of_interest(type(owner)):
            self._rule_out(type(owner))
            return None
        return _found(self._types.bound(type(owner), name), (owner,), values)

    def _rule_out(self, kind: type) -> None:
        """Let the test pass over instances of a type from now on, unless they are known one by one."""
        if type_name(kind) in TYPE_CHECKED or (kind is MethodType and self._types.compiled):
            return
        with self._lock:
            if type(kind) is not type:
                self._keep(kind, self._kinds)
            elif _lives_on(kind):
                self._kinds.add(kind)
            else:
                self._keep(kind, self._passing)

    def _keep(self, kind: type, identities: set[Any]) -> None:
        """Remember a class by its identity for as long as it lives."""
        key = id(kind)

        def gone(_: Any) -> None:
            identities.discard(key)
            self._kept.pop((key, id(identities)), None)

        self._kept[key, id(identities)] = ref(kind, gone)
        identities.add(key)


def _returned(token: tuple[Probe, Any, bool], value: Any) -> None:
    probe, inner, negated = token
    probe.returned(inner, not value if negated else value)


def _raised(token: tuple[Probe, Any, bool], error: BaseException) -> None:
    token[0].raised(token[1], error)


def _found(watched: Watched | None, receiver: tuple[Any, ...], values: tuple[Any, ...]) -> Found | None:
    return (watched, receiver, values) if watched is not None else None


def _has(kind: type, name: str) -> bool:
    return any(name in class_namespace(base) for base in mro(kind))


def _is_bound(kind: type) -> bool:
    return kind is MethodWrapperType or is_builtin(kind)


def _is_function(called: Any) -> bool:
    """Whether a builtin function is one of a module and no bound method."""
    owner = called.__self__
    return owner is None or type(owner) is ModuleType


def _is_judged_apart(kind: type) -> bool:
    """Whether instances of a type are judged one by one where they are called."""
    return _is_bound(kind) or is_descriptor(kind) or issubclass(kind, type) or is_cython_function(kind)


def _lives_on(kind: type) -> bool:
    """Whether a class is there until the end, so that holding it changes nothing."""
    return not kind.__flags__ & _HEAP_TYPE or _is_importable(kind)


def _is_importable(kind: type) -> bool:
    """Whether a class lives as long as its module."""
    module = sys.modules.get(class_module(kind))
    if module is None or not issubclass(type(module), ModuleType):
        return False
    top, *inner = class_qualname(kind).split(".")
    found: Any = live.module_namespace(module).get(top)
    for name in inner:
        found = class_namespace(found).get(name) if issubclass(type(found), type) else None
    return found is kind
