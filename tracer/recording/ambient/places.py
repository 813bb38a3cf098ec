"""What stands in the place of what watched code calls or reads from, where that is of its surroundings.

Nothing is replaced by name: a name, an attribute or a table of the program's holds what it always held. At each call the callee itself is
looked at (see `tracer.instrument.injection.sites.Swap`), so aliases and defaults are seen, and what a library like freezegun has put in
the place of a clock is called as it is.
"""

from __future__ import annotations

import sys
from functools import partial
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument.injection.pickled import Swapped
from tracer.instrument.injection.sites import HASHED_BY_IDENTITY, Swap
from tracer.recording.ambient.drawing import DRAWING, Choosing, Seeding
from tracer.recording.ambient.environment import KIND, READING, environ
from tracer.recording.ambient.sources import Source, plain_sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tracer.recording.ambient.reads import Reads

MODULES: Final = ("time", "datetime", "os", "random", "secrets", "uuid")
"""Modules of the standard library whose functions read the surroundings."""


class Places:
    """Knows what stands for what. `swap` is for `Instrumentation`; `met` is told of each of `MODULES` once it is there."""

    def __init__(self, kinds: frozenset[str], reads: Reads) -> None:
        self._kinds = kinds
        self._reads = reads
        self._standing: dict[Any, Any] = {}
        # By the identity of a generator that its module holds: what stands for its methods, by their functions.
        self._methods: dict[int, dict[Any, Any]] = {}
        self._known = Swapped()
        self.swap = Swap(self._known, (MethodType, partial), KIND, READING, self._make_place())

    def met(self, module: ModuleType) -> None:
        """Take note of what a module has."""
        for called, source in plain_sources(module, self._kinds):
            self._stand_for(called, self._reader(source, called))
        if module.__name__ == "os" and "environ" in self._kinds:
            self._stand_for(module.getenv, self._reads.environment.get)
        elif module.__name__ == "random":
            self._meet_random(module)
        elif module.__name__ == "secrets" and "secrets" in self._kinds:
            self._meet_owner(module._sysrand, "secrets")  # noqa: SLF001  (what its functions are methods of)

    def forget(self) -> None:
        """Let everything be what it is from now on."""
        self._known.clear()
        self._standing.clear()
        self._methods.clear()

    def _meet_random(self, module: ModuleType) -> None:
        if "random" in self._kinds:
            self._meet_owner(module._inst, "random")  # noqa: SLF001  (what its functions are methods of)
            applies = _without_seed
            seeding = Seeding("random:Random", str, applies=applies)
            self._stand_for(module.Random, self._reader(seeding, module.Random))
        if "secrets" in self._kinds:
            self._stand_for(module.SystemRandom, self._system_random(module.SystemRandom))

    def _meet_owner(self, owner: Any, module: str) -> None:
        """Take note of the methods of a generator that choose."""
        for method in DRAWING:
            called = getattr(sys.modules[module], method, None)
            if type(called) is MethodType and called.__self__ is owner:
                source = Choosing(f"{module}:{method}", str, owner=owner, method=method)
                self._stand_for(called, self._reader(source, called))

    def _stand_for(self, called: Any, reader: Any) -> None:
        if type(called) is MethodType:
            self._methods.setdefault(id(called.__self__), {})[called.__func__] = reader
        else:
            self._standing[called] = reader
            self._known.add(called)

    def _reader(self, source: Source, called: Any) -> Any:
        read = self._reads.read

        def reading(*arguments: Any, **named: Any) -> Any:
            return read(source, called, arguments, named)

        return reading

    def _system_random(self, made: Any) -> Any:
        """Return what makes a generator that takes its numbers from the system, each of which is a read of its own."""
        reads = self._reads

        def making(*arguments: Any, **named: Any) -> Any:
            found = made(*arguments, **named)
            if reads.active:
                for name, kept in (("random", float), ("getrandbits", int), ("randbytes", bytes)):
                    source = Source(f"random:SystemRandom.{name}", kept)
                    vars(found)[name] = self._reader(source, getattr(found, name))
            return found

        return making

    def _make_place(self) -> Callable[[Any], Any]:
        standing, methods, reads = self._standing, self._methods, self._reads
        environment = reads.environment if "environ" in self._kinds else environ

        def of_method(called: MethodType) -> Any:
            owner = called.__self__
            if owner is environ:
                return getattr(environment, called.__name__)
            known = methods.get(id(owner))
            function = called.__func__
            return called if known is None or type(function) is not FunctionType else known.get(function, called)

        def place(called: Any) -> Any:
            if not reads.active:
                return called
            kind = type(called)
            if kind is MethodType:
                return of_method(called)
            if kind is KIND:
                return environment if called is environ else called
            if kind is partial:
                inner = called.func
                if type(inner) is not MethodType and type(inner) not in HASHED_BY_IDENTITY:
                    return called
                found = place(inner)
                return called if found is inner else partial(found, *called.args, **called.keywords)
            return standing.get(called, called)

        return place


def _without_seed(arguments: tuple[Any, ...], named: dict[str, Any]) -> bool:
    return all(each is None for each in (*arguments, *named.values()))
