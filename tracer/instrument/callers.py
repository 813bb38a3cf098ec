"""The hooks of call sites: of callers of C extensions once one turns up, of watched modules where something takes a callee's place."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tracer.instrument import live
from tracer.instrument.extensions import folder_holds_extension, holds_extension
from tracer.instrument.living import all_functions

if TYPE_CHECKING:
    from collections import abc
    from types import CodeType

    from tracer.instrument.callsites import CallSites
    from tracer.instrument.injection.sites import SiteHooks, Swap
    from tracer.instrument.probe import Engine, Probe


class CallingCode:
    """Instruments the call sites of calling modules once there is a watched extension. Not thread-safe.

    sites: the hooks; None where the engine knows no call sites or nobody knows the callers.
    caller_of: given a module's name and file, the name it goes by as a caller, None where it is looked through.
    component_of, probe_of: as of `Instrumentation` and `Engine`.
    swap: what takes the place of what watched modules call, from the start; None for nothing. `for_callers` says that callers call it too.
    """

    def __init__(
        self,
        sites: CallSites | None,
        engine: Engine,
        caller_of: abc.Callable[[str, str | None], str | None] | None,
        component_of: abc.Callable[[str, str | None], str | None],
        probe_of: abc.Callable[[CodeType], Probe | None],
        swap: Swap | None = None,
        *,
        for_callers: bool = False,
    ) -> None:
        self._sites = sites
        self._swap = swap
        self._for_callers = for_callers
        self._engine = engine
        self._caller_of = caller_of
        self._component_of = component_of
        self._probe_of = probe_of
        self._components: set[str] = set()  # those that hold extensions
        self._complete: set[str] = set()
        self._growing: list[ModuleType] = []

    def expect(self, boundaries: abc.Iterable[str], names: abc.Collection[str], folders: abc.Iterable[str]) -> None:
        """Instrument callers from the start where a boundary or else the project holds an extension, as far as `sys.path` or those folders tell.

        A boundary is the component of all below it; which one of a project's it will be is not known before it is met.
        """
        if self._sites is None:
            return
        expected = [boundary for boundary in boundaries if holds_extension(boundary, folders)]
        self._components.update(expected)
        in_place = bool(names) and any(map(folder_holds_extension, folders))
        if expected or in_place or any(holds_extension(name, folders) for name in names):
            self._begin()

    def met(self, component: str) -> None:
        """Take note that a component holds C types; the first one makes all callers tell of their calls from now on."""
        if self._sites is None:
            return
        known = self._sites.active
        self._components.add(component)
        self._sites.met()
        if not known:
            self._begin()

    def stop(self) -> None:
        """Make all hooks idle."""
        if self._sites is not None:
            self._sites.forget()
        self._growing.clear()

    def hooks_of(self, name: str, file: str | None) -> SiteHooks | None:
        """Return the hooks of a module's call sites, None where it has none."""
        if self._sites is None:
            return None
        component = self._component_of(name, file)
        told = self._tells(component, name, file)
        swap = self._swap if component is not None or self._swaps_for(name, file) else None
        if swap is None:
            return self._sites.hooks if told else None
        return replace(self._sites.hooks, told=told, swap=swap)

    def _swaps_for(self, name: str, file: str | None) -> bool:
        """Whether something takes the place of what a module calls that is a caller only."""
        return self._for_callers and self._caller_of is not None and self._caller_of(name, file) is not None

    def _tells(self, component: str | None, name: str, file: str | None) -> bool:
        """Whether a module may call an extension of another component."""
        if self._sites is None or not self._sites.active:
            return False
        if component is None and (self._caller_of is None or self._caller_of(name, file) is None):
            return False
        return {component} != self._components

    def rewrite(self, name: str, code: CodeType) -> CodeType:
        """Return what is to run instead of the code of a module that is a caller and not watched."""
        sites = self.hooks_for(name, code)
        return code if sites is None else self._engine.attach_module(code, self._probe_of, sites)

    def hooks_for(self, name: str, code: CodeType) -> SiteHooks | None:
        """Return the hooks of a module's call sites to whoever rewrites its code before it runs; None where it has none."""
        sites = self.hooks_of(name, code.co_filename)
        if sites is not None:
            self._complete.add(name)
        return sites

    def executed(self, module: ModuleType) -> None:
        """Instrument the functions of a module whose code could not be had before it ran, and of those that still run."""
        for growing in self._growing:
            self._attach_reachable(growing)
        self._growing = [each for each in self._growing if _is_running(live.module_namespace(each))]
        if live.module_namespace(module).get("__name__") not in self._complete:
            self._attach_all([module])

    def _begin(self) -> None:
        assert self._sites is not None
        self._sites.active = True
        self._engine.start_over()
        modules = [each for each in tuple(sys.modules.values()) if issubclass(type(each), ModuleType)]
        self._attach_all(modules)
        self._growing = [each for each in modules if _is_running(live.module_namespace(each))]

    def _attach_all(self, modules: list[ModuleType]) -> None:
        spaces: dict[int, tuple[dict[str, Any], SiteHooks]] = {}
        for module in modules:
            namespace = live.module_namespace(module)
            sites = self._hooks_of_namespace(namespace)
            if sites is not None and (sites.told or self._is_caller_only(namespace)):
                spaces[id(namespace)] = namespace, sites
        for function in all_functions() if spaces else ():
            found = spaces.get(id(function.__globals__))
            if found is not None:
                self._engine.attach_function(function, self._probe_of, found[1])

    def _attach_reachable(self, module: ModuleType) -> None:
        namespace = live.module_namespace(module)
        sites = self._hooks_of_namespace(namespace)
        if sites is None or not sites.told:
            return
        for function in live.reachable(namespace, str(namespace.get("__name__"))):
            if function.__globals__ is namespace:
                self._engine.attach_function(function, self._probe_of, sites)

    def _hooks_of_namespace(self, namespace: dict[str, Any]) -> SiteHooks | None:
        name = namespace.get("__name__")
        return self.hooks_of(name, _file_of(namespace)) if type(name) is str else None

    def _is_caller_only(self, namespace: dict[str, Any]) -> bool:
        """Whether a module that has hooks is none of those whose functions are instrumented because they are watched."""
        return self._component_of(str(namespace.get("__name__")), _file_of(namespace)) is None


def _file_of(namespace: dict[str, Any]) -> str | None:
    file = namespace.get("__file__")
    return file if type(file) is str else None


def _is_running(namespace: dict[str, Any]) -> bool:
    """Whether a module's body still runs, so that more functions may come. The one that was started runs to the end."""
    return namespace.get("__name__") == "__main__" or bool(getattr(namespace.get("__spec__"), "_initializing", False))
