"""Whatever happened to a file, reading it gives the right error of five, and never anything else."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracer import errors, model
from tracer.storage import format as form
from tracer.storage.block_reader import decode
from tracer.storage.reader import open_cassette, verify
from tracer.storage.store import write_cassette

if TYPE_CHECKING:
    from pathlib import Path

Maker = Callable[[Iterable[int]], list[model.Call]]


@pytest.fixture
def small(tmp_path: Path, plain_calls: Maker) -> Path:
    path = tmp_path / "small.cassette"
    write_cassette(path, model.Recording(python="3.11"), {"main": plain_calls(range(5)), "other": plain_calls([9])})
    return path


def test_a_file_cut_at_any_byte_is_damaged(small: Path) -> None:
    whole = small.read_bytes()
    for size in range(len(whole)):
        small.write_bytes(whole[:size])

        with pytest.raises(errors.CassetteDamaged, match="tracer recover"):
            verify(small)


def test_a_flipped_bit_anywhere_is_found(small: Path) -> None:
    whole = small.read_bytes()
    for at in range(len(whole)):
        small.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])

        with pytest.raises(errors.CassetteError):
            verify(small)


@pytest.mark.parametrize("added", [b"\n", b"x" * 50])
def test_bytes_added_at_the_end_are_found(small: Path, added: bytes) -> None:
    small.write_bytes(small.read_bytes() + added)

    with pytest.raises(errors.CassetteDamaged):
        open_cassette(small)


@pytest.mark.parametrize(
    ("convert", "told"),
    [
        (lambda data: data.replace(b"\n", b"\r\n"), "line endings"),
        (lambda data: data.replace(b"\r\n", b"\n"), "line endings"),
        (lambda data: data.decode("utf-8", "replace").encode(), "as if they were text"),
        (lambda data: data.decode("latin-1").encode(), "as if they were text"),
        (lambda data: bytes(byte & 0x7F for byte in data), "as if they were text"),
        (lambda data: b"<<<<<<< HEAD\n" + data + b"=======\n" + data + b">>>>>>> branch\n", "conflict markers"),
    ],
)
def test_a_file_that_went_through_a_text_tool_is_mangled(
    small: Path, convert: Callable[[bytes], bytes], told: str
) -> None:
    small.write_bytes(convert(small.read_bytes()))

    with pytest.raises(errors.CassetteMangled, match=told) as caught:
        open_cassette(small)
    assert ".gitattributes" in caught.value.remedy


def test_a_later_format_is_too_new_and_says_so(small: Path) -> None:
    small.write_bytes(small.read_bytes().replace(b"format 1\n", b"format 12\n"))

    with pytest.raises(errors.CassetteTooNew, match="format 12, this tracer reads up to 1"):
        open_cassette(small)


@pytest.mark.parametrize("content", [b"hello", b"PK\x03\x04" * 20, bytes(100), b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_another_kind_of_file_is_not_a_cassette(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.cassette").write_bytes(content)

    with pytest.raises(errors.NotACassette):
        open_cassette(tmp_path / "a.cassette")


def test_a_git_lfs_pointer_names_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "a.cassette").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")

    with pytest.raises(errors.NotACassette, match="git lfs pull"):
        open_cassette(tmp_path / "a.cassette")


def test_an_absent_cassette_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(errors.CassetteNotFound, match="no such file"):
        open_cassette(tmp_path / "a.cassette")


def test_an_absent_cassette_with_journals_beside_it_names_recover(tmp_path: Path) -> None:
    (tmp_path / "a.cassette.part").mkdir()

    with pytest.raises(errors.CassetteNotFound, match=r"tracer recover .*a\.cassette\.part"):
        open_cassette(tmp_path / "a.cassette")


def test_a_folder_in_place_of_a_cassette_is_a_cassette_error(tmp_path: Path) -> None:
    (tmp_path / "a.cassette").mkdir()

    with pytest.raises(errors.CassetteError, match="directory"):
        open_cassette(tmp_path / "a.cassette")


def test_reading_after_close_is_a_mistake_of_the_caller_not_a_damaged_file(small: Path) -> None:
    cassette = open_cassette(small)
    cassette.close()

    with pytest.raises(ValueError, match="closed"):
        next(cassette.calls("main"))


def test_a_block_that_unpacks_to_more_than_it_says_is_refused_unread() -> None:
    bomb = form.compress(bytes(50 << 20))

    with pytest.raises(ValueError, match="unpacked size"):
        form.decompress(bomb, 1000, 1 << 20)
    with pytest.raises(ValueError, match="allowed"):
        form.decompress(bomb, 50 << 20, 1 << 20)


def test_an_index_that_says_it_is_huge_is_refused_unread(small: Path) -> None:
    data = bytearray(small.read_bytes())
    struct.pack_into("<I", data, len(data) - form.FOOTER.size + 12, 0xFFFFFFFF)
    small.write_bytes(data)

    with pytest.raises(errors.CassetteDamaged, match="allowed"):
        open_cassette(small)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_index_a_stranger_wrote_with_right_checksums_is_read_or_damaged(small: Path, data: st.DataObject) -> None:
    whole = small.read_bytes()
    start, packed, raw, _ = form.parse_footer(whole[-form.FOOTER.size :])
    index = bytearray(form.decompress(whole[start : start + packed], raw, raw))
    for _ in range(data.draw(st.integers(1, 3))):
        index[data.draw(st.integers(0, len(index) - 1))] = data.draw(st.integers(0, 255))
    forged = form.compress(bytes(index))
    footer = form.FOOTER.pack(start, len(forged), len(index), zlib.crc32(forged, start), form.FOOTER_MAGIC)
    path = small.with_name("forged.cassette")
    path.write_bytes(whole[:start] + forged + footer)

    try:
        verify(path)
    except errors.CassetteError:
        pass


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_block_a_stranger_wrote_decodes_or_is_malformed(small: Path, data: st.DataObject) -> None:
    whole = small.read_bytes()
    at = whole.index(form.BLOCK_MAGIC)
    meta, body = form.parse_block(whole[at:], 1 << 20)
    forged = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        forged[data.draw(st.integers(0, len(forged) - 1))] = data.draw(st.integers(0, 255))

    try:
        list(decode(bytes(forged), meta.first, meta.open_calls))
    except form.MALFORMED:
        pass
