"""What a rule covers, and what is learned from differences."""

from __future__ import annotations

import pytest

from tests.compare.runs import Run, call, function
from tracer.compare.compare import compare
from tracer.compare.delta import Difference
from tracer.compare.noise import Filter, Subject, holds_at, learn
from tracer.compare.result import Kind, Verdict
from tracer.rules import CONFIRMED, CONFIRMED_PRESENCE, LEARNED, LEARNED_PRESENCE, Rule
from tracer.values import Key, ValuePath

VALUE, PATH = Kind.RETURNED_VALUE, "return.items[*].id"
ID = ValuePath(("return", "items", 3, "id"))
ITEM = ValuePath(("return", Key("'a'")))


def learned(callable_: str = "*", kind: str = "*", path: str = "*", source: str = LEARNED) -> Rule:
    return Rule(callable_, kind, path, source)


@pytest.mark.parametrize(
    ("rule", "subject", "expected"),
    [
        (learned("m:f", "returned-value", PATH), Subject("m:f", VALUE, ID), True),
        (learned(), Subject("m:f", VALUE, ID), True),
        (learned("m:*", "returned-*", "return.*"), Subject("m:f", VALUE, ID), True),
        (learned("m:g"), Subject("m:f", VALUE, ID), False),
        (learned(kind="yielded"), Subject("m:f", VALUE, ID), False),
        (learned(path="return.items"), Subject("m:f", VALUE, ID), True),
        (learned(path="return.items[3]"), Subject("m:f", VALUE, ID), True),
        (learned(path="return.items[4]"), Subject("m:f", VALUE, ID), False),
        (learned(path="return.item"), Subject("m:f", VALUE, ID), False),
        (learned(path="return.items[i]"), Subject("m:f", VALUE, ValuePath(("return", "itemsi"))), False),
        (Rule(path=r"/return\.items\[.\]/"), Subject("m:f", VALUE, ID), True),
        (Rule("/m:[fg]/"), Subject("m:f", VALUE, ID), True),
        (Rule("/m:[fg]/"), Subject("m:fg", VALUE, ID), False),
        (learned(), Subject("m:f", Kind.RETURNED_TYPE, ITEM, Difference.TYPE), False),
        (Rule(), Subject("m:f", Kind.RETURNED_TYPE, ITEM, Difference.TYPE), True),
        (learned(), Subject("m:f", VALUE, ITEM, Difference.KEY_REMOVED), False),
        (learned(), Subject("m:f", Kind.RAISED, ValuePath(("raised",))), False),
        (learned(), Subject("m:f", Kind.SIGNATURE, ValuePath(("signature", "a"))), False),
        (learned(), Subject("m:f", Kind.CALL_ADDED, ValuePath(("call",))), True),
        (learned(path="return['a']", source=LEARNED_PRESENCE), Subject("m:f", VALUE, ITEM, Difference.KEY_REMOVED), True),
        (learned(path="return[*]", source=LEARNED_PRESENCE), Subject("m:f", VALUE, ITEM, Difference.KEY_REMOVED), True),
        (learned(path="return['a']", source=LEARNED_PRESENCE), Subject("m:f", VALUE, ITEM), True),
        (learned(path="return['a']", source=LEARNED_PRESENCE), Subject("m:f", VALUE, ITEM, Difference.TYPE), False),
        (learned(path="return", source=LEARNED_PRESENCE), Subject("m:f", VALUE, ITEM, Difference.KEY_REMOVED), False),
        (learned(path="return['a']"), Subject("m:f", VALUE, ITEM, Difference.KEY_REMOVED), False),
        (learned(source=LEARNED_PRESENCE), Subject("m:f", Kind.RAISED, ValuePath(("raised",))), False),
        (learned(source=CONFIRMED), Subject("m:f", Kind.RAISED, ValuePath(("raised",))), False),
        (learned(kind="call-added"), Subject("m:f", Kind.CALL_REMOVED, ValuePath(("call",))), True),
        (Rule(kind="call-added"), Subject("m:f", Kind.CALL_REMOVED, ValuePath(("call",))), False),
        (learned(kind="state"), Subject("m:f", Kind.ARGUMENT_PASSED, ValuePath(("argument", "self"))), True),
    ],
)  # fmt: skip
def test_where_a_rule_holds(rule: Rule, subject: Subject, expected: bool) -> None:
    assert holds_at(rule, subject) is expected


def test_a_filter_counts_for_the_first_rule_that_covers_and_keeps_what_none_does() -> None:
    seen: set[Subject] = set()
    noise = Filter([Rule("m:f"), learned("m:g")], seen=seen)

    assert [noise.hides(Subject(f"m:{name}", VALUE, ID)) for name in "ffgh"] == [True, True, True, False]
    assert noise.hidden == (("m:f * * (user)", 2), ("m:g * * (learned)", 1))
    assert seen == {Subject("m:h", VALUE, ID.general)}


def key(name: str, difference: Difference) -> Subject:
    return Subject("m:f", VALUE, ValuePath(("return", Key(repr(name)))), difference)


def test_positions_and_both_directions_of_a_call_become_one_rule() -> None:
    seen = [Subject("m:f", VALUE, ValuePath(("return", n))) for n in range(5)]
    seen += [Subject("m:g", kind, ValuePath(("call",))) for kind in (Kind.CALL_ADDED, Kind.CALL_REMOVED)]

    assert learn(seen) == (learned("m:f", "returned-value", "return[*]"), learned("m:g", "call-added", "call"))


def test_what_no_learned_rule_may_hide_is_not_learned() -> None:
    kinds = (Kind.RAISED, Kind.RETURNED_TYPE, Kind.EXCEPTION_TYPE, Kind.CALLABLE_MISSING, Kind.SIGNATURE)

    assert learn([Subject("m:f", kind, ITEM) for kind in kinds]) == ()
    assert learn([Subject("m:f", Kind.ARGUMENT_PASSED, ITEM, Difference.TYPE)]) == ()


def test_a_key_that_comes_and_goes_is_one_place_and_keys_that_replace_one_another_are_any_key() -> None:
    coming = learn([key("a", Difference.KEY_ADDED), key("b", Difference.KEY_ADDED)])
    other = learn([key("a", Difference.KEY_ADDED), key("b", Difference.KEY_REMOVED)])

    assert coming == tuple(learned("m:f", "returned-value", f"return['{n}']", LEARNED_PRESENCE) for n in "ab")
    assert other == (learned("m:f", "returned-value", "return[*]", LEARNED_PRESENCE),)


def test_many_places_become_the_one_above_them_but_no_key_may_go_for_it() -> None:
    seen = [Subject("m:f", VALUE, ValuePath(("return", "x", f"f{n}"))) for n in range(40)]

    assert learn(seen) == (learned("m:f", "returned-value", "return.x"),)
    assert len(learn([*seen, key("a", Difference.KEY_ADDED)])) == 2


def test_rules_for_one_comparison_say_so() -> None:
    assert [
        rule.source for rule in learn([key("a", Difference.KEY_ADDED), Subject("m:g", VALUE, ID)], confirming=True)
    ] == [
        CONFIRMED_PRESENCE,
        CONFIRMED,
    ]


TAX = function("shop.tax:vat", "amount")


def run(*values: object) -> Run:
    return Run(TAX, main=[call("shop.tax:vat", [n], value) for n, value in enumerate(values)])


def test_what_a_rule_hides_is_counted_by_rule_and_leaves_the_call_identical() -> None:
    rules = (Rule(path="return", absolute=0.5), Rule(path="return", regex="id-[0-9]+"))
    found = compare(run(1.0, "id-1", 3), run(1.2, "id-22", 3), old_name="a", new_name="b", rules=rules)

    assert (found.verdict, found.summary.identical, found.summary.changed) == (Verdict.NOISE, 3, 0)
    assert found.hidden == (("* * return absolute 0.5 (user)", 1), ("* * return regex id-[0-9]+ (user)", 1))


def test_equal_runs_are_not_read_whatever_the_rules() -> None:
    old, new = run(*range(500)), run(*range(500))
    rules = (Rule(absolute=0.5), Rule(regex="(a|b)*"), Rule(path="return", unordered=True))
    compare(old, new, old_name="a", new_name="b", rules=rules)

    assert (old.reads, new.reads) == (0, 0)
