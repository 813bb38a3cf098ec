"""Outcomes that mean the same to a caller, and private ones that come out later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.compare.runs import Run, call, function, obj, opaque, snapshot
from tracer.compare.compare import compare
from tracer.compare.noise import Subject, learn
from tracer.model import OUTSIDE, Call, Flow, Item, ItemKind, Recording

MAKE = function("m:make", "n", code="1")
READ = function("m:Box.value", "self", code="1")
NAME = function("m:Box.name", "self", code="1")


def told(old: list[Call], new: list[Call], *callables: Any, **options: Any) -> list[tuple[str, str, str, str]]:
    known = callables or (MAKE, READ, NAME)
    comparison = compare(Run(*known, main=old), Run(*known, main=new), old_name="old", new_name="new", **options)
    return [
        (each.callable.split(":")[1], each.kind.value, each.severity.value, each.role.value)
        for each in comparison.findings
    ]


def made_and_read(inner: int, shown: Any, **more: Any) -> list[Call]:
    box = obj("m:Box", _inner=inner, **more)
    return [call("m:make", [1], box), call("m:Box.value", [box], shown)]


MADE_ELSEWHERE = ("make", "returned-value", "changed", "origin")


def test_private_state_that_a_later_call_returns_was_changed_where_it_was_left() -> None:
    found = told(made_and_read(1, 1, _other=8), made_and_read(2, 2, _other=9))

    assert found[0] == MADE_ELSEWHERE
    assert ("Box.value", "returned-value", "changed", "effect") in found
    assert found.count(("make", "returned-value", "internal", "origin")) == 1  # that of `_other`, which no one shows


def test_the_only_private_state_that_differs_is_what_a_later_call_shows() -> None:
    assert told(made_and_read(1, "one"), made_and_read(2, "two"))[0] == MADE_ELSEWHERE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (made_and_read(1, 5), made_and_read(2, 5)),
        (made_and_read(1, "one", _other=1), made_and_read(2, "two", _other=2)),
        (made_and_read(1, 1)[::-1], made_and_read(2, 2)[::-1]),
    ],
    ids=["no one shows it", "either may be shown", "shown before"],
)
def test_private_state_that_no_later_call_shows_stays_internal(old: list[Call], new: list[Call]) -> None:
    assert {severity for name, _, severity, _ in told(old, new) if name == "make"} == {"internal"}


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("<Box object at 0x7f12ab34cd56>", "<Box object at 0x7fffffffffff>", True),
        ("<A at 0x10f3a2b50> and <B at 0x10f3a2b60>", "<A at 0x10f3a2b70> and <B at 0x10f3a2b80>", True),
        ("<Box object at 0x7f12ab34cd56>", "<Cat object at 0x7f12ab34cd56>", False),
        ("read 4 bytes at 0x1f", "read 4 bytes at 0x2f", False),
        ("0x7f12ab34cd56", "0x7f12ab34cd57", False),
        ("at 0x7f12ab34cd56", "at 0x7f12ab34cd57", False),
    ],
)
def test_addresses_in_the_text_of_an_object_mean_nothing(before: str, after: str, same: bool) -> None:
    assert (told([call("m:make", [1], before)], [call("m:make", [1], after)]) == []) is same


def generator(*values: int) -> Call:
    items = tuple(Item(ItemKind.YIELDED, snapshot(value)) for value in values)
    return replace(call("m:make", [1], None, items=items), flow=Flow.GENERATOR)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (call("m:make", [1], opaque("itertools:chain")), [("make", "returned-type", "compatible", "origin")]),
        (call("m:make", [1], opaque("builtins:generator")), []),
        (call("m:make", [1], [1, 2]), [("make", "returned-type", "breaking", "origin")]),
        (call("m:make", [1], opaque("m:Chain")), [("make", "returned-type", "breaking", "origin")]),
    ],
)
def test_a_generator_is_compared_with_what_a_function_returns_now(now: Call, expected: list[Any]) -> None:
    assert told([generator(1, 2)], [now]) == expected


def test_a_function_may_become_a_generator_as_far_as_its_signature_goes() -> None:
    found = compare(Run(MAKE), Run(replace(MAKE, flow=Flow.GENERATOR)), old_name="old", new_name="new").findings
    awaited = compare(
        Run(MAKE, main=[call("m:make", [1])]),
        Run(replace(MAKE, flow=Flow.COROUTINE), main=[call("m:make", [1])]),
        old_name="old",
        new_name="new",
    ).findings

    assert [each.severity.value for each in (*found, *awaited)] == ["compatible", "breaking"]


OUTER = replace(function("lib.api:load", "text", code="1"), component="lib")
INNER = replace(function("lib.parts:parse", "text", code="1"), component="lib")
OTHER = replace(function("app:parse", "text", code="1"), component="app")


@pytest.mark.parametrize(
    ("inner", "caller", "severity"),
    [
        ("lib.parts:parse", OUTSIDE, "internal"),
        ("lib.parts:parse", "app", "changed"),
        ("app:parse", OUTSIDE, "changed"),
    ],
)
def test_a_component_that_calls_itself_through_foreign_code_keeps_that_to_itself(
    inner: str, caller: str, severity: str
) -> None:
    def loaded(text: str) -> list[Call]:
        return [call("lib.api:load", ["a"], 1), call(inner, [text], 1, parent=1, caller=caller)]

    found = told(loaded("b"), loaded("c"), OUTER, INNER, OTHER)

    assert [(kind, how) for _, kind, how, _ in found] == [("argument-passed", severity)]


def test_keys_that_come_and_go_between_equal_runs_are_noise_where_they_do() -> None:
    def returned(**row: int) -> list[Call]:
        return [call("m:make", [1], [row])]

    steady, other = Run(MAKE, main=returned(a=1, b=2)), Run(MAKE, main=returned(a=1))
    seen: set[Subject] = set()
    compare(steady, other, old_name="one", new_name="two", seen=seen)
    rules = learn(seen)
    recorded = Run(recording=Recording("3.11", callables=(MAKE,), noise=rules)).with_lanes({"main": returned(a=1, b=2)})

    def verdict(run: Run) -> str:
        return compare(recorded, run, old_name="old", new_name="new").verdict.value

    assert verdict(other) == "noise"
    assert verdict(Run(MAKE, main=returned(b=2))) == "breaking"


def rates(rate: int, **seen: Any) -> list[Call]:
    """One call makes a cart, the next finds it in an order."""
    cart = obj("m:Cart", rate=rate)
    return [
        call("m:make", [1], cart),
        call("m:Box.value", [obj("m:Box", _at=rate)], obj("m:Order", **{"cart": cart} | seen)),
    ]


def test_a_changed_field_that_turns_up_again_does_not_matter_twice() -> None:
    assert told(rates(1), rates(2)) == [
        ("make", "returned-value", "changed", "origin"),
        ("Box.value", "returned-value", "compatible", "effect"),
        ("Box.value", "state", "internal", "effect"),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [(rates(1, total=5), rates(2, total=6)), (rates(1, cart=3), rates(2, cart=4))],
    ids=["another field", "another value"],
)
def test_an_effect_with_another_change_of_its_own_matters_by_itself(old: list[Call], new: list[Call]) -> None:
    assert ("Box.value", "returned-value", "changed", "effect") in told(old, new)


def test_the_same_change_in_a_call_that_nothing_explains_matters_too() -> None:
    def both(rate: int) -> list[Call]:
        return [call("m:make", [n], {"rate": rate}) for n in (1, 2)] + [call("m:other", [1], {"rate": rate})]

    other = function("m:other", "n", code="1")

    assert {how for name, _, how, _ in told(both(1), both(2), MAKE, other)} == {"changed"}
