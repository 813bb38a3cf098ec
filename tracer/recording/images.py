"""What of a call's values is kept: how much of the arguments, of what came out, and which arguments the call changed.

Recording and replaying look by the same functions, so that the same values give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tracer.encoding.encode import immutable, unchanged
from tracer.encoding.looks import heavy
from tracer.wire import split_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.encoding.encode import Encoder

    Secret = tuple[int, ...] | None
    Observed = tuple[list[Any], bytes, Secret, list[Any] | None]
    """Arguments to look at again after the call: they, their snapshot, which are secret, and where they were flat what was encoded."""


class Counts(Protocol):
    """How often the values of each callable of a lane were looked at, by the callable's number: on the way in, on the way out."""

    seen: dict[int, int]
    out: dict[int, int]


@dataclass(slots=True)
class PlainCounts:
    """`Counts` of a lane that nobody runs in."""

    seen: dict[int, int] = field(default_factory=dict)
    out: dict[int, int] = field(default_factory=dict)


class Images:
    """Takes the images of a call's values with an encoder."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def observe(
        self, counts: Counts, number: int, secret: Secret, arguments: list[Any]
    ) -> tuple[bytes, Observed | None]:
        """Return the snapshot of arguments that are not all short scalars, and what is to be looked at again after the call."""
        encoder = self._encoder
        # A method's receiver mostly decides at once that the arguments cannot be packed as they are.
        if secret is None and (not arguments or id(type(arguments[0])) not in encoder.names):
            found = encoder.scalars(arguments)
            if found is not None:
                return found, None
            flat = encoder.flat(arguments)
            if flat is not None:
                return flat[0], (arguments, flat[0], secret, flat[1])
        full = in_full(counts.seen, number, self._encoder.first)
        snapshot = encoder.walked(arguments, secret, full)
        # Past the first crossings an object is only named: there is nothing of it to compare afterwards.
        return snapshot, (arguments, snapshot, secret, None) if full and not immutable(arguments) else None

    def outcome(self, counts: Counts, number: int, value: Any) -> bytes:
        """Return the snapshot of what came out of a callable, if it is no short scalar."""
        return self._encoder.value(value, in_full(counts.out, number, self._encoder.first))

    def changed(self, observed: Observed) -> Iterator[tuple[int, bytes]]:
        """Yield the position and the after-image of each argument that the call changed."""
        arguments, before, secret, copies = observed
        if copies is not None and unchanged(copies, arguments):
            return
        encoder = self._encoder
        after = encoder.arguments(arguments, secret, full=True)
        if after == before or not (is_array(before) and is_array(after)):
            return
        several = heavy(arguments) > 1
        pairs = zip(split_array(before), split_array(after), strict=True)
        for position, (was, now) in enumerate(pairs):
            if was != now:
                alone = now
                if (
                    several
                ):  # encoded once more by itself: inside the list it may refer to containers of the arguments before it
                    (alone,) = split_array(encoder.arguments([arguments[position]], None, full=True))
                yield position, alone


def in_full(seen: dict[int, int], number: int, first: int) -> bool:
    """Count one more for a callable; say whether it is one to be looked at in full: one of the first, or a power of two."""
    times = seen[number] = seen.get(number, 0) + 1
    return times <= first or not times & (times - 1)


def is_array(data: bytes) -> bool:
    """Whether a snapshot of arguments is one: where the stack was too short to encode them, they are one opaque value, counted there."""
    return data[0] & 0xF0 == 0x90 or data[0] in {0xDC, 0xDD}  # noqa: PLR2004  (msgpack's fixarray, array 16 and array 32)
