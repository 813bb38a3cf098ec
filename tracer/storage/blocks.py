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
is not among the open calls (another call overtook it) has FAR, and its parent is open again. A distance would change with every call inserted between the two.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate, chain, count
from struct import Struct
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar
from zlib import crc32

from tracer import model, wire
from tracer.storage.rows import thinned_to_row
from tracer.sums import of_items

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CallRow: TypeAlias = "tuple[str, str, int, int, bytes, int, bytes, Sequence[tuple[int, int, bytes]]]"
"""callable, caller, parent distance, flow, arguments, outcome kind, outcome, extras of (kind, position, value).

Items come first, in the order they passed, then changed arguments by position."""

T = TypeVar("T", str, bytes)

RETURNED: Final = 0
RAISED: Final = 1
UNFINISHED: Final = 2
_SUMMED: Final = int(model.ItemKind.SUMMED)
AFTER: Final = 3  # as the kind of an extra, beside the numbers of `ItemKind`
FAR: Final = 2

DIGEST_SIZE: Final = 16
LARGEST_BLOCK: Final = 64 << 20
"""No block may say that it is larger than this when unpacked, in bytes."""

# A change to any of these four cuts the same calls elsewhere: lanes and blocks of older cassettes then compare by call.
_CUT_BELOW: Final = (1 << 32) // 1024  # of the gear hash: one call in 1,024
_LEAST_CALLS: Final = 64
_MOST_CALLS: Final = 4096
_MOST_BYTES: Final = 4 << 20  # of values, equal ones counted each time

_LARGEST_PART: Final = (
    16 << 20
)  # of a call: arguments, outcome, extras; three of them and a full block fit LARGEST_BLOCK
SECTIONS: Final = Struct("<16I")
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


def lane_digest(blocks: Iterable[bytes], thinned: Sequence[model.Thinned] = ()) -> bytes:
    """Return the digest of a lane from the digests of its blocks in order, and the runs of calls that are in none."""
    pack = wire.packer()
    return digest_of(b"".join((*blocks, *(pack(thinned_to_row(run)) for run in thinned))))


class BlockCutter:
    """Cuts the calls of one lane into blocks.

    `calls` counts the calls cut so far by callable, `oversized` those whose values were too large to keep, `items_summed` items of generators
    that are kept as sums alone; `unfinished` counts calls without an end.
    """

    def __init__(self) -> None:
        self.unfinished = 0
        self.calls: Counter[str] = Counter()
        self.oversized: dict[str, int] = {}
        self.items_summed: Counter[str] = Counter()
        self._open: list[int] = []  # positions of the calls that enclose the next one, outermost first

    def cut(self, rows: Iterable[CallRow]) -> Iterator[Block]:
        """Yield the blocks of a lane whose calls are `rows`, in order."""
        gear = size = first = 0
        seeds: dict[str, int] = {}
        pending: list[CallRow] = []
        for given in rows:
            row = given
            name, _, _, _, arguments, _, outcome, extras = row
            size += len(arguments) + len(outcome)
            if extras or size >= _MOST_BYTES:
                row = self._bounded(row)
                size += sum(len(value) for _, _, value in row[7])
                summed = sum(of_items(value)[0] for kind, _, value in row[7] if kind == _SUMMED)
                if summed:
                    self.items_summed[name] += summed
            seed = seeds.get(name)
            if seed is None:
                seed = seeds[name] = crc32(_utf8(name))
            gear = ((gear << 1) + crc32(arguments, seed)) & 0xFFFFFFFF
            pending.append(row)
            due = gear < _CUT_BELOW and len(pending) >= _LEAST_CALLS
            if due or size >= _MOST_BYTES or len(pending) >= _MOST_CALLS:
                yield self._encode(pending, first)
                first += len(pending)
                pending, size = [], 0
        if pending:
            yield self._encode(pending, first)

    def _encode(self, rows: list[CallRow], first: int) -> Block:
        callables, callers, distances, flows, arguments, kinds, outcomes, extras = zip(*rows, strict=True)
        self.unfinished += kinds.count(UNFINISHED)
        self.calls.update(callables)
        open_calls = tuple(first - began for began in self._open)
        rises, far = self._nested(distances, first)
        flat = [(at, *extra) for at, of_call in enumerate(extras) for extra in of_call]
        names = _numbered(callables, callers)
        values = _numbered(arguments, outcomes, (extra[3] for extra in flat))
        encoded_names = list(map(_utf8, names))
        sections = (
            _column(map(len, encoded_names)),
            b"".join(encoded_names),
            _column(map(len, values)),
            b"".join(values),
            _column(map(names.__getitem__, callables)),
            _column(map(names.__getitem__, callers)),
            _column(rises, "i"),
            bytes(flows),
            bytes(kinds),
            _column(map(values.__getitem__, arguments)),
            _column(map(values.__getitem__, outcomes)),
            _column(far),
            _column(extra[0] for extra in flat),
            bytes(extra[1] for extra in flat),
            _column(extra[2] for extra in flat),
            _column(values[extra[3]] for extra in flat),
        )
        body = SECTIONS.pack(*map(len, sections)) + b"".join(sections)
        return Block(first, len(rows), open_calls, digest_of(body), body)

    def _nested(self, distances: Iterable[int], first: int) -> tuple[list[int], list[int]]:
        """Return the rises of calls that begin at position `first`, and the distances of those that have none."""
        stack = self._open
        rises, far = [], []
        for position, distance in enumerate(distances, first):
            depth = 0
            if 0 < distance <= position:
                depth = _depth_under(stack, position - distance)
                if not depth:
                    far.append(distance)
                    rises.append(FAR)
                    reopen(stack, position - distance, position)
                    continue
            rises.append(depth + 1 - len(stack))
            stack[depth:] = (position,)
        return rises, far

    def _bounded(self, row: CallRow) -> CallRow:
        """Return the call with no part of it above its limit."""
        name, caller, distance, flow, arguments, kind, outcome, extras = row
        kept = _head_within(extras, _LARGEST_PART)
        within = kept is extras
        if len(arguments) > _LARGEST_PART:
            arguments, within = _truncated("list", arguments), False
        if len(outcome) > _LARGEST_PART:
            outcome, within = _truncated("object", outcome), False
        if within:
            return row
        self.oversized[name] = self.oversized.get(name, 0) + 1
        return name, caller, distance, flow, arguments, kind, outcome, kept


def _numbered(*columns: Iterable[T]) -> dict[T, int]:
    """Return each distinct value with its number, in the order of first use."""
    return dict(zip(dict.fromkeys(chain(*columns)), count(), strict=False))


def _utf8(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _depth_under(stack: list[int], parent: int) -> int:
    """Return the depth of a call whose parent is at position `parent`, 0 where that is not among the open calls."""
    if stack and stack[-1] == parent:
        return len(stack)
    at = bisect_left(stack, parent)
    return at + 1 if at < len(stack) and stack[at] == parent else 0


def reopen(stack: list[int], parent: int, position: int) -> None:
    """Enter a call under an overtaken parent, so that its siblings that follow need no distance of their own."""
    stack[bisect_left(stack, parent) :] = (parent, position)


def _head_within(extras: Sequence[tuple[int, int, bytes]], limit: int) -> Sequence[tuple[int, int, bytes]]:
    sizes = accumulate(len(value) + 13 for _, _, value in extras)
    count = sum(1 for size in sizes if size <= limit)
    return extras if count == len(extras) else extras[:count]


def _truncated(type_name: str, value: bytes) -> bytes:
    pack = wire.packer()
    return pack(wire.Extension(wire.TRUNCATED, pack([type_name, len(value), [], digest_of(value)])))


def _column(values: Iterable[int], code: str = "I") -> bytes:
    numbers = array(code, values)
    if not _LITTLE:
        numbers.byteswap()
    return numbers.tobytes()


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
