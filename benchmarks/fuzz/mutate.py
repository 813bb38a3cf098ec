"""Mutations of tracer's files: of the bytes as they are, and of what they mean, every checksum and digest made right again."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, TypeAlias
from zlib import adler32, crc32

import hostile

from tracer import wire
from tracer.storage import format as form
from tracer.storage import journal as jr
from tracer.storage.blocks import SECTIONS, digest_of, lane_digest
from tracer.storage.open_sums import SLOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_pack = wire.packer()
_INDEX_FRAME = struct.Struct("<IB")
_COLUMNS = (4, 5, 6, 9, 10, 11, 12, 14, 15)  # the sections of a block that are u32
_BYTES = (7, 8, 13)


@dataclass
class Part:
    """One block: what it says of itself, and its sections."""

    meta: list[object]
    sections: list[bytes]


@dataclass
class File:
    """A cassette taken apart. `told` are index entries to be written wrong: (place, field, number)."""

    head: bytes
    blocks: list[Part]
    frames: list[tuple[int, bytes]]
    told: list[tuple[int, int, int]]
    raw_lie: int | None = None


def take_apart(data: bytes) -> File:
    """Return the parts of a whole cassette, to be changed."""
    parts = _parts(data)
    blocks = [Part(list(part.meta), list(part.sections)) for part in parts.blocks]
    return File(parts.head, blocks, list(parts.frames), [])


@lru_cache(maxsize=8)
def _parts(data: bytes) -> File:
    start, packed, raw, _ = form.parse_footer(data[-form.FOOTER.size :])
    index = form.decompress(data[start : start + packed], raw, raw)
    frames = [(kind, frame[_INDEX_FRAME.size :]) for kind, frame in form.index_frames(index)]
    at = data.index(form.BLOCK_MAGIC)
    head, blocks = data[:at], []
    while at < start:
        size = form.block_size(data[at : at + form.BLOCK_HEADER.size])
        _, meta_size, _, _, _ = form.BLOCK_HEADER.unpack_from(data, at)
        meta_at = at + form.BLOCK_HEADER.size
        _, body = form.parse_block(data[at : at + size], 1 << 26)
        ends = list(accumulate(SECTIONS.unpack_from(body), initial=SECTIONS.size))
        sections = [body[begin:end] for begin, end in pairwise(ends)]
        blocks.append(Part(wire.unpack(data[meta_at : meta_at + meta_size]), sections))
        at += size
    return File(head, blocks, frames, [])


def put_together(file: File) -> bytes:
    """Return the parts as a file: digests, checksums, index and footer are right, but for what is told wrong."""
    out, entries = bytearray(file.head), []
    for number, part in enumerate(file.blocks):
        body = body_of(part)
        part.meta[4] = digest_of(body)
        entries.append([len(out), *_put_block(out, part.meta, body, file.raw_lie if number == 0 else None)])
    for number, field, value in file.told:
        if entries:
            entries[number % len(entries)][field] = value
    file.frames = _signed(file, entries)
    return bytes(out) + form.index_and_footer(index_of(file), len(out))


def body_of(part: Part) -> bytes:
    """Return the body of a block."""
    return SECTIONS.pack(*map(len, part.sections)) + b"".join(part.sections)


def index_of(file: File) -> bytes:
    """Return the index as its frames are."""
    return b"".join(_INDEX_FRAME.pack(len(data), kind) + data for kind, data in file.frames)


def _put_block(out: bytearray, meta: list[object], body: bytes, raw_lie: int | None) -> tuple[object, ...]:
    packed_meta, packed = _pack(meta), form.compress(body)
    raw = len(body) if raw_lie is None else raw_lie
    sizes = form.BLOCK_HEADER.pack(form.BLOCK_MAGIC, len(packed_meta), len(packed), raw, 0)
    crc = crc32(packed, crc32(packed_meta, crc32(sizes)))
    out += form.BLOCK_HEADER.pack(form.BLOCK_MAGIC, len(packed_meta), len(packed), raw, crc) + packed_meta + packed
    return len(sizes) + len(packed_meta) + len(packed), raw, crc, meta[2], meta[4]


def _signed(file: File, entries: list[list[object]]) -> list[tuple[int, bytes]]:
    """Return the index with the blocks as they are now, where its frames of lanes still stand."""
    frames, at = list(file.frames), 0
    for number, (kind, data) in enumerate(frames):
        if kind != form.BLOCKS or number == 0 or frames[number - 1][0] != form.LANE:
            continue
        count = len(data) // form.BLOCK_ENTRY.size
        mine, at = entries[at : at + count], at + count
        frames[number] = (kind, b"".join(form.BLOCK_ENTRY.pack(*_bounded(entry)) for entry in mine))
        try:
            name, calls, _ = wire.unpack(frames[number - 1][1])
            digest = lane_digest(bytes(entry[5]) for entry in mine)  # type: ignore[call-overload]
            frames[number - 1] = (form.LANE, _pack([name, calls, digest]))
        except (ValueError, TypeError):
            continue
    return frames


def _bounded(entry: list[object]) -> tuple[object, ...]:
    limits = (2**64, 2**32, 2**32, 2**32, 2**32)
    numbers = [value % limit if isinstance(value, int) else 0 for value, limit in zip(entry, limits, strict=False)]
    return (*numbers, entry[5] if isinstance(entry[5], bytes) else b"")


# -- the bytes as they are ------------------------------------------------------------------------------------------------


def cut(data: bytes, random: Random) -> bytes:
    """Cut the file anywhere."""
    return data[: random.randrange(len(data))]


def flip(data: bytes, random: Random) -> bytes:
    """Change one to four bits."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def splice(data: bytes, random: Random) -> bytes:
    """Put a piece of the file, or noise, in place of another piece."""
    start, stop = sorted((random.randrange(len(data)), random.randrange(len(data))))
    at = random.randrange(len(data))
    piece = random.choice((data[at : at + 60], random.randbytes(random.randint(0, 60)), b"\xff" * 8))
    return data[:start] + piece + data[stop:]


RAW: tuple[Callable[[bytes, Random], bytes], ...] = (cut, flip, splice)


# -- what it means --------------------------------------------------------------------------------------------------------


def _column(file: File, random: Random) -> None:
    sections = random.choice(file.blocks).sections
    which = random.choice(_COLUMNS)
    changed = bytearray(sections[which])
    for _ in range(random.randint(1, 3)):
        if len(changed) >= 4:
            struct.pack_into(
                "<I", changed, 4 * random.randrange(len(changed) // 4), hostile.number(random) & 0xFFFFFFFF
            )
    sections[which] = bytes(changed) + random.choice((b"", b"", b"", b"\0\0\0\0", b"\1"))


def _byte_column(file: File, random: Random) -> None:
    sections = random.choice(file.blocks).sections
    which = random.choice(_BYTES)
    changed = bytearray(sections[which])
    if changed:
        changed[random.randrange(len(changed))] = random.choice((0, 1, 2, 3, 4, 255))
    sections[which] = bytes(changed)


def _piece(lengths: int, make: Callable[[Random], bytes]) -> Callable[[File, Random], None]:
    def change(file: File, random: Random) -> None:
        sections = random.choice(file.blocks).sections
        sizes = list(struct.unpack(f"<{len(sections[lengths]) // 4}I", sections[lengths]))
        if not sizes:
            return
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(sizes))
            begin, new = sum(sizes[:at]), make(random)
            blob = sections[lengths + 1]
            sections[lengths + 1] = blob[:begin] + new + blob[begin + sizes[at] :]
            sizes[at] = len(new)
        sections[lengths] = struct.pack(f"<{len(sizes)}I", *sizes)

    return change


def _arguments(random: Random) -> bytes:
    count = random.randint(0, 3)
    if random.random() < 0.3:
        return hostile.snapshot(random)
    return wire.array_header(count) + b"".join(hostile.snapshot(random) for _ in range(count))


def _extras(file: File, random: Random) -> None:
    """Add items and changed arguments."""
    sections = random.choice(file.blocks).sections
    calls, values = len(sections[7]), len(sections[2]) // 4
    for _ in range(random.randint(1, 5)):
        sections[12] += struct.pack(
            "<I", random.choice((0, calls // 2, max(calls - 1, 0), hostile.number(random) & 0xFFFFFFFF))
        )
        sections[13] += bytes((random.randrange(5),))
        sections[14] += struct.pack("<I", random.choice((0, 1, hostile.number(random) & 0xFFFFFFFF)))
        sections[15] += struct.pack("<I", random.randrange(values + 1) if values else 0)


def _meta(file: File, random: Random) -> None:
    meta = random.choice(file.blocks).meta
    which = random.randrange(4)
    meta[which] = random.choice(
        (
            hostile.number(random),
            hostile.text(random).encode("ascii", "replace").decode(),
            [hostile.number(random)] * 3,
            -1,
            None,
            [-5],
        )
    )


def _told(file: File, random: Random) -> None:
    file.told.append((random.randrange(99), random.randrange(5), hostile.number(random)))


def _lie(file: File, random: Random) -> None:
    file.raw_lie = random.choice((0, 1, 2**26, 2**26 + 1, 2**32 - 1))


def _bomb(file: File, random: Random) -> None:
    """Let a section, or all, unpack to far more than the file has."""
    part = random.choice(file.blocks)
    size = random.choice((1 << 16, 1 << 20, 1 << 24))
    part.sections[random.choice((1, 3, 7, 11))] += bytes(size)


def _repeat(file: File, random: Random) -> None:
    """Tell of blocks more than once."""
    for number, (kind, data) in enumerate(file.frames):
        if kind == form.BLOCKS:
            file.frames[number] = (kind, data * random.choice((2, 3, 50)))
    if random.random() < 0.5:
        file.blocks = file.blocks * 2


def _row(file: File, random: Random) -> None:
    """Change a place of a row of the index."""
    number = random.randrange(len(file.frames))
    kind, data = file.frames[number]
    try:
        file.frames[number] = (kind, hostile.packed(_altered(wire.unpack(data), random)))
    except (ValueError, TypeError):
        file.frames[number] = (kind, random.randbytes(len(data)))


def _altered(value: object, random: Random) -> object:
    if isinstance(value, list) and value and random.random() < 0.9:
        at = random.randrange(len(value))
        return [*value[:at], _altered(value[at], random), *value[at + 1 :]]
    if isinstance(value, dict) and value and random.random() < 0.9:
        key = random.choice(list(value))
        return {**value, key: _altered(value[key], random)}
    strange = (None, True, -1, hostile.number(random) & (2**63 - 1), 1.5, b"x", [], {}, [["a", "b", "c"]] * 3)
    return random.choice((*strange, *[hostile.text(random).encode("utf-8", "replace").decode()] * 6))


def _rules(file: File, random: Random) -> None:
    """Add a rule as a stranger would write it."""
    texts = (
        "*",
        "/(a+)+$/",
        "/((a|aa)+)+b/",
        "**" * 20 + "x",
        "shop.*:f?",
        hostile.text(random).encode("ascii", "replace").decode(),
    )
    row = [random.choice(texts) for _ in range(3)]
    source = random.choice(("learned", "user", "seen between two runs of the new side", "x"))
    place = next((at for at, (kind, _) in enumerate(file.frames) if kind == form.LANE), 0)
    if random.random() < 0.5:
        frame = (form.RULE, _pack([*row, source]))
    else:
        more = {"callable": row[0], "kind": "*", "path": row[2], "source": source}
        more[random.choice(("regex", "compare", "absolute", "unordered", "presence", "type", "zzz"))] = random.choice(
            ("(x+x+)+y", "os:system", 1e308, -1, True, "*" * 30)
        )
        frame = (form.FULL_RULE, _pack(more))
    file.frames.insert(place, frame)


def _frames(file: File, random: Random) -> None:
    """Drop, double, move or invent a frame of the index."""
    number = random.randrange(len(file.frames))
    act = random.randrange(4)
    if act == 0:
        del file.frames[number]
    elif act == 1:
        file.frames.insert(number, file.frames[number])
    elif act == 2:
        random.shuffle(file.frames)
    else:
        file.frames.insert(number, (random.randrange(256), random.randbytes(random.randint(0, 30))))


Change: TypeAlias = "Callable[[File, Random], None]"

OF_BLOCKS: tuple[Change, ...] = (
    _column,
    _column,
    _byte_column,
    _piece(0, lambda random: hostile.text(random).encode("utf-8", "surrogatepass")),
    _piece(2, _arguments),
    _piece(2, _arguments),
    _piece(2, hostile.snapshot),
    _extras,
)
OF_INDEX: tuple[Change, ...] = (_row, _row, _rules, _frames)
_OF_BOTH: tuple[Change, ...] = (_meta, _told, _lie, _bomb, _repeat)


def changed(data: bytes, random: Random, changes: tuple[Change, ...]) -> File:
    """Return the parts of a cassette after one to three changes."""
    file = take_apart(data)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        random.choice(changes)(file, random)
    return file


def mutated(data: bytes, random: Random) -> bytes:
    """Return a cassette changed in its bytes, or in its meaning with every checksum made right again."""
    if random.random() < 0.2:
        return random.choice(RAW)(data, random)
    try:
        return put_together(changed(data, random, (*OF_BLOCKS, *OF_INDEX, *_OF_BOTH)))
    except (struct.error, OverflowError, ValueError, UnicodeEncodeError):
        return flip(data, random)


def mutated_journal(data: bytes, random: Random) -> bytes:
    """Return a journal changed in its bytes, or with frames changed whose checksums are right again."""
    if random.random() < 0.25:
        return random.choice(RAW)(data, random)
    out = bytearray(data)
    for start, stop in _journal_frames(data):
        if random.random() < 0.15:
            _change_frame(out, start, stop, random)
    if random.random() < 0.5:
        _change_slots(out, random)
    return bytes(out)


def _change_slots(out: bytearray, random: Random) -> None:
    """Change numbers of the first few slots for sums that are open: those used, and one that is not."""
    for _ in range(random.randint(1, 4)):
        at = jr.SUMS_AT + 4 * random.randrange(5 * SLOT // 4)
        number = random.choice((0, 1, 2, 3, 5, 6, 9, 2**31, 2**32 - 1, random.randrange(2**32)))
        if at + 4 <= len(out):
            struct.pack_into("<I", out, at, number)


def _journal_frames(data: bytes) -> list[tuple[int, int]]:
    found = []
    for begin in (jr.HALF, 2 * jr.HALF, jr.LOG_AT):
        at = begin
        while at + jr.FRAME_STRUCT.size < len(data):
            (length, _) = jr.FRAME_STRUCT.unpack_from(data, at)
            stop = jr.measured_at(data, at) + length
            if not length or stop > len(data):
                break
            found.append((at, stop))
            at = stop
    return found


def _change_frame(out: bytearray, start: int, stop: int, random: Random) -> None:
    """Change bytes of a frame, its checksum made right again."""
    for _ in range(random.randint(1, 3)):
        out[random.randrange(start + 8, stop)] = random.choice((0, 1, 0x91, 0xC0, 0xDD, 0xFF, random.randrange(256)))
    begin = jr.measured_at(bytes(out[start : start + 16]), 0) + start
    if begin > stop:
        return
    call = struct.unpack_from("<Q", out, begin - 8)[0] if begin > start + 8 else 1
    struct.pack_into("<II", out, start, stop - begin, adler32(out[begin:stop], call))


def mutated_text(data: bytes, random: Random) -> bytes:
    """Return a text file (accepted changes, timings) with lines dropped, doubled and filled with strange texts."""
    if random.random() < 0.4:
        return random.choice(RAW)(data, random)
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    strange = (
        b"[" * 3000,
        b'"' + hostile.text(random).encode("utf-8", "replace") + b'"',
        b"9" * 6000,
        b"\xff\xfe",
        b"=======",
        b"{" * 2000,
    )
    act = random.randrange(4)
    if act == 0:
        lines[at] = lines[at].replace(b'"', random.choice(strange), 1)
    elif act == 1:
        lines.insert(at, random.choice(strange))
    elif act == 2:
        lines[at] = lines[at][: len(lines[at]) // 2] + random.choice(strange) + lines[at][len(lines[at]) // 2 :]
    else:
        lines.insert(at, lines[at])
    return b"\n".join(lines)
