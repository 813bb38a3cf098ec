"""What rules call equal: numbers, texts, lists, anything a function of the user's says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compare.runs import Run, call, function, obj, raised, snapshot
from tracer import wire
from tracer.compare.compare import compare
from tracer.compare.lenience import equal_under, plain
from tracer.decode import decode
from tracer.errors import ComparisonError
from tracer.model import Item, ItemKind
from tracer.rules import Rule
from tracer.values import Atom, Scalar, Value

TAX = function("shop.tax:vat", "amount")


def told(rule: Rule, old: Any, new: Any, **options: Any) -> list[str]:
    """Return the paths that a rule leaves of the difference between two returned values."""
    runs = [Run(TAX, main=[call("shop.tax:vat", [1], value)]) for value in (old, new)]
    found = compare(runs[0], runs[1], old_name="a", new_name="b", rules=(rule,), **options)
    assert (found.summary.identical == 1) == (not found.findings)
    assert sum(count for _, count in found.hidden) == found.summary.hidden_as_noise
    return [finding.path for finding in found.findings]


def decimal(text: str) -> Any:
    return wire.Extension(wire.ATOM, bytes(wire.packer()(["decimal:Decimal", text])))


TENTH = Rule(path="return", absolute=0.1)


@pytest.mark.parametrize(
    ("rule", "old", "new", "left"),
    [
        (TENTH, 1.0, 1.05, []),
        (TENTH, 1.0, 1.2, ["return"]),
        (Rule(absolute=0.01), 1.01, 1.02, []),
        (Rule(relative=0.01), 1e9, 1.005e9, []),
        (Rule(relative=0.01), 1e9, 1.5e9, ["return"]),
        (Rule(relative=1e-9, absolute=1), 5, 6, []),
        (Rule(absolute=1), 5, 7, ["return"]),
        (Rule(absolute=1), 5, 5.5, ["return"]),
        (Rule(absolute=1), True, False, ["return"]),
        (Rule(absolute=1), float("inf"), 1.0, ["return"]),
        (TENTH, decimal("1.00"), decimal("1.05"), []),
        (TENTH, decimal("1.00"), decimal("NaN"), ["return"]),
        (TENTH, decimal("1E+999999999"), decimal("2E+999999999"), ["return"]),
        (TENTH, {"a": [obj("m:P", x=1.0)]}, {"a": [obj("m:P", x=1.01)]}, []),
        (TENTH, {"a": 1.0, "b": 1}, {"a": 1.01, "b": 5}, ["return['b']"]),
        (TENTH, {"a": 1.0}, {"b": 1.0}, ["return['a']", "return['b']"]),
        (TENTH, [1.0, 2.0, 3.0], [1.01, 2.01, 3.01], []),
        (TENTH, [1.0, 2.0, 3.0], [0.5, 1.01, 2.01, 3.01], ["return[*]"]),
        (TENTH, {1.0, 2.0}, {1.01, 2.0}, []),
        (Rule(path="return['b']", absolute=1), {"a": 1, "b": 1}, {"a": 2, "b": 2}, ["return['a']"]),
        (Rule(regex="id-[0-9]+"), "id-1", "id-22", []),
        (Rule(regex="id-[0-9]+"), "id-1", "id-x", ["return"]),
        (Rule(regex="id"), "id-1", "id-2", ["return"]),
        (Rule(regex="[0-9.]+"), 1.5, 2.5, []),
        (Rule(regex="[0-9]+"), 1, "1", ["return"]),
        (Rule(regex="(a+)+"), "a" * 3_000 + "!", "a" * 3_001 + "!", ["return"]),
        (Rule(path="return", unordered=True), [1, 2, 3], [3, 1, 2], []),
        (Rule(path="return", unordered=True), (1, 2, 3), (3, 1, 2), []),
        (Rule(path="return", unordered=True), [1, 2, 2], [2, 1, 1], ["return[*]"]),
        (Rule(path="return", unordered=True), [{"n": 1}, {"n": 2}, 3], [3, {"n": 5}, {"n": 1}], ["return[*]['n']"]),
        (Rule(path="return", unordered=True), [[1, 2], 3], [3, [2, 1]], ["return[*]"]),
        (Rule(path="return[*]", unordered=True), [[1, 2], 3], [[2, 1], 3], []),
        (Rule(path="return", unordered=True), {"a": [1, 2]}, {"a": [2, 1]}, ["return['a']"]),
        (Rule(path="return.id", presence=True), obj("m:P", id=1), obj("m:P", id="x"), []),
        (Rule(path="return.id", presence=True), obj("m:P", id={"a": 1}), obj("m:P", id={"b": 1}), []),
        (Rule(path="return.id", presence=True), obj("m:P", id=1, x=1), obj("m:P", x=1), ["return.id"]),
        (Rule(type="m:P"), obj("m:P", id=1), obj("m:P", id=2), []),
        (Rule(type="int"), obj("m:P", id=1, n="a"), obj("m:P", id=2, n="b"), ["return.n"]),
        (Rule(type="int"), 1, "1", ["return"]),
        (Rule(type="float", absolute=1), [1, 1.5], [2, 2.5], ["return[*]"]),
        (Rule(path="return[1]"), [1, 2], [5, 6], ["return[*]"]),
        (Rule(path="/return\\[.*\\]/"), {"a": 1}, {"a": 2}, []),
    ],
)
def test_what_a_rule_leaves(rule: Rule, old: Any, new: Any, left: list[str]) -> None:
    assert told(rule, old, new) == left


def test_items_without_a_partner_are_told_whatever_their_order_means() -> None:
    rule = Rule(path="return", unordered=True)

    assert told(rule, [1, 2, 3], [3, 2]) == ["return[*]"]
    assert told(rule, [3, 1, 2, 9], [9, 2, 3, 1]) == []


def test_numbers_that_all_differ_a_little_are_paired_in_any_order_where_both_rules_say_so() -> None:
    runs = [Run(TAX, main=[call("shop.tax:vat", [1], value)]) for value in ([1.0, 2.0, 3.0], [3.01, 1.01, 2.01])]
    rules = (Rule(path="return", unordered=True), Rule(path="return", absolute=0.1))

    assert compare(runs[0], runs[1], old_name="a", new_name="b", rules=rules).findings == ()


def test_rules_hold_in_every_channel_of_a_call() -> None:
    def made(x: float) -> Run:
        items = [Item(ItemKind.YIELDED, snapshot(x)), Item(ItemKind.SENT, snapshot(x))]
        one = call("shop.tax:vat", [[x]], [x], items=items, after={0: [x, x]})
        return Run(TAX, main=[one, call("shop.tax:vat", [1], raised("builtins:ValueError", x))])

    found = compare(made(1.0), made(1.01), old_name="a", new_name="b", rules=(Rule(absolute=0.1),))

    assert found.findings == ()
    assert found.summary.hidden_as_noise == 6


def test_presence_at_an_exception_still_tells_of_one_that_is_new() -> None:
    def made(outcome: Any) -> Run:
        return Run(TAX, main=[call("shop.tax:vat", [1], outcome)])

    rule = Rule(path="raised", presence=True)
    other = compare(made(raised("m:A")), made(raised("m:B")), old_name="a", new_name="b", rules=(rule,))
    new = compare(made(1), made(raised("m:B")), old_name="a", new_name="b", rules=(rule,))

    assert (other.findings, [finding.kind.value for finding in new.findings]) == ((), ["raised"])


# -- functions of the user's -----------------------------------------------------------------------------------------------------


def same_amount(old: Any, new: Any) -> bool:
    return bool(round(Decimal(old.amount)) == round(Decimal(new.amount)))


MONEY = Rule(path="return", compare="tests:same_amount")


def test_a_comparator_gets_plain_values_and_decides() -> None:
    known = {"tests:same_amount": same_amount}
    one, near, far = (obj("m:Money", amount=decimal(text)) for text in ("1.0", "1.1", "7"))

    assert told(MONEY, one, near, comparators=known) == []
    assert told(MONEY, one, far, comparators=known) == ["return.amount"]
    assert told(MONEY, one, near) == ["return.amount"]


def test_a_comparator_that_raises_is_an_error_that_names_it() -> None:
    with pytest.raises(ComparisonError, match=r"'tests:same_amount': it raised AttributeError"):
        told(MONEY, 1, 2, comparators={"tests:same_amount": same_amount})


def test_plain_values_are_what_was_recorded() -> None:
    value = {"a": [1, (2.5, "x")], "s": {1, 2}, "o": obj("m:P", x=1), "d": decimal("1.50"), "t": {"k": None}}
    got = plain(decode(snapshot(value)), lambda node: node)

    assert got.pop("o").x == 1
    assert got == {"a": [1, (2.5, "x")], "s": {1, 2}, "d": "1.50", "t": {"k": None}}


# -- values that someone else chose ------------------------------------------------------------------------------------------------

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=5)
).map(Scalar)
numbers = st.one_of(st.text(max_size=8), st.decimals().map(str), st.fractions().map(str))
atoms = st.builds(Atom, st.sampled_from(("decimal:Decimal", "fractions:Fraction", "uuid:UUID")), numbers)


@given(
    st.sampled_from((Rule(absolute=0.5), Rule(relative=1e-3), Rule(regex=".*"))),
    scalars | atoms,
    scalars | atoms,
)
def test_any_two_values_are_judged_and_the_same_both_ways(rule: Rule, old: Value, new: Value) -> None:
    assert equal_under(rule, old, new) is equal_under(rule, new, old)
