"""Snapshot bytes are read without trust."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import builtins
from tracer import wire
from tracer.decode import decode, decode_arguments
from tracer.encoding.budget import Budget, Limit
from tracer.encoding.encode import Encoder
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.errors import CassetteDamaged
from tracer.values import Object, Redacted, Scalar

ROOMY = Limit(nodes=1 << 20, bytes=1 << 26)
"""No value of these tests is cut."""
ENCODER = Encoder(
    redactor=Redactor(),
    paths=PathNormaliser(None, temporary=[]),
    budget=Budget(arguments=ROOMY, outcome=ROOMY),
)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_damaged(data: bytes) -> None:
    for read in (decode, decode_arguments):
        with suppress(CassetteDamaged):
            read(data)


@given(st.integers(1, 14), st.binary(max_size=60))
def test_any_payload_of_an_extension_is_a_value_or_damaged(code: int, payload: bytes) -> None:
    with suppress(CassetteDamaged):
        decode(wire.extension(code, payload))


@given(builtins, st.data())
def test_a_snapshot_cut_short_is_damaged(value: Any, data: Any) -> None:
    whole = ENCODER.value(value)
    with pytest.raises(CassetteDamaged):
        decode(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(builtins, st.data())
def test_a_flipped_byte_is_a_value_or_damaged(value: Any, data: Any) -> None:
    whole = bytearray(ENCODER.value(value))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(CassetteDamaged):
        decode(bytes(whole))


@pytest.mark.parametrize("code", [wire.TUPLE, wire.SET, wire.MAPPING])
def test_nesting_beyond_any_snapshot_is_damaged(code: int) -> None:
    data = b"\x90"
    for _ in range(2000):
        data = b"\x92\xc0" + wire.extension(code, data)
    with pytest.raises(CassetteDamaged):
        decode(data)
    with pytest.raises(CassetteDamaged):
        decode(b"\x91" * 5000 + b"\xc0")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x01\x01",
        b"\xdd\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\x81\x01\x02",
        b"\xd7\xff" + bytes(8),
        b"\xc7\x00\x63",
    ],
)
def test_what_no_encoder_writes_is_damaged(data: bytes) -> None:
    with pytest.raises(CassetteDamaged):
        decode(data)


def test_an_object_with_more_names_than_values_is_damaged() -> None:
    pack = wire.packer()
    with pytest.raises(CassetteDamaged):
        decode(wire.extension(wire.OBJECT, pack(["m:C", "plain", ["a", "b"], [1]])))
    assert isinstance(decode(wire.extension(wire.OBJECT, pack(["m:C", "plain", ["a"], [1]]))), Object)


@given(st.lists(builtins, max_size=4))
def test_arguments_can_be_split_without_reading_them(arguments: list[Any]) -> None:
    data = ENCODER.arguments(tuple(arguments), None, full=True)
    pieces = wire.split_array(data)

    assert b"".join(pieces) == data[1:]
    assert len(pieces) == len(arguments)
    assert repr(tuple(decode(piece) for piece in pieces)) == repr(decode_arguments(data))


def test_arguments_by_position() -> None:
    data = ENCODER.arguments((1, "s"), (0, 1), full=False)

    assert decode_arguments(data) == (Scalar(1), Redacted())
