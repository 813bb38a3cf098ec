"""Which call encloses which, across two lanes whose calls are paired."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

from tracer.compare.origins import NO_FRAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.compare.columns import LaneReader
    from tracer.compare.pairing import Window
    from tracer.model import Call

_MOST_AROUND: Final = 64


class Frame(NamedTuple):
    """What encloses a call: its number as a frame and its callable. `unpaired` says that it is on one side only."""

    number: int = NO_FRAME
    maker: str = ""
    unpaired: bool = False


def removed(i: int) -> int:
    """Return the number that an old call without a partner goes by; those of new calls are not negative."""
    return -3 - i


class Frames:
    """The enclosing calls of one pair of lanes, as far as their windows were taken in."""

    def __init__(self, old: LaneReader, new: LaneReader) -> None:
        self._old = old
        self._new = new
        self._windows: list[Window] = []
        self._added: set[int] = set()

    def take(self, window: Window) -> None:
        """Take in the pairs of a window: they come in order."""
        self._windows.append(window)
        self._added.update(window.added)

    def of_new(self, j: int, call: Call) -> Frame:
        """Return what encloses a new call."""
        if not call.parent or call.parent > j:
            return Frame()
        parent = j - call.parent
        return Frame(parent, self._new.callable(parent), parent in self._added)

    def of_old(self, i: int, call: Call) -> Frame:
        """Return what encloses an old call: the partner of its parent, where that has one."""
        if not call.parent or call.parent > i:
            return Frame()
        parent = i - call.parent
        partner = self._partner(parent)
        maker = self._old.callable(parent)
        return Frame(removed(parent), maker, unpaired=True) if partner < 0 else Frame(partner, maker)

    def around(self, j: int) -> Iterator[int]:
        """Yield the new calls that enclose a new call, innermost first, bounded."""
        for _ in range(_MOST_AROUND):
            parent = self._new.parent(j)
            if not parent or parent > j:
                return
            j -= parent
            yield j

    def _partner(self, i: int) -> int:
        number = bisect_right(self._windows, i, key=lambda each: each.start) - 1
        window = self._windows[number]
        return window.partners[i - window.start] if i - window.start < len(window.partners) else -1
