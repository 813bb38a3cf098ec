"""What differs between two values."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compare.runs import obj, opaque, snapshot, truncated
from tracer import wire
from tracer.compare.delta import Difference, delta
from tracer.compare.fingerprint import Fingerprints, mark_of
from tracer.decode import decode
from tracer.values import Mapping, Redacted, Reference, Scalar, Sequence, Truncated, Value, ValuePath

scalars = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text("ab", max_size=3) | st.binary(max_size=2)
)
plain = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text("xyz", max_size=1), inner, max_size=4),
    max_leaves=20,
)


def told(old: Any, new: Any) -> list[tuple[str, str]]:
    found = delta(decode(snapshot(old)), decode(snapshot(new)), ValuePath(("return",)))
    return [(str(change.path), change.difference.value) for change in found.changes]


def same(old: Any, new: Any) -> bool:
    """What equal means, written independently: Python's equality with types told apart, and NaN equal to itself."""
    if type(old) is not type(new):
        return False
    if isinstance(old, list):
        return len(old) == len(new) and all(map(same, old, new))
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if isinstance(old, float):
        return (math.isnan(old) and math.isnan(new)) or (old == new and math.copysign(1, old) == math.copysign(1, new))
    return bool(old == new)


@given(plain)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert told(value, value) == []


@given(plain, plain)
def test_there_are_changes_exactly_where_two_values_differ(old: Any, new: Any) -> None:
    assert bool(told(old, new)) == (not same(old, new))


@given(plain, plain)
def test_fingerprints_agree_exactly_where_two_values_do(old: Any, new: Any) -> None:
    one, other = decode(snapshot(old)), decode(snapshot(new))

    assert (Fingerprints(one).of(one) == Fingerprints(other).of(other)) == same(old, new)
    assert (mark_of(one) == mark_of(other)) == same(old, new)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (1, 2, [("return", "value")]),
        (1, True, [("return", "type")]),
        (1, 1.0, [("return", "type")]),
        (0.0, -0.0, [("return", "value")]),
        (-1, -2, [("return", "value")]),
        (0, 2**61 - 1, [("return", "value")]),
        (math.nan, math.nan, []),
        ([1], (1,), [("return", "type")]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": 1}, {"a": 2}, [("return['a']", "value")]),
        ({"a": 1}, {}, [("return['a']", "key-removed")]),
        ({}, {"a": 1}, [("return['a']", "key-added")]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, [("return['a']['b'][1]", "value")]),
        ([1, 2, 3], [1, 9, 2, 3], [("return[1]", "item-added")]),
        ([1, 2, 3], [2, 3], [("return[0]", "item-removed")]),
        ([1, 2, 3], [3, 1, 2], [("return", "order")]),
        ({1, 2}, {2, 1}, []),
        ({1, 2}, {2, 3}, [("return[*]", "item-removed"), ("return[*]", "item-added")]),
        ((1, 2), (1, 2, 3), [("return", "type")]),
        ({"a": (1, 2)}, {"a": (1, 2, 3)}, [("return['a'][2]", "item-added")]),
        (obj("m:C", x=1), obj("m:C", x=2), [("return.x", "value")]),
        (obj("m:C", x=1), obj("m:D", x=1), [("return", "type")]),
        (obj("m:C", x=1), obj("m:C"), [("return.x", "key-removed")]),
        (obj("m:C"), obj("m:C", x=1), [("return.x", "key-added")]),
        (obj("m:C", x=1, y=2), obj("m:C", y=2, x=1), []),
        (
            obj("numpy:ndarray", "array", dtype="int64", shape=(3,)),
            obj("numpy:ndarray", "array", dtype="float64", shape=(3,)),
            [("return.dtype", "type")],
        ),
        (opaque("m:Socket", 0), opaque("m:Socket", 3), []),
        (opaque("m:Socket"), opaque("m:Pipe"), [("return", "type")]),
        (None, {"a": 1}, [("return", "type")]),
    ],
)
def test_differences_and_where_they_are(old: Any, new: Any, expected: list[tuple[str, str]]) -> None:
    assert told(old, new) == expected


def test_a_row_put_in_front_of_many_is_one_addition() -> None:
    rows = [{"id": n, "name": f"row {n}", "tags": [n, n + 1]} for n in range(5000)]

    assert told(rows, [{"id": -1, "name": "new", "tags": []}, *rows]) == [("return[0]", "item-added")]


def test_the_places_of_a_tuple_of_different_types_are_compared_one_by_one() -> None:
    """Also where a value happens to equal one of another place; a tuple of one type is a list of so many."""
    assert told(((1, 2), 0.5, "b", [1.5], "c"), ((1, 3), 0.7, "c", [2.5], "b")) == [
        ("return[0][1]", "value"),
        ("return[1]", "value"),
        ("return[2]", "value"),
        ("return[3][0]", "value"),
        ("return[4]", "value"),
    ]
    assert told((1, 2, 3, 4), (9, 1, 2, 3)) == [("return[0]", "item-added"), ("return[3]", "item-removed")]


def test_rows_of_one_gap_are_paired_by_likeness() -> None:
    """One row is new and two have changed a little: not three changed beyond recognition and one added."""
    old = [{"id": 1, "n": [1, 2, 3], "x": "abc"}, {"id": 2, "n": [4], "x": "q"}]
    new = [
        {"id": 9, "n": [7, 8], "x": "zzz"},
        {"id": 1, "n": [1, 2, 4], "x": "abc"},
        {"id": 2, "n": [4], "x": "r"},
    ]

    assert sorted(told(old, new)) == [
        ("return[0]", "item-added"),
        ("return[1]['n'][2]", "value"),
        ("return[2]['x']", "value"),
    ]


def test_a_shared_list_equals_two_equal_lists() -> None:
    shared = Sequence("list", (Sequence("list", (Scalar(1),)), Reference(1)))
    apart = Sequence("list", (Sequence("list", (Scalar(1),)), Sequence("list", (Scalar(1),))))

    assert delta(shared, apart).changes == ()


def test_a_change_of_a_shared_list_is_told_once() -> None:
    def both(number: int) -> Value:
        return Sequence("list", (Sequence("list", (Scalar(number), Scalar("x"))), Reference(1)))

    assert [str(change.path) for change in delta(both(1), both(2)).changes] == ["[0][0]"]


def test_cycles_end() -> None:
    def loop(number: int) -> Value:
        return Mapping(((Scalar("n"), Scalar(number)), (Scalar("me"), Reference(0))))

    assert delta(loop(1), loop(1)).changes == ()
    assert [str(change.path) for change in delta(loop(1), loop(2)).changes] == ["['n']"]


def test_references_count_as_the_recorder_does() -> None:
    """What is first met inside an item of a set is forgotten after it."""
    inner = Sequence("tuple", (Sequence("list", ()),))
    tree = Sequence("list", (Sequence("set", (inner,)), Sequence("list", (Scalar(1),)), Reference(2)))
    spelt = Sequence(
        "list", (Sequence("set", (inner,)), Sequence("list", (Scalar(1),)), Sequence("list", (Scalar(1),)))
    )

    assert delta(tree, spelt).changes == ()


def test_deep_values_are_no_problem() -> None:
    def deep(leaf: int) -> Value:
        value: Value = Scalar(leaf)
        for _ in range(5000):
            value = Sequence("list", (value,))
        return value

    assert len(delta(deep(1), deep(2)).changes) == 1


def test_secrets_equal_each_other_and_nothing_else() -> None:
    assert delta(Redacted(), Redacted()).changes == ()
    assert [change.difference for change in delta(Redacted(), Scalar("x")).changes] == [Difference.VALUE]


@pytest.mark.parametrize(
    ("old", "new", "changes", "unseen"),
    [
        (truncated("list", 9, [1, 2], b"0" * 16), truncated("list", 9, [1, 2], b"1" * 16), ["return"], 0),
        (truncated("list", 9, [1, 2], b"0" * 8), truncated("list", 9, [1, 2], b"1" * 8), ["return"], 1),
        (truncated("list", 9, [1, 2]), truncated("list", 9, [1, 3]), ["return[1]"], 1),
        (truncated("list", 9, [1, 2]), truncated("list", 8, [1, 2]), ["return"], 0),
        (truncated("list", 3, [1, 2]), [1, 2, 3], [], 1),
        (truncated("bytearray", 3, [b"ab"]), wire.Extension(wire.BYTEARRAY, b"abc"), [], 1),
        (truncated("list", 3, [1, 2]), [1, 5, 3], ["return[1]"], 1),
        (truncated("dict", 2, [("a", 1)]), {"a": 1, "b": 2}, [], 1),
        (truncated("dict", 2, [("a", 1)]), {"a": 3, "b": 2}, ["return['a']"], 1),
        (truncated("m:C", 2, [("a", 1)]), obj("m:C", a=3, b=2), ["return.a"], 1),
        (truncated("str", 9, ["ab"]), truncated("str", 9, ["ac"]), ["return"], 1),
    ],
)
def test_what_was_cut_is_compared_as_far_as_it_goes(old: Any, new: Any, changes: list[str], unseen: int) -> None:
    found = delta(decode(snapshot(old)), decode(snapshot(new)), ValuePath(("return",)))

    assert [str(change.path) for change in found.changes] == changes
    assert len(found.unseen) == unseen


def test_keys_of_numbers_too_long_to_write_and_of_deep_tuples_have_a_path() -> None:
    """Found by fuzzing: Python writes no int of more than 4,300 digits, and a text of deep nesting takes a frame for each level."""
    deep: Value = Scalar(1)
    for _ in range(450):
        deep = Sequence("tuple", (deep,))
    for key in (Scalar(1 << 20_000), deep):
        old, new = (Mapping(((key, Scalar(number)),)) for number in (1, 2))
        (change,) = delta(old, new, ValuePath(("return",))).changes
        assert str(change.path).startswith("return[")
        assert len(str(change.path)) < 100
    one, two = (
        Truncated("shop:Cart", 9, (Sequence("tuple", (Scalar(1 << 20_000), Scalar(number))),)) for number in (1, 2)
    )
    (cut,) = delta(one, two).changes
    assert len(str(cut.path)) < 100
