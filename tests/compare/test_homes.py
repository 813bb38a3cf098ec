"""Callables that moved are the same callables at another home."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.compare.runs import Run, call, function, obj
from tracer.compare.compare import compare
from tracer.compare.homes import find_renaming
from tracer.model import CallableKind

if TYPE_CHECKING:
    from tracer.compare.result import Comparison

OLD, NEW = "lib.a:vat", "lib.b:vat"


def compared(old: Run, new: Run) -> Comparison:
    return compare(old, new, old_name="old", new_name="new")


def other_homes(old: Run, new: Run) -> dict[str, str]:
    return dict(find_renaming(old, new).callables)


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


def renamed(old: Any, new: Any, before: list[Any], after: list[Any]) -> dict[str, str]:
    return other_homes(Run(old, main=before), Run(new, main=after))


@pytest.mark.parametrize(
    ("before", "after", "known"),
    [
        ([call("m:f", [1], 2)], [call("m:g", [1], 2)], True),
        ([call("m:f", [1], 2)], [call("m:g", [1], 3)], False),
        ([call("m:f", [1], 2)], [call("m:g", [4], 2)], False),
        ([call("m:f", [n], 2) for n in range(5)], [call("m:g", [n], 2) for n in range(1, 6)], True),
        ([call("m:f", [n], 2) for n in range(5)], [call("m:g", [n], 2) for n in range(3, 8)], False),
        ([call("m:f", [1], 2)], [], False),
    ],
)
def test_a_callable_under_another_name_is_known_by_its_calls(before: Any, after: Any, known: bool) -> None:
    found = renamed(function("m:f", "n"), function("m:g", "n"), before, after)

    assert found == ({"m:f": "m:g"} if known else {})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (function("m:f", "n"), function("m:g", "n", "k=1")),
        (function("m:f", "n"), function("m.x:g", "n")),
        (function("m:f", "n"), function("m:Box.g", "n")),
        (function("m:f", "n"), function("m:g", "n", kind=CallableKind.FOREIGN)),
    ],
)
def test_what_takes_something_else_or_stands_elsewhere_is_no_other_name(old: Any, new: Any) -> None:
    assert renamed(old, new, [call(old.name, [1], 2)], [call(new.name, [1], 2)]) == {}


def test_calls_that_take_and_give_nothing_say_nothing() -> None:
    old, new = function("m:Box.open", "self"), function("m:Box.close", "self")

    assert renamed(old, new, [call(old.name, [obj("m:Box")])] * 9, [call(new.name, [obj("m:Box")])] * 9) == {}


def test_of_several_that_fit_none_is_the_renamed_one() -> None:
    old, new, other = (function(f"m:{name}", "n") for name in "fgh")
    calls = [call("m:g", [1], 2), call("m:h", [1], 2)]

    assert other_homes(Run(old, main=[call("m:f", [1], 2)]), Run(new, other, main=calls)) == {}


def boxes(name: str, module: str = "m", code: str = "") -> Run:
    """A class of three methods; `code` is part of the code of one."""
    methods = [function(f"{module}:{name}.{each}", "self", code=each) for each in ("open", "close")]
    methods.append(function(f"{module}:{name}.size", "self", code=f"size{code}"))
    box = obj(f"{module}:{name}", n=1)
    return Run(*methods, main=[call(each.name, [box], box) for each in methods])


@pytest.mark.parametrize("module", ["m", "lib.m"])
def test_a_class_under_another_name_is_one_finding(module: str) -> None:
    """Its methods went the same way, and its objects are no others."""
    found = compared(boxes("Box"), boxes("Crate", module, code="2")).findings

    assert [(each.kind.value, each.severity.value, each.count) for each in found] == [
        ("callable-missing", "breaking", 3)
    ]
    assert found[0].before == "m:Box.close"
    assert found[0].after == f"{module}:Crate.close (and 2 more that went the same way)"


def test_a_module_that_went_as_a_whole_is_one_finding() -> None:
    def run(module: str) -> Run:
        functions = [function(f"{module}:f{n}", "n") for n in range(200)]
        return Run(*functions, main=[call(each.name, [1], obj(f"{module}:Box")) for each in functions])

    found = compared(run("shop.old"), run("shop.new")).findings

    assert [(each.kind.value, each.severity.value, each.count) for each in found] == [
        ("callable-missing", "compatible", 200)
    ]


def test_a_name_that_is_gone_for_those_who_used_it_is_breaking() -> None:
    old = Run(function("m:f", "n"), main=[call("m:f", [1], 2)])
    new = Run(function("m:g", "n"), main=[call("m:g", [1], 2)])

    assert [(each.callable, each.after, each.severity.value) for each in compared(old, new).findings] == [
        ("m:f", "m:g", "breaking")
    ]
