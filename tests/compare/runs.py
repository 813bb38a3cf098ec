"""A recorded run in memory, and short ways to make its calls."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from tracer import wire
from tracer.model import (
    BlockSummary,
    Call,
    Callable,
    CallableKind,
    CallColumns,
    Component,
    Flow,
    Item,
    LaneSummary,
    Outcome,
    Parameter,
    ParameterKind,
    Raised,
    Recording,
    Returned,
    columns_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_pack = wire.packer()


def snapshot(value: Any) -> bytes:
    """Pack a plain value (None, bool, int, float, str, bytes, list, tuple, set, dict) or an `Ext`."""
    return bytes(_pack(_packable(value)))


def _packable(value: Any) -> Any:
    if isinstance(value, tuple) and not isinstance(value, wire.Extension):
        return wire.Extension(wire.TUPLE, snapshot(list(value)))
    if isinstance(value, set):
        items = sorted(snapshot(item) for item in value)
        return wire.Extension(wire.SET, wire.array_header(len(items)) + b"".join(items))
    if isinstance(value, list):
        return [_packable(item) for item in value]
    if isinstance(value, dict):
        return {key: _packable(item) for key, item in value.items()}
    return value


def obj(type_: str, form: str = "plain", **fields: Any) -> Any:
    parts = [type_, form, list(fields), [_packable(value) for value in fields.values()]]
    return wire.Extension(wire.OBJECT, bytes(_pack(parts)))


def error(type_: str, *args: Any, **fields: Any) -> Any:
    return obj(type_, "exception", args=tuple(args), notes=[], cause=None, **fields)


def opaque(type_: str, ordinal: int = 0) -> Any:
    return wire.Extension(wire.OPAQUE, bytes(_pack([type_, ordinal])))


def truncated(type_: str, size: int, head: list[Any], digest: bytes = b"") -> Any:
    return wire.Extension(wire.TRUNCATED, bytes(_pack([type_, size, [_packable(x) for x in head], digest])))


def returned(value: Any) -> Returned:
    return Returned(snapshot(value))


def raised(type_: str, *args: Any, **fields: Any) -> Raised:
    return Raised(snapshot(error(type_, *args, **fields)))


def call(
    name: str,
    arguments: Sequence[Any] = (),
    outcome: Any = None,
    *,
    parent: int = 0,
    caller: str = "shop",
    items: Sequence[Item] = (),
    after: dict[int, Any] | None = None,
) -> Call:
    """Make a call; `outcome` is an Outcome, or the value it returned."""
    ends: Outcome = outcome if isinstance(outcome, Outcome) else returned(outcome)
    changed = tuple((position, snapshot(value)) for position, value in (after or {}).items())
    return Call(name, caller, parent, Flow.CALL, snapshot(list(arguments)), ends, tuple(items), changed)


def parameter(text: str, kind: ParameterKind = ParameterKind.POSITIONAL_OR_KEYWORD) -> Parameter:
    """Read `name` or `name=default`, with `*` or `**` in front for the variadic ones."""
    name, _, default = text.partition("=")
    if name.startswith("**"):
        return Parameter(name[2:], ParameterKind.VAR_KEYWORD)
    if name.startswith("*"):
        return Parameter(name[1:], ParameterKind.VAR_POSITIONAL)
    return Parameter(name, kind, default or None)


def function(
    name: str, *parameters: str, code: str = "", reach: Sequence[tuple[str, str]] = (), **more: Any
) -> Callable:
    """Make a callable; it is a method where its first parameter is `self`."""
    bound = parameters[:1] == ("self",)
    kind = CallableKind.METHOD if bound else CallableKind.FUNCTION
    made = [parameter(text) for text in parameters]
    settings = {"kind": kind, "flow": Flow.CALL, "parameters": tuple(made), "bound": bound, **more}
    component = name.partition(":")[0]
    return Callable(name, component, code=code, reach=tuple(reach), **settings)


class Run:
    """A recorded run of plain objects; `block` is how many calls a block holds."""

    def __init__(
        self, *callables: Callable, block: int = 100, recording: Recording | None = None, **lanes: Sequence[Call]
    ) -> None:
        components = tuple(Component(name) for name in sorted({each.component for each in callables}))
        self.recording = recording or Recording("3.11", callables=callables, components=components)
        self.block = block
        self.reads = 0
        self._digests: dict[tuple[int, ...], bytes] = {}
        self._lanes: dict[str, list[Call]] = {name: list(calls) for name, calls in lanes.items()}

    def with_lanes(self, lanes: Mapping[str, Sequence[Call]]) -> Run:
        self._lanes |= {name: list(calls) for name, calls in lanes.items()}
        return self

    @property
    def lanes(self) -> Sequence[LaneSummary]:
        return [LaneSummary(name, len(calls), self._digest(calls)) for name, calls in self._lanes.items()]

    def blocks(self, lane: str) -> Sequence[BlockSummary]:
        calls = self._lanes[lane]
        parts = [calls[start : start + self.block] for start in range(0, len(calls), self.block)]
        return [BlockSummary(self._digest(part), len(part)) for part in parts]

    def calls(self, lane: str, block: int | None = None) -> Iterator[Call]:
        calls = self._lanes[lane]
        part = calls if block is None else calls[block * self.block : (block + 1) * self.block]
        for each in part:
            self.reads += 1
            yield each

    def columns(self, lane: str, block: int) -> CallColumns:
        return columns_of(self.calls(lane, block))

    def _digest(self, calls: Sequence[Call]) -> bytes:
        key = tuple(map(id, calls))
        if key not in self._digests:
            self._digests[key] = hashlib.blake2b(repr(calls).encode(), digest_size=16).digest()
        return self._digests[key]
