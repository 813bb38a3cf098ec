"""One function's code object rewritten so that it calls its probe.

The token of an activation lies at the bottom of the value stack for as long as the activation lasts: locals, cells,
names and lines stay as they were, and there is no frame more. Injected instructions carry the line of the instruction
they stand before, so that tracers see the same line events; the handler for what leaves the function has no line.
"""

from __future__ import annotations

import sys
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from typing import TYPE_CHECKING

from tracer.instrument.injection import inject_310, inject_311, stores
from tracer.instrument.probe import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from tracer.instrument.injection.sites import SiteHooks
    from tracer.instrument.probe import Probe

SUPPORTED = sys.implementation.name == "cpython" and (3, 10) <= sys.version_info[:2] <= (3, 13)


def rewrite(code: CodeType, probe: Probe) -> CodeType:
    """Return `code` calling `probe`.

    Raises:
        Unsupported: it could not be done safely; the message says why.
    """
    if not SUPPORTED:
        raise Unsupported("the bytecode of this Python is not known")
    hooks = hooks_of(code, probe)
    if sys.version_info >= (3, 11):
        return inject_311.inject(code, hooks)
    return inject_310.inject(code, hooks)


def hooks_of(code: CodeType, probe: Probe) -> dict[str, Callable[..., Any]]:
    """Return what activations of `code` call, by the names that `Probe` has for it."""
    hooks: dict[str, Callable[..., Any]] = {
        "entered": probe.entered,
        "began": probe.began,
        "returned": probe.returned,
        "raised": probe.raised,
    }
    if code.co_flags & (CO_GENERATOR | CO_ASYNC_GENERATOR):
        hooks["yielded"] = probe.yielded
        hooks["resumed"] = probe.resumed
    if code.co_flags & (CO_GENERATOR | CO_ASYNC_GENERATOR | CO_COROUTINE) and sys.version_info < (3, 12):
        hooks["raised"] = _as_callers_see(code, probe.raised)
    return hooks


def rewrite_sites(code: CodeType, hooks: SiteHooks) -> CodeType:
    """Return `code` telling `hooks` of the calls and operators in it.

    Raises:
        Unsupported: it could not be done safely; the message says why.
    """
    if not SUPPORTED:
        raise Unsupported("the bytecode of this Python is not known")
    # Few hosts have call sites of interest; the others are spared the import.
    if sys.version_info >= (3, 11):
        from tracer.instrument.injection.sites_311 import instrument  # noqa: PLC0415
    else:
        from tracer.instrument.injection.sites_310 import instrument  # noqa: PLC0415
    return instrument(code, hooks)


def rewrite_stores(code: CodeType, choose: Callable[[Any, Any], Any]) -> CodeType:
    """Return `code` asking `choose` what to store as `__code__`, given the owner and the value; itself where it stores none, or where it could not be done safely."""
    if not SUPPORTED or stores.NAME not in code.co_names:
        return code
    try:
        return stores.instrument(code, choose)
    except Unsupported:
        return code  # what is stored is told as put there unseen


def _as_callers_see(
    code: CodeType, raised: Callable[[Any, BaseException], None]
) -> Callable[[Any, BaseException], None]:
    """Return `raised` being given the RuntimeError that a stop inside a generator becomes outside (PEP 479).

    From 3.12 on the bytecode itself makes it. Before, the interpreter does after the generator's frame is gone.
    """
    kind = "coroutine" if code.co_flags & CO_COROUTINE else "generator"
    stops: tuple[type[BaseException], ...] = (StopIteration,)
    if code.co_flags & CO_ASYNC_GENERATOR:
        kind, stops = "async generator", (StopIteration, StopAsyncIteration)

    def raised_outside(token: Any, error: BaseException) -> None:
        if isinstance(error, stops):
            name = "StopAsyncIteration" if isinstance(error, StopAsyncIteration) else "StopIteration"
            outside = RuntimeError(f"{kind} raised {name}")
            outside.__cause__ = error
            error = outside
        raised(token, error)

    return raised_outside


__all__ = ["SUPPORTED", "hooks_of", "rewrite", "rewrite_sites", "rewrite_stores"]
