"""What two recordings with other boundaries have in common: the calls that cross a boundary in both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tracer.model import (
    OUTSIDE,
    BlockSummary,
    Call,
    CallColumns,
    LaneSummary,
    RecordedRun,
    Recording,
    Thinned,
    columns_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def have_same_boundaries(old: Recording, new: Recording) -> bool:
    """Whether the same calls cross in both."""
    return (old.boundaries, old.granularity) == (new.boundaries, new.granularity)


class InCommon:
    """A recorded run without the calls that cross no boundary of another one. A call that is left out leaves its inner calls to its caller.

    `side` keeps the digests of the two sides apart: what is left of lanes is compared in full.
    """

    def __init__(self, run: RecordedRun, other: Recording, side: str) -> None:
        self._run = run
        self._homes = _Homes(other)
        known = tuple(each for each in run.recording.callables if self._homes.watched(each.name))
        self._recording = replace(run.recording, callables=known)
        counts = {lane.name: sum(1 for _ in self.calls(lane.name)) for lane in run.lanes}
        thinned = {lane.name: tuple(self._unproven(lane.thinned)) for lane in run.lanes}
        self._lanes = tuple(LaneSummary(name, count, side.encode(), thinned[name]) for name, count in counts.items())
        self.left_out = sum(lane.calls_made for lane in run.lanes) - sum(lane.calls_made for lane in self._lanes)

    def _unproven(self, thinned: Iterable[Thinned]) -> Iterator[Thinned]:
        """Yield the runs of callables that are watched in both. Which calls a sum is of depends on the boundaries: it proves nothing here."""
        for each in thinned:
            if self._homes.watched(each.callable):
                yield replace(each, inputs=b"", outcomes=b"")

    @property
    def recording(self) -> Recording:
        """What is known of the run beside its calls."""
        return self._recording

    @property
    def lanes(self) -> Sequence[LaneSummary]:
        """The lanes, sorted by name."""
        return self._lanes

    def blocks(self, lane: str) -> Sequence[BlockSummary]:  # noqa: ARG002  (part of the protocol)
        """Return no blocks: what is left of them is not stored as such."""
        return ()

    def calls(self, lane: str, block: int | None = None) -> Iterator[Call]:  # noqa: ARG002  (there are no blocks)
        """Yield the calls of a lane that are left, in the order they began."""
        places: list[int] = []  # of each call among those that are left, or where what encloses it has one; -1 for none
        count = 0
        for number, call in enumerate(self._run.calls(lane)):
            around = places[number - call.parent] if 0 < call.parent <= number else -1
            if self._crosses(call):
                places.append(count)
                yield replace(call, parent=count - around if around >= 0 else 0)
                count += 1
            else:
                places.append(around)

    def columns(self, lane: str, block: int) -> CallColumns:
        """Return the calls of a lane, part by part."""
        return columns_of(self.calls(lane, block))

    def _crosses(self, call: Call) -> bool:
        callee = self._homes.watched(call.callable)
        return bool(callee) and (call.caller == OUTSIDE or self._homes.of(call.caller) != callee)


class _Homes:
    """The components of a recording, asked for by module."""

    def __init__(self, recording: Recording) -> None:
        self._watched = {component.name: component.watched for component in recording.components}
        self._known: dict[str, str] = {}

    def of(self, module: str) -> str:
        """Return the component that a module belongs to, "" where there is none."""
        if module not in self._known:
            parts = module.split(".")
            prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
            self._known[module] = next((prefix for prefix in prefixes if prefix in self._watched), "")
        return self._known[module]

    def watched(self, callable_: str) -> str:
        """Return the component of a callable if its interface is watched, else ""."""
        home = self.of(callable_.partition(":")[0])
        return home if self._watched.get(home) else ""
