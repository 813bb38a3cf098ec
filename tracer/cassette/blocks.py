"""Blocks: a run of calls of one lane as columns, equal values once.

The bytes of a block name everything by content (callables and callers by name, values by themselves, parents by nesting), in
the order of first use. So equal blocks are equal calls, whatever else the cassettes hold, and a block's digest is the digest
of its bytes. Where a block ends is decided by the last 32 calls alone (a gear hash, as in FastCDC), so an inserted call
changes the blocks it falls in and no later one.

A block is the u32 lengths of its sections, then the sections, all integers u32 little-endian unless said otherwise:

    name lengths, names (UTF-8)          value lengths, values
    per call: callable, caller (names), rise (i32), flow (u8), outcome kind (u8), arguments, outcome (values)
    far: the parent distances of calls that `rise` cannot place
    per item and changed argument: call in the block, kind (u8, an `ItemKind` or AFTER), position, value

`rise` is the depth of a call less that of the call before it: 1 inside it, 0 beside it, below 0 further out. A call whose parent
is not among the open calls (its parent was overtaken) has FAR. A distance would change with every call inserted between the two.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate, pairwise
from struct import Struct
from typing import TYPE_CHECKING, Final, TypeAlias
from zlib import crc32

from tracer import model, wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CallRow: TypeAlias = "tuple[str, str, int, int, bytes, int, bytes, Sequence[tuple[int, int, bytes]]]"
"""callable, caller, parent distance, flow, arguments, outcome kind, outcome, extras of (kind, position, value).

Items come first, in the order they passed, then changed arguments by position."""

RETURNED: Final = 0
RAISED: Final = 1
UNFINISHED: Final = 2
AFTER: Final = 3  # as the kind of an extra, beside the numbers of `ItemKind`
FAR: Final = 2

DIGEST_SIZE: Final = 16
LARGEST_BLOCK: Final = 64 << 20
"""No block may say that it is larger than this when unpacked, in bytes."""

# A change to any of these four cuts the same calls elsewhere: lanes and blocks of older cassettes then compare by call.
_MEAN_CALLS: Final = 1024
_LEAST_CALLS: Final = 64
_MOST_CALLS: Final = 4096
_MOST_BYTES: Final = 1 << 20

_LARGEST_PART: Final = (
    16 << 20
)  # of a call: arguments, outcome, extras; three of them and a full block fit LARGEST_BLOCK
_SECTIONS: Final = Struct("<16I")
_LITTLE: Final = sys.byteorder == "little"


@dataclass(frozen=True, slots=True)
class Block:
    """One encoded block. `first` is its first call's position in the lane, `open_calls` how far before it the enclosing calls began."""

    first: int
    calls: int
    open_calls: tuple[int, ...]
    digest: bytes
    body: bytes


def digest_of(data: bytes) -> bytes:
    """Return the digest that blocks and lanes are compared by."""
    return blake2b(data, digest_size=DIGEST_SIZE).digest()


def lane_digest(blocks: Iterable[bytes]) -> bytes:
    """Return the digest of a lane from the digests of its blocks in order."""
    return digest_of(b"".join(blocks))


class BlockCutter:
    """Cuts the calls of one lane into blocks. `oversized` counts, by callable, calls whose values were too large to keep."""

    def __init__(self) -> None:
        self.oversized: dict[str, int] = {}
        self._position = 0
        self._open: list[int] = []
        self._seeds: dict[str, int] = {}
        self._start()

    def _start(self) -> None:
        self._first = self._position
        self._first_open = tuple(self._position - began for began in self._open)
        self._names: dict[str, int] = {}
        self._values: dict[bytes, int] = {}
        self._columns = tuple(array("I") for _ in range(4))
        self._rises = array("i")
        self._flows = bytearray()
        self._kinds = bytearray()
        self._far = array("I")
        self._extras = tuple(array("I") for _ in range(3))
        self._extra_kinds = bytearray()

    def cut(self, rows: Iterable[CallRow]) -> Iterator[Block]:
        """Yield the blocks of a lane whose calls are `rows`, in order."""
        gear = count = size = 0
        for row in rows:
            gear, added = self._add(row, gear)
            count += 1
            size += added
            due = count >= _LEAST_CALLS and gear < (1 << 32) // _MEAN_CALLS
            if due or count >= _MOST_CALLS or size >= _MOST_BYTES:
                yield self._finish()
                count = size = 0
        if count:
            yield self._finish()

    def _add(self, row: CallRow, gear: int) -> tuple[int, int]:
        """Append one call to the columns; return the gear hash after it and how many bytes of new values it brought."""
        name, caller, distance, flow, arguments, kind, outcome, extras = row
        if len(arguments) + len(outcome) > _LARGEST_PART or extras:
            arguments, outcome, extras = self._bounded(name, arguments, outcome, extras)
        names, values = self._names, self._values
        known = len(values)
        callables, callers, argument_values, outcome_values = self._columns
        callables.append(names.setdefault(name, len(names)))
        callers.append(names.setdefault(caller, len(names)))
        argument_values.append(values.setdefault(arguments, known))
        outcome_values.append(values.setdefault(outcome, len(values)))
        self._flows.append(flow)
        self._kinds.append(kind)
        self._rises.append(self._rise(distance))
        added = len(arguments) + len(outcome) if len(values) > known else 0
        if extras:
            added += self._add_extras(extras)
        seed = self._seeds.get(name)
        if seed is None:
            seed = self._seeds[name] = crc32(name.encode("utf-8", "surrogatepass"))
        return ((gear << 1) + crc32(arguments, seed)) & 0xFFFFFFFF, added

    def _add_extras(self, extras: Sequence[tuple[int, int, bytes]]) -> int:
        calls, positions, indexes = self._extras
        for kind, position, value in extras:
            calls.append(len(self._flows) - 1)
            self._extra_kinds.append(kind)
            positions.append(position)
            indexes.append(self._values.setdefault(value, len(self._values)))
        return sum(len(value) + 13 for _, _, value in extras)

    def _rise(self, distance: int) -> int:
        """Return the rise of the next call and enter it among the open calls."""
        position = self._position
        self._position = position + 1
        stack = self._open
        depth = 0
        if 0 < distance <= position:
            depth = _depth_under(stack, position - distance)
            if not depth:
                self._far.append(distance)
                stack[-1] = position
                return FAR
        rise = depth + 1 - len(stack)
        stack[depth:] = (position,)
        return rise

    def _bounded(
        self, name: str, arguments: bytes, outcome: bytes, extras: Sequence[tuple[int, int, bytes]]
    ) -> tuple[bytes, bytes, Sequence[tuple[int, int, bytes]]]:
        kept = _head_within(extras, _LARGEST_PART)
        within = kept is extras
        if len(arguments) > _LARGEST_PART:
            arguments, within = _truncated("list", arguments), False
        if len(outcome) > _LARGEST_PART:
            outcome, within = _truncated("object", outcome), False
        if not within:
            self.oversized[name] = self.oversized.get(name, 0) + 1
        return arguments, outcome, kept

    def _finish(self) -> Block:
        names = [name.encode("utf-8", "surrogatepass") for name in self._names]
        callables, callers, arguments, outcomes = self._columns
        extra_calls, extra_positions, extra_values = self._extras
        sections = (
            _column(array("I", map(len, names))),
            b"".join(names),
            _column(array("I", map(len, self._values))),
            b"".join(self._values),
            _column(callables),
            _column(callers),
            _column(self._rises),
            bytes(self._flows),
            bytes(self._kinds),
            _column(arguments),
            _column(outcomes),
            _column(self._far),
            _column(extra_calls),
            bytes(self._extra_kinds),
            _column(extra_positions),
            _column(extra_values),
        )
        body = _SECTIONS.pack(*map(len, sections)) + b"".join(sections)
        block = Block(self._first, len(self._flows), self._first_open, digest_of(body), body)
        self._start()
        return block


def _depth_under(stack: list[int], parent: int) -> int:
    """Return the depth of a call whose parent is at position `parent`, 0 where that is not among the open calls."""
    if stack and stack[-1] == parent:
        return len(stack)
    at = bisect_left(stack, parent)
    return at + 1 if at < len(stack) and stack[at] == parent else 0


def _head_within(extras: Sequence[tuple[int, int, bytes]], limit: int) -> Sequence[tuple[int, int, bytes]]:
    sizes = accumulate(len(value) + 13 for _, _, value in extras)
    count = sum(1 for size in sizes if size <= limit)
    return extras if count == len(extras) else extras[:count]


def _truncated(type_name: str, value: bytes) -> bytes:
    pack = wire.packer()
    return pack(wire.Extension(wire.TRUNCATED, pack([type_name, len(value), [], digest_of(value)])))


def _column(numbers: array[int]) -> bytes:
    if not _LITTLE:
        numbers.byteswap()
    return numbers.tobytes()


def _numbers(data: memoryview, code: str = "I") -> array[int]:
    numbers = array(code)
    numbers.frombytes(data)
    if not _LITTLE:
        numbers.byteswap()
    return numbers


class _Columns:
    """The sections of one block, checked against each other: what a stranger may have written."""

    def __init__(self, body: bytes) -> None:
        sizes = _SECTIONS.unpack_from(body)
        ends = list(accumulate(sizes, initial=_SECTIONS.size))
        if ends[-1] != len(body):
            raise ValueError("the sections do not fill the block")
        view = memoryview(body)
        parts = [view[start:end] for start, end in pairwise(ends)]
        self.names = [str(name, "utf-8", "surrogatepass") for name in _pieces(parts[0], parts[1])]
        self.values = _pieces(parts[2], parts[3])
        self.callables, self.callers = _numbers(parts[4]), _numbers(parts[5])
        self.rises = _numbers(parts[6], "i")
        self.flows, self.kinds = bytes(parts[7]), bytes(parts[8])
        self.arguments, self.outcomes, self.far = _numbers(parts[9]), _numbers(parts[10]), _numbers(parts[11])
        self.extra_calls, self.extra_kinds = _numbers(parts[12]), bytes(parts[13])
        self.extra_positions, self.extra_values = _numbers(parts[14]), _numbers(parts[15])
        per_call = (self.callables, self.callers, self.rises, self.flows, self.kinds, self.arguments, self.outcomes)
        per_extra = (self.extra_calls, self.extra_kinds, self.extra_positions, self.extra_values)
        if len(set(map(len, per_call))) != 1 or len(set(map(len, per_extra))) != 1:
            raise ValueError("the columns differ in length")


def _pieces(lengths: memoryview, blob: memoryview) -> list[bytes]:
    ends = list(accumulate(_numbers(lengths), initial=0))
    if ends[-1] != len(blob):
        raise ValueError("the pieces do not fill their section")
    return [bytes(blob[start:end]) for start, end in pairwise(ends)]


def decode(body: bytes, first: int, open_calls: Sequence[int]) -> Iterator[model.Call]:
    """Yield the calls of a block. `first` and `open_calls` are those of its `Block`.

    Raises:
        ValueError, IndexError, struct.error: the block is malformed.
    """
    columns = _Columns(body)
    names, values, flows = columns.names, columns.values, tuple(model.Flow)
    extras = _extras_by_call(columns)
    distances = _distances(columns.rises, columns.far, first, open_calls)
    per_call = zip(
        columns.callables,
        columns.callers,
        distances,
        columns.flows,
        columns.arguments,
        columns.kinds,
        columns.outcomes,
        strict=True,
    )
    for at, (name, caller, distance, flow, arguments, kind, outcome) in enumerate(per_call):
        items, after = extras.get(at, _NO_EXTRAS)
        yield model.Call(
            names[name],
            names[caller],
            distance,
            flows[flow],
            values[arguments],
            _outcome(kind, values[outcome]),
            items,
            after,
        )


_Extras: TypeAlias = "tuple[tuple[model.Item, ...], tuple[tuple[int, bytes], ...]]"
_NO_EXTRAS: Final[_Extras] = ((), ())


def _outcome(kind: int, value: bytes) -> model.Outcome:
    if kind == RETURNED:
        return model.Returned(value)
    if kind == RAISED:
        return model.Raised(value)
    if kind == UNFINISHED:
        return model.Unfinished()
    message = f"no outcome has the number {kind}"
    raise ValueError(message)


def _extras_by_call(columns: _Columns) -> dict[int, _Extras]:
    found: dict[int, tuple[list[model.Item], list[tuple[int, bytes]]]] = {}
    for call, kind, position, value in zip(
        columns.extra_calls, columns.extra_kinds, columns.extra_positions, columns.extra_values, strict=True
    ):
        items, after = found.setdefault(call, ([], []))
        if kind == AFTER:
            after.append((position, columns.values[value]))
        else:
            items.append(model.Item(model.ItemKind(kind), columns.values[value]))
    return {call: (tuple(items), tuple(after)) for call, (items, after) in found.items()}


def _distances(rises: Sequence[int], far: Sequence[int], first: int, open_calls: Sequence[int]) -> Iterator[int]:
    """Yield how far before each call its parent began, 0 for none: `BlockCutter._rise` backwards."""
    stack = [first - distance for distance in open_calls]
    overtaken = iter(far)
    for position, rise in enumerate(rises, first):
        if rise == FAR:
            stack[-1] = position
            distance = next(overtaken, 0)
            if not 0 < distance <= position:
                raise ValueError("a parent lies outside of the lane")
            yield distance
            continue
        depth = rise + len(stack) - 1
        if not 0 <= depth <= len(stack):
            raise ValueError("a call lies deeper than the calls that could enclose it")
        yield position - stack[depth - 1] if depth else 0
        stack[depth:] = (position,)


def row_of(call: model.Call) -> CallRow:
    """Return a call as the row that blocks are cut from."""
    match call.outcome:
        case model.Returned(value):
            kind, outcome = RETURNED, value
        case model.Raised(value):
            kind, outcome = RAISED, value
        case model.Unfinished():
            kind, outcome = UNFINISHED, b""
    extras = [(int(item.kind), 0, item.value) for item in call.items]
    extras += [(AFTER, position, value) for position, value in sorted(call.after)]
    return call.callable, call.caller, call.parent, int(call.flow), call.arguments, kind, outcome, extras
