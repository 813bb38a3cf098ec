"""The HTML page as a document: whole, closed to what was recorded, and allowed nothing but its own style and script."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from tests.report.conftest import HOSTILE
from tracer.compare.context import Context, Moment, NearCall
from tracer.compare.result import Example, Kind
from tracer.errors import ConfigError
from tracer.report.html import payload
from tracer.report.html.page import render_html

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.compare.result import Comparison, Finding


class Page(HTMLParser):
    """What a browser makes of the page: its elements in order, and the text inside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in {"script", "style", "h1", "li"}:
            self._inside = tag
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[self._inside][-1] += data

    @property
    def data(self) -> Any:
        return json.loads(self.texts["script"][0])


@pytest.fixture
def hostile(finding: Callable[..., Finding], near: Callable[..., NearCall]) -> tuple[Finding, Context]:
    fields = dict.fromkeys(("key", "callable", "path", "before", "after"), HOSTILE)
    names = dict.fromkeys(("callers", "inner", "unseen"), (HOSTILE,))
    moment = Moment(((HOSTILE, HOSTILE),), HOSTILE, passed=((HOSTILE, HOSTILE),))
    call = near(callable=HOSTILE, caller=HOSTILE, component=HOSTILE, old=moment, new=moment)
    return finding(**fields, **names, example=Example(HOSTILE, HOSTILE)), Context(trees=((HOSTILE, (call,)),))


def test_the_policy_allows_the_style_and_the_script_of_the_page_and_nothing_else(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], context: Context
) -> None:
    page = Page(render_html(comparison(finding(), context=context)))

    policy = next(attributes["content"] for tag, attributes in page.elements if "http-equiv" in attributes)
    hashes = [
        "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (page.texts["style"][0], page.texts["script"][1])
    ]
    assert policy == (
        f"default-src 'none'; style-src '{hashes[0]}'; script-src '{hashes[1]}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_the_page_names_no_other_file_and_has_no_handlers_in_its_markup(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], context: Context
) -> None:
    page = Page(render_html(comparison(finding(), context=context)))

    attributes = [(tag, name, value or "") for tag, found in page.elements for name, value in found.items()]
    assert [value for _, name, value in attributes if name in {"src", "href", "action"}] == ["data:,"]
    assert [name for _, name, _ in attributes if name.startswith("on") or name == "style"] == []


def test_recorded_text_adds_no_element_and_reaches_the_page_as_data(
    hostile: tuple[Finding, Context], comparison: Callable[..., Comparison]
) -> None:
    finding, context = hostile
    calm = Page(render_html(comparison(finding, context=Context(), notes=("calm",), hidden=(("calm", 1),))))

    text = render_html(comparison(finding, context=context, notes=(HOSTILE,), hidden=((HOSTILE, 1),)))
    page = Page(text)

    assert [tag for tag, _ in page.elements] == [tag for tag, _ in calm.elements]
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert page.texts["li"][0].startswith("</script><script>alert(1)</script>")
    assert "{{ 7*7 }}" in page.texts["li"][0]
    assert page.data["strings"][page.data["findings"][0][1]].startswith("</script><script>")


def test_the_data_of_a_finding_is_whole(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], context: Context
) -> None:
    data = Page(render_html(comparison(finding(kind=Kind.RAISED), context=context))).data

    row, strings = data["findings"][0], data["strings"]
    assert (row[0], strings[row[1]], strings[row[2]]) == ("3f2a", "shop.tax:vat", "shop.tax")
    assert data["kinds"][row[3]]["name"] == "raised"
    assert strings[row[17]] == "src/shop/tax.py:12"
    assert [strings[call[1]] for call in data["trees"]["3f2a"]] == [
        "shop.checkout:checkout",
        "shop.tax:vat",
        "shop.money:rounded",
    ]
    assert [(edge["old"], edge["new"], edge["worst"]) for edge in data["map"]["edges"]] == [
        (40, 40, "changed"),
        (0, 12, ""),
    ]


def test_findings_that_find_no_room_are_counted(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload, "MOST_BYTES", 20_000)
    many = comparison(*(finding(key=str(number), path=f"return.x{number}") for number in range(500)))

    data = Page(render_html(many)).data

    assert len(json.dumps(data)) < 25_000
    assert data["findings"]
    assert data["left"] == 500 - len(data["findings"])


def test_the_same_comparison_gives_the_same_page(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], context: Context
) -> None:
    assert render_html(comparison(finding(), context=context)) == render_html(comparison(finding(), context=context))


def test_without_jinja2_the_error_says_what_to_install(
    comparison: Callable[..., Comparison], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)

    with pytest.raises(ConfigError) as error:
        render_html(comparison())

    assert str(error.value) == (
        "Couldn't write the HTML report: jinja2 is not installed. Install it with `pip install 'tracer[html]'`."
    )


def test_formats_are_listed_without_loading_jinja2() -> None:
    code = "import sys, tracer.report.formats; sys.exit('jinja2' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
