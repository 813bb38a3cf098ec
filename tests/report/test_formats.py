"""The other formats: whole, and closed to what was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tracer.compare.result import Comparison, Finding, Role, Severity
from tracer.report.formats import FORMATS, Appearance

if TYPE_CHECKING:
    from collections.abc import Callable

HOSTILE = "]]></failure>\x1b[2J\ufffe\n::error::x,y:z%0A```` [a](http://evil) <img src=x> @user www.evil.example #1"


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_tells_the_empty_comparison(comparison: Callable[..., Comparison], name: str) -> None:
    assert "40" in FORMATS[name](comparison(), Appearance())


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_names_callable_and_values(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], name: str
) -> None:
    report = FORMATS[name](comparison(finding()), Appearance())

    assert all(part in report for part in ("shop.tax:vat", "10.0", "10.5", "12", "shop.checkout"))


@pytest.mark.parametrize("name", list(FORMATS))
def test_no_format_lets_control_characters_through(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], name: str
) -> None:
    report = FORMATS[name](comparison(finding(before=HOSTILE, callable=HOSTILE), notes=(HOSTILE,)), Appearance())

    assert "\x1b" not in report


def test_github_writes_one_command_per_line_whatever_was_recorded(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    findings = (
        finding(callable=HOSTILE, before=HOSTILE),
        finding(severity=Severity.BREAKING),
        finding(severity=Severity.COMPATIBLE),
    )

    lines = FORMATS["github"](comparison(*findings, notes=(HOSTILE,)), Appearance()).splitlines()

    assert [line.split(" ")[0] for line in lines] == ["::warning", "::error", "::notice", "::notice", "::notice", "40"]
    title = lines[0].removeprefix("::warning title=").split("::")[0]
    assert "," not in title
    assert "%250A" in title


def test_junit_fails_one_case_per_change_and_passes_compatible_ones(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    findings = (
        finding(callable=HOSTILE, after=HOSTILE),
        finding(severity=Severity.COMPATIBLE),
        finding(severity=Severity.INTERNAL),
    )

    suite = ET.fromstring(FORMATS["junit"](comparison(*findings), Appearance()).encode())[0]

    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.find("failure") is not None for case in suite.findall("testcase")] == [True, False]


def test_junit_of_an_unchanged_run_has_one_passed_case(comparison: Callable[..., Comparison]) -> None:
    suite = ET.fromstring(FORMATS["junit"](comparison(), Appearance()).encode())[0]

    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")


def test_markdown_shows_recorded_text_only_as_text(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    effect = finding(before=HOSTILE, after="y", role=Role.EFFECT)
    report = FORMATS["markdown"](comparison(finding(before=HOSTILE), effect, notes=(HOSTILE,)), Appearance())

    outside_code = [line for line in report.splitlines() if not line.startswith("- before")]
    prose = "\n".join(outside_code)
    assert "<img" not in prose
    assert "[a](" not in prose
    assert "@user" not in prose
    assert "://" not in prose
    assert "www." not in prose
    assert f"- before: `````{HOSTILE[:13]}" in report  # a longer fence than the four backticks inside


def test_markdown_is_bounded(finding: Callable[..., Finding], comparison: Callable[..., Comparison]) -> None:
    report = FORMATS["markdown"](comparison(*(finding() for _ in range(60))), Appearance())

    assert "… and 10 more." in report
