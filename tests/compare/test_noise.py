"""What a rule covers."""

from __future__ import annotations

import pytest

from tracer.compare.delta import Difference
from tracer.compare.noise import PRESENCE, Filter, Subject, covers
from tracer.compare.result import Kind
from tracer.model import NoiseRule

VALUE, PATH = Kind.RETURNED_VALUE, "return.items[*].id"


@pytest.mark.parametrize(
    ("rule", "subject", "expected"),
    [
        (NoiseRule("m:f", "returned-value", PATH), Subject("m:f", VALUE, PATH), True),
        (NoiseRule("*", "*", "*"), Subject("m:f", VALUE, PATH), True),
        (NoiseRule("m:*", "returned-*", "return.*"), Subject("m:f", VALUE, PATH), True),
        (NoiseRule("m:g", "*", "*"), Subject("m:f", VALUE, PATH), False),
        (NoiseRule("*", "yielded", "*"), Subject("m:f", VALUE, PATH), False),
        (NoiseRule("*", "*", "return.items"), Subject("m:f", VALUE, PATH), True),
        (NoiseRule("*", "*", "return.item"), Subject("m:f", VALUE, PATH), False),
        (NoiseRule("*", "*", "return.items[i]"), Subject("m:f", VALUE, "return.itemsi"), False),
        (NoiseRule("*", "*", "*"), Subject("m:f", Kind.RETURNED_TYPE, "return", Difference.TYPE), False),
        (NoiseRule("*", "*", "*", "user"), Subject("m:f", Kind.RETURNED_TYPE, "return", Difference.TYPE), True),
        (NoiseRule("*", "*", "*"), Subject("m:f", VALUE, "return['a']", Difference.KEY_REMOVED), False),
        (NoiseRule("*", "*", "*"), Subject("m:f", Kind.RAISED, "raised"), False),
        (NoiseRule("*", "*", "*"), Subject("m:f", Kind.SIGNATURE, "signature.a"), False),
        (NoiseRule("*", "*", "*"), Subject("m:f", Kind.CALL_ADDED, "call"), True),
        (NoiseRule("*", "*", PATH, PRESENCE), Subject("m:f", VALUE, PATH, Difference.KEY_REMOVED), True),
        (NoiseRule("*", "*", PATH, PRESENCE), Subject("m:f", VALUE, PATH), True),
        (NoiseRule("*", "*", PATH, PRESENCE), Subject("m:f", VALUE, PATH, Difference.TYPE), False),
        (NoiseRule("*", "*", PATH, PRESENCE), Subject("m:f", VALUE, PATH + ".n", Difference.KEY_REMOVED), False),
        (NoiseRule("*", "*", PATH), Subject("m:f", VALUE, PATH, Difference.KEY_REMOVED), False),
        (NoiseRule("*", "*", "*", PRESENCE), Subject("m:f", Kind.RAISED, "raised"), False),
    ],
)
def test_covers(rule: NoiseRule, subject: Subject, expected: bool) -> None:
    assert covers(rule, subject) is expected


def test_a_filter_counts_for_the_first_rule_that_covers() -> None:
    rules = [NoiseRule("m:f", "*", "*", "user"), NoiseRule("*", "*", "*")]
    noise = Filter(rules)

    assert [noise.hides(Subject(name, VALUE, PATH)) for name in ("m:f", "m:f", "m:g")] == [True, True, True]
    assert noise.hidden == (("m:f * * (user)", 2), ("* * * (learned)", 1))
