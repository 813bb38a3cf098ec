"""The sequence diagram: what is around a change, in mermaid that its own parser takes, whatever was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers import REPOSITORY
from tests.report.conftest import HOSTILE
from tracer.compare.context import Context, Moment, NearCall
from tracer.report.formats import FORMATS, Appearance
from tracer.report.mermaid import MOST_CALLS, sequence_diagram

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.report.browser import Browser
    from tracer.compare.result import Comparison, Finding

MERMAID = REPOSITORY / ".cache" / "mermaid.min.js"


def test_a_diagram_shows_what_encloses_the_change_the_change_and_what_it_calls(context: Context) -> None:
    assert sequence_diagram(dict(context.trees)["3f2a"]).splitlines() == [
        "sequenceDiagram",
        "    participant p0 as shop",
        "    participant p1 as shop.checkout",
        "    participant p2 as shop.tax",
        "    participant p3 as shop.money",
        "    p0->>p1: checkout(cart=#91;1#93;)",
        "    rect rgba(240, 180, 41, 0.18)",
        "    p1->>p2: vat(net=12.90, category=#39;food#39;)",
        "    p2->>p3: rounded(amount=0.9030) (only now)",
        "    p3-->>p2: 0.90",
        "    p2-->>p1: before 0.9030, now 0.90",
        "    end",
        "    p1-->>p0: Receipt(#8230;)",
    ]


def test_a_call_that_raises_ends_with_a_cross(near: Callable[..., NearCall]) -> None:
    diagram = sequence_diagram([near(new=Moment((), "KeyError('food')", raised=True))])

    assert "p1--xp0: before 0.9030, now raises KeyError(#39;food#39;)" in diagram


def test_a_diagram_is_bounded(near: Callable[..., NearCall]) -> None:
    calls = [near(depth=2, here=False, component=f"shop.c{number}") for number in range(500)]

    diagram = sequence_diagram([near(), *calls])

    assert diagram.count("->>p") == 2 * MOST_CALLS
    assert len(diagram) < 6_000


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60))
def test_recorded_text_never_ends_a_line_or_begins_a_statement(near: Callable[..., NearCall], text: str) -> None:
    moment = Moment(((text, text),), text)
    hostile = near(callable=f"m:{text}", caller=text, component="c", old=moment, new=moment)

    lines = sequence_diagram([hostile]).splitlines()

    assert len(lines) == (6 if text == "c" else 7)
    told = "\n".join(line.partition(": ")[2] for line in lines)
    assert set(told) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ .,()=+/-#;\n")


def test_markdown_brings_the_diagram_of_the_first_origin(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], context: Context
) -> None:
    report = FORMATS["markdown"](comparison(finding(), finding(key="other"), context=context), Appearance())

    assert report.count("```mermaid\nsequenceDiagram\n") == 1
    assert "- defined at: `src/shop/tax.py:12`" in report


@pytest.mark.skipif(not MERMAID.exists(), reason="mermaid is not here: `make .cache/mermaid.min.js` brings it from npm")
def test_mermaid_itself_draws_the_diagrams(
    browser: Browser, tmp_path: Path, context: Context, near: Callable[..., NearCall]
) -> None:
    moment = Moment(((HOSTILE, HOSTILE),), HOSTILE)
    hostile = near(callable=f"m:{HOSTILE}", caller=HOSTILE, component="end", old=moment, new=near().new)
    diagrams = [sequence_diagram(dict(context.trees)["3f2a"]), sequence_diagram([hostile])]
    page = tmp_path / "mermaid.html"
    page.write_text(
        f"<!doctype html><meta charset=utf-8><script>{MERMAID.read_text('utf-8')}</script>", encoding="utf-8"
    )

    browser.open(page)
    drawn = [
        browser.run_async(
            "const [text, done] = arguments;"
            "mermaid.initialize({startOnLoad: false, securityLevel: 'strict'});"
            "mermaid.render('drawing', text).then(({svg}) => {"
            "  document.body.innerHTML = svg; done(document.body.textContent);"
            "}, (error) => done('error: ' + error.message));",
            diagram,
        )
        for diagram in diagrams
    ]

    assert "vat(net=12.90, category='food')" in drawn[0]
    assert "before 0.9030, now 0.90" in drawn[0]
    assert "</script><script>alert(1)</script>" in drawn[1]
    assert not any(text.startswith("error") for text in drawn)
