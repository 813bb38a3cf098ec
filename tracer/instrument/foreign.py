"""Callables of a module that have no Python code: C functions, `lru_cache` objects, partials.

There is no code to instrument. Where callers can be made to tell of their calls (`callsites`), C functions stay what and where they are:
C code checks for them (numpy's `add_docstring` refuses a wrapper). `lru_cache` objects and partials, and without call sites C
functions too, are replaced by name: a transparent wrapper takes the object's place in its module and in every module that imported it
by name, and references kept elsewhere (registries, defaults) keep the bare object.

The code of a script (`python script.py`) is compiled where nobody sees it, so it cannot tell of its calls. For a script C functions are
replaced by name as well, once their package has been imported.
"""

from __future__ import annotations

import builtins
import functools
import gc
import sys
from collections import Counter
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FrameType,
    FunctionType,
    GetSetDescriptorType,
    MethodDescriptorType,
    ModuleType,
)
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument import live
from tracer.instrument.arguments import signature_of, spread
from tracer.instrument.discovery import CallableCode
from tracer.instrument.extensions import is_extension
from tracer.instrument.foreign_types import ForeignTypes, Watched
from tracer.instrument.probe import UNFIT, UNREADY
from tracer.instrument.proxies import wrapper_type
from tracer.instrument.signatures import (
    class_module,
    class_namespace,
    class_qualname,
    is_dunder,
    type_name,
)
from tracer.model import Callable, CallableKind, Flow

if TYPE_CHECKING:
    from collections import abc
    from types import CodeType

    from tracer.instrument.discovery import ModuleRecord
    from tracer.instrument.probe import Probe
    from tracer.model import Parameter

MAX_UNREACHABLE: Final = 200
"""Names listed as unreachable per module."""

_LRU_CACHE: Final = type(functools.lru_cache(maxsize=1)(len))
_C_DESCRIPTORS: Final = (MethodDescriptorType, ClassMethodDescriptorType, GetSetDescriptorType)
TYPE_CHECKED: Final = frozenset({"numpy.ufunc"})
"""Types whose instances are functions that other packages make too, and for which C code checks."""


class ForeignCallables:
    """Wraps foreign callables where they are bound and puts them back. Not thread-safe.

    wanted, make_probe: as of `Instrumentation`; the `CallableCode` handed on holds the code of the wrapper's own frame,
        which stands for the callable's.
    types: takes note of C types; where call sites cannot be seen it is None, C functions are wrapped as the rest is, and what only
        call sites reach is listed as unreachable.
    scripted: whether the main program is one whose calls no call site tells of.

    `at_call_sites` are the components with functions that are left in their place, for their callers to tell of.
    """

    def __init__(
        self,
        wanted: abc.Callable[[str], bool],
        make_probe: abc.Callable[[Callable, CallableCode], Probe | None],
        types: ForeignTypes | None = None,
        scripted: abc.Callable[[], bool] = lambda: False,
    ) -> None:
        self._types = types
        self._scripted = scripted
        self._left: list[
            tuple[ModuleRecord, Any]
        ] = []  # C functions in their place, to be wrapped if a script may call them
        self._watched: dict[int, tuple[Any, Watched]] = {}
        self._nouns: dict[int, Callable] = {}
        self._wanted = wanted
        self._make_probe = make_probe
        self._wrappers: dict[int, tuple[Any, Any]] = {}  # by identity of the bare object: itself, its wrapper
        self._placed: list[tuple[dict[str, Any], str, Any, Any]] = []
        self.at_call_sites: set[str] = set()
        self.callables: dict[str, Callable] = {}
        self.unreachable: dict[str, str] = {}

    def adopt(self, record: ModuleRecord, namespace: dict[str, Any]) -> list[tuple[str, FunctionType]]:
        """Wrap the foreign callables that a module defines, wherever they are bound by name.

        Return the names now given to caches, each with the Python function inside that can no longer have it.
        """
        fresh = {}
        shadowed = []
        for name, value in tuple(namespace.items()):
            if not callable(value) or id(value) in self._wrappers or type(value) is FunctionType:
                continue
            if issubclass(type(value), type):
                self._list_methods(record, value)
            elif type_name(type(value)) in TYPE_CHECKED:
                self._watch_type_checked(record, str(name), value)
            elif _is_defined_in(value, record, namespace):
                wrapper = self._wrapper_for(record, str(name), value)
                if wrapper is not None:
                    fresh[id(value)] = self._wrappers[id(value)] = (value, wrapper)
                    if type(value) is _LRU_CACHE and type(value.__wrapped__) is FunctionType:
                        shadowed.append((str(name), value.__wrapped__))
        if fresh:
            self._place(fresh)
        self._place_imported(namespace)
        return shadowed

    def executed(self, module: ModuleType) -> None:
        """For a script, wrap the C functions of packages that are not being imported any more but for the module that has just run."""
        if not self._left or not self._scripted():
            return
        fresh = {}
        still = []
        for record, value in self._left:
            top = _top(record.name)
            if module.__name__ != top and _is_importing(top):
                still.append((record, value))
            else:
                watched = self._watched[id(value)][1]
                wrapper = wrapper_type()(value, _frame_of(watched, record.name))
                fresh[id(value)] = self._wrappers[id(value)] = (value, wrapper)
        self._left = still
        if fresh:
            self._place(fresh)

    def restore(self) -> tuple[str, ...]:
        """Put every bare object back where its wrapper still stands; a sentence for each name bound anew since."""
        left = []
        undone = set()  # a module that was reloaded has had a name wrapped twice: what counts is what came last
        for namespace, name, bare, wrapper in reversed(self._placed):
            if (id(namespace), name) in undone:
                continue
            undone.add((id(namespace), name))
            if namespace.get(name) is wrapper:
                namespace[name] = bare
            elif name in namespace and namespace[name] is not bare:
                left.append(f"{namespace.get('__name__')}:{name} was bound to something else after it was instrumented")
        self._placed.clear()
        self._wrappers.clear()
        self._watched.clear()
        self._nouns.clear()
        self._left.clear()
        return tuple(left)

    @property
    def replaced(self) -> tuple[str, ...]:
        """Return the names, `module:name`, that lead to a wrapper now."""
        return tuple(sorted({f"{namespace.get('__name__')}:{name}" for namespace, name, _, _ in self._placed}))

    def held(self) -> Counter[str]:
        """Count, by callable, what holds the bare object behind a wrapper beside the names that lead to the wrapper: a registry, a default, a class.

        Calls through these are not recorded. It takes a look at every object there is.
        """
        bare = {key: value for key, (value, _) in self._wrappers.items()}
        ours = [bare, *self._wrappers.values(), *self._watched.values(), *self._placed, *self._left]
        known = {id(each) for each in (*ours, *(wrapper for _, wrapper in self._wrappers.values()))}
        found: Counter[str] = Counter()
        for holder in gc.get_referrers(*bare.values()) if bare else ():
            if id(holder) not in known and type(holder) is not FrameType:
                kept = {id(each) for each in gc.get_referents(holder)} & bare.keys()
                found.update(self._nouns[key].name for key in kept)
        return found

    def watched(self, value: Any) -> Watched | None:
        """Return what is recorded of a bare object's calls, None where it is none that was wrapped or is known by its type."""
        found = self._watched.get(id(value))
        return found[1] if found is not None else None

    def noun(self, value: Any) -> Callable | None:
        """Return the callable that such a bare object is."""
        return self._nouns[id(value)] if id(value) in self._watched else None

    def _wrapper_for(self, record: ModuleRecord, path: str, value: Any) -> Any:
        """Return what is to take an object's place, None where it keeps it: C code may check for functions written in C."""
        if self._types is None or type(value) is _LRU_CACHE or type(value) is functools.partial:
            return self._wrap(record, path, value)
        if id(value) not in self._watched:
            self._watch(record, path, value)
            self.at_call_sites.add(record.component)
            if id(value) in self._watched:
                self._left.append((record, value))
        return None

    def _wrap(self, record: ModuleRecord, path: str, value: Any) -> Any:
        watched = self._watch(record, path, value)
        if watched is None:
            return None
        return wrapper_type()(value, _frame_of(watched, record.name))

    def _watch(self, record: ModuleRecord, path: str, value: Any) -> Watched | None:
        name = record.name_of(path)
        if not self._wanted(name):
            return None
        parameters, bind = signature_of(value)
        noun = Callable(name, record.component, CallableKind.FOREIGN, Flow.CALL, parameters, file=record.file)
        probe = self._make_probe(noun, CallableCode(_frame_of.__code__, noun, record, path, in_class=False))
        if probe is None:
            return None
        self.callables[name] = noun
        if type(value) is not _LRU_CACHE:  # the function in it is named by the way to it
            record.foreign.add(path)
        watched = Watched(probe, bind, parameters)
        self._watched[id(value)] = value, watched
        self._nouns[id(value)] = noun
        return watched

    def _watch_type_checked(self, record: ModuleRecord, path: str, value: Any) -> None:
        if not _is_made_in(record, value):
            return
        if self._types is None:
            self.unreachable[record.name_of(path)] = f"C code checks for its type, {type_name(type(value))}"
        elif id(value) not in self._watched:
            self._watch(record, path, value)
            self.at_call_sites.add(record.component)

    def _place(self, fresh: dict[int, tuple[Any, Any]]) -> None:
        for module in tuple(sys.modules.values()):
            if issubclass(type(module), ModuleType) and _may_be_changed(module):
                self._replace(live.module_namespace(module), fresh)

    def _place_imported(self, namespace: dict[str, Any]) -> None:
        # A module that was running while the home of a callable was imported may have taken the bare object.
        if self._wrappers:
            self._replace(namespace, self._wrappers)

    def _replace(self, namespace: dict[str, Any], wrappers: dict[int, tuple[Any, Any]]) -> None:
        for name, value in tuple(namespace.items()):
            found = wrappers.get(id(value))
            if found is not None and found[0] is value:
                namespace[name] = found[1]
                self._placed.append((namespace, name, *found))

    def _list_methods(self, record: ModuleRecord, kind: type) -> None:
        if self._types is not None or class_module(kind) != record.name:
            return
        for name, value in class_namespace(kind).items():
            if len(self.unreachable) >= MAX_UNREACHABLE:
                return
            if type(value) in _C_DESCRIPTORS and not is_dunder(name) and name != "__dict__":
                self.unreachable[record.name_of(f"{class_qualname(kind)}.{name}")] = "method of a C type"


def _is_defined_in(value: Any, record: ModuleRecord, namespace: dict[str, Any]) -> bool:
    """Whether a callable object is one that can be wrapped, and this module is where it comes from."""
    kind = type(value)
    if kind is BuiltinFunctionType:
        home = value.__self__
        return type(home) is ModuleType and (
            live.module_namespace(home) is namespace or live.module_namespace(home).get("__name__") == f"_{record.name}"
        )
    if kind is _LRU_CACHE:
        inner = value.__dict__.get("__wrapped__")
        return type(inner) is not FunctionType or inner.__globals__ is namespace
    if kind is functools.partial:
        return type(value.func) is not FunctionType
    return kind.__name__ == "cython_function_or_method" and getattr(value, "__module__", "") == record.name


def _is_made_in(record: ModuleRecord, value: Any) -> bool:
    """Whether a function of such a type comes from a module: of the package that makes the type, or an extension that found no such one there."""
    home = _top(class_module(type(value)))
    if home == _top(record.name):
        return True
    makers = live.module_namespace(sys.modules[home]) if home in sys.modules else {}
    return is_extension(record.file) and makers.get(value.__name__) is not value


def _is_importing(module: str) -> bool:
    return bool(getattr(getattr(sys.modules.get(module), "__spec__", None), "_initializing", False))


def _top(module: str) -> str:
    return module.partition(".")[0]


def _may_be_changed(module: ModuleType) -> bool:
    """Whether names in a module may be bound to a wrapper: not in the standard library, nor in tracer."""
    top = _top(str(live.module_namespace(module).get("__name__", "")))
    return top not in sys.stdlib_module_names and top != "tracer"


def _frame_of(watched: Watched, module: str) -> Any:
    """Return the function whose frame plays the part of the callable's own.

    Its globals say that it belongs to the callable's module: what the callable calls is called from there.
    """
    probe, bind = watched.probe, watched.bind
    entered, began, returned, raised = probe.entered, probe.began, probe.returned, probe.raised
    unready = UNREADY  # the function below has other globals
    lost, unfit = probe.lost, UNFIT
    answer, ready, proceed_with = probe.answer, probe.ready, functools.partial(_Proceed, watched.parameters)

    def foreign(wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        ticket = entered()
        if ticket is None:
            return wrapped(*args, **kwargs)
        arguments = bind(args, kwargs)
        if arguments is None:
            lost(unfit)
            return wrapped(*args, **kwargs)
        if ready is not None:
            found = ready([*arguments])
            if found is not unready:
                return found
        if answer is not None:
            return answer(ticket, [*arguments], proceed_with(wrapped, args, kwargs))
        token = began(ticket, [*arguments])
        try:
            value = wrapped(*args, **kwargs)
        except BaseException as error:
            raised(token, error)
            raise
        returned(token, value)
        return value

    space = {"__name__": module, "__builtins__": builtins}
    return FunctionType(foreign.__code__, space, foreign.__name__, None, foreign.__closure__)


def plays_a_callable(code: CodeType) -> bool:
    """Whether a code object is that of the functions which `_frame_of` returns, one for all: their globals say for whom."""
    return any(code is constant for constant in _frame_of.__code__.co_consts)


class _Proceed:
    """Runs a wrapped callable with the arguments of its call, or with others given to it, one per parameter."""

    __slots__ = ("_args", "_kwargs", "_parameters", "_wrapped")

    def __init__(self, parameters: tuple[Parameter, ...], wrapped: Any, args: Any, kwargs: Any) -> None:
        self._parameters = parameters
        self._wrapped = wrapped
        self._args = args
        self._kwargs = kwargs

    def __call__(self, arguments: list[Any] | None = None) -> Any:
        args, kwargs = (self._args, self._kwargs) if arguments is None else spread(self._parameters, arguments)
        return self._wrapped(*args, **kwargs)
