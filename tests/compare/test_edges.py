"""Edges between components: calls counted on both sides, changes put where they show."""

from __future__ import annotations

from tests.compare.runs import Run, call, function
from tracer.compare.compare import compare
from tracer.compare.context import Edge
from tracer.compare.edges import edges
from tracer.compare.result import Severity
from tracer.model import OUTSIDE

KNOWN = (function("shop.tax:vat", "net"), function("shop.money:rounded", "amount"))


def test_calls_are_counted_by_the_components_they_go_from_and_into() -> None:
    vat = call("shop.tax:vat", [1], 2, caller="shop.checkout")
    old = Run(*KNOWN, block=2, main=[vat] * 7, worker=[vat] * 3)
    rounded = call("shop.money:rounded", [1], 1, caller="shop.tax")
    new = Run(*KNOWN, block=2, main=[vat] * 7, worker=[vat, rounded, call("shop.tax:vat", [1], 2, caller=OUTSIDE)])

    assert edges(old, new, ()) == (
        Edge(OUTSIDE, "shop.tax", 0, 1),
        Edge("shop.checkout", "shop.tax", 10, 8),
        Edge("shop.tax", "shop.money", 0, 1),
    )


def test_an_edge_tells_how_many_visible_findings_show_on_it_and_the_worst() -> None:
    old = Run(*KNOWN, main=[call("shop.tax:vat", [1], {"a": 1, "b": 2}, caller="shop.checkout")])
    new = Run(*KNOWN, main=[call("shop.tax:vat", [1], {"a": 3}, caller="shop.checkout")])
    findings = compare(old, new, old_name="old", new_name="new").findings

    assert edges(old, new, findings) == (Edge("shop.checkout", "shop.tax", 1, 1, 2, Severity.BREAKING),)


def test_blocks_that_are_stored_alike_are_read_once() -> None:
    calls = [call("shop.tax:vat", [n], n) for n in range(8)]
    old, new = Run(*KNOWN, block=4, main=calls), Run(*KNOWN, block=4, main=calls)

    assert edges(old, new, ()) == (Edge("shop", "shop.tax", 8, 8),)
    assert (old.reads, new.reads) == (8, 0)
