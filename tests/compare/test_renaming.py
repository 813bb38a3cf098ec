"""Names of the old side are read under the new ones, wherever they stand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from tests.compare.runs import Run, call, error, function, obj, opaque, snapshot, truncated
from tests.strategies import values
from tracer import wire
from tracer.compare.compare import compare
from tracer.compare.renaming import Renamed, Renaming
from tracer.encoding.encode import Encoder
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.model import Component, Recording

ENCODER = Encoder(redactor=Redactor(), paths=PathNormaliser(None, temporary=[]))
MOVED = Renaming({"shop.old:vat": "shop.tax:duty"}, {"shop.old:Cart": "shop.new:Basket"}, {"shop.old": "shop.new"})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("shop.old:vat", "shop.tax:duty"),
        ("shop.old:Cart.total", "shop.new:Basket.total"),
        ("shop.old:Cart", "shop.new:Basket"),
        ("shop.old:Cartoon", "shop.new:Cartoon"),
        ("shop.old.deep:f", "shop.new.deep:f"),
        ("shop.older:f", "shop.older:f"),
        ("<outside>", "<outside>"),
    ],
)
def test_the_longest_name_that_is_known_decides(old: str, new: str) -> None:
    assert MOVED.callable(old) == new


def named(kind: str, name: str) -> Any:
    return wire.Extension(wire.NAMED, snapshot([kind, name]))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (obj("shop.old:Cart", n=1), obj("shop.new:Basket", n=1)),
        ([{"a": (obj("shop.old:Cart"), 1)}], [{"a": (obj("shop.new:Basket"), 1)}]),
        ({obj("shop.old:Z"), obj("shop.m:A")}, {obj("shop.new:Z"), obj("shop.m:A")}),
        (obj("m:Holder", cart=obj("shop.old:Cart")), obj("m:Holder", cart=obj("shop.new:Basket"))),
        (error("shop.old:Failed", "no"), error("shop.new:Failed", "no")),
        (opaque("shop.old:Handle", 3), opaque("shop.new:Handle", 3)),
        (named("function", "shop.old:vat"), named("function", "shop.tax:duty")),
        ("shop.old:Cart", "shop.old:Cart"),
    ],
)
def test_types_inside_values_are_renamed_and_texts_are_not(old: Any, new: Any) -> None:
    run = Renamed(Run(main=[call("m:f", [old], old, after={0: old})]), MOVED)

    assert list(run.calls("main")) == [call("m:f", [new], new, after={0: new})]
    assert [run.columns("main", 0).call(0)] == [call("m:f", [new], new, after={0: new})]


def test_what_is_known_of_a_run_goes_by_the_new_names() -> None:
    known = function("shop.old:f", "n", code="1", reach=[("shop.old:_g", "2")])
    recording = Recording("3.11", ("shop.old",), components=(Component("shop.old"),), callables=(known,))
    lanes: Any = {"import shop.old": [call("shop.old:f", [1], 2, caller="shop.old")], "test a": []}
    run = Renamed(Run(recording=recording).with_lanes(lanes), MOVED)

    assert run.recording.boundaries == ("shop.new",)
    assert run.recording.components == (Component("shop.new"),)
    assert run.recording.callables == (
        replace(known, name="shop.new:f", component="shop.new", reach=(("shop.new:_g", "2"),)),
    )
    assert [lane.name for lane in run.lanes] == ["import shop.new", "test a"]
    assert next(run.calls("import shop.new")).caller == "shop.new"
    assert len(run.blocks("import shop.new")) == 1


def test_a_digest_over_other_names_proves_nothing() -> None:
    def cut(type_: str, digest: bytes) -> Run:
        carts = truncated("list", 900, [obj(type_)], digest)
        return Run(function("m:f", "carts"), main=[call("m:f", [carts], 1)])

    old, new = cut("shop.old:Cart", b"1" * 16), cut("shop.new:Cart", b"2" * 16)
    found = compare(old, new, old_name="old", new_name="new", renamed={"shop.old": "shop.new"})

    assert found.findings == ()
    assert compare(old, new, old_name="old", new_name="new").findings != ()


@given(values)
def test_what_stands_beside_such_a_name_keeps_its_bytes(value: Any) -> None:
    beside = ENCODER.value(value)
    data = wire.array_header(2) + beside + snapshot(obj("shop.old:X"))
    run = Renamed(Run(main=[replace(call("m:f"), arguments=data)]), MOVED)

    assert wire.split_array(next(run.calls("main")).arguments) == [beside, snapshot(obj("shop.new:X"))]


def test_values_that_cannot_be_read_stay_as_they_are() -> None:
    broken = b"\xc1shop.old"
    run = Renamed(Run(main=[replace(call("m:f"), arguments=broken)]), MOVED)

    assert next(run.calls("main")).arguments == broken


def test_declared_names_are_told_of_no_one() -> None:
    """The user knows: modules under another name are the same ones, their classes too."""

    def run(module: str) -> Run:
        make = function(f"{module}:make", "n", code="1")
        return Run(make, main=[call(make.name, [obj(f"{module}:Kind")], obj(f"{module}:Cart", n=1))])

    found = compare(run("shop.old"), run("shop.new"), old_name="old", new_name="new", renamed={"shop.old": "shop.new"})

    assert (found.findings, found.verdict.value, found.summary.identical) == ((), "same", 1)
