"""What is said of a finding in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tracer.compare.result import Comparison, Finding, Kind, Role, Severity, Summary, Verdict
from tracer.report.sentences import counted, headline, sentence, shift, totals

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_finding_is_named_with_its_change_extent_and_callers(finding: Callable[..., Finding]) -> None:
    assert (
        sentence(finding())
        == "shop.tax:vat returns another value (10.0 -> 10.5), in 12 of 40 calls, called by shop.checkout"
    )


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_its_own_words(finding: Callable[..., Finding], kind: Kind) -> None:
    others = {sentence(finding(kind=other)) for other in Kind if other is not kind}

    assert sentence(finding(kind=kind)) not in others


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"path": "return.total"}, "returns another value at return.total (10.0 -> 10.5)"),
        (
            {"kind": Kind.RAISED, "before": "10.0", "after": "ValueError('x')"},
            "now raises ValueError('x') (before: 10.0)",
        ),
        (
            {"kind": Kind.NO_LONGER_RAISED, "before": "KeyError(1)", "after": "0"},
            "no longer raises KeyError(1) (now: 0)",
        ),
        ({"kind": Kind.CALLABLE_MISSING, "calls": 0, "callers": ()}, "is gone"),
        (
            {"kind": Kind.CALLABLE_MISSING, "calls": 0, "path": "callable", "after": "(absent)"},
            "is gone, never called here",
        ),
        (
            {"kind": Kind.CALLABLE_MISSING, "path": "callable", "after": "shop.vat:tax"},
            "is gone: it is now shop.vat:tax, in ",
        ),
    ],
)
def test_values_stand_where_they_say_something(
    finding: Callable[..., Finding], fields: dict[str, object], told: str
) -> None:
    assert sentence(finding(**fields)).startswith(f"shop.tax:vat {told}")


def test_many_callers_are_counted_not_listed(finding: Callable[..., Finding]) -> None:
    assert sentence(finding(callers=("a", "b", "c", "d", "e"))).endswith("called by a, b, c and 2 more")


def test_the_headline_names_an_origin_before_a_more_severe_effect(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    effect = finding(callable="shop.cart:total", role=Role.EFFECT, severity=Severity.BREAKING)

    assert headline(comparison(effect, finding())).startswith("shop.tax:vat ")


def test_internal_changes_alone_are_no_headline(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    only_internal = comparison(finding(severity=Severity.INTERNAL), verdict=Verdict.SAME, summary=Summary(40, 40))

    assert headline(only_internal) == "No behaviour changed at the interfaces: 40 calls compared, 40 identical."


def test_nothing_compared_is_never_called_unchanged(comparison: Callable[..., Comparison]) -> None:
    assert headline(comparison(summary=Summary())) == "No call was compared: the two recordings have none in common."


def test_hidden_noise_is_told_with_the_good_news(comparison: Callable[..., Comparison]) -> None:
    noisy = comparison(verdict=Verdict.NOISE, summary=Summary(40, 37, 0, 0, 0, 3))

    assert headline(noisy) == "Only noise differs: 40 calls compared, 37 identical, 3 differences hidden as noise."


def test_losses_are_told_in_the_totals() -> None:
    assert totals(Summary(1, 1, lost=2)).endswith("2 lost")


def test_values_that_were_looked_at_in_part_are_told_in_the_totals_of_equal_calls() -> None:
    assert totals(Summary(1, 1, partly=3)).endswith("0 lost; 3 values seen in part")


@pytest.mark.parametrize("width", range(16, 60))
def test_a_shift_fits_and_keeps_what_differs(finding: Callable[..., Finding], width: int) -> None:
    before = "{'title': 'Green tea, loose leaf, 250 grams', 'price': 12.90, 'stock': 40}"
    told = shift(finding(path="return.lines[*].net", before=before, after=before.replace("12.90", "77.95")), width)

    assert len(told) <= width
    if width >= 40:
        assert "12.90" in told
        assert "77.95" in told


@pytest.mark.parametrize(
    ("kind", "told"), [(Kind.CALL_ADDED, "call-added: vat(2)"), (Kind.CALL_REMOVED, "call-removed: vat(1)")]
)
def test_a_call_that_came_or_went_is_told_by_the_side_that_has_it(
    finding: Callable[..., Finding], kind: Kind, told: str
) -> None:
    assert shift(finding(kind=kind, path="call", before="vat(1)", after="vat(2)"), 60) == told


@pytest.mark.parametrize(("count", "told"), [(0, "0 calls"), (1, "1 call"), (1200, "1,200 calls")])
def test_counts_agree_with_their_noun(count: int, told: str) -> None:
    assert counted(count, "call") == told


def test_a_noun_that_ends_in_s_has_the_plural_that_is_spoken() -> None:
    assert [counted(count, "process") for count in (1, 2)] == ["1 process", "2 processes"]
