"""The text report: most important first, bounded, and harmless whatever was recorded."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracer.compare.result import Comparison, Confidence, Example, Finding, Kind, Role, Severity, Summary, Verdict
from tracer.report.text import render_text

if TYPE_CHECKING:
    from collections.abc import Callable

HOSTILE = "\x1b]0;owned\x07[bold red]x[/]\n\u202e :smile:"


def test_a_report_reads_from_the_verdict_to_the_totals(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    report = render_text(comparison(finding(inner=("shop.tax:_rate",)), notes=("Another Python.",)), 80, color=False)

    assert report == (
        "note     Another Python.\n"
        "\n"
        "CHANGED  shop.tax:vat returns another value (10.0 -> 10.5), in 12 of 40 calls,\n"
        "         called by shop.checkout.\n"
        "\n"
        " 1. changed  returned-value  shop.tax:vat\n"
        "    path     return\n"
        "    before   10.0\n"
        "    after    10.5\n"
        "                ^\n"
        "    calls    12 of 40, from shop.checkout\n"
        "    example  net=50.0, country='DE'\n"
        "    lane     tests/test_checkout.py::test_total\n"
        "    changed  shop.tax:_rate (called inside)\n"
        "\n"
        "40 calls compared: 28 identical, 12 changed, 0 added, 0 removed; 0 hidden as\n"
        "noise; 0 lost\n"
    )


def test_nothing_found_is_one_reassuring_line(comparison: Callable[..., Comparison]) -> None:
    report = render_text(comparison(), 100, color=False)

    assert report.splitlines()[0] == (
        "SAME     No behaviour changed at the interfaces: 40 calls compared, 40 identical."
    )


@pytest.mark.parametrize("width", [40, 80, 140])
def test_no_line_is_wider_than_asked(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], width: int
) -> None:
    long = finding(
        callable="package." * 15 + "x:f",
        path="return" + "[3].total" * 20,
        before="1" * 900,
        after="1" * 800 + "2" * 100,
    )
    effect = finding(callable=long.callable, role=Role.EFFECT, path=long.path)
    report = render_text(comparison(long, effect, notes=("word " * 60,)), width, color=False, verbose=False)

    assert max(map(len, report.splitlines())) <= width


def test_effects_take_one_line_each_and_full_blocks_only_when_verbose(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    effects = [finding(callable=f"shop.cart:step{number}", role=Role.EFFECT) for number in range(3)]
    both = comparison(finding(), *effects)

    short, full = render_text(both, 80, color=False), render_text(both, 80, color=False, verbose=True)

    assert "    changed    shop.cart:step1  return: 10.0 -> 10.5  12 of 40\n" in short
    assert short.count("before   10.0") == 1
    assert full.count("before   10.0") == 4


def test_effects_are_folded_under_the_origin_that_explains_them(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    origin = finding(made_by="shop.checkout:pay")
    effects = [
        finding(callable=f"shop.cart:step{number}", key=f"e{number}", role=Role.EFFECT, explained_by=origin.key)
        for number in range(3)
    ]
    alone = finding(callable="shop.other:f", key="e3", role=Role.EFFECT, explained_by="not shown")
    both = comparison(origin, *effects, alone)

    short, full = render_text(both, 80, color=False), render_text(both, 80, color=False, verbose=True)

    assert "    effects  3 effects of it, in shop.cart:step0, shop.cart:step1,\n" in short
    assert "    made by  shop.checkout:pay\n" in short
    assert "Other effects (1)\n    changed    shop.other:f" in short
    assert "more;" not in short
    assert full.count(f"    cause    returned-value of {origin.callable}\n") == 3


def test_a_long_report_is_bounded_and_says_what_it_left_out(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    findings = [
        finding(callable=f"shop.m{number}:f", role=Role.EFFECT if number > 9 else Role.ORIGIN) for number in range(54)
    ]
    many = comparison(*findings)

    assert "… and 34 more; -v or --format json shows all\n" in render_text(many, 80, color=False)
    assert "… and 49 more" in render_text(many, 80, color=False, limit=5)
    assert "more;" not in render_text(many, 80, color=False, verbose=True)


def test_internal_changes_show_only_when_verbose(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    internal = finding(kind=Kind.STATE, severity=Severity.INTERNAL, path="argument.self._cache")
    only = comparison(internal, verdict=Verdict.SAME)

    short, full = render_text(only, 80, color=False), render_text(only, 80, color=False, verbose=True)

    assert "_cache" not in short
    assert "1 internal change not shown; -v shows all" in short
    assert "argument.self._cache" in full


def test_low_confidence_names_what_could_not_be_seen(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    unsure = finding(confidence=Confidence.LOW, unseen=("argument.session",))

    report = render_text(comparison(unsure), 80, color=False)

    assert "low confidence: could not look at argument.session" in report


def test_each_rule_tells_how_much_it_hid(comparison: Callable[..., Comparison]) -> None:
    noisy = comparison(hidden=(("shop.ids:new returned-value return", 3),), summary=Summary(9, 6, 0, 0, 0, 3))

    assert "     3 hidden by  shop.ids:new returned-value return\n" in render_text(noisy, 80, color=False)


def test_many_rules_and_long_arguments_are_bounded_unless_verbose(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    long = finding(example=Example("main", "y" * 2_000))
    many = comparison(long, hidden=tuple((f"rule {number}", 1) for number in range(15)))

    short, full = render_text(many, 80, color=False), render_text(many, 80, color=False, verbose=True)

    assert "… and 5 more rules; -v shows all\n" in short
    assert (short.count("hidden by"), full.count("hidden by")) == (10, 15)
    assert short.count("y") < 200
    assert full.count("y") > 2_000


def test_values_equal_as_far_as_shown_are_said_to_part_beyond(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    assert "they part beyond what is shown" in render_text(
        comparison(finding(before="[1…]", after="[1…]")), 80, color=False
    )


def test_color_paints_what_differs_and_only_when_wanted(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")

    assert "\x1b" not in render_text(comparison(finding()), 80, color=False)
    painted = render_text(comparison(finding()), 80, color=True)
    assert "10.\x1b[1;32m5\x1b[0m" in painted
    assert "^" not in painted


@pytest.mark.parametrize("verbose", [False, True])
def test_recorded_text_cannot_steer_the_terminal_or_become_markup(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], verbose: bool
) -> None:
    fields = ("callable", "path", "before", "after")
    hostile = finding(
        **dict.fromkeys(fields, HOSTILE),
        callers=(HOSTILE,),
        inner=(HOSTILE,),
        unseen=(HOSTILE,),
        example=Example(HOSTILE, HOSTILE),
        confidence=Confidence.LOW,
    )
    effect = finding(**dict.fromkeys(fields, HOSTILE), role=Role.EFFECT)
    report = render_text(
        comparison(hostile, effect, notes=(HOSTILE,), hidden=((HOSTILE, 1),)), 140, color=False, verbose=verbose
    )

    assert not {"\x1b", "\x07", "\u202e"} & set(report)
    assert "\\x1b]0;owned\\x07[bold red]x[/]\\n\\u202e :smile:" in report


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pair=st.tuples(st.text(max_size=300), st.text(max_size=300)), width=st.integers(1, 200), verbose=st.booleans())
def test_any_pair_of_values_can_be_shown_at_any_width(
    finding: Callable[..., Finding],
    comparison: Callable[..., Comparison],
    pair: tuple[str, str],
    width: int,
    verbose: bool,
) -> None:
    shown = finding(before=pair[0], after=pair[1])
    report = render_text(comparison(shown), width, color=False, verbose=verbose)

    assert report.split()[-2:] == ["0", "lost"]


def test_formats_are_listed_without_loading_rich() -> None:
    code = "import sys, tracer.report.formats; sys.exit('rich' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
