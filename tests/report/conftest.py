"""Findings and comparisons for report tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.report.browser import MISSING, Browser
from tracer.compare.context import Context, Edge, Moment, NearCall, Place
from tracer.compare.result import (
    Comparison,
    Confidence,
    Example,
    Finding,
    Kind,
    Role,
    Severity,
    Side,
    Summary,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VAT: dict[str, Any] = {
    "key": "3f2a",
    "callable": "shop.tax:vat",
    "kind": Kind.RETURNED_VALUE,
    "severity": Severity.CHANGED,
    "role": Role.ORIGIN,
    "confidence": Confidence.HIGH,
    "count": 12,
    "calls": 40,
    "callers": ("shop.checkout",),
    "path": "return",
    "before": "10.0",
    "after": "10.5",
    "example": Example("tests/test_checkout.py::test_total", "net=50.0, country='DE'"),
}


@pytest.fixture
def finding() -> Callable[..., Finding]:
    """Make a finding: the changed rate of a tax, with what the test says otherwise."""
    return lambda **fields: Finding(**{**VAT, **fields})


@pytest.fixture
def comparison() -> Callable[..., Comparison]:
    """Make a comparison of forty calls that holds the given findings."""

    def make(*findings: Finding, **fields: Any) -> Comparison:
        defaults: dict[str, Any] = {
            "verdict": Verdict.CHANGED if findings else Verdict.SAME,
            "old": Side("old.cassette", 40),
            "new": Side("new.cassette", 40),
            "summary": Summary(40, 28, 12) if findings else Summary(40, 40),
            "findings": findings,
        }
        return Comparison(**{**defaults, **fields})

    return make


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }} end; #35; %% `x` ](http://evil)\u202e\x1b[2J"
"""A recorded text that tries every way out."""


@pytest.fixture
def near() -> Callable[..., NearCall]:
    """Make a call near an example: the changed tax, with what the test says otherwise."""

    def make(**fields: Any) -> NearCall:
        given = (("net", "12.90"), ("category", "'food'"))
        defaults: dict[str, Any] = {
            "depth": 1,
            "callable": "shop.tax:vat",
            "caller": "shop.checkout",
            "component": "shop.tax",
            "old": Moment(given, "0.9030"),
            "new": Moment(given, "0.90"),
            "same": False,
            "here": True,
        }
        return NearCall(**{**defaults, **fields})

    return make


@pytest.fixture
def context(near: Callable[..., NearCall]) -> Context:
    """What a report may ask for about `finding`: where it is defined, a tree of three calls, a map of two edges."""
    whole = Moment((("cart", "[1]"),), "Receipt(…)")
    inside = Moment((("amount", "0.9030"),), "0.90")
    top = near(
        depth=0,
        callable="shop.checkout:checkout",
        caller="shop",
        component="shop.checkout",
        old=whole,
        new=whole,
        same=True,
        here=False,
    )
    added = near(
        depth=2,
        callable="shop.money:rounded",
        caller="shop.tax",
        component="shop.money",
        old=None,
        new=inside,
        here=False,
    )
    return Context(
        places=(("shop.tax:vat", Place("src/shop/tax.py", 12)),),
        trees=(("3f2a", (top, near(), added)),),
        edges=(
            Edge("shop.checkout", "shop.tax", 40, 40, 1, Severity.CHANGED),
            Edge("shop.tax", "shop.money", 0, 12),
        ),
    )


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A real browser, one for all tests that need one."""
    if MISSING:
        pytest.skip(MISSING)
    with Browser(tmp_path_factory.mktemp("browser")) as started:
        yield started
