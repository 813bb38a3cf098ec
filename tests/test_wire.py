"""An array is taken apart by its bytes alone, whatever they are."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer import wire

PACK = wire.packer()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(), inner) | st.binary().map(lambda raw: wire.Extension(1, raw))
    ),
)


@given(st.lists(VALUES))
def test_the_pieces_of_an_array_are_what_its_items_pack_to(items: list[Any]) -> None:
    assert wire.split_array(PACK(items)) == [PACK(item) for item in items]


@given(st.binary(max_size=200))
def test_any_bytes_are_an_array_or_a_value_error(data: bytes) -> None:
    with suppress(ValueError):
        pieces = wire.split_array(data)
        assert data.endswith(b"".join(pieces))


@given(st.lists(VALUES, min_size=1), st.data())
def test_an_array_cut_short_is_a_value_error(items: list[Any], data: Any) -> None:
    whole = PACK(items)
    with pytest.raises(ValueError):  # noqa: PT011  (any fault of the bytes)
        wire.split_array(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc0",
        b"\x80",
        b"\xa1a",
        b"\x90\x90",
        b"\x91\xc1",
        b"\xdd\xff\xff\xff\xff",
        b"\x91\xc6\xff\xff\xff\xff",
        b"\x91\xdb\xff\xff\xff\xff",
        b"\x91" * 5000 + b"\xc0",
    ],
)
def test_what_is_no_whole_array_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (any fault of the bytes)
        wire.split_array(data)
