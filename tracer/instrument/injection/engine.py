"""The engine that lets probes see activations by rewriting code objects (CPython 3.10 to 3.13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.instrument.injection.rewrite import rewrite, rewrite_sites
from tracer.instrument.injection.sites import names_bound
from tracer.instrument.probe import Unsupported
from tracer.instrument.replacing import ReplacingEngine

if TYPE_CHECKING:
    from types import CodeType

    from tracer.instrument.injection.sites import SiteHooks
    from tracer.instrument.probe import Probe


class InjectionEngine(ReplacingEngine):
    """A `ReplacingEngine` that calls the hooks from inside the functions' own code, without a frame more."""

    title = "injected bytecode"
    tells_of_calls = True

    def __init__(self) -> None:
        super().__init__()
        self._untold: dict[int, tuple[CodeType, str]] = {}

    @property
    def untold(self) -> tuple[tuple[CodeType, str], ...]:
        """Return the code objects whose call sites could not be instrumented, each with the reason."""
        return tuple(self._untold.values())

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
