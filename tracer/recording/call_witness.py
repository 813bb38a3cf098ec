"""A second opinion on calls into C extensions, which have no frames: explicit calls, counted by `sys.monitoring` (Python 3.12 and later).

The interpreter tells of every call that an instruction makes, with what is called. What crosses is judged here by the class that defines
it, apart from the hooks of call sites, and shares with them the selection and the names alone. Operators, subscripts, the end of a `with`
and calls that C code makes are no such calls. The rules are those of docs/trust.md.
"""

from __future__ import annotations

import sys
from collections import Counter
from types import FunctionType, MethodType, MethodWrapperType, ModuleType, WrapperDescriptorType
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument import live
from tracer.instrument.foreign import plays_a_callable
from tracer.instrument.foreign_types import is_builtin, is_cython_function, is_descriptor
from tracer.instrument.proxies import is_wrapper
from tracer.instrument.signatures import class_module, class_namespace, class_qualname, defining, mro
from tracer.recording import native

if TYPE_CHECKING:
    from types import CodeType

    from tracer.instrument.instrumentation import Instrumentation
    from tracer.select.selection import Selection

_monitoring: Any = getattr(sys, "monitoring", None)
_getframe = sys._getframe  # noqa: SLF001  (the frame of the caller has no other name)
_TOOL_IDS: Final = (5, 4, 3)
_IMPLIED: Final = frozenset({"__exit__", "__aexit__"})
"""What the end of a `with` calls by the instruction that calls are made by."""
_ITS_OWN: Final = frozenset({"builtins", "functools", "operator"})
"""Modules of the interpreter whose callable objects are nothing of a C extension."""
_MAKERS: Final = ("__new__", "__init__")


class CallWitness:
    """Counts from `begin` to `end`, in all threads of this process. `works` says whether this Python and the tools that are in use let it."""

    def __init__(self, selection: Selection, instrumentation: Instrumentation) -> None:
        self._selection = selection
        self._instrumentation = instrumentation
        self._tool: int | None = None
        self._callers: dict[int, tuple[CodeType, str | None]] = {}
        self._passed: set[type] = {FunctionType}
        self._counts: Counter[str] = Counter()

    @property
    def works(self) -> bool:
        """Whether it counts, or did."""
        return self._tool is not None

    def begin(self) -> None:
        """Begin to count; nothing where this Python has no `sys.monitoring`, or others hold all of its tools."""
        if _monitoring is None:
            return
        free = [tool for tool in _TOOL_IDS if _monitoring.get_tool(tool) is None]
        if not free:
            return
        self._tool = free[0]
        _monitoring.use_tool_id(self._tool, "tracer doctor")
        _monitoring.register_callback(self._tool, _monitoring.events.CALL, native.roomy(self._look))
        _monitoring.set_events(self._tool, _monitoring.events.CALL)

    def end(self) -> Counter[str]:
        """Stop; return how often each callable was called from another component."""
        if self._tool is not None:
            _monitoring.set_events(self._tool, 0)
            _monitoring.register_callback(self._tool, _monitoring.events.CALL, None)
            _monitoring.free_tool_id(self._tool)
        return self._counts

    def _look(self, code: CodeType, _offset: int, called: Any, first: Any) -> Any:
        if type(called) in self._passed:
            return None
        if type(called) is MethodType:
            called, first = called.__func__, called.__self__
            if type(called) is FunctionType:
                return None
        known = self._callers.get(id(code)) or self._caller(code)
        if known[1] is None:
            return _monitoring.DISABLE  # of this place alone: its module is looked through
        found = self._judge(called, first)
        if found is not None:
            component, name = found
            if component != known[1] and self._selection.wanted(name):
                self._counts[name] += 1
        return None

    def _caller(self, code: CodeType) -> tuple[CodeType, str | None]:
        space = _getframe(2).f_globals
        name, file = space.get("__name__"), space.get("__file__")
        caller = None
        # Who plays a callable runs what was called, which is seen where that was.
        if type(name) is str and not plays_a_callable(code):
            caller = self._selection.caller_of(name, file if type(file) is str else None)
        found = self._callers[id(code)] = (code, caller)
        return found

    def _judge(self, called: Any, first: Any) -> tuple[str, str] | None:
        """Return the component and the name of what is called, None where it is nothing of a watched C extension."""
        kind = type(called)
        if issubclass(kind, type):
            return self._constructor(called)
        if is_builtin(kind) or kind is MethodWrapperType:
            owner = called.__self__
            if owner is None or issubclass(type(owner), ModuleType):
                return self._instrumentation.foreign_function(called) or self._of_module(owner, called.__name__)
            return self._bound(owner, called.__name__)
        if is_descriptor(kind):
            return self._entry(called.__objclass__, called.__name__)
        # The frame of a wrapper is seen by the other witness.
        return self._of_object(called, first) if not is_wrapper(called) else None

    def _constructor(self, kind: type) -> tuple[str, str] | None:
        """Objects that C code makes, by the nearest of the classes which say how."""
        if type(defining(type(kind), "__call__")[1]) is not WrapperDescriptorType:
            return None
        makers = [defining(kind, name) for name in _MAKERS]
        if any(_is_python(entry) for _, entry in makers):
            return None
        watched = [base for base, _ in makers if base is not object and self._home(base)]
        return self._entry(min(watched, key=mro(kind).index), "") if watched else None

    def _bound(self, owner: Any, name: str) -> tuple[str, str] | None:
        if issubclass(type(owner), type) and (name == "__new__" or defining(owner, name)[1] is not None):
            return self._entry(_defining_in_c(owner, name), name)
        return self._entry(_defining_in_c(type(owner), name), name)

    def _compiled(self, called: Any, first: Any) -> tuple[str, str] | None:
        base, entry = defining(type(first), called.__name__)
        return self._entry(base, called.__name__) if entry is called else None

    def _of_module(self, module: ModuleType | None, name: str) -> tuple[str, str] | None:
        """A function of a module that nobody has made known."""
        space = live.module_namespace(module) if module is not None else {}
        home, file = space.get("__name__"), space.get("__file__")
        component = self._selection.component_of(home, file) if type(home) is str else None
        return (component, f"{home}:{name}") if component is not None else None

    def _of_object(self, called: Any, first: Any) -> tuple[str, str] | None:
        found = self._instrumentation.foreign_function(called)
        if found is None and is_cython_function(type(called)):
            return self._compiled(called, first)
        return found or self._of_instance(type(called))

    def _of_instance(self, kind: type) -> tuple[str, str] | None:
        base, entry = defining(kind, "__call__")
        found = self._entry(base, "__call__") if is_descriptor(type(entry)) else None
        if found is None and class_module(kind) in _ITS_OWN:
            self._passed.add(kind)  # for good, so only what holds no class of the host
        return found

    def _entry(self, base: type | None, name: str) -> tuple[str, str] | None:
        if base is None or name in _IMPLIED:
            return None
        path = class_qualname(base)
        return self._instrumentation.foreign_name(base, f"{path}.{name}" if name else path)

    def _home(self, kind: type) -> tuple[str, str] | None:
        return self._instrumentation.foreign_name(kind, "")


def _defining_in_c(kind: type, name: str) -> type | None:
    """The same for a method that is known to be written in C, past what overrides it in Python."""
    return next((base for base in mro(kind) if _is_c(class_namespace(base).get(name))), None)


def _is_c(entry: Any) -> bool:
    inner = entry.__func__ if type(entry) in {staticmethod, classmethod} else entry
    return is_builtin(type(inner)) or is_descriptor(type(inner)) or is_cython_function(type(inner))


def _is_python(entry: Any) -> bool:
    return entry is not None and not _is_c(entry)
