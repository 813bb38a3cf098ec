"""Whole comparisons of runs in memory: what a change of code or of calls is told as."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compare.runs import Run, call, function, obj, opaque, raised, snapshot, truncated
from tracer.compare import lane
from tracer.compare.collapse import Group
from tracer.compare.compare import compare
from tracer.compare.noise import Subject, learn
from tracer.compare.result import Comparison, Finding, Kind, Severity, Verdict
from tracer.model import Call, Item, ItemKind, Loss, Raised, RecordedRun, Recording, Returned, Unfinished
from tracer.rules import LEARNED, Rule

VAT = function("shop.tax:vat", "amount", code="1")
VAT_NEW = function("shop.tax:vat", "amount", code="2")
TOTAL = function("shop.cart:Cart.total", "self", code="1")
CHARGE = function("shop.gateway:charge", "amount", code="1")


def compared(old: RecordedRun, new: RecordedRun, **options: Any) -> Comparison:
    return compare(old, new, old_name="old.cassette", new_name="new.cassette", **options)


def learned_from(old: RecordedRun, new: RecordedRun) -> tuple[Rule, ...]:
    seen: set[Subject] = set()
    compared(old, new, seen=seen)
    return learn(seen)


def brief(finding: Finding) -> tuple[str, str, str, str, str]:
    return (
        finding.callable.split(":")[1],
        finding.kind.value,
        finding.path,
        finding.severity.value,
        finding.role.value,
    )


def told(old: list[Call], new: list[Call], *callables: Any) -> list[tuple[str, str, str, str, str]]:
    known = callables or (VAT, TOTAL, CHARGE)
    return [brief(finding) for finding in compared(Run(*known, main=old), Run(*known, main=new)).findings]


def one(old: Call, new: Call) -> set[tuple[str, str, str]]:
    return {(kind, path, severity) for _, kind, path, severity, _ in told([old], [new])}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (call("shop.tax:vat", [1], 1.0), call("shop.tax:vat", [1], 2.0), {("returned-value", "return", "changed")}),
        (call("shop.tax:vat", [1], 1), call("shop.tax:vat", [1], 1.0), {("returned-type", "return", "breaking")}),
        (
            call("shop.tax:vat", [1], {"a": 1}),
            call("shop.tax:vat", [1], {}),
            {("returned-value", "return['a']", "breaking")},
        ),
        (
            call("shop.tax:vat", [1], {}),
            call("shop.tax:vat", [1], {"a": 1}),
            {("returned-value", "return['a']", "compatible")},
        ),
        (
            call("shop.tax:vat", [1], [{"n": 1}, {"n": 2}]),
            call("shop.tax:vat", [1], [{"n": 5}, {"n": 6}]),
            {("returned-value", "return[*]['n']", "changed")},
        ),
        (
            call("shop.tax:vat", [1], 1),
            call("shop.tax:vat", [1], raised("builtins:ValueError", "no")),
            {("raised", "raised", "breaking")},
        ),
        (
            call("shop.tax:vat", [1], raised("builtins:ValueError", "no")),
            call("shop.tax:vat", [1], 1),
            {("no-longer-raised", "raised", "breaking")},
        ),
        (
            call("shop.tax:vat", [1], raised("builtins:ValueError", "no")),
            call("shop.tax:vat", [1], raised("builtins:KeyError", "no")),
            {("exception-type", "raised", "breaking")},
        ),
        (
            call("shop.tax:vat", [1], raised("builtins:ValueError", "no")),
            call("shop.tax:vat", [1], raised("builtins:ValueError", "never")),
            {("exception-message", "raised.args[*]", "changed")},
        ),
        (
            call("shop.tax:vat", [1], raised("m:Coded", "no", code=1)),
            call("shop.tax:vat", [1], raised("m:Coded", "no", code=2)),
            {("exception-message", "raised.code", "changed")},
        ),
        (
            call("shop.tax:vat", [1], 1),
            call("shop.tax:vat", [2], 1),
            {("argument-passed", "argument.amount", "changed")},
        ),
        (
            call("shop.tax:vat", [1], 1),
            call("shop.tax:vat", ["1"], 1),
            {("argument-passed", "argument.amount", "breaking")},
        ),
        (
            call("shop.cart:Cart.total", [obj("m:Cart", _cache=1, rows=[])], 1),
            call("shop.cart:Cart.total", [obj("m:Cart", _cache=2, rows=[])], 1),
            {("state", "argument.self._cache", "internal")},
        ),
        (
            call("shop.cart:Cart.total", [obj("m:Cart", rows=[])], 1),
            call("shop.cart:Cart.total", [obj("m:Cart", rows=[1])], 1),
            {("argument-passed", "argument.self.rows[*]", "changed")},
        ),
        (
            call("shop.tax:vat", [[1]], 1, after={0: [1, 2]}),
            call("shop.tax:vat", [[1]], 1, after={0: [1, 3]}),
            {("argument-after", "after.amount[*]", "changed")},
        ),
        (
            call("shop.tax:vat", [[1]], 1),
            call("shop.tax:vat", [[1]], 1, after={0: [1, 3]}),
            {("argument-after", "after.amount[*]", "changed")},
        ),
        (
            call("shop.cart:Cart.total", [obj("m:Cart")], 1, after={0: obj("m:Cart", _n=1)}),
            call("shop.cart:Cart.total", [obj("m:Cart")], 1, after={0: obj("m:Cart", _n=2)}),
            {("state", "after.self._n", "internal")},
        ),
        (
            call(
                "shop.tax:vat", [1], 1, items=[Item(ItemKind.YIELDED, snapshot(1)), Item(ItemKind.YIELDED, snapshot(2))]
            ),
            call(
                "shop.tax:vat", [1], 1, items=[Item(ItemKind.YIELDED, snapshot(1)), Item(ItemKind.YIELDED, snapshot(3))]
            ),
            {("yielded", "yielded[*]", "changed")},
        ),
        (
            call("shop.tax:vat", [1], 1, items=[Item(ItemKind.SENT, snapshot(1))]),
            call("shop.tax:vat", [1], 1, items=[Item(ItemKind.SENT, snapshot(2))]),
            {("argument-passed", "sent[*]", "changed")},
        ),
        (
            call("shop.tax:vat", [1], 1),
            call("shop.tax:vat", [1], Unfinished()),
            {("returned-value", "return", "changed")},
        ),
        (call("shop.tax:vat", [1], opaque("m:S")), call("shop.tax:vat", [1], opaque("m:S", 4)), set()),
        (call("other:unknown", [1], 1), call("other:unknown", [2], 1), {("argument-passed", "argument.0", "changed")}),
        (
            call("shop.tax:vat", [1], Returned(b"\xc1")),
            call("shop.tax:vat", [1], Returned(b"\xc1\xc1")),
            {("returned-value", "return", "changed")},
        ),
    ],
)
def test_kinds_paths_and_severities(old: Call, new: Call, expected: set[tuple[str, str, str]]) -> None:
    assert one(old, new) == expected


def test_arguments_that_a_call_left_as_different_as_they_came_are_told_once() -> None:
    old = call("shop.tax:vat", [{"a": 1}], 1, after={0: {"a": 1, "seen": True}})
    new = call("shop.tax:vat", [{"a": 2}], 1, after={0: {"a": 2, "seen": True}})

    assert one(old, new) == {("argument-passed", "argument.amount['a']", "changed")}


def test_equal_runs_are_the_same_without_reading_a_call() -> None:
    calls = [call("shop.tax:vat", [n], n) for n in range(500)]
    old, new = Run(VAT, main=calls), Run(VAT, main=calls)

    comparison = compared(old, new)

    assert (comparison.verdict, comparison.findings) == (Verdict.SAME, ())
    assert (comparison.summary.compared, comparison.summary.identical) == (500, 500)
    assert old.reads == new.reads == 0


def test_values_that_were_looked_at_in_part_are_counted_though_their_calls_are_identical() -> None:
    losses = (
        Loss("*", "truncated list", 2),
        Loss("*", "opaque socket:socket", 1),
        Loss("shop:f", "left-out dunder", 5),
    )
    old, new = (Run(recording=Recording("3.11", losses=losses), main=[call("shop.tax:vat")]) for _ in range(2))

    summary = compared(old, new).summary

    assert (summary.identical, summary.partly, summary.lost) == (1, 3, 10)


def test_only_blocks_that_differ_are_compared() -> None:
    calls = [call("shop.tax:vat", [n], n) for n in range(1000)]
    changed = [*calls[:550], call("shop.tax:vat", [550], -1), *calls[551:]]
    old, new = Run(VAT, main=calls), Run(VAT_NEW, main=changed)

    [finding] = compared(old, new).findings

    assert (finding.count, finding.calls, finding.before, finding.after) == (1, 1000, "550", "-1")
    assert old.reads == 100


def test_repeats_are_one_finding_with_the_smallest_example() -> None:
    old = [call("shop.tax:vat", ["x" * n], n, caller=f"shop.c{n % 3}") for n in range(9, 0, -1)]
    new = [call("shop.tax:vat", ["x" * n], n + 1, caller=f"shop.c{n % 3}") for n in range(9, 0, -1)]

    [finding] = compared(Run(VAT, main=old), Run(VAT_NEW, main=new)).findings

    assert (finding.count, finding.calls, finding.callers) == (9, 9, ("shop.c0", "shop.c1", "shop.c2"))
    assert (finding.before, finding.after) == ("1", "2")
    assert finding.example
    assert finding.example.arguments == "amount='x'"


def test_a_call_put_in_front_is_one_call_added() -> None:
    calls = [call("shop.tax:vat", [n], n) for n in range(300)]

    assert told(calls, [call("shop.cart:Cart.total", [1], 1), *calls]) == [
        ("Cart.total", "call-added", "call", "compatible", "origin")
    ]


def test_calls_in_another_order_have_moved() -> None:
    calls = [call("shop.tax:vat", [n], n) for n in range(6)]

    assert told(calls, [*calls[1:], calls[0]]) == [("vat", "call-moved", "call", "changed", "origin")]


def test_a_counter_that_starts_elsewhere_changes_results_and_adds_no_call() -> None:
    old = [call("shop.tax:vat", [], n) for n in range(5)]
    new = [call("shop.tax:vat", [], n + 1) for n in range(5)]

    assert told(old, new) == [("vat", "returned-value", "return", "changed", "origin")]


def nested(vat: float, total: float, charged: float, given: Any = 1) -> list[Call]:
    """A cart asks for the tax and has the sum charged."""
    return [
        call("shop.cart:Cart.total", [given], total, caller="<outside>"),
        call("shop.tax:vat", [given], vat, parent=1, caller="shop.cart"),
        call("shop.gateway:charge", [charged], "ok", parent=2, caller="shop.cart"),
    ]


def roles(old: list[Call], new: list[Call]) -> set[tuple[str, str, str]]:
    return {(name, kind, role) for name, kind, _, _, role in told(old, new)}


def test_the_innermost_call_with_equal_inputs_is_the_origin() -> None:
    assert roles(nested(1, 10, 10), nested(2, 20, 20)) == {
        ("vat", "returned-value", "origin"),
        ("Cart.total", "returned-value", "effect"),
        ("charge", "argument-passed", "effect"),
    }


def test_where_very_many_calls_changed_all_are_counted_and_the_first_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those explain their findings as all of them would; of one that only later calls show it is said how little is known."""
    known = VAT, TOTAL, CHARGE
    old = [each for n in range(40) for each in nested(n, 100 + n, 0, n)]
    new = [each for n in range(40) for each in nested(500 + n, 600 + n, 0 if n < 30 else 7, n)]
    whole = compared(Run(*known, main=old), Run(*known, main=new))

    monkeypatch.setattr(lane, "_MOST_EXPLAINED", 20)
    bounded = compared(Run(*known, main=old), Run(*known, main=new))

    *early, late = sorted(bounded.findings, key=lambda finding: finding.kind is Kind.ARGUMENT_PASSED)
    assert early == [finding for finding in whole.findings if finding.kind is Kind.RETURNED_VALUE]
    assert (late.count, late.confidence.value) == (10, "low")
    assert {finding.callable: finding.count for finding in whole.findings} == {
        "shop.tax:vat": 40,
        "shop.cart:Cart.total": 40,
        "shop.gateway:charge": 10,
    }
    assert bounded.summary == whole.summary
    (note,) = set(bounded.notes) - set(whole.notes)
    assert note.startswith("69 changed calls are counted only")


@pytest.mark.parametrize("count", [50, 100])
def test_state_that_every_call_leaves_alike_is_followed_once_for_each(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not once for each call before it: a long loop would take time with its square."""
    told: list[Severity] = []
    real = Group.raise_to

    def raise_to(group: Group, severity: Severity) -> None:
        told.append(severity)
        real(group, severity)

    monkeypatch.setattr(Group, "raise_to", raise_to)

    def run(rate: int) -> Run:
        known = function("shop.m:M.set", "self", "n", code=f"{rate}"), function("shop.m:M.get", "self", "n", code="1")
        calls = []
        for n in range(count):
            before, after = obj("shop.m:M", _rate=0), obj("shop.m:M", _rate=rate)
            calls.append(call("shop.m:M.set", [before, n], None, after={0: after}))
            calls.append(call("shop.m:M.get", [after, n], rate))
        return Run(*known, main=calls)

    found = {finding.callable: finding.count for finding in compared(run(1), run(2)).findings}

    assert found["shop.m:M.set"] == count
    assert count <= len(told) <= 8 * count


def test_a_caller_that_passes_on_something_else_by_itself_is_the_origin() -> None:
    assert roles(nested(1, 10, 10), nested(1, 20, 20)) == {
        ("Cart.total", "returned-value", "origin"),
        ("charge", "argument-passed", "effect"),
    }


def test_an_argument_is_the_origin_where_nothing_else_shows_it() -> None:
    assert roles(nested(1, 10, 10), nested(1, 10, 20)) == {("charge", "argument-passed", "origin")}


def test_what_came_in_from_outside_makes_everything_inside_an_effect() -> None:
    found = roles(nested(1, 10, 10), nested(2, 20, 20, given=2))

    assert {role for name, kind, role in found if (name, kind) != ("Cart.total", "argument-passed")} == {"effect"}
    assert ("Cart.total", "argument-passed", "origin") in found


def test_private_state_that_a_call_left_explains_a_later_result() -> None:
    def counting(step: int) -> list[Call]:
        return [
            call("shop.cart:Cart.add", [obj("m:Cart", _n=0)], None, after={0: obj("m:Cart", _n=step)}),
            call("shop.cart:Cart.total", [obj("m:Cart", _n=step)], step),
        ]

    add = function("shop.cart:Cart.add", "self")
    found = told(counting(1), counting(2), add, TOTAL)

    assert found[0] == ("Cart.add", "state", "after.self._n", "changed", "origin")
    assert ("Cart.total", "returned-value", "return", "changed", "effect") in found


def test_only_private_state_differs_is_the_same() -> None:
    old = [call("shop.cart:Cart.total", [obj("m:Cart", _a=1)], 1)]
    new = [call("shop.cart:Cart.total", [obj("m:Cart", _b=1)], 1)]

    assert compared(Run(TOTAL, main=old), Run(TOTAL, main=new)).verdict is Verdict.SAME


@pytest.mark.parametrize(
    ("old", "new", "argument", "confidence", "inner"),
    [
        ({"code": "1"}, {"code": "2"}, 1, "high", ()),
        ({"code": "1"}, {"code": "1"}, 1, "low", ()),
        (
            {"code": "1", "reach": [("shop.tax:_r", "1")]},
            {"code": "1", "reach": [("shop.tax:_r", "2")]},
            1,
            "high",
            ("shop.tax:_r",),
        ),
        ({"code": "1"}, {"code": "2"}, opaque("m:Socket"), "low", ()),
        ({"code": "1"}, {"code": "2"}, truncated("list", 9, [1]), "low", ()),
        ({"code": "1"}, {"code": "2"}, truncated("list", 9, [1], b"0" * 16), "high", ()),
        ({}, {}, 1, "high", ()),
    ],
)
def test_confidence(old: Any, new: Any, argument: Any, confidence: str, inner: tuple[str, ...]) -> None:
    [finding] = compared(
        Run(function("shop.tax:vat", "amount", **old), main=[call("shop.tax:vat", [argument], 1)]),
        Run(function("shop.tax:vat", "amount", **new), main=[call("shop.tax:vat", [argument], 2)]),
    ).findings

    assert (finding.role.value, finding.confidence.value, finding.inner) == ("origin", confidence, inner)
    assert finding.unseen == (("argument.amount",) if argument != 1 and confidence == "low" else ())


def test_a_callable_that_is_gone_is_told_instead_of_its_calls() -> None:
    old = Run(VAT, TOTAL, main=[call("shop.tax:vat", [n], n) for n in range(4)])
    new = Run(TOTAL, function("shop.tax:tax", "amount"), main=[])

    [finding] = compared(old, new).findings

    assert (brief(finding), finding.count) == (("vat", "callable-missing", "callable", "breaking", "origin"), 4)


def test_a_callable_without_calls_is_missed_only_where_its_module_is_left() -> None:
    old = Run(VAT, CHARGE, main=[])

    assert compared(old, Run(CHARGE, main=[])).findings == ()
    [finding] = compared(old, Run(CHARGE, function("shop.tax:tax", "amount"), main=[])).findings
    assert (finding.kind.value, finding.before) == ("callable-missing", "shop.tax:vat")


VAT_WITH_RATE = function("shop.tax:vat", "amount", "rate", code="2")


def test_a_signature_breaks_callers_that_were_seen() -> None:
    """The calls need not be in the new run: one that does not bind runs no code of the callee."""
    [finding, _] = compared(Run(VAT, main=[call("shop.tax:vat", [1])]), Run(VAT_WITH_RATE, main=[])).findings

    assert brief(finding) == ("vat", "signature", "signature.rate", "breaking", "origin")
    assert (finding.before, finding.after, finding.example) == ("(absent)", "rate", None)


def test_callers_in_a_test_that_the_new_run_left_out_were_seen_too() -> None:
    old = Run(VAT).with_lanes({"test t.py::a": [call("shop.tax:vat", [1])]})

    assert [brief(finding)[3] for finding in compared(old, Run(VAT_WITH_RATE)).findings] == ["breaking"]


@pytest.mark.parametrize("new", [VAT_WITH_RATE, function("shop.tax:tax", "amount")])
def test_a_callable_that_no_one_was_seen_to_call_breaks_no_one(new: Any) -> None:
    [finding] = compared(Run(VAT), Run(new)).findings

    assert (finding.severity.value, finding.count, finding.calls) == ("compatible", 0, 0)


def test_a_callable_that_is_called_in_equal_lanes_only_counts_as_called() -> None:
    calls = [call("shop.tax:vat", [1])] * 3
    [finding] = compared(Run(VAT, main=calls), Run(VAT_WITH_RATE, main=calls)).findings

    assert (finding.severity.value, finding.count, finding.calls) == ("breaking", 3, 3)


def test_a_parameter_that_only_one_side_has_is_no_argument_passed_otherwise() -> None:
    old = Run(VAT, main=[call("shop.tax:vat", [1], 1)])
    new = Run(function("shop.tax:vat", "rate=2", "amount=0"), main=[call("shop.tax:vat", [2, 1], 1)])

    assert {finding.kind.value for finding in compared(old, new).findings} == {"signature"}


def test_tests_that_only_one_side_ran_are_told_in_a_note() -> None:
    calls = [call("shop.tax:vat", [1], 1)]
    old = Run(VAT, main=calls).with_lanes({f"test t.py::{n}": calls for n in "abc"})
    new = Run(VAT, main=calls).with_lanes({"test t.py::b": [*calls, call("shop.tax:vat", [2], 2)]})

    comparison = compared(old, new)

    assert comparison.notes == ("2 tests only in OLD were not compared.",)
    assert [brief(finding)[:2] for finding in comparison.findings] == [("vat", "call-added")]


def test_imports_go_with_the_tests_that_a_selection_leaves_out() -> None:
    lanes: dict[str, Any] = {"import shop.tax": [call("shop.tax:vat", [1], 1)], "test a": [], "test b": []}
    selected: dict[str, Any] = {"test a": []}

    whole = compared(Run(VAT).with_lanes(lanes), Run(VAT).with_lanes(selected))
    without = compared(Run(VAT).with_lanes(lanes), Run(VAT).with_lanes({"test a": [], "test b": []}))

    assert whole.findings == ()
    assert whole.notes == ("1 test only in OLD was not compared.", "1 import only in OLD was not compared.")
    assert [finding.kind.value for finding in without.findings] == ["call-removed"]


def test_a_lane_that_is_gone_took_its_calls_along() -> None:
    comparison = compared(Run(VAT, TOTAL, main=[call("shop.tax:vat", [1], 1)]), Run(VAT, TOTAL))

    assert (comparison.summary.removed, comparison.verdict) == (1, Verdict.CHANGED)


def test_renamed_lanes_are_paired_by_what_they_hold() -> None:
    calls = [call("shop.tax:vat", [n], n) for n in range(9)]
    old = Run(VAT, TOTAL).with_lanes({"thread a": calls, "thread b": [call("shop.cart:Cart.total", [1], 1)]})
    new = Run(VAT, TOTAL).with_lanes({"task 1": [*calls[:8], call("shop.tax:vat", [8], -1)]})

    assert {brief(finding)[:2] for finding in compared(old, new).findings} == {
        ("vat", "returned-value"),
        ("Cart.total", "call-removed"),
    }


def test_another_python_and_other_boundaries_are_told_first() -> None:
    old = Run(recording=Recording("3.11", boundaries=("shop",)))
    new = Run(recording=Recording("3.12"))

    assert compared(old, new).notes == (
        "OLD was recorded with Python 3.11, NEW with 3.12.",
        "OLD has boundaries shop, NEW has of the project's own modules.",
    )


def test_rules_hide_and_say_how_much() -> None:
    old = [call("shop.tax:vat", [n], {"id": n, "sum": n}) for n in range(5)]
    new = [call("shop.tax:vat", [n], {"id": -n - 1, "sum": n}) for n in range(5)]
    rule = Rule("shop.tax:*", "returned-value", "return['id']", "user")

    comparison = compared(Run(VAT, main=old), Run(VAT, main=new), rules=(rule,))

    assert (comparison.verdict, comparison.findings) == (Verdict.NOISE, ())
    assert comparison.hidden == (("shop.tax:* returned-value return['id'] (user)", 5),)
    assert (comparison.summary.hidden_as_noise, comparison.summary.changed) == (5, 0)


def test_what_is_noise_explains_nothing() -> None:
    """A caller whose nested call differs by noise only is still an origin."""
    rule = Rule("shop.tax:vat", "returned-value", "return", "user")
    old, new = Run(VAT, TOTAL, CHARGE, main=nested(1, 10, 10)), Run(VAT, TOTAL, CHARGE, main=nested(2, 20, 10))

    [finding] = compared(old, new, rules=(rule,)).findings

    assert brief(finding) == ("Cart.total", "returned-value", "return", "changed", "origin")


def test_rules_learned_from_equal_code_hide_what_differed_but_no_other_type() -> None:
    def run(number: Any) -> Run:
        return Run(VAT, main=[call("shop.tax:vat", [1], {"id": number, "sum": 1})])

    learned = learned_from(run(1), run(2))

    assert learned == (Rule("shop.tax:vat", "returned-value", "return['id']", LEARNED),)
    assert compared(run(1), run(3), rules=learned).verdict is Verdict.NOISE
    assert compared(run(1), run("3"), rules=learned).verdict is Verdict.BREAKING


def test_shapes_alone_can_be_compared() -> None:
    old = Run(VAT, main=[call("shop.tax:vat", [1], {"a": 1, "b": 1})])

    assert compared(old, Run(VAT, main=[call("shop.tax:vat", [1], {"a": 2, "b": 1})]), level="shape").findings == ()
    assert (
        compared(old, Run(VAT, main=[call("shop.tax:vat", [1], {"a": 1})]), level="shape").verdict is Verdict.BREAKING
    )


def test_many_paths_of_one_callable_are_folded() -> None:
    old = [call("shop.tax:vat", [1], {"m": {str(n): n for n in range(30)}})]
    new = [call("shop.tax:vat", [1], {"m": {str(n): -n - 1 for n in range(30)}})]

    assert told(old, new) == [("vat", "returned-value", "return['m']", "changed", "origin")]


def test_a_call_wrapped_in_a_new_one_is_still_compared_with_itself() -> None:
    old = [call("shop.cart:Cart.total", [1], 1), call("shop.tax:vat", [1], 1, parent=1)]
    new = [
        call("shop.cart:Cart.total", [1], 1),
        call("shop.gateway:charge", [1], 1, parent=1),
        call("shop.tax:vat", [1], 2, parent=1),
    ]

    assert {(name, kind) for name, kind, *_ in told(old, new)} == {("charge", "call-added"), ("vat", "returned-value")}


def test_deep_recursion_is_no_problem() -> None:
    def recursion(leaf: int) -> list[Call]:
        return [call("shop.tax:vat", [n], leaf, parent=min(n, 1)) for n in range(3000)]

    [finding] = compared(Run(VAT, main=recursion(1)), Run(VAT_NEW, main=recursion(2))).findings

    assert (finding.count, finding.role.value) == (3000, "origin")


def test_empty_runs_are_the_same() -> None:
    assert compared(Run(), Run()).verdict is Verdict.SAME


def test_progress_reaches_the_end() -> None:
    calls = [call("shop.tax:vat", [n], n) for n in range(10)]
    seen: list[tuple[int, int]] = []

    compared(
        Run(VAT, main=calls), Run(VAT, main=[*calls, calls[0]]), progress=lambda done, total: seen.append((done, total))
    )

    assert seen[-1][0] == seen[-1][1] == 11


def test_unreadable_values_are_counted() -> None:
    comparison = compared(
        Run(VAT, main=[call("shop.tax:vat", [1], 1)]), Run(VAT, main=[call("shop.tax:vat", [1], Raised(b"\xc1"))])
    )

    assert comparison.verdict is Verdict.BREAKING
    assert any("could not be read" in note for note in comparison.notes)


def test_comparing_without_lists_to_pair_does_not_load_deepdiff() -> None:
    import subprocess
    import sys

    program = "import sys, tracer.compare.compare; sys.exit('deepdiff' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
