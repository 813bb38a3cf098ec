"""However many findings there are, a report stays a size that its readers take, and says what it left out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.report.test_formats import HOSTILE
from tracer.compare.result import Role
from tracer.report import text
from tracer.report.formats import FORMATS, Appearance

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.compare.result import Comparison, Finding

MANY = 21_000
BOUNDS = {
    "text": 20_000,
    "markdown": 65_536,  # a comment of GitHub
    "junit": 20_000_000,
    "html": 10_000_000,
    "sarif": 20_000_000,  # GitHub takes 10 MB packed
    "github": 100_000,
}


@pytest.fixture(scope="module")
def wide() -> str:
    return "\N{HIRAGANA LETTER A}" * 100


@pytest.mark.parametrize("name", BOUNDS)
def test_a_report_is_bounded_and_says_that_there_is_more(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], wide: str, name: str
) -> None:
    origin = finding(before=f"{wide}1", after=f"{wide}2", path="return" + ".x" * 50)
    effect = replace(origin, role=Role.EFFECT)
    findings = [replace(origin if n % 50 == 0 else effect, key=str(n)) for n in range(MANY)]

    report = FORMATS[name](comparison(*findings), Appearance())

    assert len(report.encode()) < BOUNDS[name]
    assert " more" in report or '"left":' in report


def test_markdown_fits_into_a_comment_however_long_its_texts_are(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    long = finding(callable="m:" + "[" * 5_000, before="`" * 390 + "1", after="`" * 390 + "2", inner=("x" * 900,) * 9)
    many = comparison(*[long] * 60, notes=("*" * 5_000,) * 90, hidden=(("|" * 5_000, 1),) * 90)

    report = FORMATS["markdown"](many, Appearance())

    assert len(report) < 65_536
    assert "more." in report


def test_json_alone_holds_every_finding(finding: Callable[..., Finding], comparison: Callable[..., Comparison]) -> None:
    many = comparison(*[finding(after=HOSTILE)] * 3_000)

    assert len(json.loads(FORMATS["json"](many, Appearance()))["findings"]) == 3_000


def test_text_in_full_has_a_bound_too(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "MOST", 30)

    report = FORMATS["text"](comparison(*[finding()] * 40), Appearance(verbose=True))

    assert "30. changed" in report
    assert "… and 10 more; --format json shows all" in report
