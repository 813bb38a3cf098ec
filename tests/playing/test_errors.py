"""Exceptions made again by what the snapshots of their class have in common."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.playing.runs import ENCODER
from tracer.decode import decode
from tracer.encoding.revive import Reviver
from tracer.playing.errors import Errors
from tracer.values import Object

IN_FULL = Reviver(lambda _: False)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def knowing(*errors: BaseException) -> Errors:
    """Return what has seen these made in full."""
    known = Errors()
    for error in errors:
        value = decode(ENCODER.value(error))
        assert isinstance(value, Object)
        known.remember(value, IN_FULL.tree(value))
    return known


@given(st.lists(PLAIN, max_size=4), st.sampled_from([ValueError, OSError, KeyError, StopIteration, UnicodeDecodeError]))
def test_it_is_what_would_have_been_made_in_full(arguments: list[object], kind: type[BaseException]) -> None:
    error = kind.__new__(kind)
    error.args = tuple(arguments)
    snapshot = ENCODER.value(error)
    again = knowing(kind("a") if kind is not UnicodeDecodeError else kind("ascii", b"", 0, 1, "")).make(snapshot)

    if again is not None:
        known = IN_FULL.value(snapshot)
        assert (type(again), again.args, vars(again)) == (type(known), known.args, vars(known))
        assert ENCODER.value(again) == ENCODER.value(known)


def test_each_is_one_of_its_own() -> None:
    known, snapshot = knowing(ValueError("a")), ENCODER.value(ValueError("b", 2))

    first, second = known.make(snapshot), known.make(snapshot)

    assert first is not second
    assert (type(first), first and first.args, second and second.args) == (ValueError, ("b", 2), ("b", 2))


def with_attribute() -> ValueError:
    error = ValueError("a")
    error.reason = 1  # type: ignore[attr-defined]
    return error


def with_cause() -> ValueError:
    error = ValueError("a")
    error.__cause__ = KeyError("b")
    return error


@pytest.mark.parametrize(
    "error",
    [with_attribute(), with_cause(), ValueError({1}), ValueError(KeyError("b")), KeyError("a"), ValueError("<tmp>/x")],
    ids=["attribute", "cause", "set", "exception", "class that was not made", "path"],
)
def test_all_others_are_left_to_be_made_in_full(error: BaseException) -> None:
    assert knowing(ValueError("a"), with_attribute(), with_cause()).make(ENCODER.value(error)) is None


def test_a_snapshot_that_says_another_length_than_it_has_is_left() -> None:
    known, snapshot = knowing(ValueError("a")), bytearray(ENCODER.value(ValueError("b")))
    snapshot[1] += 1

    assert known.make(bytes(snapshot)) is None
    assert known.make(ENCODER.value(ValueError("b"))[:-1]) is None
