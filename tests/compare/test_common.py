"""Recordings with other boundaries are compared on the calls that cross in both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.compare.runs import Run, call, function
from tracer.compare.common import InCommon
from tracer.compare.compare import compare
from tracer.model import OUTSIDE, Component, Recording

if TYPE_CHECKING:
    from tracer.model import Call

NAMES = ("shop.cart:total", "shop.tax:vat", "shop.tax:round", "shop.mail:send")


def run(*calls: Call, watched: tuple[str, ...], boundaries: tuple[str, ...] = (), **more: Any) -> Run:
    components = tuple(Component(name) for name in watched)
    callables = [replace(function(name, "x"), component=name.partition(":")[0]) for name in NAMES]
    known = tuple(each for each in callables if each.component.startswith(watched))
    recording = Recording("3.11", boundaries, components=components, callables=known, **more)
    return Run(recording=recording).with_lanes({"main": calls})


MODULES = ("shop.cart", "shop.mail", "shop.tax")
EVERYTHING = (
    call("shop.cart:total", [1], 10, caller=OUTSIDE),
    call("shop.tax:vat", [1], 2, parent=1, caller="shop.cart"),
    call("shop.tax:round", [2], 2, parent=2, caller="shop.cart"),
    call("shop.mail:send", ["10"], None, caller=OUTSIDE),
)


def test_calls_that_only_one_side_can_see_are_left_out() -> None:
    old = run(*EVERYTHING, watched=MODULES)
    new = run(
        call("shop.tax:vat", [1], 3, caller=OUTSIDE),
        call("shop.tax:round", [2], 2, caller=OUTSIDE),
        watched=("shop.tax",),
        boundaries=("shop.tax",),
    )
    comparison = compare(old, new, old_name="old", new_name="new")

    assert [(each.callable, each.kind.value) for each in comparison.findings] == [("shop.tax:vat", "returned-value")]
    assert comparison.notes == (
        "OLD has boundaries of the project's own modules, NEW has shop.tax.",
        "Compared is what crosses the boundaries of both: 2 calls of OLD and 0 of NEW were left out.",
    )
    assert (comparison.summary.compared, comparison.summary.removed) == (2, 0)


def test_calls_inside_a_larger_component_are_left_out() -> None:
    old = run(*EVERYTHING, watched=MODULES)
    new = run(EVERYTHING[0], EVERYTHING[3], watched=("shop",), granularity="package")
    comparison = compare(old, new, old_name="old", new_name="new")

    assert comparison.findings == ()
    assert comparison.summary.compared == 2


def test_what_is_left_is_enclosed_by_what_is_left() -> None:
    calls = (
        call("shop.cart:total", [1], 1, caller=OUTSIDE),
        call("shop.tax:vat", [1], 1, parent=1, caller="shop.cart"),
        call("shop.mail:send", [1], 1, parent=1, caller="shop.tax"),
        call("shop.tax:round", [1], 1, parent=1, caller="shop.mail"),
    )
    left = InCommon(run(*calls, watched=MODULES), run(watched=("shop.cart", "shop.mail")).recording, "old")

    assert [(each.callable, each.parent) for each in left.calls("main")] == [
        ("shop.cart:total", 0),
        ("shop.mail:send", 1),
    ]
    assert left.left_out == 2
