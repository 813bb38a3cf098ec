"""Findings and comparisons for report tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

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
    from collections.abc import Callable

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
