"""Cases become the test functions of a file: which of them, under which names, called how."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import pytest

from tests.compare.runs import Run, call, function, obj, opaque, raised, returned, truncated
from tracer import wire
from tracer.export import cases, names
from tracer.export.choose import MOST_SHAPES
from tracer.export.files import file_name, write_file
from tracer.export.plan import choose_calls, make_plan
from tracer.model import CallableKind, Flow, Unfinished

if TYPE_CHECKING:
    from tracer.export.plan import Plan
    from tracer.model import Call, Callable


def plan(known: Callable, *calls: Call, examples: int = 1) -> Plan:
    run = Run(known, main=calls)
    chosen = choose_calls(run, lambda name: True, examples)
    return make_plan(chosen, run.recording.callables, lambda module: module == "shop", lambda name, fields: False)


def text(known: Callable, *calls: Call, examples: int = 1) -> str:
    made = plan(known, *calls, examples=examples)
    assert not made.left_out
    source = write_file([each.pick(None, examples) for each in made.candidates]).text
    ast.parse(source)
    return source


def test_the_smallest_example_of_each_shape_stands_for_the_others() -> None:
    known = function("shop:f", "a")
    source = text(
        known, *(call("shop:f", [value], value) for value in ("long text", "b", 7, None, True, False, [1], [2, 3]))
    )

    labels = {line.strip(" ),]").partition("id=")[2] for line in source.splitlines() if "id=" in line}
    assert labels == {'"False"', '"None"', '"True"', '"int"', '"list-of-1"', '"str"'}
    assert '"long text"' not in source
    assert "6 of 8 recorded calls" in source


def test_more_examples_of_a_shape_are_taken_where_they_are_asked_for() -> None:
    source = text(function("shop:f", "a"), *(call("shop:f", [n], n) for n in range(10)), examples=3)

    assert source.count("pytest.param(") == 3


def test_tests_of_one_callable_are_bounded() -> None:
    calls = [call("shop:f", [n], {f"key{n}": n}) for n in range(50)]

    assert text(function("shop:f", "a"), *calls).count("pytest.param(") == MOST_SHAPES


def test_the_order_of_lanes_and_calls_does_not_show() -> None:
    known = function("shop:f", "a")
    calls = [call("shop:f", [n], n % 3 or None) for n in range(20)]

    assert text(known, *calls) == text(known, *reversed(calls))


def test_a_method_of_a_base_class_is_called_on_the_subclass_as_it_was() -> None:
    known = function("shop:Base.size", "self")
    source = text(known, call("shop:Base.size", [obj("shop:Sub", n=1)], 1))

    assert "assert shop.Base.size(receiver) == expected" in source
    assert 'make(shop.Sub, {"n": 1})' in source


def test_parameters_that_have_their_defaults_are_left_out_and_what_follows_goes_by_name() -> None:
    known = function("shop:f", "a", "b=1", "c=None", "*args", "**more")

    assert "shop.f(a, c=c)" in text(known, call("shop:f", [0, 1, 2, (), {}], 1))
    assert "shop.f(a, b, c, *args)" in text(known, call("shop:f", [0, 1, 2, (3,), {}], 1))
    assert "shop.f(a, **more)" in text(known, call("shop:f", [0, 1, None, (), {"x": 1}], 1))


def test_parameters_do_not_take_names_that_the_test_uses() -> None:
    known = function("shop:f", "shop", "pytest", "expected", "request", "list")
    source = text(known, call("shop:f", [1, 2, 3, 4, 5], "x"))

    assert "assert shop.f(shop_, pytest_, expected, request_, list_) == expected_" in source


def test_two_callables_of_one_name_have_tests_of_their_own() -> None:
    one, other = function("shop.a:f", "x"), function("shop.b:f", "x")
    run = Run(one, other, main=[call("shop.a:f", [1], 1), call("shop.b:f", [1], 2)])
    made = make_plan(choose_calls(run, lambda _: True, 1), run.recording.callables, lambda _: True, lambda *_: False)
    source = write_file([each.pick(None, 1) for each in made.candidates]).text

    assert [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)] == [
        "test_f",
        "test_shop_b_f",
    ]


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (call("shop:f", [opaque("a:B")], 1), names.OPAQUE),
        (call("shop:f", [1], opaque("a:B")), names.OPAQUE),
        (call("shop:f", [truncated("list", 9, [])], 1), names.CUT),
        (call("shop:f", [wire.Extension(wire.REDACTED, b"")], 1), names.REDACTED),
        (call("shop:f", [1], raised("os:system", "x")), names.NOT_ALLOWED),
        (call("shop:f", [1], Unfinished()), cases.UNFINISHED),
        (call("shop:f", [], 1), names.OPAQUE),
        (call("shop:g", [1], 1), cases.GONE),
    ],
)
def test_calls_that_cannot_be_written_are_counted_by_their_reason(made: Any, reason: str) -> None:
    assert plan(function("shop:f", "a"), made).left_out == {reason: 1}


@pytest.mark.parametrize(
    "name", ["shop:f.<locals>.g", "__main__:f", "shop:<lambda>", "shop:f g", "shop:x\nimport os\n"]
)
def test_callables_that_no_module_holds_by_name_are_left_out(name: str) -> None:
    assert plan(function(name, "a"), call(name, [1], 1)).left_out == {names.LOCAL: 1}


def test_a_parameter_that_is_no_name_leaves_the_callable_out() -> None:
    assert plan(function("shop:f", "a, b"), call("shop:f", [1], 1)).left_out == {names.UNKNOWN: 1}


def test_a_property_that_is_set_is_left_out() -> None:
    known = function("shop:Cart.name", "self", "value", kind=CallableKind.PROPERTY)

    assert plan(known, call("shop:Cart.name", [obj("shop:Cart"), 1], None)).left_out == {cases.SETTER: 1}


def test_a_coroutine_that_raises_is_awaited_inside_of_raises() -> None:
    source = text(
        function("shop:f", "a", flow=Flow.COROUTINE), call("shop:f", [1], raised("builtins:ValueError", "no"))
    )

    assert "with pytest.raises(ValueError, match=re.escape(message)):\n        asyncio.run(shop.f(a))" in source


def test_an_exception_that_is_returned_is_compared_by_type_and_arguments() -> None:
    source = text(
        function("shop:f", "a"), call("shop:f", [1], returned(obj("builtins:KeyError", "exception", args=("k",))))
    )

    assert "assert same(shop.f(a), expected)" in source
    assert 'KeyError("k")' in source


def test_files_are_called_after_components() -> None:
    assert file_name("shop.cart") == "test_shop_cart.py"
    assert file_name("../x") == "test____x.py"
