"""The engine that lets probes see activations by rewriting code objects (CPython 3.10 to 3.13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.instrument.injection.rewrite import rewrite, rewrite_sites, rewrite_stores
from tracer.instrument.injection.sites import names_bound
from tracer.instrument.probe import Unsupported
from tracer.instrument.replacing import ReplacingEngine

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from tracer.instrument.injection.sites import SiteHooks
    from tracer.instrument.probe import Probe


class InjectionEngine(ReplacingEngine):
    """A `ReplacingEngine` that calls the hooks from inside the functions' own code, without a frame more."""

    title = "injected bytecode"
    tells_of_calls = True

    def __init__(self) -> None:
        super().__init__()
        self._untold: dict[int, tuple[CodeType, str]] = {}
        self._choose: Callable[[Any, Any], Any] | None = None

    @property
    def untold(self) -> tuple[tuple[CodeType, str], ...]:
        """Return the code objects whose call sites could not be instrumented, each with the reason."""
        return tuple(self._untold.values())

    def choose_codes(self, choose: Callable[[Any, Any], Any]) -> None:
        """See `Engine`."""
        self._choose = choose

    def _choosing(self, nested: CodeType) -> CodeType:
        if self._choose is None:
            return nested
        choosing = rewrite_stores(nested, self._choose)
        self._hooks.update(id(constant) for constant in choosing.co_consts[len(nested.co_consts) :])
        return choosing

    def _watched(self, original: CodeType, nested: CodeType, probe: Probe) -> CodeType:
        del original
        return rewrite(nested, probe)

    def _sites_in_module(self, sites: SiteHooks, code: CodeType) -> SiteHooks:
        return sites.within(names_bound(code))

    def _told(self, original: CodeType, nested: CodeType, sites: SiteHooks) -> CodeType:
        try:
            told = rewrite_sites(nested, sites)
        except Unsupported as reason:
            self._untold[id(original)] = original, str(reason)
            return nested
        self._hooks.add(id(sites.returned))
        if sites.swap is not None:
            self._hooks.add(id(sites.swap.place))
        return told
