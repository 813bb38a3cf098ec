"""The upgrade benchmark counts what was found, missed and wrongly reported."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

SCORE = Path(__file__).parents[2] / "benchmarks" / "upgrades" / "score.py"


@pytest.fixture(scope="module")
def scorer() -> Any:
    spec = importlib.util.spec_from_file_location("upgrade_score", SCORE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


CASE: dict[str, Any] = {
    "expected": [
        {"callable": "pkg.encode", "aliases": ["pkg.api.Api.encode"]},
        {"callable": "pkg.Thing"},
        {"callable": "pkg.encode", "key": "another change of the same callable"},
    ],
    "tolerated": [{"callable": "pkg.decode"}, {"callable": "pkg.inner.*"}],
}


def finding(name: str, severity: str = "changed", kind: str = "returned-value") -> dict[str, Any]:
    return {"callable": name, "severity": severity, "kind": kind}


@pytest.mark.parametrize(
    ("reported", "hit"),
    [
        ("pkg:encode", "pkg.encode"),
        ("pkg.api:Api.encode", "pkg.encode"),  # an alias
        ("pkg:Thing.__init__", "pkg.Thing"),  # a constructor counts as its class
        ("pkg:Thing.__new__", "pkg.Thing"),
    ],
)
def test_an_expected_callable_is_a_hit_by_any_of_its_names(scorer: Any, reported: str, hit: str) -> None:
    result = scorer.score(CASE, [finding(reported)])

    assert (result.hits, result.alarms, result.rank) == ([hit], [], 1)


def test_an_expected_callable_is_a_hit_when_both_names_mean_one_object(scorer: Any) -> None:
    result = scorer.score(
        CASE, [finding("pkg._impl:encode")], lambda one, other: (one, other) == ("pkg._impl.encode", "pkg.encode")
    )

    assert result.hits == ["pkg.encode"]


def test_what_is_not_reported_is_missed_once_per_callable(scorer: Any) -> None:
    assert scorer.score(CASE, []).missed == ["pkg.Thing", "pkg.encode"]


def test_tolerated_callables_are_neither_hits_nor_alarms(scorer: Any) -> None:
    result = scorer.score(CASE, [finding("pkg:decode"), finding("pkg.inner.deep:f")])

    assert (result.hits, result.alarms, result.tolerated) == ([], [], ["pkg.decode", "pkg.inner.deep.f"])


def test_anything_else_is_one_false_alarm_per_callable(scorer: Any) -> None:
    result = scorer.score(
        CASE, [finding("pkg:other"), finding("pkg:other", "breaking"), finding("pkg.inner:f", "compatible")]
    )

    assert (result.alarms, result.mild) == (["pkg.other"], [])


def test_compatible_alarms_are_told_apart(scorer: Any) -> None:
    result = scorer.score(CASE, [finding("pkg:other", "compatible"), finding("pkg:b", "compatible"), finding("pkg:b")])

    assert (result.alarms, result.mild) == (["pkg.b"], ["pkg.other"])


def test_internal_changes_and_noise_were_not_reported(scorer: Any) -> None:
    result = scorer.score(CASE, [finding("pkg:encode", "internal"), finding("pkg:other", "noise")])

    assert (result.hits, result.alarms) == ([], [])


def test_the_rank_is_the_place_of_the_first_right_finding(scorer: Any) -> None:
    result = scorer.score(
        CASE, [finding("pkg:decode"), finding("pkg:x"), finding("pkg:Thing.__init__"), finding("pkg:encode")]
    )

    assert result.rank == 3


def test_in_a_case_without_expected_changes_every_report_is_an_alarm(scorer: Any) -> None:
    result = scorer.score({"kind": "identical"}, [finding("pkg:encode")])

    assert (result.alarms, result.missed) == (["pkg.encode"], [])


def test_an_alarm_tells_in_which_ways_it_was_reported(scorer: Any) -> None:
    findings = [finding("pkg:other", kind="state"), finding("pkg:other"), finding("pkg:other"), finding("pkg:encode")]

    assert scorer.score(CASE, findings).kinds == {"pkg.other": ["returned-value", "state"]}
