"""The arguments of a call into C, as its site has them on the stack, in the order of the callable's parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tracer.instrument.probe import UNFIT, USED_UP

if TYPE_CHECKING:
    from tracer.instrument.foreign_types import Watched
    from tracer.instrument.injection.sites import Site

_ITERATED_TWICE: Final = frozenset(map(id, (tuple, list, dict, set, frozenset, str, bytes, range)))
"""Identities of the types of what may follow `*` at a call and be looked at before it, because looking uses nothing up and runs nothing of the host."""
_SLICED: Final = {"__getitem__": 1, "__setitem__": 2}


def bound(watched: Watched, site: Site, receiver: tuple[Any, ...], values: tuple[Any, ...]) -> tuple[Any, ...] | str:
    """Return a call's arguments in the order of the parameters; why they cannot be told where they cannot."""
    kwargs: dict[str, Any] = {}
    if site.spread:
        kwargs = dict(values[1]) if len(values) > 1 else kwargs
        if id(type(values[0])) not in _ITERATED_TWICE:
            return USED_UP
        values = tuple(values[0])
    elif site.keywords:
        count = len(site.keywords)
        kwargs = dict(zip(site.keywords, values[-count:], strict=True))
        values = values[:-count]
    elif site.operator and len(values) > _SLICED.get(site.name, len(values)):
        values = (slice(*values[:2]), *values[2:])
    arguments = watched.bind(receiver + values, kwargs)
    return UNFIT if arguments is None else arguments
