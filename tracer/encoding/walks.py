"""One walk for each snapshot: in Python, or in C where that was built.

Both give the same bytes, losses and budgets left for the same values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer import wire
from tracer.compiled import WANTED
from tracer.encoding.looks import heavy
from tracer.encoding.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tracer.encoding._native import Walks as NativeWalks
    from tracer.encoding.budget import Limit
    from tracer.encoding.walk import Shared

_native: Any = None
if WANTED:
    try:
        from tracer.encoding import _native
    except ImportError:  # no compiler, another Python than it was built for, a subinterpreter
        _native = None


def in_use() -> bool:
    """Say whether encoders of this process walk in C."""
    return _native is not None


def scanner() -> Callable[[bytes, int], bool] | None:
    """Return what looks for the marks of secrets in C; None where that was not built."""
    scan: Callable[[bytes, int], bool] | None = None if _native is None else _native.may_hold_secret
    return scan


def make_walks(shared: Shared, *, pure: bool) -> Walks | NativeWalks:
    """Return what makes the walks of one encoder; `pure` has it in Python in any case."""
    if pure or _native is None:
        return Walks(shared)
    made: NativeWalks = _native.Walks(shared)
    return made


class Walks:
    """Makes the walks of one encoder, in Python. A packer is reused by one walk after another."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._packers: list[Callable[[Any], bytes]] = []

    def walk(self, limit: Limit) -> Walk:
        """Return a walk within a limit."""
        return Walk(self._shared, self._packer(), limit)

    def value(self, value: Any, limit: Limit) -> bytes:
        """Return the snapshot of one value within a limit."""
        walk = self.walk(limit)
        data = walk.value(value)
        self._packers.append(walk.pack)
        return data

    def arguments(self, values: Sequence[Any], secret: Sequence[int] | None, limit: Limit) -> bytes:
        """Return the snapshot of a list with one element per parameter, which share the limit.

        `secret` says how secret each is, None where none is. Without any nodes only scalars and what has a name or a text are told.
        """
        if not limit.nodes:
            return self._names(values, secret, limit)
        walk = self.walk(limit)
        data = wire.array_header(len(values)) + b"".join(walk.shares(values, heavy(values), secret))
        self._packers.append(walk.pack)
        return data

    def forget(self, key: int) -> None:
        """Forget what is known of the type with this id: nothing, here."""

    def _names(self, values: Sequence[Any], secret: Sequence[int] | None, limit: Limit) -> bytes:
        """As `arguments`, making a walk on first need: mostly all are of types that were met before."""
        names, walk = self._shared.names, None
        parts = [wire.array_header(len(values))]
        for place, value in enumerate(values):
            known = names.get(id(type(value)))
            if known is not None and not (secret is not None and secret[place]):
                next(known.missed)
                parts.append(known.snapshot)
            else:
                if walk is None:
                    walk = self.walk(limit)
                parts.append(walk.argument(value, 0 if secret is None else secret[place]))
        if walk is not None:
            self._packers.append(walk.pack)
        return b"".join(parts)

    def _packer(self) -> Callable[[Any], bytes]:
        # Popping is atomic, so no two threads, and no finaliser that runs in between, share a packer.
        try:
            return self._packers.pop()
        except IndexError:
            return wire.packer()
