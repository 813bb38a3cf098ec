"""The code as it is today: the modules of a recording imported, and what stands behind the names of their callables."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from types import FunctionType
from typing import TYPE_CHECKING, Any

from tracer.instrument.instrumentation import Instrumentation
from tracer.instrument.signatures import defining
from tracer.model import DEFAULT_LEFT_OUT, CallableKind
from tracer.recording.recorder import portable
from tracer.replay.task import Survey
from tracer.select.patterns import covers

if TYPE_CHECKING:
    from collections.abc import Callable as Function
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from types import CodeType

    from tracer.instrument.discovery import CallableCode
    from tracer.instrument.probe import Engine, Probe
    from tracer.model import Callable
    from tracer.replay.task import Options
    from tracer.select.selection import Selection


class Trust:
    """Says whether the user named a module as one that may be imported, or what it stands in."""

    def __init__(self, prefixes: Sequence[str]) -> None:
        self._prefixes = prefixes

    def __call__(self, module: str) -> bool:
        """Whether a module may be imported."""
        return any(covers(prefix, module) for prefix in self._prefixes)


class Today:
    """Today's code. Modules are found by the instrumentation that a recording of them would have, so names mean the same.

    `failed` holds, by name, the error of each module that could not be imported.
    """

    def __init__(
        self,
        options: Options,
        may_import: Function[[str], bool],
        probe: Function[[CallableCode], Probe | None],
        selection: Selection,
        engine: Engine | None = None,
    ) -> None:
        self._options = options
        self.may_import = may_import
        self.instrumentation = Instrumentation(
            selection.component_of,
            selection.wanted,
            lambda callable_, code: probe(code),
            engine,
            name_of=selection.name_of,
            left_out=DEFAULT_LEFT_OUT - set(options.dunders),
            caller_of=None if options.isolated else selection.caller_of,
            boundaries=selection.boundaries,
            names=() if selection.boundaries else selection.names,
            folders=selection.folders,
        )
        self.isolated = options.isolated
        self.failed: dict[str, BaseException] = {}
        self._functions: dict[str, Any] = {}
        self._callables: dict[str, Callable] = {}

    def load(self, callables: Collection[Callable]) -> None:
        """Import the modules of recorded callables that may be imported, and learn what their callables are now."""
        sys.path[:0] = self._options.folders
        self.instrumentation.start()
        recorded = {callable_.name.partition(":")[0] for callable_ in callables}
        self._import_all(sorted(recorded))
        self._look()
        moved = {callable_.name.partition(":")[0] for callable_ in callables if callable_.name not in self._callables}
        if moved:
            # Looked for where it may have gone to: in the other modules of the same package.
            self._import_all(sorted({name for module in moved for name in modules_beside(module)} - recorded))
            self._look()

    def _import_all(self, modules: Iterable[str]) -> None:
        for name in modules:
            if self.may_import(name):
                self._import(name)

    def _import(self, name: str) -> None:
        try:
            import_module(name)
        except BaseException as error:  # noqa: BLE001  (a module may raise anything, SystemExit too)
            self.failed[name] = error

    def _look(self) -> None:
        self._callables = {each.name: each for each in self.instrumentation.callables()}
        self._functions = self.instrumentation.functions()

    def survey(self) -> Survey:
        """Return what a recording would say of the code."""
        callables = tuple(replace(each, file=portable(each)) for each in self._callables.values())
        failed = tuple((name, f"{type(error).__name__}: {error}") for name, error in sorted(self.failed.items()))
        gone = tuple(name for name, _ in failed if self.is_gone(name))
        return Survey(callables, f"{sys.version_info.major}.{sys.version_info.minor}", failed, gone)

    def callable(self, name: str) -> Callable | None:
        """Return the callable of that name, None where there is none any more."""
        return self._callables.get(name)

    def function(self, callable_: Callable) -> Any:
        """Return what to call with all arguments, the receiver first; None where no name leads to it."""
        found = self._functions.get(callable_.name)
        if found is None and callable_.kind is CallableKind.FOREIGN:
            found = self._functions[callable_.name] = _by_name(callable_.name)
        return found

    def code_of(self, function: Any) -> CodeType | None:
        """Return the code object, as it was compiled, of what `function` returned; None where it has none."""
        return self.instrumentation.code_of(function) if type(function) is FunctionType else None

    def is_gone(self, module: str) -> bool:
        """Whether there is no such module any more, by the error that importing it gave."""
        error = self.failed.get(module)
        return isinstance(error, ModuleNotFoundError) and error.name is not None and covers(error.name, module)


def modules_beside(module: str) -> Iterator[str]:
    """Yield the other modules of the package that a module lies in, but for what `python -m` runs."""
    package = sys.modules.get(module.rpartition(".")[0])
    for found in iter_modules(getattr(package, "__path__", ())):
        if found.name != "__main__":
            yield f"{module.rpartition('.')[0]}.{found.name}"


def _by_name(name: str) -> Any:
    """Return what a name leads to, past descriptors and the attribute access of the host; None where it leads nowhere."""
    module, _, path = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        if isinstance(found, type):
            _, entry = defining(found, part)
            found = entry.__func__ if isinstance(entry, (staticmethod, classmethod)) else entry
        else:
            found = getattr(found, "__dict__", {}).get(part)
        if found is None:
            return None
    return found if callable(found) else None
