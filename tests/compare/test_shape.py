"""Shapes: types, keys, fields and what may be absent, whatever the values and lengths."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tests.compare.runs import Run, call, function, obj, opaque, raised, snapshot, truncated
from tests.strategies import builtins
from tracer.compare.compare import compare
from tracer.compare.fingerprint import Fingerprints
from tracer.compare.shape import shape_delta
from tracer.decode import decode
from tracer.encoding.encode import Encoder
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.values import ValuePath

ENCODER = Encoder(redactor=Redactor(), paths=PathNormaliser(None, temporary=[]))
TYPE, GONE, COME = "type", "key-removed", "key-added"


def changes(old: bytes, new: bytes) -> list[tuple[str, str]]:
    before, after = decode(old), decode(new)
    found = shape_delta((Fingerprints(before), before), (Fingerprints(after), after), ValuePath(("return",)))
    return [(str(change.path.general), change.difference.value) for change in found.changes]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (1, 2, []),
        ("a", "b", []),
        (1, "1", [("return", TYPE)]),
        (None, 1, [("return", TYPE)]),
        (1, None, [("return", TYPE)]),
        ([1], [1, 2, 3], []),
        ([], [1], []),
        ([1], [], []),
        ([1, 2], [1, "2"], [("return[*]", TYPE)]),
        ([1, "2"], [1], []),
        ([1, 2], [1, None], [("return[*]", TYPE)]),
        ([1, None], [1, 2], []),
        ([1], [[1]], [("return[*]", TYPE)]),
        ({"a": 1}, {"a": 2}, []),
        ({"a": 1}, {}, [("return['a']", GONE)]),
        ({}, {"a": 1}, [("return['a']", COME)]),
        ({"a": 1}, {"a": None}, [("return['a']", TYPE)]),
        ([{"a": 1, "b": 1}], [{"a": 2, "b": 2}, {"a": 3, "b": 1}], []),
        ([{"a": 1, "b": 1}], [{"a": 2, "b": 2}, {"a": 3}], [("return[*]['b']", GONE)]),
        ([{"a": 1}, {"a": 1, "b": 1}], [{"a": 2}], []),
        ([{"a": 1}], [{"a": 1}, {"a": 1, "b": 1}], [("return[*]['b']", COME)]),
        ((1, 2), (3, 4), []),
        ((1, 2), (3, "4"), [("return[*]", TYPE)]),
        ((1, 2), (3, 4, 5), [("return", TYPE)]),
        ([(1,), (1, 2)], [(3, 4, 5)], []),
        ({1, 2}, {3}, []),
        ({1, 2}, {"3"}, [("return[*]", TYPE)]),
        (obj("m:Cart", n=1), obj("m:Cart", n=2), []),
        (obj("m:Cart", n=1), obj("m:Cart", n="1"), [("return.n", TYPE)]),
        (obj("m:Cart", n=1), obj("m:Cart", m=1), [("return.n", GONE), ("return.m", COME)]),
        (obj("m:Cart", n=1), obj("m:Box", n=1), [("return", TYPE)]),
        (opaque("m:Socket"), opaque("m:Other"), [("return", TYPE)]),
        (truncated("list", 9, [1]), truncated("list", 12, [2]), []),
        (truncated("list", 9, [1]), truncated("list", 9, ["1"]), [("return[*]", TYPE)]),
        (truncated("dict", 9, [["a", 1]]), truncated("dict", 9, [["b", 1]]), []),
        (
            obj("numpy:ndarray", "array", dtype="int64", shape=(3,)),
            obj("numpy:ndarray", "array", dtype="float64", shape=(4,)),
            [("return.dtype", TYPE)],
        ),
        (
            obj("numpy:ndarray", "array", dtype="int64", shape=(3,)),
            obj("numpy:ndarray", "array", dtype="int64", shape=(3, 1)),
            [("return.shape", TYPE)],
        ),
    ],
)
def test_what_counts_as_another_shape(old: Any, new: Any, expected: list[tuple[str, str]]) -> None:
    assert changes(snapshot(old), snapshot(new)) == expected


@given(builtins)
def test_a_value_has_its_own_shape_and_that_of_itself_twice(value: Any) -> None:
    assert changes(ENCODER.value(value), ENCODER.value(value)) == []
    assert changes(ENCODER.value([value]), ENCODER.value([value, value])) == []


def test_a_cycle_ends() -> None:
    one: list[Any] = [1]
    one.append(one)
    other: list[Any] = [2]
    other.append(other)

    assert changes(ENCODER.value(one), ENCODER.value(other)) == []


VAT = function("shop.tax:vat", "amount", "rate=1", code="1")


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        (call("shop.tax:vat", [1, 1], {"a": [1]}), call("shop.tax:vat", [7, 1], {"a": [2, 3]}), []),
        (call("shop.tax:vat", [1, 1], 1), call("shop.tax:vat", ["1", 1], 1), ["argument-passed"]),
        (call("shop.tax:vat", [[1], 1], 1), call("shop.tax:vat", [[1, "x"], 1], 1), ["argument-passed"]),
        (call("shop.tax:vat", [1, 1], 1), call("shop.tax:vat", [1, 1], raised("m:Error", "x")), ["raised"]),
        (
            call("shop.tax:vat", [1, 1], raised("m:Error", "x")),
            call("shop.tax:vat", [1, 1], raised("m:Error", "y")),
            [],
        ),
        (
            call("shop.tax:vat", [{}, 1], 1, after={0: {"n": 1}}),
            call("shop.tax:vat", [{}, 1], 1, after={0: {"n": "1"}}),
            ["argument-after"],
        ),
        (
            call("shop.tax:vat", [{}, 1], 1, after={0: {"n": 1}}),
            call("shop.tax:vat", [{}, 1], 1, after={0: {"n": 2}}),
            [],
        ),
    ],
)
def test_calls_at_the_level_of_shapes(old: Any, new: Any, kinds: list[str]) -> None:
    found = compare(Run(VAT, main=[old]), Run(VAT, main=[new]), old_name="old", new_name="new", level="shape")

    assert [finding.kind.value for finding in found.findings] == kinds
