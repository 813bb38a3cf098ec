"""Effects name the origin that explains them, calls made otherwise who made them, and origins the code that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.compare.runs import Run, call, function, obj, opaque
from tracer.compare.collapse import Group, Observation
from tracer.compare.compare import compare
from tracer.compare.result import Confidence, Kind, Role, Severity
from tracer.compare.roles import Origins, Roles
from tracer.model import Recording
from tracer.values import ValuePath

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.compare.result import Finding
    from tracer.model import Call, Callable

RATE = function("shop.rates:rate", "country", code="1")
VAT = function("shop.tax:vat", "amount", code="1")
TOTAL = function("shop.cart:total", "rows", code="1")
CHARGE = function("shop.gateway:charge", "amount", code="1")
SEND = function("shop.mail:send", "text", code="1")
ALL = (RATE, VAT, TOTAL, CHARGE, SEND)


def changed(*names: str) -> tuple[Callable, ...]:
    """All callables; those named have other code."""
    return tuple(
        function(each.name, *[p.name for p in each.parameters], code="2" if each.name in names else "1") for each in ALL
    )


def findings(old: list[Call], new: list[Call], after: tuple[Callable, ...] = ALL) -> tuple[Finding, ...]:
    return compare(Run(*ALL, main=old), Run(*after, main=new), old_name="old", new_name="new").findings


def short(finding: Finding) -> str:
    return f"{finding.callable.rpartition(':')[2]} {finding.kind.value}"


def explained(found: tuple[Finding, ...]) -> dict[str, str]:
    """Return for each effect what explains it."""
    by_key = {finding.key: short(finding) for finding in found}
    return {short(each): by_key.get(each.explained_by, "") for each in found if each.role is Role.EFFECT}


def shop(rate: Any, vat: Any, total: Any, charged: Any, text: str) -> list[Call]:
    """A rate goes into a tax, that into a total; what is charged and told of is the total."""
    return [
        call("shop.cart:total", [[1]], total),
        call("shop.tax:vat", [10], vat, parent=1),
        call("shop.rates:rate", ["DE"], rate, parent=1),
        call("shop.gateway:charge", [charged], charged),
        call("shop.mail:send", [text], None),
    ]


def test_all_that_follows_from_one_change_is_explained_by_it() -> None:
    """Through the calls inside, through what was passed on, through what became of that."""
    found = findings(shop(1, 10, 20, 20, "20"), shop(2, 12, 22, 22, "22"), changed("shop.rates:rate"))

    assert short(found[0]) == "rate returned-value"
    assert set(explained(found).values()) == {"rate returned-value"}
    assert set(explained(found)) == {
        "vat returned-value",
        "total returned-value",
        "charge argument-passed",
        "charge returned-value",
        "send argument-passed",
    }


def test_two_changes_explain_what_is_theirs() -> None:
    old = [call("shop.tax:vat", [1], 10), call("shop.rates:rate", ["DE"], 3), call("shop.gateway:charge", [10], None)]
    new = [call("shop.tax:vat", [1], 11), call("shop.rates:rate", ["DE"], 4), call("shop.gateway:charge", [11], None)]
    found = findings(old, new, changed("shop.tax:vat", "shop.rates:rate"))

    assert explained(found) == {"charge argument-passed": "vat returned-value"}
    assert {short(each) for each in found if each.role is Role.ORIGIN} == {"vat returned-value", "rate returned-value"}


def test_a_value_is_followed_into_other_lanes() -> None:
    def run(value: int, code: tuple[Callable, ...]) -> Run:
        lanes: dict[str, Sequence[Call]] = {
            "a": [call("shop.tax:vat", [1], value)],
            "b": [call("shop.gateway:charge", [value], None)],
        }
        return Run(*code).with_lanes(lanes)

    found = compare(run(10, ALL), run(11, changed("shop.tax:vat")), old_name="o", new_name="n").findings

    assert explained(found) == {"charge argument-passed": "vat returned-value"}


def test_what_a_call_gives_back_does_not_explain_what_it_passed_on_before() -> None:
    """`total` computes another amount, has it charged, and returns it: it is the origin of both."""

    def run(amount: int) -> list[Call]:
        return [
            call("shop.cart:total", [[1]], amount),
            call("shop.gateway:charge", [amount], {"charged": amount}, parent=1),
        ]

    found = findings(run(10), run(11), changed("shop.cart:total"))

    assert short(found[0]) == "total returned-value"
    assert explained(found) == {
        "charge argument-passed": "total returned-value",
        "charge returned-value": "total returned-value",
    }


@pytest.mark.parametrize(
    ("code", "confidence", "inner"),
    [
        (changed("shop.cart:total"), "high", ("shop.cart:total",)),
        (ALL, "low", ()),
    ],
)
def test_a_call_made_otherwise_names_who_made_it(
    code: tuple[Callable, ...], confidence: str, inner: tuple[str, ...]
) -> None:
    """Its inputs are equal and it passes something else on: behaviour changed there, surely only if its code did."""
    old = [call("shop.cart:total", [[1]], 5), call("shop.gateway:charge", [10], None, parent=1)]
    new = [call("shop.cart:total", [[1]], 5), call("shop.gateway:charge", [11], None, parent=1)]
    [finding] = findings(old, new, code)

    assert (short(finding), finding.role.value, finding.made_by) == (
        "charge argument-passed",
        "origin",
        "shop.cart:total",
    )
    assert (finding.confidence.value, finding.inner) == (confidence, inner)


def test_what_the_maker_was_given_and_could_not_be_looked_at_is_named() -> None:
    rows = opaque("m:Rows")
    old = [call("shop.cart:total", [rows], 5), call("shop.gateway:charge", [10], None, parent=1)]
    new = [call("shop.cart:total", [rows], 5), call("shop.gateway:charge", [11], None, parent=1)]
    [finding] = findings(old, new, changed("shop.cart:total"))

    assert (finding.confidence.value, finding.unseen) == ("low", ("argument.rows",))


def test_calls_inside_a_call_that_is_new_follow_from_it() -> None:
    old = [call("shop.cart:total", [[1]], 5)]
    new = [*old, call("shop.tax:vat", [1], 1), call("shop.rates:rate", ["DE"], 1, parent=1)]
    found = findings(old, new)

    assert explained(found) == {"rate call-added": "vat call-added"}


def test_code_that_is_the_same_is_no_origin_where_other_code_did_otherwise_before() -> None:
    """Nothing that was recorded leads from the one to the other: the confidence is low."""
    old = [call("shop.rates:rate", ["DE"], 1), call("shop.tax:vat", [1], 10)]
    new = [call("shop.rates:rate", ["DE"], 2), call("shop.tax:vat", [1], 14)]
    found = findings(old, new, changed("shop.rates:rate"))

    assert explained(found) == {"vat returned-value": "rate returned-value"}
    assert [each.confidence.value for each in found] == ["high", "low"]


def test_changed_code_beside_an_origin_of_the_same_code_is_suspected() -> None:
    """A module's state is not recorded: what the neighbour left there may show here."""
    load, get = (function(f"shop.config:{name}", "key", code="1") for name in ("load", "get"))
    loaded = function("shop.config:load", "key", code="2")
    old, new = (
        Run(each, get, main=[call("shop.config:load", ["rate"]), call("shop.config:get", ["rate"], value)])
        for each, value in ((load, 1), (loaded, 2))
    )
    [finding] = compare(old, new, old_name="old", new_name="new").findings

    assert (finding.role.value, finding.confidence.value, finding.inner) == ("origin", "low", ("shop.config:load",))


def test_another_python_makes_other_code_and_that_says_nothing() -> None:
    def run(python: str, code: str, value: int) -> Run:
        known = (function("shop.tax:vat", "amount", code=code),)
        return Run(recording=Recording(python, callables=known)).with_lanes(
            {"main": [call("shop.tax:vat", [1], value)]}
        )

    comparison = compare(run("3.11", "1", 1), run("3.12", "2", 2), old_name="old", new_name="new")

    assert comparison.notes[0] == "OLD was recorded with Python 3.11, NEW with 3.12."
    assert comparison.findings[0].inner == ()


def test_private_state_is_followed_to_what_left_it() -> None:
    add, size = function("m:Box.add", "self", code="1"), function("m:Box.size", "self", code="1")
    added = function("m:Box.add", "self", code="2")

    def run(step: int, method: Any) -> Run:
        box = obj("m:Box", _n=step)
        return Run(
            method,
            size,
            main=[call("m:Box.add", [obj("m:Box", _n=0)], after={0: box}), call("m:Box.size", [box], step)],
        )

    found = compare(run(1, add), run(2, added), old_name="old", new_name="new").findings

    assert explained(found) == {"Box.size returned-value": "Box.add state", "Box.size state": "Box.add state"}


def test_one_doubtful_call_among_many_effects_makes_no_origin() -> None:
    roles = Roles()
    roles.origin(Confidence.LOW)
    assert (roles.role, roles.confidence) == (Role.ORIGIN, Confidence.LOW)
    roles.effect(Confidence.HIGH, None)
    assert (roles.role, roles.confidence) == (Role.EFFECT, Confidence.HIGH)
    roles.origin(Confidence.HIGH)
    assert (roles.role, roles.confidence) == (Role.ORIGIN, Confidence.HIGH)


def groups(*causes: tuple[int, ...]) -> list[Group]:
    """A group for each of `causes`, which are the places of what explains it; without any it is an origin."""
    seen = Observation("m:f", "", Kind.RETURNED_VALUE, ValuePath(), Severity.CHANGED, None, None, "", 0, "")
    made = [Group(f"m:f{n}", Kind.RETURNED_VALUE, ValuePath(), seen) for n in range(len(causes))]
    for group, places in zip(made, causes, strict=True):
        for place in places:
            group.roles.effect(Confidence.HIGH, made[place])
        if not places:
            group.roles.origin(Confidence.HIGH)
    return made


@pytest.mark.parametrize(
    ("causes", "expected"),
    [
        ([(1,), ()], 1),
        ([(1,), (2,), ()], 2),
        ([(1,), (0,)], None),
        ([(1, 2, 2), (), ()], 2),
        ([(1,), (2, 0), (3,), ()], 3),
        ([(1,), (2,), (1,), ()], None),
    ],
)
def test_the_origin_is_found_along_causes(causes: list[tuple[int, ...]], expected: int | None) -> None:
    made = groups(*causes)
    origins = Origins({group: group for group in made})
    found = [origins.of(group) for group in made if group.roles.role is Role.EFFECT]

    assert found[0] is (None if expected is None else made[expected])
    assert origins.of(made[0]) is found[0]


def test_a_long_way_is_walked_once() -> None:
    made = groups(*[(n + 1,) for n in range(5_000)], ())
    origins = Origins({group: group for group in made})

    assert all(origins.of(group) is made[-1] for group in reversed(made[:-1]))


def test_of_equal_origins_those_of_the_same_code_come_last() -> None:
    def run(step: int) -> list[Call]:
        sent = [call("shop.mail:send", [text], step) for text in "ab"]
        return [*sent, call("shop.rates:rate", ["DE"], step)]

    sure = findings(run(0), run(1), changed("shop.mail:send", "shop.rates:rate"))
    doubted = findings(run(0), run(1), changed("shop.rates:rate"))

    assert [short(each) for each in sure] == ["send returned-value", "rate returned-value"]
    assert [short(each) for each in doubted] == ["rate returned-value", "send returned-value"]
