"""Names of the old side read under the new ones: of callables, modules, classes; in calls, in what is known of them, and inside values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from tracer import wire
from tracer.model import Item, Raised, Returned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tracer.model import (
        BlockSummary,
        Call,
        Callable,
        CallColumns,
        LaneSummary,
        Outcome,
        RecordedRun,
        Recording,
        Thinned,
    )

_IMPORTED: Final = "import "
_MOST_KEPT: Final = 4_096
_ITEMS: Final = frozenset({wire.TUPLE, wire.SET, wire.FROZENSET, wire.MAPPING})
_UNORDERED: Final = frozenset({wire.SET, wire.FROZENSET})
_pack: Final = wire.packer()


@dataclass(frozen=True, slots=True)
class Renaming:
    """New names by old ones.

    `callables` are whole names, `classes` names of classes (their nested ones go with them), `modules` dotted prefixes.
    """

    callables: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.callables or self.classes or self.modules)

    def callable(self, name: str) -> str:
        """Return the name of a callable."""
        return self.callables.get(name) or self.type(name)

    def type(self, name: str) -> str:
        """Return the name of a type, or of anything else that a module defines."""
        module, colon, qualname = name.partition(":")
        for end in _ends(qualname) if self.classes and colon else ():
            if found := self.classes.get(f"{module}:{qualname[:end]}"):
                return found + qualname[end:]
        return self.module(module) + colon + qualname

    def module(self, name: str) -> str:
        """Return the name of a module or component: the longest prefix decides."""
        for end in _ends(name) if self.modules else ():
            if found := self.modules.get(name[:end]):
                return found + name[end:]
        return name

    def lane(self, name: str) -> str:
        """Return the name of a lane: that of an import names its module."""
        return _IMPORTED + self.module(name.removeprefix(_IMPORTED)) if name.startswith(_IMPORTED) else name

    def known(self, each: Callable) -> Callable:
        """Return what is known of a callable, under the new names."""
        reach = sorted((self.callable(name), code) for name, code in each.reach)
        name, component = self.callable(each.name), self.module(each.component)
        return replace(each, name=name, component=component, reach=tuple(reach))

    @property
    def needles(self) -> tuple[bytes, ...]:
        """Bytes of which one is in every value that holds a name to be changed."""
        # Callables are named in values where a function is passed.
        return tuple(name.encode("utf-8", "surrogatepass") for name in (*self.callables, *self.classes, *self.modules))


def _ends(dotted: str) -> Iterator[int]:
    """Yield where the dotted prefixes of a name end, the longest first."""
    end = len(dotted)
    while end > 0:
        yield end
        end = dotted.rfind(".", 0, end)


class Renamed:
    """A recorded run whose names are others."""

    def __init__(self, run: RecordedRun, renaming: Renaming) -> None:
        self._run = run
        self._renaming = renaming
        self._values = _Values(renaming)
        self._lanes = {renaming.lane(lane.name): lane.name for lane in run.lanes} if renaming.modules else {}
        self._recording = self._described(run.recording)

    @property
    def recording(self) -> Recording:
        """What is known of the run beside its calls."""
        return self._recording

    @property
    def lanes(self) -> Sequence[LaneSummary]:
        """The lanes, sorted by name."""
        lanes = [
            replace(lane, name=self._renaming.lane(lane.name), thinned=tuple(map(self._thinned, lane.thinned)))
            for lane in self._run.lanes
        ]
        return sorted(lanes, key=lambda lane: lane.name)

    def _thinned(self, run: Thinned) -> Thinned:
        # Sums are of values under their old names, and prove nothing any more.
        name, caller = self._renaming.callable(run.callable), self._renaming.module(run.caller)
        return replace(run, callable=name, caller=caller, inputs=b"", outcomes=b"")

    def blocks(self, lane: str) -> Sequence[BlockSummary]:
        """Return the blocks of a lane in order."""
        return self._run.blocks(self._lanes.get(lane, lane))

    def calls(self, lane: str, block: int | None = None) -> Iterator[Call]:
        """Yield the calls of a lane in the order they began."""
        of_values = self._values.of
        for call in self._run.calls(self._lanes.get(lane, lane), block):
            yield replace(
                call,
                callable=self._renaming.callable(call.callable),
                caller=self._renaming.module(call.caller),
                arguments=of_values(call.arguments),
                outcome=self._values.outcome(call.outcome),
                items=self._values.items(call.items),
                after=self._values.after(call.after),
            )

    def columns(self, lane: str, block: int) -> CallColumns:
        """Return the calls of one block, part by part."""
        columns, values = self._run.columns(self._lanes.get(lane, lane), block), self._values
        return replace(
            columns,
            callables=[self._renaming.callable(name) for name in columns.callables],
            callers=[self._renaming.module(name) for name in columns.callers],
            arguments=[values.of(data) for data in columns.arguments],
            outcomes=[values.of(data) for data in columns.outcomes],
            items=[values.items(items) for items in columns.items],
            after=[values.after(after) for after in columns.after],
        )

    def _described(self, recording: Recording) -> Recording:
        module = self._renaming.module
        return replace(
            recording,
            boundaries=tuple(map(module, recording.boundaries)),
            components=tuple(replace(each, name=module(each.name)) for each in recording.components),
            callables=tuple(map(self._renaming.known, recording.callables)),
            losses=tuple(replace(loss, callable=self._renaming.callable(loss.callable)) for loss in recording.losses),
        )


class _Values:
    """Snapshots with other names in them, the last ones remembered."""

    def __init__(self, renaming: Renaming) -> None:
        self._renaming = renaming
        self._needles = renaming.needles
        self._known: dict[bytes, bytes] = {}

    def of(self, data: bytes) -> bytes:
        """Return the bytes of a snapshot. One that cannot be read stays as it is."""
        if not any(needle in data for needle in self._needles):
            return data
        found = self._known.get(data)
        if found is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            try:
                found = _pack(self._changed(wire.unpack(data), 0))
            except (ValueError, TypeError, RecursionError):
                found = data
            self._known[data] = found
        return found

    def outcome(self, outcome: Outcome) -> Outcome:
        match outcome:
            case Returned(value=data):
                return Returned(self.of(data))
            case Raised(error=data):
                return Raised(self.of(data))
            case _:
                return outcome

    def items(self, items: tuple[Item, ...]) -> tuple[Item, ...]:
        return tuple(Item(item.kind, self.of(item.value)) for item in items)

    def after(self, after: tuple[tuple[int, bytes], ...]) -> tuple[tuple[int, bytes], ...]:
        return tuple((position, self.of(data)) for position, data in after)

    def _changed(self, raw: Any, level: int) -> Any:
        if level > wire.MAX_DEPTH:
            raise ValueError("nested too deeply")
        if isinstance(raw, wire.Extension):
            return self._extension(raw, level + 1)
        if isinstance(raw, list):
            return [self._changed(each, level + 1) for each in raw]
        if isinstance(raw, dict):
            return {key: self._changed(each, level + 1) for key, each in raw.items()}
        return raw

    def _extension(self, raw: wire.Extension, level: int) -> wire.Extension:
        if not any(needle in raw.data for needle in self._needles):
            return raw
        if raw.code in _ITEMS:
            items = [self._changed(each, level) for each in wire.unpack(raw.data)]
            return wire.Extension(raw.code, _pack(sorted(items, key=_pack) if raw.code in _UNORDERED else items))
        match raw.code, wire.unpack(raw.data) if raw.code in _NAMING else None:
            case wire.OBJECT, [name, form, names, *values]:
                parts = [self._name(name), form, names, *(self._changed(each, level) for each in values)]
            case wire.TRUNCATED, [name, size, head, _]:
                # The digest covers names that are others now, and proves nothing any more.
                parts = [self._name(name), size, self._changed(head, level), b""]
            case wire.NAMED, [kind, name]:
                parts = [kind, self._renaming.callable(name) if isinstance(name, str) else name]
            case ((wire.ATOM | wire.OPAQUE), [name, rest]):
                parts = [self._name(name), rest]
            case _:
                return raw
        return wire.Extension(raw.code, _pack(parts))

    def _name(self, name: Any) -> Any:
        return self._renaming.type(name) if isinstance(name, str) else name


_NAMING: Final = frozenset({wire.OBJECT, wire.TRUNCATED, wire.NAMED, wire.ATOM, wire.OPAQUE})
