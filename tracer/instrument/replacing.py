"""What the engines that put other code objects in the place of a function's own have in common: nesting, undoing, taking turns."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from tracer.instrument.living import Living, all_functions, lock_of_all
from tracer.instrument.probe import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tracer.instrument.injection.sites import SiteHooks
    from tracer.instrument.probe import Engine, Probe


# Engines at work at one time, as when two cassettes are open, see one another's code objects.
_turn = lock_of_all()
_engines: Living[ReplacingEngine] = Living()


# What engines made that have stopped while others went on, by id: a module that ran meanwhile makes functions of it still.
_left: dict[int, tuple[weakref.ref[CodeType], CodeType]] = {}


def beneath(code: CodeType) -> CodeType | None:
    """Return what an engine made a code object of, whichever that was; None where none did."""
    for engine in _engines:
        if engine.made(code):
            return engine.original(code)
    made = _left.get(id(code))
    return None if made is None else made[1]


def _leave(code: CodeType, original: CodeType) -> None:
    key = id(code)
    _left[key] = weakref.ref(code, lambda _: _left.pop(key, None)), original


def layers(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object, what an engine made it of, what another made that of, down to the one that was compiled."""
    layer: CodeType | None = code
    while layer is not None:
        yield layer
        layer = beneath(layer)


def compiled(code: CodeType) -> CodeType:
    """Return a code object as it was before any engine at work touched it."""
    *_, last = layers(code)
    return last


def has_touched(engine: Engine, code: CodeType) -> bool:
    """Whether an engine has a part in a code object, perhaps beneath what another one has put over it."""
    return any(engine.original(layer) is not layer for layer in layers(code))


class ReplacingEngine(ABC):
    """Implements `tracer.instrument.probe.Engine` but for what becomes of one code object: `_watched` and `_told` say that.

    A code object that cannot be rewritten safely is left as it is; `unwatched` tells which and why. The same original
    code always gives the same rewritten code, until `detach`. Engines take turns, whichever is detached first.
    """

    tells_of_calls = False

    def __init__(self) -> None:
        # By id, with the code object kept alive beside: equal code objects of two modules are not the same code.
        self._rewritten: dict[int, tuple[CodeType, CodeType]] = {}
        self._originals: dict[int, tuple[CodeType, CodeType]] = {}
        self._probed: set[int] = set()
        self._functions: weakref.WeakSet[FunctionType] = weakref.WeakSet()
        self._unwatched: dict[int, tuple[CodeType, str]] = {}
        self._hooks: set[int] = set()
        with _turn:
            _engines.add(self)

    @property
    def unwatched(self) -> tuple[tuple[CodeType, str], ...]:
        """Return the code objects that have a probe but could not be rewritten, each with the reason."""
        return tuple(self._unwatched.values())

    @abstractmethod
    def _watched(self, original: CodeType, nested: CodeType, probe: Probe) -> CodeType:
        """Return the code that shows `probe` the activations of `nested`, which is `original` with the codes inside it rewritten.

        Raises:
            Unsupported: it cannot be done safely.
        """

    def _told(self, original: CodeType, nested: CodeType, sites: SiteHooks) -> CodeType:
        """Return the code that tells of its calls as well; here, of none."""
        del original, sites
        return nested

    def choose_codes(self, choose: Callable[[Any, Any], Any]) -> None:
        """See `Engine`; here, do nothing."""
        del choose

    def _choosing(self, nested: CodeType) -> CodeType:
        """Return the code that asks what to store as `__code__`; here, it does not."""
        return nested

    def _sites_in_module(self, sites: SiteHooks, code: CodeType) -> SiteHooks:
        """Return the hooks for the call sites of a module's code."""
        del code
        return sites

    def attach_module(
        self, code: CodeType, probe_of: Callable[[CodeType], Probe | None], sites: SiteHooks | None = None
    ) -> CodeType:
        """Return what is to be executed instead of a module's code object (see `Engine`)."""
        with _turn:
            original = self.original(code)
            return self._rewrite(original, probe_of, sites and self._sites_in_module(sites, original))

    def attach_function(
        self, function: Any, probe_of: Callable[[CodeType], Probe | None], sites: SiteHooks | None = None
    ) -> bool:
        """Watch a live Python function and the function codes nested in it (see `Engine`).

        False where it is no plain Python function, or has a probe but could not be rewritten.
        """
        if not isinstance(function, FunctionType):
            return False
        with _turn:
            original = self.original(function.__code__)
            watched = self._rewrite(original, probe_of, sites and sites.within(function.__globals__))
            if watched is not function.__code__:
                function.__code__ = watched
            self._functions.add(function)
            return id(original) not in self._unwatched

    def original(self, code: CodeType) -> CodeType:
        """Return the code object as it was before this engine touched it (itself where it did not)."""
        pair = self._originals.get(id(code))
        return code if pair is None else pair[1]

    def detach(self) -> tuple[str, ...]:
        """Undo everything that is still ours; return a sentence for each thing that could not be restored.

        Every live function is looked at, so closures made from rewritten code are restored too. Activations that are
        under way go on with the rewritten code, so their probes still hear of them.
        """
        with _turn:
            return self._detach()

    def _detach(self) -> tuple[str, ...]:
        _engines.discard(self)
        for other in _engines:
            other.skip(self._originals)
        if _engines:
            for code, original in self._originals.values():
                _leave(code, original)
        kept = [self._not_restored(function) for function in list(self._functions)]
        for function in all_functions():
            code = function.__code__
            while id(code) in _left:
                code = _left[id(code)][1]
            code = self.original(code)
            if code is not function.__code__:
                function.__code__ = code
        self._functions.clear()
        self._rewritten.clear()
        self._probed.clear()
        self._unwatched.clear()
        return tuple(sentence for sentence in kept if sentence)

    def made(self, code: CodeType) -> bool:
        """Whether a code object is one of those that this engine put in the place of others."""
        return id(code) in self._originals

    def skip(self, originals: Mapping[int, tuple[CodeType, CodeType]]) -> None:
        """Restore, in the end, what another engine that is detached first would have restored: what we rewrote was its code."""
        for key, (rewritten, original) in self._originals.items():
            if id(original) in originals:
                self._originals[key] = rewritten, originals[id(original)][1]

    def _not_restored(self, function: FunctionType) -> str:
        code = function.__code__
        if id(code) in self._originals or any(other.made(code) for other in _engines):
            return ""
        if not self.holds_hooks(code):
            return ""
        name = f"{function.__module__}:{function.__qualname__}"
        return f"Couldn't restore {name}: its code was changed again after it was instrumented."

    def holds_hooks(self, code: CodeType) -> bool:
        """Whether a code calls hooks of this engine: one that it made, or somebody's copy of one."""
        return any(id(constant) in self._hooks for constant in code.co_consts)

    def start_over(self) -> None:
        """Rewrite anew what is attached from now on, though it was before: call sites are to be told of that were not."""
        with _turn:
            self._rewritten.clear()
            self._probed.clear()

    def _rewrite(
        self, code: CodeType, probe_of: Callable[[CodeType], Probe | None], sites: SiteHooks | None
    ) -> CodeType:
        known = self._rewritten.get(id(code))
        if known is not None and not self._has_new_probe(code, probe_of):
            return known[1]
        watched = self._with_nested(code, probe_of, sites)
        if sites is not None:
            watched = self._told(code, watched, sites)
        watched = self._choosing(watched)
        probe = probe_of(code)
        if probe is not None:
            self._probed.add(id(code))
            try:
                watched = self._watched(code, watched, probe)
            except Unsupported as reason:
                self._unwatched[id(code)] = code, str(reason)
            else:
                added = watched.co_consts[len(code.co_consts) :]
                self._hooks.update(id(constant) for constant in added if constant is not None)
        self._rewritten[id(code)] = code, watched
        if watched is not code:
            self._originals[id(watched)] = watched, code
        return watched

    def _has_new_probe(self, code: CodeType, probe_of: Callable[[CodeType], Probe | None]) -> bool:
        """Whether a code, or one inside it, was told to tell of its calls before anybody knew that it is watched."""
        if id(code) not in self._probed and probe_of(code) is not None:
            return True
        return any(self._has_new_probe(inner, probe_of) for inner in code.co_consts if isinstance(inner, CodeType))

    def _with_nested(
        self, code: CodeType, probe_of: Callable[[CodeType], Probe | None], sites: SiteHooks | None
    ) -> CodeType:
        if CodeType not in map(type, code.co_consts):
            return code
        constants = tuple(
            self._rewrite(constant, probe_of, sites) if isinstance(constant, CodeType) else constant
            for constant in code.co_consts
        )
        if all(new is old for new, old in zip(constants, code.co_consts, strict=True)):
            return code
        return code.replace(co_consts=constants)
