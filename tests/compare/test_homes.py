"""Callables that moved are the same callables at another home."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.compare.runs import Run, call, function, obj
from tracer.compare.compare import compare
from tracer.compare.homes import other_homes
from tracer.model import CallableKind

if TYPE_CHECKING:
    from tracer.compare.result import Comparison

OLD, NEW = "lib.a:vat", "lib.b:vat"


def compared(old: Run, new: Run) -> Comparison:
    return compare(old, new, old_name="old", new_name="new")


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        (function(OLD, "amount"), function(NEW, "amount"), True),
        (function(OLD, "amount", "rate=1"), function(NEW, "amount"), True),
        (function(OLD, "amount"), function(NEW, "path", "mode"), False),
        (function(OLD, code="1"), function(NEW, code="1"), True),
        (function(OLD, code="1"), function(NEW, code="2"), False),
        (function(OLD), function(NEW), False),
        (function(OLD, "n"), function(NEW, "n", kind=CallableKind.FOREIGN), False),
        (function("lib.a:Cart.total", "self"), function("lib.b:Cart.total", "self"), True),
        (function("lib.a:<lambda>", "x"), function("lib.b:<lambda>", "x"), False),
        (function("lib.a:f#2", "x"), function("lib.b:f#2", "x"), False),
        (function(OLD, "amount"), function("lib.b:tax", "amount"), False),
    ],
)
def test_what_is_gone_in_one_module_and_has_come_in_another_moved(old: Any, new: Any, moved: bool) -> None:
    assert other_homes(Run(old), Run(new)) == ({old.name: new.name} if moved else {})


def test_of_several_by_one_name_none_moved() -> None:
    gone, come = function(OLD, "n"), function(NEW, "n")

    assert other_homes(Run(gone), Run(come, replace(come, name="lib.c:vat"))) == {}
    assert other_homes(Run(gone, come), Run(come)) == {}


def totals(home: str, receiver: str, total: int) -> Run:
    method = function(f"lib.a:{home}.total", "self")
    return Run(method, main=[call(method.name, [obj(receiver)], total)])


def test_a_method_moved_within_a_hierarchy_is_known_by_what_it_is_called_on() -> None:
    old = totals("Base", "lib.a:Cart", 1)

    assert other_homes(old, totals("Cart", "lib.a:Cart", 1)) == {"lib.a:Base.total": "lib.a:Cart.total"}
    assert other_homes(old, totals("Order", "lib.a:Order", 1)) == {}


def test_calls_of_a_moved_callable_are_compared() -> None:
    """It is gone from where it was: said once, without breaking those who call it now."""
    found = compared(totals("Base", "lib.a:Cart", 1), totals("Cart", "lib.a:Cart", 2)).findings

    assert [(each.callable, each.kind.value, each.severity.value, each.count) for each in found] == [
        ("lib.a:Cart.total", "returned-value", "changed", 1),
        ("lib.a:Base.total", "callable-missing", "compatible", 1),
    ]
    assert (found[1].before, found[1].after) == ("lib.a:Base.total", "lib.a:Cart.total")


def test_moving_is_compatible_and_losing_is_breaking() -> None:
    old = Run(function(OLD, "amount"), main=[call(OLD, [1], 2)])
    moved = Run(function(NEW, "amount"), main=[call(NEW, [1], 2)])
    lost = Run(function("lib.a:tax", "amount"), main=[call("lib.a:tax", [1], 2)])

    assert [compared(old, new).verdict.value for new in (moved, lost)] == ["compatible", "breaking"]
