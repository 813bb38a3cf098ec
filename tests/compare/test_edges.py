"""Edges between components: calls counted on both sides, changes put where they show."""

from __future__ import annotations

from tests.compare.runs import Run, call, function
from tracer.compare.compare import compare
from tracer.compare.context import Edge
from tracer.compare.edges import edges
from tracer.compare.result import Finding, Severity
from tracer.compare.statistics import statistics
from tracer.model import OUTSIDE

KNOWN = (function("shop.tax:vat", "net"), function("shop.money:rounded", "amount"))


def counted(old: Run, new: Run, findings: tuple[Finding, ...] = ()) -> tuple[Edge, ...]:
    return edges(statistics(old, "old"), statistics(new, "new"), findings)


def test_calls_are_counted_by_the_components_they_go_from_and_into() -> None:
    vat = call("shop.tax:vat", [1], 2, caller="shop.checkout")
    old = Run(*KNOWN, block=2, main=[vat] * 7, worker=[vat] * 3)
    rounded = call("shop.money:rounded", [1], 1, caller="shop.tax")
    new = Run(*KNOWN, block=2, main=[vat] * 7, worker=[vat, rounded, call("shop.tax:vat", [1], 2, caller=OUTSIDE)])

    assert counted(old, new) == (
        Edge(OUTSIDE, "shop.tax", 0, 1),
        Edge("shop.checkout", "shop.tax", 10, 8),
        Edge("shop.tax", "shop.money", 0, 1),
    )


def test_an_edge_tells_how_many_visible_findings_show_on_it_and_the_worst() -> None:
    old = Run(*KNOWN, main=[call("shop.tax:vat", [1], {"a": 1, "b": 2}, caller="shop.checkout")])
    new = Run(*KNOWN, main=[call("shop.tax:vat", [1], {"a": 3}, caller="shop.checkout")])
    findings = compare(old, new, old_name="old", new_name="new").findings

    assert counted(old, new, findings) == (Edge("shop.checkout", "shop.tax", 1, 1, 2, Severity.BREAKING),)
