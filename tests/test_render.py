"""Values as short text."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import builtins, values
from tracer.decode import decode
from tracer.encoding.budget import Budget, Limit
from tracer.encoding.encode import Encoder
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.render import render
from tracer.values import Form, Named, Object, Redacted, Scalar, Sequence

ROOMY = Limit(nodes=1 << 20, bytes=1 << 26)
"""No value of these tests is cut."""
ENCODER = Encoder(
    redactor=Redactor(),
    paths=PathNormaliser(None, temporary=[]),
    budget=Budget(arguments=ROOMY, outcome=ROOMY),
)


@dataclass
class Cart:
    total: Decimal
    items: Any
    _cache: int = 0


def text(value: Any, limit: int = 200) -> str:
    return render(decode(ENCODER.value(value)), limit)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Cart(Decimal("10.0"), [1]), "Cart(total=Decimal('10.0'), items=[1])"),
        ({"a": 1, 2: (3,)}, "{'a': 1, 2: (3,)}"),
        ([True, None, 1.5, b"x"], "[True, None, 1.5, b'x']"),
        (set(), "set()"),
        (frozenset({1}), "frozenset({1})"),
        (bytearray(b"x"), "bytearray(b'x')"),
        (range(3), "range(0, 3)"),
        (Lock, "<function _thread:allocate_lock>"),
        ({"password": "x"}, "{'password': <redacted>}"),
        (len, "<function builtins:len>"),
        (ValueError("no"), "ValueError(args=('no',))"),
    ],
)
def test_values_read_like_python(value: Any, expected: str) -> None:
    if value is Lock:
        assert "lock" in text(value)
    else:
        assert text(value) == expected


@given(values, st.integers(8, 100))
def test_the_text_is_bounded_and_prints(value: Any, limit: int) -> None:
    rendered = text(value, limit)

    assert len(rendered) <= limit
    assert rendered.isprintable()


@given(builtins)
def test_a_text_that_fits_is_whole(value: Any) -> None:
    assert "..." not in text(value, 10**6) or "..." in repr(value)


def test_control_characters_are_escaped_in_names_too() -> None:
    value = Object("m:\x1b[31mC", Form.PLAIN, (("a\n", Scalar("\x1b")),))

    assert render(value) == "\\x1b[31mC(a\\n='\\x1b')"


def test_control_characters_are_escaped_in_kinds_too() -> None:
    """Found by fuzzing."""
    assert render(Named("\x1b]8;;evil\x07", "a")) == "<\\x1b]8;;evil\\x07 a>"


def test_a_wide_value_is_not_rendered_whole() -> None:
    assert render(Sequence("list", (Scalar(1),) * 10**6), 20) == "[1, 1, 1, 1, 1, 1..."
    assert render(Scalar(1 << 10**6), 20).endswith("...")
    assert render(Redacted()) == "<redacted>"
