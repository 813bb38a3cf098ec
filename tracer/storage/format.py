"""The bytes of a cassette file, and the one place that writes them.

    magic, then `format N` and a newline
    blocks, one lane after the other:   header, meta (packed), body (zstd)
    index (zstd)
    footer

A block's header is its magic, the sizes of meta and body, the size of the body unpacked and a crc32 over all of it; its meta is
[lane, position of the first call, calls, distances of the calls open there, digest]. A block tells all that is needed to read it, so
what is whole of a file that lost its index can be saved.

The index is frames of u32 length, u8 kind, payload: META a packed map, CALLABLE, LOSS and RULE a packed row each, FULL_RULE the packed
map of a rule that says more than its place, LANE packed [name, calls, digest], followed by BLOCKS, a table of its blocks, and where calls of it are
kept as sums alone by THINNED, packed rows of such runs, in as many frames as it takes. The footer says where the index is, with a crc32.

Every integer is little-endian. The file depends on nothing but the recording: callables are sorted by name, losses and rules by their
content, lanes by name.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from dataclasses import dataclass, replace
from struct import Struct
from struct import error as struct_error
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from zlib import crc32

from tracer import model, wire
from tracer.errors import CassetteDamaged
from tracer.storage import rows
from tracer.storage.blocks import BlockCutter, lane_digest, row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tracer.rules import Rule
    from tracer.storage.blocks import Block, CallRow

FORMAT: Final = 1
"""The version of the file format.

Raise it by one for any change after which an older tracer would read a file wrongly. Then keep reading every earlier version, keep one
cassette of each version among the test data, and say in the changelog what the version adds. What older readers pass over without harm
(a new key in the META map, a new kind of index frame) needs no new version.
"""

# As PNG's: a byte above 127 shows transfers of 7 bits and re-encoding, CR LF and LF show line-ending conversion either way.
MAGIC: Final = b"\x89tracer\r\n\x1a\n"
BLOCK_MAGIC: Final = b"\xb1BLK"
BLOCK_HEADER: Final = Struct("<4sIIII")
FOOTER_MAGIC: Final = b"\xb1TRCEND\n"
FOOTER: Final = Struct("<QIII8s")
BLOCK_ENTRY: Final = Struct("<QIIII16s")

META: Final = 0
CALLABLE: Final = 1
LOSS: Final = 2
RULE: Final = 3
LANE: Final = 4
BLOCKS: Final = 5
FULL_RULE: Final = 6
THINNED: Final = 7
_INDEX_FRAME: Final = Struct("<IB")

LARGEST_INDEX: Final = 256 << 20
LARGEST_ROW: Final = 4 << 20
MOST_RULES: Final = 100_000
MOST_WRITTEN_RULES: Final = 500  # by a person; these may be expressions, each of which takes some time to compile
MOST_RUNS: Final = 1 << 20  # of thinned calls; each is of some hundred calls
_RUNS_OF_A_FRAME: Final = 4096
MOST_CALLS: Final = 1 << 16
"""No block may say that it holds more calls."""
LEAST_EXPANSION: Final = 1 << 30
MOST_EXPANSION: Final = 20_000
"""A file may unpack to so many bytes, and so many times its size more: a million equal calls come to 580 times theirs."""
_LEVEL: Final = 3
_LARGEST_WINDOW_LOG: Final = 26

MALFORMED: Final = (ValueError, TypeError, IndexError, KeyError, OverflowError, RecursionError, struct_error)
"""What reading malformed bytes raises; readers turn each into `CassetteDamaged`."""


@dataclass(frozen=True, slots=True)
class BlockEntry:
    """One block as the index knows it. `packed` and `raw` are sizes in bytes: of header, meta and body; of the body unpacked."""

    offset: int
    packed: int
    raw: int
    crc: int
    calls: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class LaneEntry:
    """One lane as the index knows it."""

    summary: model.LaneSummary
    blocks: tuple[BlockEntry, ...]


@dataclass(frozen=True, slots=True)
class BlockMeta:
    """What a block says of itself."""

    lane: str
    first: int
    calls: int
    open_calls: tuple[int, ...]
    digest: bytes


class CassetteWriter:
    """Writes one cassette to an empty binary stream: lanes in sorted order with `add_lane`, then `finish`.

    `calls` counts the calls written so far by callable, `items_summed` items of generators that are kept as sums alone, `unfinished` those calls that
    have no end.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.unfinished = 0
        self.calls: Counter[str] = Counter()
        self._stream = stream
        self._lanes: list[LaneEntry] = []
        self._oversized: dict[str, int] = {}
        self.items_summed: Counter[str] = Counter()
        self._at = 0
        self._write(MAGIC + version_line(FORMAT))

    def add_lane(
        self, name: str, calls: Iterable[CallRow], thinned: tuple[model.Thinned, ...] = ()
    ) -> model.LaneSummary | None:
        """Write the calls of one lane, as they come; None where there are none, then the lane is not kept.

        `thinned` are the runs of its calls that are kept as sums alone, sorted by callable.
        """
        cutter = BlockCutter()
        entries = tuple(self._add_block(name, block) for block in cutter.cut(calls))
        self.unfinished += cutter.unfinished
        self.calls.update(cutter.calls)
        self.items_summed.update(cutter.items_summed)
        for callable_name, count in cutter.oversized.items():
            self._oversized[callable_name] = self._oversized.get(callable_name, 0) + count
        for run in thinned:
            self.unfinished += run.unfinished
            self.calls[run.callable] += run.begun
        if not entries and not thinned:
            return None
        digest = lane_digest((entry.digest for entry in entries), thinned)
        summary = model.LaneSummary(name, sum(entry.calls for entry in entries), digest, thinned)
        self._lanes.append(LaneEntry(summary, entries))
        return summary

    def finish(self, recording: model.Recording) -> None:
        """Write the index with what the recording knows, and the footer."""
        recording = replace(recording, items_summed=tuple(sorted(self.items_summed.items())))
        index = b"".join(_index_frames(recording, self._lanes, self._oversized))
        self._write(index_and_footer(index, self._at))

    def _add_block(self, lane: str, block: Block) -> BlockEntry:
        meta = wire.packer()([lane, block.first, block.calls, list(block.open_calls), block.digest])
        body = compress(block.body)
        sizes = BLOCK_HEADER.pack(BLOCK_MAGIC, len(meta), len(body), len(block.body), 0)
        crc = crc32(body, crc32(meta, crc32(sizes)))
        data = BLOCK_HEADER.pack(BLOCK_MAGIC, len(meta), len(body), len(block.body), crc) + meta + body
        entry = BlockEntry(self._at, len(data), len(block.body), crc, block.calls, block.digest)
        self._write(data)
        return entry

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._at += len(data)


def write_calls(
    stream: BinaryIO,
    recording: model.Recording,
    lanes: Mapping[str, Iterable[model.Call]],
    thinned: Mapping[str, tuple[model.Thinned, ...]] = MappingProxyType({}),
) -> None:
    """Write a whole cassette from calls in memory or streamed from another cassette, with those of each lane that are kept as sums alone."""
    writer = CassetteWriter(stream)
    for name in sorted({*lanes, *thinned}):
        writer.add_lane(name, map(row_of, lanes.get(name, ())), thinned.get(name, ()))
    writer.finish(recording)


def version_line(version: int) -> bytes:
    """Return the line that follows the magic."""
    return b"format %d\n" % version


def _index_frames(
    recording: model.Recording, lanes: Iterable[LaneEntry], oversized: Mapping[str, int]
) -> Iterator[bytes]:
    yield _index_frame(META, wire.pack_whatever(rows.meta_to_map(recording)))
    for watched in sorted(recording.callables, key=lambda watched: watched.name):
        yield _index_frame(CALLABLE, wire.pack_whatever(rows.callable_to_row(watched)))
    too_large = tuple(model.Loss(name, "values too large to keep", count) for name, count in oversized.items())
    for loss in summed((*recording.losses, *too_large)):
        yield _index_frame(LOSS, wire.pack_whatever(rows.loss_to_row(loss)))
    yield from rule_frames(recording.noise)
    for lane in lanes:
        yield _index_frame(LANE, wire.pack_whatever([lane.summary.name, lane.summary.calls, lane.summary.digest]))
        yield _index_frame(BLOCKS, b"".join(_entry_bytes(entry) for entry in lane.blocks))
        for at in range(0, len(lane.summary.thinned), _RUNS_OF_A_FRAME):
            runs = lane.summary.thinned[at : at + _RUNS_OF_A_FRAME]
            yield _index_frame(THINNED, wire.pack_whatever([rows.thinned_to_row(run) for run in runs]))


def index_and_footer(index: bytes, start: int) -> bytes:
    """Return the end of a cassette whose blocks end at `start`."""
    packed = compress(index)
    return packed + FOOTER.pack(start, len(packed), len(index), _footer_crc(start, packed), FOOTER_MAGIC)


def rule_frames(rules: Iterable[Rule]) -> Iterator[bytes]:
    """Yield the frames of an index that tell of rules, sorted by their content. Older tracers pass over those of what they cannot do."""
    pack = wire.packer()
    known = tuple(rules)
    for row in sorted(rows.rule_to_row(rule) for rule in known if rows.is_plain(rule)):
        yield _index_frame(RULE, pack(row))
    yield from sorted(
        _index_frame(FULL_RULE, pack(rows.rule_to_map(rule))) for rule in known if not rows.is_plain(rule)
    )


def index_frames(index: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the kind of each frame of an index and the frame, as it is. Raises one of `MALFORMED` where it is malformed."""
    at = 0
    while at < len(index):
        length, kind = _INDEX_FRAME.unpack_from(index, at)
        end = at + _INDEX_FRAME.size + length
        if end > len(index):
            raise ValueError("an index frame reaches past the index")
        yield kind, index[at:end]
        at = end


def _index_frame(kind: int, payload: bytes) -> bytes:
    return _INDEX_FRAME.pack(len(payload), kind) + payload


def _entry_bytes(entry: BlockEntry) -> bytes:
    return BLOCK_ENTRY.pack(entry.offset, entry.packed, entry.raw, entry.crc, entry.calls, entry.digest)


def summed(losses: Iterable[model.Loss]) -> tuple[model.Loss, ...]:
    """Return one loss per callable and reason, sorted."""
    counts: dict[tuple[str, str], int] = {}
    for loss in losses:
        key = loss.callable, loss.reason
        counts[key] = counts.get(key, 0) + loss.count
    return tuple(model.Loss(*key, count) for key, count in sorted(counts.items()))


def parse_index(index: bytes) -> tuple[model.Recording, tuple[LaneEntry, ...]]:
    """Return the recording and the lanes an index tells of.

    Raises one of `MALFORMED` where it is malformed.
    """
    found: dict[int, list[Any]] = {META: [], CALLABLE: [], LOSS: [], RULE: [], FULL_RULE: [], LANE: [], BLOCKS: []}
    counted = _Counted()
    parsers: dict[int, Callable[[memoryview], Any]] = {
        META: lambda data: rows.meta_from_map(_row(data)),
        CALLABLE: lambda data: rows.callable_from_row(_row(data)),
        LOSS: lambda data: rows.loss_from_row(_row(data)),
        RULE: counted.by(rows.rule_from_row),
        FULL_RULE: counted.by(rows.rule_from_map),
        LANE: lambda data: _summary(_row(data)),
        BLOCKS: lambda data: tuple(BlockEntry(*fields) for fields in BLOCK_ENTRY.iter_unpack(data)),
    }
    runs: dict[int, list[model.Thinned]] = {}
    for kind, frame in index_frames(index):
        data = memoryview(frame)[_INDEX_FRAME.size :]
        if kind in found:
            found[kind].append(parsers[kind](data))
        elif kind == THINNED:
            of_lane = runs.setdefault(len(found[LANE]) - 1, [])
            more = [rows.thinned_from_row(row) for row in _row(data)]
            counted.runs(len(more))
            of_lane.extend(more)
    (known,) = found[META]
    recording = model.Recording(
        python=known.python,
        boundaries=known.boundaries,
        granularity=known.granularity,
        detail=known.detail,
        detail_calls=known.detail_calls,
        items_summed=known.items_summed,
        components=known.components,
        callables=tuple(found[CALLABLE]),
        losses=tuple(found[LOSS]),
        noise=(*found[RULE], *found[FULL_RULE]),
        block=known.block,
        ambient=known.ambient,
    )
    for number, of_lane in runs.items():
        found[LANE][number] = replace(found[LANE][number], thinned=tuple(of_lane))
    lanes = tuple(LaneEntry(summary, blocks) for summary, blocks in zip(found[LANE], found[BLOCKS], strict=True))
    return recording, lanes


class _Counted:
    """Parses the rules of a cassette, of which whoever wrote it may not have so many that reading them takes long; and counts runs alike."""

    def __init__(self) -> None:
        self._rules = self._written = self._runs = 0

    def runs(self, more: int) -> None:
        """Count runs of thinned calls."""
        self._runs += more
        if self._runs > MOST_RUNS:
            raise ValueError("more runs of calls than a cassette may hold")

    def by(self, parse: Callable[[Any], Rule]) -> Callable[[memoryview], Rule]:
        """Return a parser that counts."""

        def counting(data: memoryview) -> Rule:
            rule = parse(_row(data))
            self._rules += 1
            self._written += not rule.learned
            if self._rules > MOST_RULES or self._written > MOST_WRITTEN_RULES:
                raise ValueError("more rules than a cassette may hold")
            return rule

        return counting


def _row(data: memoryview) -> Any:
    if len(data) > LARGEST_ROW:
        raise ValueError("an index row above 4 MiB")
    return wire.unpack(data)


def _summary(row: Any) -> model.LaneSummary:
    name, calls, digest = row
    return model.LaneSummary(rows.checked(str, name), rows.checked(int, calls), rows.checked(bytes, digest))


def misplaced(lanes: Sequence[LaneEntry], start: int) -> str:
    """Return why the blocks that an index tells of cannot be those of a file whose blocks end at `start`; empty if they can.

    Blocks lie one after the other, hold a call at least and are as many calls as their lane, so that a small file cannot tell of much work.
    """
    end = unpacked = 0
    if any(lane.summary.calls != sum(entry.calls for entry in lane.blocks) for lane in lanes):
        return "its index tells of a lane with other calls than its blocks have"
    for entry in (entry for lane in lanes for entry in lane.blocks):
        if entry.offset < end or not 0 < entry.calls <= MOST_CALLS:
            return "its index tells of blocks that cannot be"
        end = entry.offset + entry.packed
        unpacked += entry.raw
    if end > start:
        return "its index points past the blocks"
    if unpacked > LEAST_EXPANSION + MOST_EXPANSION * start:
        return f"it would unpack to {unpacked:,} bytes"
    return ""


def parse_footer(footer: bytes) -> tuple[int, int, int, int]:
    """Return offset, size and unpacked size of the index and the crc32; raise ValueError where this is no footer."""
    if len(footer) != FOOTER.size or not footer.endswith(FOOTER_MAGIC):
        raise ValueError("the end of the file is missing")
    offset, packed, raw, crc, _ = FOOTER.unpack(footer)
    return offset, packed, raw, crc


def unpack_index(packed: bytes, start: int, raw: int, crc: int) -> bytes:
    """Return the index; `start`, `raw` and `crc` are what the footer says. Raise ValueError where they disagree."""
    if _footer_crc(start, packed) != crc:
        raise ValueError("the checksum of the index does not match")
    return decompress(packed, raw, LARGEST_INDEX)


def _footer_crc(start: int, packed: bytes) -> int:
    return crc32(packed, start & 0xFFFFFFFF)


def block_size(header: bytes) -> int:
    """Return how many bytes the block with this header has, header and all; raise one of `MALFORMED` where it is none."""
    magic, meta_size, body_size, _, _ = BLOCK_HEADER.unpack(header)
    if magic != BLOCK_MAGIC:
        raise ValueError("there is no block")
    size: int = BLOCK_HEADER.size + meta_size + body_size
    return size


def parse_block(data: bytes, largest: int) -> tuple[BlockMeta, bytes]:
    """Return what a block says of itself and its body; `data` may be longer than the block.

    Raises one of `MALFORMED` where checksum, digest or sizes do not match.
    """
    magic, meta_size, body_size, raw, crc = BLOCK_HEADER.unpack_from(data)
    size = BLOCK_HEADER.size + meta_size + body_size
    if magic != BLOCK_MAGIC or size > len(data):
        raise ValueError("there is no whole block")
    sizes = BLOCK_HEADER.pack(magic, meta_size, body_size, raw, 0)
    if crc32(memoryview(data)[BLOCK_HEADER.size : size], crc32(sizes)) != crc:
        raise ValueError("the checksum of a block does not match")
    body_at = BLOCK_HEADER.size + meta_size
    lane, first, calls, open_calls, digest = wire.unpack(data[BLOCK_HEADER.size : body_at])
    meta = BlockMeta(
        rows.checked(str, lane),
        rows.checked(int, first),
        rows.checked(int, calls),
        tuple(rows.checked(int, distance) for distance in open_calls),
        rows.checked(bytes, digest),
    )
    return meta, decompress(data[body_at:size], raw, largest)


def compress(data: bytes) -> bytes:
    """Return the data as one zstd frame."""
    packed: bytes = _zstd().compress(data, _LEVEL)
    return packed


def decompress(packed: bytes, size: int, largest: int) -> bytes:
    """Return the content of one zstd frame, which must be exactly `size` bytes and no more than `largest`.

    Raises:
        ValueError: it is not; no more than `size` bytes are unpacked to find out.
    """
    if size > largest:
        message = f"{size} bytes where {largest} are allowed"
        raise ValueError(message)
    zstd = _zstd()
    options = {zstd.DecompressionParameter.window_log_max: _LARGEST_WINDOW_LOG}
    decompressor = zstd.ZstdDecompressor(options=options)
    try:
        data: bytes = decompressor.decompress(packed, max_length=size + 1)
    except zstd.ZstdError as error:
        raise ValueError(str(error)) from error
    if len(data) != size or not decompressor.eof or decompressor.unused_data:
        raise ValueError("the unpacked size is not the one told")
    return data


def _zstd() -> Any:
    # Late: only reading and writing cassettes needs it, recording does not.
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def damaged(path: object, cause: str) -> CassetteDamaged:
    """Return the error for a cassette whose bytes are not whole."""
    remedy = f"Restore it from version control, or keep what is whole with `tracer recover {path}`."
    return CassetteDamaged(f"read cassette {str(path)!r}", cause, remedy)
