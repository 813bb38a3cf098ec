"""Interface statistics: who calls whom, what of each interface was crossed, and how two recordings differ in that."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compare.runs import Run, call, function
from tracer.compare.interfaces import Coverage, Edge, Use
from tracer.compare.statistics import change, statistics
from tracer.model import CallableKind, Component, Loss, Recording
from tracer.storage.reader import open_cassette
from tracer.storage.store import write_cassette

if TYPE_CHECKING:
    from pathlib import Path

TAX = function("shop.tax:vat", "amount")
RATE = function("shop.tax:Table.rate", "self", kind=CallableKind.PROPERTY)
FIND = function("shop.catalog:find", "name")


def calls_of(*pairs: tuple[str, str]) -> list[object]:
    return [call(name, caller=caller) for caller, name in pairs]


def run_of(*pairs: tuple[str, str], callables: tuple[object, ...] = (TAX, RATE, FIND), **more: object) -> Run:
    return Run(*callables, block=2, main=calls_of(*pairs), **more)  # type: ignore[arg-type]


def test_edges_come_most_called_first_with_the_callables_they_go_through() -> None:
    run = run_of(
        ("cart", "shop.tax:vat"),
        ("cart", "shop.tax:vat"),
        ("cart", "shop.tax:Table.rate"),
        ("tests", "shop.catalog:find"),
    ).with_lanes({"thread": calls_of(("cart", "shop.tax:vat"))})  # type: ignore[dict-item]

    found = statistics(run, "a.cassette")

    assert found.edges == (
        Edge("cart", "shop.tax", 4, (Use("shop.tax:vat", 3), Use("shop.tax:Table.rate", 1))),
        Edge("tests", "shop.catalog", 1, (Use("shop.catalog:find", 1),)),
    )
    assert (found.cassette, found.calls, found.lost) == ("a.cassette", 5, 0)
    assert [(each.component, each.calls) for each in found.components] == [("shop.tax", 4), ("shop.catalog", 1)]


def test_a_component_of_several_modules_is_one_end_of_its_edges() -> None:
    vat = function("shop.tax.rates:vat")
    in_package = type(vat)(vat.name, "shop", vat.kind, vat.flow, vat.parameters)

    found = statistics(run_of(("cart", vat.name), callables=(in_package,)), "x")

    assert [(edge.caller, edge.component) for edge in found.edges] == [("cart", "shop")]


def test_coverage_counts_public_callables_and_names_those_never_crossed() -> None:
    callables = (
        TAX,
        RATE,
        function("shop.tax:_round"),
        function("shop.tax:Table._grow", "self"),
        function("shop.tax:vat.<locals>.inner"),
        function("shop.tax:vat#2"),
        function("shop.tax:Table.__init__", "self"),
        function("shop.tax:Table.__iter__", "self"),
        *(function(f"shop.tax:Table.{name}", "self") for name in ("__eq__", "__repr__", "__hash__", "__del__")),
        function("shop._inner.deep:help"),
    )

    found = statistics(run_of(("cart", "shop.tax:vat"), ("cart", "shop.tax:Table.__eq__"), callables=callables), "x")

    tax, inner = found.components
    assert tax.crossed == ("shop.tax:vat",)
    assert tax.never == ("shop.tax:Table.__init__", "shop.tax:Table.__iter__", "shop.tax:Table.rate")
    assert tax.calls == 2
    assert (inner.crossed, inner.never, inner.coverage.percent) == ((), (), None)
    assert (found.coverage, found.coverage.percent) == (Coverage(1, 4), 25.0)


def test_a_callable_whose_calls_were_seen_and_not_kept_counts_as_crossed() -> None:
    losses = (Loss("shop.tax:vat", "values too large to keep", 3), Loss("*", "opaque thing", 7))
    run = run_of(recording=Recording("3.11", components=(Component("shop.tax"),), callables=(TAX, RATE), losses=losses))

    found = statistics(run, "x")

    assert (found.lost, found.calls, found.edges) == (3, 0, ())
    assert found.components[0].crossed == ("shop.tax:vat",)


def test_only_wanted_components_count_and_callers_alone_have_no_row() -> None:
    recording = Recording(
        "3.11", components=(Component("shop.tax"), Component("tests", watched=False)), callables=(TAX, RATE, FIND)
    )
    run = run_of(("cart", "shop.tax:vat"), ("cart", "shop.catalog:find"), recording=recording)

    found = statistics(run, "x", lambda name: name == "shop.tax")

    assert [edge.component for edge in found.edges] == ["shop.tax"]
    assert [each.component for each in found.components] == ["shop.tax"]
    assert found.calls == 1


def test_a_callable_that_the_recording_does_not_describe_goes_by_its_module() -> None:
    found = statistics(run_of(("cart", "other.place:made"), callables=()), "x")

    assert [(edge.component, edge.calls) for edge in found.edges] == [("other.place", 1)]
    assert found.coverage == Coverage(0, 0)


def test_between_two_recordings_edges_and_crossed_callables_come_and_go() -> None:
    gone = function("shop.tax:gone")
    fresh = function("shop.tax:fresh")
    old = statistics(
        run_of(("cart", "shop.tax:vat"), ("cart", "shop.tax:gone"), callables=(TAX, RATE, FIND, gone)), "old"
    )
    new = statistics(run_of(("cart", "shop.catalog:find"), callables=(TAX, RATE, FIND, fresh)), "new")

    found = change(old, new)

    assert [(edge.caller, edge.component) for edge in found.came] == [("cart", "shop.catalog")]
    assert [(edge.caller, edge.component) for edge in found.went] == [("cart", "shop.tax")]
    assert (found.newly_crossed, found.no_longer_crossed) == (("shop.catalog:find",), ("shop.tax:vat",))
    same = change(old, old)
    assert (same.came, same.went, same.newly_crossed, same.no_longer_crossed) == ((), (), (), ())


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([TAX.name, RATE.name, FIND.name]))))
def test_no_call_is_counted_twice_or_not_at_all(pairs: list[tuple[str, str]]) -> None:
    found = statistics(run_of(*pairs), "x")

    assert found.calls == len(pairs) == sum(edge.calls for edge in found.edges)
    assert all(edge.calls == sum(use.calls for use in edge.uses) for edge in found.edges)
    assert sum(each.calls for each in found.components) == len(pairs)
    assert {name for each in found.components for name in each.crossed} == {name for _, name in pairs}
    assert found.coverage.public == 3


@pytest.mark.parametrize(
    ("crossed", "public", "percent"), [(999, 1000, 99.9), (1999, 2000, 99.9), (2, 3, 66.6), (3, 3, 100.0)]
)
def test_a_share_never_rounds_up_to_all(crossed: int, public: int, percent: float) -> None:
    coverage = Coverage(crossed, public)

    assert coverage.percent == percent
    assert coverage.reaches(percent)
    assert coverage.reaches(100) == (crossed == public)


def test_memory_does_not_grow_with_the_calls(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        path = tmp_path / f"{count}.cassette"
        calls = (call(TAX.name, [str(number) * 100], caller="cart") for number in range(count))
        write_cassette(path, Recording("3.11", callables=(TAX,)), {"main": calls})
        with open_cassette(path) as run:
            tracemalloc.start()
            found = statistics(run, "x")
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert found.calls == count
        return most

    assert peak(20_000) < peak(4_000) * 2
