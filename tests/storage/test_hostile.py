"""A stranger's file tells of no more work than it holds, and of nothing that cannot be; what fuzzing found stays found."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zlib import adler32

import pytest

from tracer import errors, model, wire
from tracer.storage import format as form
from tracer.storage import journal as jr
from tracer.storage.block_reader import read_columns
from tracer.storage.blocks import SECTIONS, BlockCutter, digest_of, row_of
from tracer.storage.compact import compact
from tracer.storage.reader import open_cassette, verify
from tracer.storage.recover import recover
from tracer.storage.store import read_side, side_path, write_cassette

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SUMMARY = model.LaneSummary("main", 5, b"d" * 16)


def entry(offset: int, calls: int = 5, packed: int = 50, raw: int = 100) -> form.BlockEntry:
    return form.BlockEntry(offset, packed, raw, 0, calls, b"d" * 16)


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([entry(0, calls=0)], "cannot be"),  # a block without calls can be told of without end
        ([entry(0), entry(0)], "cannot be"),  # one block, told of twice
        ([entry(0), entry(49)], "cannot be"),
        ([entry(0, calls=form.MOST_CALLS + 1)], "cannot be"),
        ([entry(0), entry(960)], "past the blocks"),
        ([entry(0, raw=1 << 31)], "unpack to 2,147,483,648 bytes"),
        ([entry(0), entry(50)], ""),
    ],
)
def test_blocks_that_an_index_tells_of_follow_each_other_and_hold_what_a_file_can(
    entries: list[form.BlockEntry], told: str
) -> None:
    calls = sum(each.calls for each in entries)
    found = form.misplaced([form.LaneEntry(replace(SUMMARY, calls=calls), tuple(entries))], 1000)

    assert told in found if told else not found


def test_a_lane_has_the_calls_of_its_blocks() -> None:
    """Found by fuzzing: comparing went through two billion calls that were not there."""
    told = form.misplaced([form.LaneEntry(replace(SUMMARY, calls=1 << 31), (entry(0),))], 1000)

    assert "other calls than its blocks" in told


def test_a_block_with_other_calls_than_the_index_tells_of_is_damaged(tmp_path: Path, plain_calls: Any) -> None:
    """Found by fuzzing: who compares takes the number for the truth."""
    (block,) = BlockCutter().cut(map(row_of, plain_calls(range(5))))
    path = tmp_path / "a.cassette"
    with path.open("wb") as stream:
        writer = form.CassetteWriter(stream)
        told = type(block)(block.first, 50_000, block.open_calls, block.digest, block.body)
        lane = form.LaneEntry(model.LaneSummary("main", 50_000, b""), (writer._add_block("main", told),))
        writer._lanes.append(lane)
        writer.finish(model.Recording())

    with open_cassette(path) as cassette:
        with pytest.raises(errors.CassetteDamaged, match="5 calls where 50000 are told of"):
            next(cassette.calls("main"))
        with pytest.raises(errors.CassetteDamaged, match="5 calls where 50000 are told of"):
            cassette.columns("main", 0)


@pytest.mark.parametrize("open_calls", [(1,), (0,), (-3,), (1 << 40,)])
def test_no_call_lies_inside_one_outside_of_its_lane(plain_calls: Any, open_calls: tuple[int, ...]) -> None:
    (block,) = BlockCutter().cut(map(row_of, plain_calls(range(5))))

    with pytest.raises(ValueError, match="outside of the lane"):
        read_columns(block.body, 0, open_calls)


def test_sections_that_do_not_fill_a_block_are_malformed() -> None:
    body = SECTIONS.pack(*[0xFFFFFFFF] * 16)

    with pytest.raises(ValueError, match="do not fill"):
        read_columns(body, 0, ())
    assert digest_of(body)


@pytest.mark.parametrize(("kind", "second"), [(jr.BEGIN, 4), (jr.END, 3), (jr.END, 255), (jr.ITEM, 3), (jr.AFTER, 1)])
def test_a_frame_that_says_what_no_frame_can_say_is_damaged(
    part: Path, scribe: Callable[..., Any], kind: int, second: int
) -> None:
    """Found by fuzzing: an outcome of 300 was no number that a block can hold."""
    journal = scribe()
    journal.call("main", "shop:f", 1, 2)
    journal.call("main", "shop:f", 3, 4)
    journal.journal.item(1, 0, wire.packer()("item"))
    journal.journal.after(1, 0, wire.packer()("after"))
    journal.close()
    (path,) = part.iterdir()
    data = bytearray(path.read_bytes())
    at = jr.HALF
    while data[at + 8] != kind:
        at = jr.measured_at(bytes(data), at) + jr.FRAME_STRUCT.unpack_from(data, at)[0]
    data[at + 9] = second
    start = jr.measured_at(bytes(data), at)
    (call,) = struct.unpack_from("<Q", data, start - 8)
    length, _ = jr.FRAME_STRUCT.unpack_from(data, at)
    jr.FRAME_STRUCT.pack_into(data, at, length, adler32(data[start : start + length], call))
    path.write_bytes(data)

    summary = compact(part, part.with_name("a.cassette"))

    assert summary.damaged == 1
    assert verify(summary.target).calls == summary.calls


@pytest.mark.parametrize("name", ["pid", "ppid", "origin"])
def test_a_process_whose_number_is_none_is_damaged(part: Path, name: str) -> None:
    """Found by fuzzing: a process with a list for its number ended in a TypeError."""
    journal = jr.Journal.create(part, {"pid": 1, "ppid": 2, "origin": 1, name: [1]})
    journal.close()

    assert compact(part, part.with_name("a.cassette")).damaged == 1


def test_a_circle_of_parents_in_a_journal_has_an_end(part: Path, scribe: Callable[..., Any]) -> None:
    """Found by fuzzing: two calls of no known callable, each made inside the other."""
    journal = scribe()
    journal.begin("main", "shop:f", 1)
    journal.journal.define_lane(7, "main")
    for call, parent in ((3, 4), (4, 3), (5, 4)):
        journal.journal.begin(
            call,
            journal.number("lane", "main"),
            parent,
            99 if call < 5 else journal.number("callable", "shop:f"),
            journal.number("caller", "x"),
            0,
            b"\x90",
        )
    journal.close()

    summary = compact(part, part.with_name("a.cassette"))

    assert verify(summary.target).calls == summary.calls == 2


def test_what_is_saved_of_a_cassette_may_have_names_that_are_no_text(tmp_path: Path, plain_calls: Any) -> None:
    """Found by fuzzing: a name with lone surrogates, in a block whose index is lost."""
    (call,) = plain_calls([1])
    path = tmp_path / "a.cassette"
    write_cassette(path, model.Recording(), {"main": [replace(call, callable="shop:\ud800")]})
    path.write_bytes(path.read_bytes()[:-30])

    assert verify(recover(path)).calls == 1


def test_the_side_file_is_read_as_utf_8_whatever_it_looks_like(tmp_path: Path) -> None:
    """Found by fuzzing: of bytes `json` guesses an encoding, and imports its codec."""
    side_path(tmp_path / "a.cassette").write_bytes('{"exit": 1}'.encode("utf-16-le"))

    assert read_side(tmp_path / "a.cassette") == {}
