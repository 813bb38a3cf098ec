"""Parts of values that are being revived: promised, hashed for the first time, or held in a payload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer.encoding.causes import Cause, Refused
from tracer.values import Mapping, Scalar, Sequence, Truncated, Value

if TYPE_CHECKING:
    from collections.abc import Callable


class Promise:
    """A value that is not made yet although something refers to it. `place` is its ordinal."""

    __slots__ = ("live", "place", "waiting")

    def __init__(self, place: int) -> None:
        self.place = place
        self.live: Any = self
        self.waiting: list[Callable[[Any], object]] = []

    def meant(self, put: Callable[[Any], object]) -> Any:
        """Return the value; while it is not there, None, to keep its place until `put` is called with it."""
        if self.live is not self:
            return self.live
        self.waiting.append(put)
        return None

    def keep(self, live: Any) -> None:
        """Hand the value to all who wait for it."""
        self.live = live
        for put in self.waiting:
            put(live)


def given(live: Any) -> Any:
    """Return a part that must be there by now.

    Raises:
        Refused: it is the very thing that is being made.
    """
    if type(live) is Promise:
        if live.live is live:
            raise Refused(Cause.INSIDE_ITSELF)
        return live.live
    return live


def hashed(work: Callable[[], Any]) -> Any:
    """Return what `work` does with hashes and comparisons of live values, which are code of the user's.

    Raises:
        Refused: that code raised.
    """
    try:
        return work()
    except Refused:
        raise
    except Exception as error:
        raise Refused(Cause.UNHASHABLE) from error


def frozen(make: Callable[[list[Any]], Any], items: list[Any]) -> Any:
    """Return a frozenset of items.

    Raises:
        Refused: one has no hash, or two are equal.
    """
    live = hashed(lambda: make(items))
    if frozenset.__len__(live) != len(items):
        raise Refused(Cause.COLLIDING)
    return live


def held_bytes(value: Value | None) -> bytes:
    """Return the bytes that a bytearray was recorded with.

    Raises:
        Refused: it was cut, or holds something else.
    """
    if isinstance(value, Truncated):
        raise Refused(Cause.CUT, value.type)
    match value:
        case Sequence(type="bytearray", items=(Scalar(value=bytes() as data),)):
            return data
        case _:
            raise Refused(Cause.DAMAGED)


def held_items(value: Value | None) -> tuple[Value, ...]:
    """Return the items of a payload that is a sequence.

    Raises:
        Refused: it was cut, or is none.
    """
    if isinstance(value, Sequence):
        return value.items
    if isinstance(value, Truncated):
        raise Refused(Cause.CUT, value.type)
    raise Refused(Cause.DAMAGED)


def held_pairs(payload: Value | None) -> tuple[tuple[Value, Value], ...]:
    """Return the pairs of a payload that is a mapping.

    Raises:
        Refused: it was cut, or is none.
    """
    if isinstance(payload, Truncated):
        raise Refused(Cause.CUT, payload.type)
    if isinstance(payload, Mapping):
        return payload.items
    raise Refused(Cause.DAMAGED)
