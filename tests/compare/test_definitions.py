"""Changed definitions matter as far as callers were seen to rely on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.compare.runs import Run, call, function, obj
from tracer.compare.compare import compare

if TYPE_CHECKING:
    from tracer.model import Call, Callable

NAME = "lib:fetch"


def severity_of(old: Callable, new: Callable, before: list[Call], after: list[Call]) -> str:
    findings = compare(Run(old, main=before), Run(new, main=after), old_name="old", new_name="new").findings
    [severity] = [each.severity.value for each in findings if each.kind.value == "signature"]
    return severity


@pytest.mark.parametrize(
    ("parameter", "passed", "severity"),
    [
        ("retries=3", 3, "compatible"),
        ("retries=3", 5, "breaking"),
        ("retries=3", 3.0, "breaking"),
        ("retries=<list>", [], "breaking"),
        ("retries", 3, "breaking"),
        ("*rest", (), "compatible"),
        ("*rest", (1,), "breaking"),
        ("**options", {}, "compatible"),
        ("**options", {"a": 1}, "breaking"),
    ],
)
def test_a_parameter_breaks_those_who_passed_it_when_it_goes(parameter: str, passed: Any, severity: str) -> None:
    old, new = function(NAME, "url", parameter), function(NAME, "url")

    assert severity_of(old, new, [call(NAME, ["a", passed], 1)], [call(NAME, ["a"], 1)]) == severity


def test_one_caller_among_many_is_enough() -> None:
    old, new = function(NAME, "url", "retries=3"), function(NAME, "url")
    before = [call(NAME, ["a", 3]), call(NAME, ["b", 4]), call(NAME, ["c", 3])]

    assert severity_of(old, new, before, [call(NAME, [each]) for each in "abc"]) == "breaking"


def test_calls_that_are_not_made_any_more_may_have_failed_to_bind() -> None:
    old, new = function(NAME, "url", "retries=3"), function(NAME, "url")

    assert severity_of(old, new, [call(NAME, ["a", 3]), call(NAME, ["b", 3])], [call(NAME, ["a"])]) == "breaking"


@pytest.mark.parametrize(("result", "severity"), [(1, "compatible"), (2, "changed")])
def test_another_default_matters_by_what_it_does(result: int, severity: str) -> None:
    old, new = function(NAME, "retries=3"), function(NAME, "retries=4")

    assert severity_of(old, new, [call(NAME, [3], 1)], [call(NAME, [4], result)]) == severity


def test_private_state_that_differs_is_nothing_a_default_does() -> None:
    old, new = function(NAME, "retries=3"), function(NAME, "retries=4")
    before, after = (call(NAME, [n], obj("lib:Client", _retries=n)) for n in (3, 4))

    assert severity_of(old, new, [before], [after]) == "compatible"


@pytest.mark.parametrize("new", [function(NAME, "retries=3", "url"), function(NAME, "*retries")])
def test_a_parameter_that_is_taken_otherwise_breaks_those_who_passed_it(new: Callable) -> None:
    [passed, left_alone] = [
        [
            each.severity.value
            for each in compare(
                Run(function(NAME, "url", "retries=3"), main=[call(NAME, ["a", retries])]),
                Run(new, main=[call(NAME, [retries, "a"])]),
                old_name="old",
                new_name="new",
            ).findings
            if each.path == "signature.retries"
        ]
        for retries in (5, 3)
    ]

    assert "breaking" in passed
    assert "breaking" not in left_alone
