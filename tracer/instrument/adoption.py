"""What can only be done with the live functions of a module that has run.

Watching what was there before tracer, and methods that no source holds (dataclass, attrs, exec); learning defaults and kinds;
giving decorated names their callables.
"""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument import live
from tracer.instrument.discovery import CO_OPTIMIZED, plain_qualname, rename, settle
from tracer.instrument.extensions import is_extension
from tracer.instrument.living import all_functions
from tracer.instrument.replacing import has_touched

if TYPE_CHECKING:
    from collections import abc
    from types import CodeType

    from tracer.instrument.decorated import Wrappers
    from tracer.instrument.discovery import CallableCode, Catalogue, ModuleRecord
    from tracer.instrument.injection.sites import SiteHooks
    from tracer.instrument.live import Binding
    from tracer.instrument.probe import Engine

MAX_PUT_IN: Final = 100
"""Codes of one name that are watched; a program may put a new one into a function at each of its calls."""
_KIND_IS_THEIR_NAME: Final = frozenset({"__init__", "__new__", "__init_subclass__", "__class_getitem__"})


class Adoption:
    """Instruments live functions and settles what their modules' codes are called. Not thread-safe.

    note: told of (module name, fault) where something failed that is tracer's own fault.
    sites_of: gives what the call sites of a module are to tell, None where they tell nothing.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        engine: Engine,
        wrappers: Wrappers,
        note: abc.Callable[[str, Exception], None],
        sites_of: abc.Callable[[str, str | None], SiteHooks | None],
    ) -> None:
        self._sites_of = sites_of
        self._catalogue = catalogue
        self._engine = engine
        self._wrappers = wrappers
        self._note = note
        self._made: dict[tuple[str, str], dict[CodeType, CodeType]] = {}
        self.unreachable: dict[str, str] = {}

    def adopt(self, modules: abc.Sequence[tuple[ModuleRecord, dict[str, Any]]]) -> None:
        """Adopt modules, each with its namespace. One pass over the collector's objects serves all that need it."""
        collected = _functions_of([namespace for record, namespace in modules if _may_hide_functions(record)])
        waiting = []
        for record, namespace in modules:
            # What `python -m` runs is called __main__ inside, and has the record of the module it is.
            called = str(namespace.get("__name__", record.name))
            found = list(live.bindings(called, namespace))
            if not record.rewritten:
                collected.setdefault(id(namespace), []).extend(live.reachable(namespace, called))
            self._watch_all(record, namespace, found, collected.get(id(namespace), []))
            waiting.append((record, self._settle_all(record, found)))
            for binding in found:
                if _is_generated_wrapper(binding.function, namespace):
                    self._name_wrapped(record, binding)
        # A name that another module imported from its home is the home's to give: homes first.
        for at_home in (True, False):
            for record, wrappers in waiting:
                for binding in wrappers:
                    self._guarded(record, self._wrappers.bind, record, binding, at_home)

    def settle_remaining(self) -> None:
        """Take the defaults of functions that no name leads to (registered, nested) from the live functions there are."""
        for function in all_functions():
            known = self.known_code(function)
            if known is not None and not known.settled:
                settle(known, function, None)

    def known_code(self, function: FunctionType) -> CallableCode | None:
        """Return what the catalogue knows of a live function's code."""
        return self._catalogue.find_beneath(function.__code__)

    def name_of(self, function: FunctionType) -> str:
        """Return the name of the callable that a live function is: its code's, or what a decorator's wrapper is bound to; "" for none."""
        known = self.known_code(function)
        if known is None:
            return ""
        noun = self._wrappers.callable_of(known, function)
        return noun.name if noun is not None else ""

    def _watch_all(
        self, record: ModuleRecord, namespace: dict[str, Any], found: list[Binding], collected: list[FunctionType]
    ) -> None:
        own = [*collected, *(binding.function for binding in found)]
        own = list({id(function): function for function in own if _is_of(function, namespace)}.values())
        # Outer functions first: their codes hold those of the functions made inside, so what is unknown after them was made
        # from text, and only the name it is bound to says what it is.
        for function in own:
            if not _made_inside(function):
                self._guarded(record, self._watch, record, function, "")
        for binding in found:
            generated = binding.in_class and _is_generated(binding.function, namespace)
            if generated or _is_generated_wrapper(binding.function, namespace):
                self._guarded(record, self._watch, record, binding.function, binding.path)
        for function in own:
            if _made_inside(function):
                self._guarded(record, self._watch, record, function, "")

    def _watch(self, record: ModuleRecord, function: FunctionType, path: str) -> None:
        known = self.known_code(function)
        if known is None:
            qualname = path or _qualname(function)
            known = self._catalogue.enter_function(record, function.__code__, qualname, _in_class(qualname))
        elif known.record.rewritten or has_touched(self._engine, function.__code__):
            return
        sites = self._sites_of(record.name, record.file)
        if not self._engine.attach_function(function, self._catalogue.probe_of, sites) and known.probe is not None:
            self.unreachable[known.callable.name] = "its code could not be instrumented"

    def adopt_made(self, record: ModuleRecord, namespace: dict[str, Any], kind: type) -> None:
        """Watch the methods of a class that were made from text just now. Of equal ones, as of a class made by each call, the first stands for all."""
        for binding in live.bindings_of_class(kind):
            if _is_generated(binding.function, namespace) and self.known_code(binding.function) is None:
                self._guarded(record, self._watch_made, record, binding.function, binding.path)

    def _watch_made(self, record: ModuleRecord, function: FunctionType, path: str) -> None:
        made = self._made.setdefault((record.name, path), {})
        code = function.__code__
        watched = made.get(code)
        if watched is not None:
            function.__code__ = watched
        elif len(made) < MAX_PUT_IN:
            self._watch(record, function, path)
            made[code] = function.__code__

    def put_in(self, owner: FunctionType, code: CodeType) -> CodeType:
        """Return what to put into a function instead of a code, so that it is watched as the function's own was; the code itself where it was not.

        A copy of a watched code is recorded as the original. Beyond `MAX_PUT_IN` of a name, codes are left as they are.
        """
        before = self.known_code(owner)
        if before is None or before.probe is None or self._engine.holds_hooks(code):
            return code
        if len(code.co_freevars) != len(owner.__closure__ or ()):
            return code  # and Python refuses it
        record, module = before.record, owner.__module__
        home = self._catalogue.modules.get(module) if type(module) is str else None
        qualname = before.qualname if home is None else plain_qualname(owner.__qualname__)
        if self._catalogue.find_beneath(code) is None:
            home = home or record
            if home.shared.get(qualname, 0) >= MAX_PUT_IN:
                return code
            self._catalogue.enter_put_in(record, code, home, qualname, _in_class(qualname))
        holder = FunctionType(code, owner.__globals__, code.co_name, None, owner.__closure__)
        self._engine.attach_function(holder, self._catalogue.probe_of, self._sites_of(record.name, record.file))
        return holder.__code__

    def _settle_all(self, record: ModuleRecord, found: list[Binding]) -> list[Binding]:
        """Settle names and kinds of a module's functions; return the bindings that lead to something else."""
        owners: dict[str, CallableCode] = {}
        others = [binding for binding in found if not self._settle_binding(record, binding, owners)]
        self._catalogue.settle_names(record, owners)
        record.settled = True
        return others

    def _name_wrapped(self, record: ModuleRecord, binding: Binding) -> None:
        """Tell the function that a wrapper made from text was put around from the wrapper, which took over its name."""
        inner = binding.function.__dict__["__wrapped__"]
        below = self.known_code(inner) if type(inner) is FunctionType else None
        if below is not None and below.record is record and below.qualname == binding.path:
            rename(below, record.name_of(f"{binding.path}.__wrapped__"))

    def _settle_binding(self, record: ModuleRecord, binding: Binding, owners: dict[str, CallableCode]) -> bool:
        known = self.known_code(binding.function)
        if known is None or known.record is not record or binding.path != known.qualname:
            return False
        if not known.settled:
            kind = None if known.code.co_name in _KIND_IS_THEIR_NAME else binding.kind
            settle(known, binding.function, kind)
        owners.setdefault(known.qualname, known)
        return True

    def _guarded(self, record: ModuleRecord, act: abc.Callable[..., Any], *arguments: Any) -> None:
        try:
            act(*arguments)
        except Exception as fault:  # noqa: BLE001 - the host's import goes on whatever happens to tracer
            self._note(record.name, fault)


def _may_hide_functions(record: ModuleRecord) -> bool:
    """Whether a module may have functions that nobody saw being compiled and no name leads to. One written in C has none but those it makes from text."""
    return not record.rewritten and not (record.file and is_extension(record.file))


def _functions_of(namespaces: list[dict[str, Any]]) -> dict[int, list[FunctionType]]:
    """Return the live functions that have one of these as globals, by its identity."""
    found: dict[int, list[FunctionType]] = {id(namespace): [] for namespace in namespaces}
    if found:
        for function in all_functions():
            functions = found.get(id(function.__globals__))
            if functions is not None:
                functions.append(function)
    return found


def _is_of(function: FunctionType, namespace: dict[str, Any]) -> bool:
    """Whether a function was defined in a module: not what the interpreter runs the bodies of modules and classes as."""
    return function.__globals__ is namespace and bool(function.__code__.co_flags & CO_OPTIMIZED)


def _is_made_from_text(code: CodeType) -> bool:
    """Whether a code comes from no file; modules of the standard library may be frozen into the interpreter, which is one all the same."""
    return code.co_filename.startswith("<") and not code.co_filename.startswith("<frozen ")


def _is_generated(function: FunctionType, namespace: dict[str, Any]) -> bool:
    """Whether a method was made by executing text: in its module's namespace (dataclass) or in one of its own (attrs, namedtuple)."""
    if not _is_made_from_text(function.__code__) or "__wrapped__" in function.__dict__:
        return False
    name = function.__globals__.get("__name__")
    home = sys.modules.get(name) if type(name) is str else None
    if home is None or not issubclass(type(home), ModuleType):
        return True
    return function.__globals__ is namespace or live.module_namespace(home) is not function.__globals__


def _is_generated_wrapper(function: FunctionType, namespace: dict[str, Any]) -> bool:
    """Whether a wrapper was made by executing text, in a namespace of its own that goes by the name of the module (decorator, SQLAlchemy)."""
    if not _is_made_from_text(function.__code__) or "__wrapped__" not in function.__dict__:
        return False
    own = function.__globals__
    names = own.get("__name__"), namespace.get("__name__")
    return own is not namespace and type(names[0]) is type(names[1]) is str and names[0] == names[1]


def _qualname(function: FunctionType) -> str:
    """Return the qualname of a live function's code; of one made from text, the name it was given afterwards."""
    code = function.__code__
    if _is_made_from_text(code) and code.co_name in function.__qualname__:
        return plain_qualname(function.__qualname__)
    return plain_qualname(getattr(code, "co_qualname", function.__qualname__))


def _in_class(qualname: str) -> bool:
    outer, dot, _ = qualname.rpartition(".")
    return bool(dot) and not outer.endswith("<locals>")


def _made_inside(function: FunctionType) -> bool:
    return "__wrapped__" in function.__dict__ or "<locals>" in function.__qualname__
