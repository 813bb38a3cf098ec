"""How alike two snapshots are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given

from tests.strategies import values
from tracer.decode import decode
from tracer.encoding.encode import Encoder
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.playing.likeness import Grade, likeness
from tracer.values import Opaque, Scalar, Sequence, Truncated, Value

ENCODER = Encoder(redactor=Redactor(), paths=PathNormaliser())


@dataclass
class Order:
    amount: int
    _seen: int = 0


def tree(value: Any) -> Value:
    return decode(ENCODER.value(value))


@given(values)
def test_a_value_is_equal_to_itself(value: object) -> None:
    """As far as it is known: what was cut can be no more than that."""
    assert likeness(tree(value), tree(value)).grade <= Grade.UNKNOWN


@pytest.mark.parametrize(
    ("recorded", "called", "grade", "path"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, Grade.EQUAL, ""),  # the order of keys carries no meaning
        (float("nan"), float("nan"), Grade.EQUAL, ""),
        (1, True, Grade.DIFFERENT, ""),  # equal to each other, and not the same
        ({"a": [1, 2]}, {"a": [1, 3]}, Grade.DIFFERENT, "['a'][1]"),
        ({"a": 1}, {}, Grade.DIFFERENT, "['a']"),
        ({}, {"a": 1}, Grade.DIFFERENT, "['a']"),
        ([1], [1, 2], Grade.DIFFERENT, ""),
        (Order(1, 2), Order(1, 3), Grade.PRIVATE, ""),
        (Order(1, 2), Order(2, 2), Grade.DIFFERENT, "amount"),
        ([Order(1, 2)], [Order(1, 3)], Grade.PRIVATE, ""),
        (object(), object(), Grade.EQUAL, ""),  # nothing to tell them apart by
        (object(), iter([]), Grade.DIFFERENT, ""),
        ({"password": "a"}, {"password": "b"}, Grade.EQUAL, ""),  # redacted alike
    ],
)
def test_two_values(recorded: object, called: object, grade: Grade, path: str) -> None:
    found = likeness(tree(recorded), tree(called))

    assert (found.grade, str(found.path)) == (grade, path)


def test_what_was_cut_is_unknown_unless_size_or_head_differ() -> None:
    cut = Truncated("list", 9, (Scalar(1),))
    whole = Sequence("list", tuple(map(Scalar, range(1, 10))))

    assert likeness(cut, whole).grade is Grade.UNKNOWN
    assert likeness(cut, Sequence("list", whole.items[1:])).grade is Grade.DIFFERENT
    assert likeness(cut, Sequence("list", (Scalar(5), *whole.items[1:]))).grade is Grade.DIFFERENT
    assert likeness(Opaque("list", 0), whole).grade is Grade.UNKNOWN
