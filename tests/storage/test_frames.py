"""Where the frames of a journal are: found in C as in Python, whatever the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import adler32

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracer.storage import frames
from tracer.storage import journal as jr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.storage.frames import Frames

pytestmark = pytest.mark.skipif(frames._native is None, reason="tracer was built without a C compiler")

CALLS = st.one_of(st.integers(1, 12), st.integers(4_000, 4_200), st.integers(0, 2**64 - 1))
CONTENT = st.binary(max_size=40)


def begin(call: int, lane: int, flow: int, content: bytes) -> bytes:
    return jr.pack_begin(len(content), adler32(content, call), jr.begin_key(7, flow), lane, 1, 0, call) + content


def note(kind: int, second: int, call: int, content: bytes) -> bytes:
    return jr.pack_end(len(content), adler32(content, call), kind | second << 8, call) + content


def rare(body: bytes) -> bytes:
    return jr.FRAME_STRUCT.pack(len(body), adler32(body)) + body


NOTES = st.sampled_from([jr.END, jr.ITEM, jr.AFTER, jr.TIME])
FRAMES = st.lists(
    st.one_of(
        st.builds(begin, CALLS, st.integers(0, 3), st.integers(0, 5), CONTENT),
        st.builds(note, NOTES, st.integers(0, 5), CALLS, CONTENT | st.binary(min_size=8, max_size=8)),
        st.builds(rare, st.binary(min_size=1, max_size=20)),
    ),
    max_size=30,
)


def found(data: bytes, segments: Sequence[tuple[int, int]], *, pure: bool) -> tuple[Frames, list[tuple[int, bytes]]]:
    seen: list[tuple[int, bytes]] = []
    return frames.find_frames(data, segments, lambda *frame: seen.append(frame), pure=pure), seen


def both_ways(data: bytes, *segments: tuple[int, int]) -> Frames:
    in_c, in_python = (found(data, segments, pure=pure) for pure in (False, True))
    assert in_c == in_python
    return in_c[0]


@given(written=FRAMES, cut=st.integers(0, 40))
def test_whole_frames_are_found_alike_wherever_the_file_ends(written: list[bytes], cut: int) -> None:
    data = b"\0" + b"".join(written)

    both_ways(data, (1, len(data)))
    both_ways(data, (1, max(1, len(data) - cut)), (1, len(data)))


@given(written=FRAMES, at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_damaged_frames_are_found_damaged_alike(written: list[bytes], at: int, bit: int) -> None:
    data = bytearray(b"\0" + b"".join(written))
    data[at % len(data)] ^= 1 << bit

    both_ways(bytes(data), (1, len(data)))


@given(data=st.binary(max_size=200), start=st.integers(0, 200), stop=st.integers(0, 200))
@example(data=b"\x01\0\0\0" + bytes(196), start=0, stop=9)
def test_any_bytes_are_looked_at_alike(data: bytes, start: int, stop: int) -> None:
    both_ways(data, (start, min(stop, len(data))))


def test_calls_of_many_lanes_are_in_the_order_they_began() -> None:
    """Whatever the order of their numbers: threads that take turns write them crosswise."""
    written = [begin(call, lane, 0, b"\x90") for call, lane in ((5, 1), (3, 2), (4, 1), (9, 2), (6, 1))]
    data = b"\0" + b"".join(written)

    known = both_ways(data, (1, len(data)))

    calls = {lane: [ordinal + known.base for ordinal in ordinals] for lane, ordinals in known.by_lane().items()}
    assert calls == {1: [5, 4, 6], 2: [3, 9]}


def test_a_segment_outside_of_the_data_is_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        frames.find_frames(b"abc", [(0, 4)], lambda *_: None)


def test_what_is_told_of_a_frame_may_fail() -> None:
    """An error of whoever is told passes, and nothing is read on."""

    def told(kind: int, content: bytes) -> None:
        raise LookupError(kind, content)

    data = rare(b"\x01abc")
    for pure in (False, True):
        with pytest.raises(LookupError) as raised:
            frames.find_frames(data, [(0, len(data))], told, pure=pure)
        assert raised.value.args == (1, b"abc")
