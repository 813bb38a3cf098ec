"""Keys and stamps of findings: the same in every process, under every order of rules and lanes, and no two findings share a key."""

from __future__ import annotations

import json
import random
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from tests.compare.runs import Run, call, function, obj, opaque, snapshot
from tests.helpers import clean_environment
from tests.strategies import builtins, expected
from tracer.compare.compare import compare
from tracer.compare.fingerprint import Fingerprints
from tracer.compare.result import Finding, Kind
from tracer.compare.stamps import SHOWN, condensed, stamp
from tracer.decode import decode
from tracer.rules import Rule
from tracer.values import Redacted, Scalar, Sequence, Value

VAT, TOTAL = function("shop.tax:vat", "x"), function("shop.cart:total", "x")


def findings(old: Run, new: Run, *rules: Rule) -> dict[str, Finding]:
    found = compare(old, new, old_name="old", new_name="new", rules=rules).findings
    assert len({finding.key for finding in found}) == len(found)
    return {finding.key: finding for finding in found}


def changed(**outcomes: list[int]) -> Run:
    lanes = {lane: [call("shop.tax:vat", [n], each) for n, each in enumerate(made)] for lane, made in outcomes.items()}
    return Run(VAT, TOTAL).with_lanes(dict(lanes))


PROGRAM = """
import json
from tests.compare.test_stamps import many
print(json.dumps(many()))
"""


def many() -> dict[str, list[str]]:
    """Return keys and stamps of a comparison in which every kind of value differs."""
    old = [None, 2**60, 1.5, "é", b"x", [1, {"a": {1, 2}}], ("a",), obj("m:C", a=1), opaque("m:D"), {"k": [1]}]
    new = [1, 2**61, 2.5, "e", b"y", [1, {"a": {1, 3}}], ("b",), obj("m:C", a=2), opaque("m:E"), {"k": [1], "l": 2}]
    before, after = (
        Run(VAT, main=[call("shop.tax:vat", [n], {"v": value}) for n, value in enumerate(made)]) for made in (old, new)
    )
    return {key: list(finding.changes) for key, finding in findings(before, after).items()}


def test_keys_and_stamps_are_those_of_another_process_with_another_hash_seed() -> None:
    told = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", PROGRAM],
                env={**clean_environment(), "PYTHONHASHSEED": seed},
                capture_output=True,
                check=True,
            ).stdout
        )
        for seed in ("1", "2")
    ]

    assert told[0] == told[1] == many()
    assert len(told[0]) > 3
    assert all(stamps for stamps in told[0].values())


def test_keys_do_not_depend_on_the_order_of_rules_and_lanes() -> None:
    rules = [Rule("shop.tax:vat", "returned-value", "return[9]"), Rule("*", "state", "*")]
    old, new = changed(a=[1, 2], b=[3]), changed(a=[1, 5], b=[4])
    turned = changed(b=[4], a=[1, 5])

    assert findings(old, new, *rules) == findings(old, new, *rules[::-1]) == findings(old, turned)


def test_a_finding_keeps_its_stamps_as_long_as_it_is_the_same_change() -> None:
    once = findings(changed(a=[1, 1]), changed(a=[1, 2]))
    again = findings(changed(a=[7, 1, 1]), changed(a=[7, 2, 2]))
    further = findings(changed(a=[7, 1, 1]), changed(a=[7, 2, 3]))
    (key,) = once

    assert again[key].changes == once[key].changes
    assert set(further[key].changes) > set(once[key].changes)


def test_further_calls_that_were_added_are_another_change() -> None:
    base = changed(a=[1])
    more = [Run(VAT, TOTAL, a=[call("shop.tax:vat", [0], 1), *[call("shop.cart:total", [9], 1)] * n]) for n in (1, 2)]
    one, two = (findings(base, run) for run in more)
    (key,) = one

    assert one[key].kind is Kind.CALL_ADDED
    assert one[key].changes != two[key].changes
    assert one == findings(base, more[0])


def test_paths_of_one_text_are_one_finding() -> None:
    def run(value: int) -> Run:
        return Run(
            VAT,
            main=[
                call("shop.tax:vat", [n], made)
                for n, made in enumerate([obj("m:C", "plain", **{"a[*]": value}), obj("m:C", a=[value])])
            ],
        )

    assert len(findings(run(1), run(2))) == 1


@given(builtins, builtins)
def test_stamps_differ_where_values_do(one: object, other: object) -> None:
    old, new = expected(one), expected(other)
    same = Fingerprints(old).of(old) == Fingerprints(new).of(new)

    assert stamp(old, new) == stamp(old, new)
    if not same:
        assert stamp(old) != stamp(new)


def test_secrets_and_addresses_leave_no_stamp_and_depth_is_no_matter() -> None:
    deep: Value = Scalar(1)
    for _ in range(50_000):
        deep = Sequence("list", (deep,))

    assert stamp(Redacted()) == stamp(Redacted())
    assert stamp(Scalar("<C at 0x7f00deadbeef>")) == stamp(Scalar("<C at 0x7f11deadbeef>"))
    assert stamp(decode(snapshot([1]))) == stamp(expected([1]))
    assert len(stamp(deep, None)) == 12


@given(st.lists(st.integers(0, 40), max_size=60))
def test_many_stamps_become_one_that_depends_on_no_order(numbers: list[int]) -> None:
    stamps = [stamp(str(number)) for number in numbers]
    shuffled = random.sample(stamps, len(stamps))

    assert condensed(stamps) == condensed(shuffled)
    assert len(condensed(stamps)) <= SHOWN
    assert condensed(stamps) != condensed([*stamps, stamp("another")])
