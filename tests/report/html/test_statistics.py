"""The page of interface statistics: the map and the interfaces, without a script, closed to what was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.report.conftest import HOSTILE
from tests.report.html.test_page import Page
from tracer.compare.context import Edge
from tracer.compare.interfaces import ComponentUse, Statistics
from tracer.report.html.statistics import render_statistics_html

if TYPE_CHECKING:
    from pathlib import Path

    from tests.report.browser import Browser

NOW = Statistics(
    "new.cassette", 20, 0, (), (ComponentUse("shop.tax", 20, ("shop.tax:vat",), ("shop.tax:rate", "shop.tax:free")),)
)
EDGES = (Edge("shop.checkout", "shop.tax", 14, 20), Edge("shop.checkout", "shop.cart", 1_000, 1_000))


def test_the_page_tells_edges_coverage_and_what_was_never_crossed() -> None:
    text = render_statistics_html(NOW, Statistics("old.cassette", 14, 0, (), ()), EDGES)

    assert "old.cassette" in text
    for told in ("14 → 20", "1,000", "1 of 3 crossed", "shop.tax:rate", "never crossed: 2", "33.3 %"):
        assert told in text


def test_the_page_has_no_script_and_allows_none() -> None:
    page = Page(render_statistics_html(NOW, None, EDGES))

    policy = next(attributes["content"] for _, attributes in page.elements if "http-equiv" in attributes)
    assert "script" not in page.texts
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in policy


def test_recorded_names_add_no_element() -> None:
    def page(name: str) -> str:
        use = ComponentUse(name, 1, (), (name,))
        return render_statistics_html(Statistics(name, 1, 0, (), (use,)), None, [Edge(name, "shop", 1, 2)])

    hostile = page(HOSTILE)

    assert [tag for tag, _ in Page(hostile).elements] == [tag for tag, _ in Page(page("calm")).elements]
    assert "\x1b" not in hostile
    assert "\u202e" not in hostile


def test_the_page_is_bounded() -> None:
    uses = tuple(ComponentUse(f"shop.m{n}", 1, (), tuple(f"shop.m{n}:f{k}" for k in range(300))) for n in range(1_100))
    edges = [Edge(f"shop.m{n}", f"shop.m{n + 1}", n, n) for n in range(1_099)]

    text = render_statistics_html(Statistics("x", 1, 0, (), uses), None, edges)

    assert "100 more components" in text
    assert "… and 100 more" in text
    assert len(text) < 10_000_000


def test_a_browser_shows_it_without_a_complaint(browser: Browser, tmp_path: Path) -> None:
    report = tmp_path / "statistics.html"
    report.write_text(render_statistics_html(NOW, None, EDGES), encoding="utf-8")

    browser.open(report)

    assert browser.count("svg .node") == 3
    assert browser.messages() == []
    assert {address for address in browser.requests() if not address.startswith("data:")} == {report.as_uri()}
