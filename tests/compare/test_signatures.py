"""Signatures old and new, and what callers have to know."""

from __future__ import annotations

import pytest

from tests.compare.runs import function, parameter
from tracer.compare.delta import Difference
from tracer.compare.signatures import signature_changes
from tracer.model import CallableKind, Flow, ParameterKind

BREAKS, FITS, DIFFERS, GONE = Difference.TYPE, Difference.KEY_ADDED, Difference.VALUE, Difference.KEY_REMOVED


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (["a", "b=1"], ["a", "b=1"], []),
        (["a"], ["a", "b"], [("b", BREAKS)]),
        (["a"], ["a", "b=1"], [("b", FITS)]),
        (["a"], ["a", "*rest"], [("rest", FITS)]),
        (["a", "b"], ["a"], [("b", GONE)]),
        (["a", "b"], ["a", "*args", "**kwargs"], [("b", DIFFERS), ("args", FITS), ("kwargs", FITS)]),
        (["a", "b"], ["b", "a"], [("a", BREAKS), ("b", BREAKS)]),
        (["a"], ["b=1", "a"], [("a", BREAKS), ("b", FITS)]),
        (["a=1"], ["a=2"], [("a", DIFFERS)]),
        (["a=1"], ["a"], [("a", BREAKS)]),
        (["a"], ["a=1"], [("a", FITS)]),
        (["*rest"], [], [("rest", GONE)]),
        (["self", "a"], ["this", "a"], [("self", GONE), ("this", BREAKS)]),
    ],
)
def test_parameters(old: list[str], new: list[str], expected: list[tuple[str, Difference]]) -> None:
    """The last row is of a function whose parameter happens to be called self on one side only: it is no receiver on the other."""
    before = function("m:f", *old, bound=False)
    after = function("m:f", *new, bound=False)

    assert [(change.subject, change.difference) for change in signature_changes(before, after)] == expected


def test_the_name_of_the_receiver_is_no_ones_business() -> None:
    assert signature_changes(function("m:C.f", "self", "a"), function("m:C.f", "this", "a", bound=True)) == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (ParameterKind.POSITIONAL_ONLY, ParameterKind.POSITIONAL_OR_KEYWORD, FITS),
        (ParameterKind.KEYWORD_ONLY, ParameterKind.POSITIONAL_OR_KEYWORD, FITS),
        (ParameterKind.POSITIONAL_OR_KEYWORD, ParameterKind.KEYWORD_ONLY, BREAKS),
        (ParameterKind.POSITIONAL_OR_KEYWORD, ParameterKind.POSITIONAL_ONLY, BREAKS),
    ],
)
def test_a_parameter_may_be_passed_in_more_ways_but_not_in_fewer(
    old: ParameterKind, new: ParameterKind, expected: Difference
) -> None:
    before = function("m:f", parameters=(parameter("a", old),))
    after = function("m:f", parameters=(parameter("a", new),))

    assert [change.difference for change in signature_changes(before, after)] == [expected]


def test_becoming_a_coroutine_breaks_callers() -> None:
    [change] = signature_changes(function("m:f"), function("m:f", flow=Flow.COROUTINE))

    assert (change.subject, change.difference) == ("flow", BREAKS)


def test_becoming_a_property_breaks_callers() -> None:
    [change] = signature_changes(function("m:C.f", "self"), function("m:C.f", "self", kind=CallableKind.PROPERTY))

    assert (change.subject, change.difference) == ("kind", BREAKS)
