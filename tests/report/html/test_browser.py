"""The HTML page in a real browser: it opens, filters, is driven by keys, stays dark or light, and asks for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.report.conftest import HOSTILE
from tracer.compare.context import Context, Moment, NearCall
from tracer.compare.result import Example, Kind, Role, Severity
from tracer.report.html.page import render_html

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.report.browser import Browser
    from tracer.compare.result import Comparison, Finding

MANY = 400
READY = "return document.documentElement.dataset.ready"
SELECTED = "#list [aria-selected=true] .name"


@pytest.fixture
def page(
    browser: Browser,
    tmp_path: Path,
    finding: Callable[..., Finding],
    comparison: Callable[..., Comparison],
    context: Context,
    near: Callable[..., NearCall],
) -> Browser:
    """The browser at a report of an origin, an effect, a hostile finding, and many more."""
    moment = Moment(((HOSTILE, HOSTILE),), HOSTILE)
    tree = (near(callable=f"m:{HOSTILE}", caller=HOSTILE, component=HOSTILE, old=moment, new=moment),)
    findings = (
        finding(),
        finding(
            key="hostile",
            callable=f"evil:{HOSTILE}",
            kind=Kind.RAISED,
            severity=Severity.BREAKING,
            path=HOSTILE,
            before=HOSTILE,
            after="calm",
            callers=(HOSTILE,),
            example=Example(HOSTILE, HOSTILE),
        ),
        *(
            finding(
                key=f"e{number}",
                callable=f"shop.cart:step{number}",
                role=Role.EFFECT,
                callers=("shop.app",),
                explained_by="3f2a" if number % 2 else "",
                made_by="shop.app:main",
            )
            for number in range(MANY)
        ),
    )
    both = Context(context.places, (*context.trees, ("hostile", tree)), context.edges)
    report = tmp_path / "report.html"
    text = render_html(comparison(*findings, context=both, notes=(HOSTILE,), hidden=((HOSTILE, 3),)))
    report.write_text(text, encoding="utf-8")
    browser.resize(1280, 900)
    browser.open(report)
    browser.wait(READY)
    return browser


def test_a_report_opens_from_a_file_says_no_error_and_asks_for_nothing_else(page: Browser, tmp_path: Path) -> None:
    page.press("j", "m", "f", "?", "Escape", "t", "t", "t")
    picture = page.screenshot(tmp_path / "report.png")

    assert picture.startswith(b"\x89PNG")
    assert page.messages() == []
    assert {address for address in page.requests() if not address.startswith("data:")} == {
        (tmp_path / "report.html").as_uri()
    }
    assert page.text("#count") == f"{MANY + 2} of {MANY + 2}"


def test_only_rows_in_sight_are_elements(page: Browser) -> None:
    assert 5 < page.count(".row") < 60

    page.press("G")

    assert page.text(SELECTED) == f"shop.cart:step{MANY - 1}"
    assert page.count(".row") < 60


def test_a_finding_shows_its_values_its_call_and_what_is_around_it(page: Browser) -> None:
    page.press("g")

    assert page.text("#detail .callable") == "shop.tax:vat"
    assert page.text("#detail .where") == "src/shop/tax.py:12"
    assert [page.text(f"#detail figure.{side} mark") for side in ("old", "new")] == ["10.0", "10.5"]
    assert page.text("#detail .call .differs .old mark") == "0.9030"
    assert page.count("#detail .branch") == 3
    assert page.text("#detail .branch.come b") == "rounded"

    page.click("#changed-only")

    assert page.count("#detail .branch") == 2


def test_keys_move_open_and_close(page: Browser) -> None:
    page.press("g", "j", "j")
    assert page.text(SELECTED) == "shop.cart:step0"
    page.press("k", "k")
    assert page.text(SELECTED) == "shop.tax:vat"

    page.press("Enter")
    assert page.run("return document.activeElement.id") == "detail"
    page.press("Escape")
    assert page.run("return document.activeElement.id") == "list"

    page.press("?")
    assert page.run("return document.querySelector('#help').open")
    page.press("Escape")
    assert not page.run("return document.querySelector('#help').open")

    page.press("m")
    assert page.count("#view-map .node") == 3
    assert page.run("return document.querySelector('#view-findings').hidden")
    page.press("f")
    assert not page.run("return document.querySelector('#view-findings').hidden")


def test_a_search_and_filters_narrow_the_list_together(page: Browser) -> None:
    page.press("/", *"STEP39")
    assert page.text("#count").startswith("11 of ")
    page.press("Escape")
    assert page.text("#count").startswith(f"{MANY + 2} of ")
    page.press("Enter")

    page.press("o")
    assert page.text("#count").startswith("2 of ")
    page.click("#severities .breaking")
    assert page.text("#count").startswith("1 of ")
    page.press("x")
    assert page.text("#count").startswith(f"{MANY + 2} of ")

    page.press("/", *"nothing like it")
    assert page.text("#rows") == "Nothing matches these filters."
    page.press("Escape", "Escape")


def test_a_component_and_an_edge_of_the_map_lead_to_their_findings(page: Browser) -> None:
    page.press("m")
    page.run("document.querySelector('.edge.changed[marker-end]').dispatchEvent(new MouseEvent('click'))")

    assert page.text("#count") == f"1 of {MANY + 2}"
    assert page.text("#caller") == "called by shop.checkout ×"
    assert page.text(SELECTED) == "shop.tax:vat"

    page.click("#caller")
    page.press("x")
    assert page.text("#count") == f"{MANY + 2} of {MANY + 2}"


def test_recorded_markup_stays_text(page: Browser) -> None:
    page.run("window.alerted = []; window.alert = (text) => window.alerted.push(text)")
    page.press("x", "g", "j")

    assert page.text("#detail .callable").startswith("evil:</script><script>alert(1)</script><img src=x")
    assert page.text("#detail figure.old pre").startswith("</script><script>alert(1)</script>")
    assert page.text(".notes li").startswith("</script><script>")
    assert page.count("img") == 0
    assert page.count("script") == 2
    page.run("window.dispatchEvent(new Event('beforeprint'))")
    assert page.count("#print article") == 200
    assert page.count("img") == 0
    assert page.run("return window.alerted") == []
    assert page.messages() == []


def test_colours_follow_the_system_until_the_reader_chooses(page: Browser) -> None:
    def background(scheme: str) -> str:
        page.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        return str(page.run("return getComputedStyle(document.body).backgroundColor"))

    light, dark = background("light"), background("dark")
    assert light != dark

    page.press("t")
    assert background("dark") == light
    page.press("t")
    assert background("light") == dark
    page.press("t")
    assert background("dark") == dark
    background("light")


def test_on_a_narrow_screen_a_finding_covers_the_list_and_gives_it_back(page: Browser) -> None:
    page.resize(520, 900)

    page.press("g", "Enter")
    assert page.run("return getComputedStyle(document.querySelector('#detail')).position") == "fixed"
    page.click("#detail .back")
    assert page.run("return getComputedStyle(document.querySelector('#detail')).display") == "none"
    assert page.run("return document.documentElement.scrollWidth <= window.innerWidth")


def test_an_effect_leads_to_its_origin_and_back(page: Browser) -> None:
    page.run("location.hash = '#e77'")
    page.wait("return document.querySelector('#detail .callable')?.textContent === 'shop.cart:step77'")
    assert page.text("#detail .links") == "Explained by shop.tax:vat"
    assert "shop.app:main" in page.text("#detail .facts")

    page.click("#detail .links .link")

    assert page.text("#detail .callable") == "shop.tax:vat"
    assert page.text("#detail .links").startswith(f"Explains {MANY // 2} effects:")
    page.click("#detail .links li .link")
    assert page.text("#detail .callable") == "shop.cart:step1"


def test_an_address_with_a_key_opens_that_finding(page: Browser) -> None:
    page.run("location.hash = '#e77'")

    assert page.wait(f"return document.querySelector('{SELECTED}')?.textContent === 'shop.cart:step77'")
