"""Calls kept as sums, compared: no false alarm, no difference missed, whatever was inserted before; on random loops."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.compare.runs import call, function, snapshot
from tracer import sums
from tracer.compare.compare import compare
from tracer.model import Call, Component, Item, ItemKind, Raised, Recording, Returned, Thinned
from tracer.recording.thinning import Taken, Tally
from tracer.rules import Rule
from tracer.storage.reader import open_cassette
from tracer.storage.store import write_cassette

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.compare.result import Comparison

NAMES = ("shop.a:f", "shop.b:g")
ENDINGS = {Returned: 0, Raised: 1}


def thin(calls: Sequence[Call], keeps: int) -> tuple[list[Call], tuple[Thinned, ...]]:
    """Return what a recorder keeps of calls without nesting that have a budget of `keeps` calls each."""
    kept: list[Call] = []
    runs: list[Thinned] = []
    tallies = {name: Tally(1, number, keeps, keeps << 20) for number, name in enumerate(NAMES)}

    def write(tally: Tally, *, last: bool = False) -> None:
        run = Taken(*tally.taken(last=last))
        if run.calls:
            found = sums.written(run.inputs), sums.written(run.outcomes)
            runs.append(Thinned(NAMES[tally.callable], "shop", run.calls, run.raised, run.unfinished, *found))

    for each in calls:
        tally = tallies[each.callable]
        if not keeps or tally.keeps(len(each.arguments)):
            kept.append(each)
            continue
        value = each.outcome.value if isinstance(each.outcome, Returned) else getattr(each.outcome, "error", b"")
        if tally.begin(each.arguments, 1).end(ENDINGS[type(each.outcome)], value):
            write(tally)
    for tally in tallies.values():
        write(tally, last=True)
    return kept, tuple(sorted(runs, key=lambda run: run.callable))


def compared(old: Sequence[Call], new: Sequence[Call], keeps: tuple[int, int], **more: Any) -> Comparison:
    """Compare two recordings of calls, each with its budget; 0 keeps all."""
    callables = tuple(function(name, "number") for name in NAMES)
    components = tuple(Component(name.partition(":")[0]) for name in NAMES)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, calls, budget in zip(count(), (old, new), keeps, strict=False):
            kept, runs = thin(calls, budget)
            recording = Recording("3.11", callables=callables, components=components, detail_calls=budget)
            paths.append(Path(folder) / f"{number}.cassette")
            write_cassette(paths[-1], recording, {"main": kept}, {"main": runs})
        with open_cassette(paths[0]) as one, open_cassette(paths[1]) as other:
            return compare(one, other, old_name="old", new_name="new", **more)


def loop(length: int, distinct: int) -> list[Call]:
    return [call(NAMES[n % 2], [n % distinct], n % distinct * 2) for n in range(length)]


LENGTHS = st.integers(min_value=0, max_value=3_000)
DISTINCT = st.sampled_from([1, 2, 7, 100, 10_000])
KEEPS = st.sampled_from([(3, 3), (50, 50), (3, 50), (0, 3), (50, 0)])


@settings(max_examples=8, deadline=None)
@given(length=LENGTHS, distinct=DISTINCT, keeps=KEEPS)
def test_equal_loops_are_equal_whatever_each_side_keeps(length: int, distinct: int, keeps: tuple[int, int]) -> None:
    calls = loop(length, distinct)

    comparison = compared(calls, calls, keeps)

    assert comparison.findings == ()
    assert comparison.summary.identical == comparison.summary.compared == length


@settings(max_examples=8, deadline=None)
@example(place=0, distinct=1, keeps=(0, 3))
@given(place=st.integers(min_value=0, max_value=2_999), distinct=DISTINCT, keeps=KEEPS)
def test_one_other_value_is_found_wherever_it_is(place: int, distinct: int, keeps: tuple[int, int]) -> None:
    calls = loop(3_000, distinct)
    changed = list(calls)
    changed[place] = call(calls[place].callable, [place % distinct], "other")

    for old, new in ((calls, changed), (changed, calls)):
        (finding,) = compared(old, new, keeps).findings

        assert finding.callable == calls[place].callable
        assert finding.kind.value.startswith("returned")
        assert finding.count <= 1_500


@st.composite
def short_loops(draw: st.DrawFn) -> list[Call]:
    """Few different calls in any order, near the budgets: many ways to line them up, one of them right."""
    distinct = draw(st.sampled_from([1, 2, 3, 7]))
    drawn = draw(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, distinct - 1)), min_size=1, max_size=20))
    return [call(name, [number], number * 2) for name, number in drawn]


SHORT_KEEPS = st.tuples(st.sampled_from([0, 1, 2, 3, 8]), st.sampled_from([0, 1, 2, 3, 8]))


@settings(max_examples=80, deadline=None)
@given(calls=short_loops(), keeps=SHORT_KEEPS, data=st.data())
def test_where_detail_ends_one_call_more_is_one_call_more(
    calls: list[Call], keeps: tuple[int, int], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(calls)))
    more = [*calls[:place], call(NAMES[0], [-1], -1), *calls[place:]]

    for old, new, kind in ((calls, more, "call-added"), (more, calls, "call-removed")):
        findings = compared(old, new, keeps).findings
        assert {(finding.callable, finding.kind.value, finding.count) for finding in findings} == {(NAMES[0], kind, 1)}


@settings(max_examples=80, deadline=None)
@given(calls=short_loops(), keeps=SHORT_KEEPS, data=st.data())
def test_where_detail_ends_no_other_value_is_missed(
    calls: list[Call], keeps: tuple[int, int], data: st.DataObject
) -> None:
    """Beside it an equal call may be told to have moved, where calls after it are known by their sums on one side only."""
    place = data.draw(st.integers(0, len(calls) - 1))
    changed = list(calls)
    changed[place] = replace(calls[place], outcome=Returned(snapshot("other")))

    for old, new in ((calls, changed), (changed, calls)):
        findings = {(each.callable, each.kind.value.partition("-")[0]) for each in compared(old, new, keeps).findings}
        assert findings - {(name, "call") for name in NAMES} == {(calls[place].callable, "returned")}


@settings(max_examples=8, deadline=None)
@example(place=3, distinct=1, keeps=(3, 3))
@example(place=0, distinct=7, keeps=(0, 3))
@given(place=st.integers(min_value=0, max_value=3_000), distinct=DISTINCT, keeps=KEEPS)
def test_one_call_more_is_that_and_nothing_else_wherever_it_is(
    place: int, distinct: int, keeps: tuple[int, int]
) -> None:
    """Its value is its own. In sums it may hide among others, but never makes them changes."""
    calls = loop(3_000, distinct)
    more = [*calls[:place], call(NAMES[0], [-1], -1), *calls[place:]]

    for old, new, kind in ((calls, more, "call-added"), (more, calls, "call-removed")):
        findings = compared(old, new, keeps).findings
        assert {(finding.callable, finding.kind.value, finding.count) for finding in findings} == {(NAMES[0], kind, 1)}


def test_what_is_passed_otherwise_and_what_raises_have_their_kinds() -> None:
    calls = loop(2_000, 100)
    passed = [*calls[:1500], call(NAMES[0], [-1], 0), *calls[1501:]]
    raising = [
        *calls[:1500],
        Call(NAMES[0], "shop", 0, calls[0].flow, calls[1500].arguments, Raised(snapshot("no"))),
        *calls[1501:],
    ]

    (one,) = compared(calls, passed, (10, 10)).findings
    (other,) = compared(calls, raising, (10, 10)).findings
    (back,) = compared(raising, calls, (10, 10)).findings

    assert (one.kind.value, one.severity.value) == ("argument-passed", "changed")
    assert (other.kind.value, other.severity.value, other.role.value) == ("raised", "breaking", "origin")
    assert back.kind.value == "no-longer-raised"


def test_what_detail_tells_already_is_told_once() -> None:
    """One change of all calls is one finding, with a sentence on those that are known by sums."""
    calls = loop(2_000, 100)
    changed = [call(each.callable, [n % 100], -n) if n % 2 else each for n, each in enumerate(calls)]

    comparison = compared(calls, changed, (10, 10))

    (finding,) = comparison.findings
    assert (finding.callable, finding.path, finding.count) == (NAMES[1], "return", 10)
    assert any("990 calls" in note and "differ too: `tracer record --detail-calls" in note for note in comparison.notes)


def test_a_rule_for_values_leaves_sums_undecided() -> None:
    """It cannot be applied to them; that is said, and no change is told."""
    calls = loop(2_000, 100)
    changed = [call(each.callable, [n % 100], -n) if n % 2 else each for n, each in enumerate(calls)]

    comparison = compared(calls, changed, (10, 10), rules=(Rule(callable=NAMES[1], path="return"),))

    assert comparison.findings == ()
    assert any("rules for its values cannot be applied to sums" in note for note in comparison.notes)


@pytest.mark.parametrize("rule", [Rule(callable=NAMES[1], path="return[sums]"), Rule(callable=NAMES[1])])
def test_a_rule_hides_what_only_sums_tell(rule: Rule) -> None:
    calls = loop(2_000, 100)
    changed = [*calls[:1501], call(NAMES[1], [1], "other"), *calls[1502:]]

    comparison = compared(calls, changed, (10, 10), rules=(rule,))

    assert comparison.findings == ()
    assert comparison.summary.hidden_as_noise == 1


def test_runs_of_the_same_code_teach_a_rule_for_sums() -> None:
    calls = loop(2_000, 100)
    changed = [*calls[:1501], call(NAMES[1], [1], "other"), *calls[1502:]]
    seen: set[Any] = set()

    compared(calls, changed, (10, 10), seen=seen)

    assert {(each.callable, str(each.path)) for each in seen} == {(NAMES[1], "return[sums]")}


@given(st.binary(max_size=70), st.binary(max_size=70))
def test_sums_tell_bytes_apart(one: bytes, other: bytes) -> None:
    """Snapshots never begin with a zero byte that has others behind it."""
    assert (sums.of(b"\x01" + one) == sums.of(b"\x01" + other)) == (one == other)


@given(st.lists(st.binary(max_size=9), max_size=8), st.integers(min_value=0, max_value=8))
def test_sums_of_two_stretches_give_that_of_both(parts: list[bytes], cut: int) -> None:
    def of(some: Sequence[bytes]) -> sums.Sum:
        found = sums.NOTHING
        for each in some:
            found = sums.followed(found, sums.of(each))
        return found

    assert sums.joined(of(parts[:cut]), of(parts[cut:]), len(parts[cut:])) == of(parts)
    assert sums.read(sums.written(of(parts))) == of(parts)


def test_the_sum_of_a_call_covers_all_that_came_out() -> None:
    base = call("shop.a:f", [1], 2)
    kinds = [
        base,
        call("shop.a:f", [1], 3),
        call("shop.a:f", [1], 2, after={0: 5}),
        call("shop.a:f", [1], 2, after={1: 5}),
        call("shop.a:f", [1], 2, items=[Item(ItemKind.YIELDED, snapshot(5))]),
        call("shop.a:f", [1], 2, items=[Item(ItemKind.SENT, snapshot(5))]),
        Call("shop.a:f", "shop", 0, base.flow, base.arguments, Raised(snapshot(2))),
    ]

    assert len({sums.of_call(each) for each in kinds}) == len(kinds)
