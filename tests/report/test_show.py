"""A recording as lines of text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracer import wire
from tracer.model import (
    OUTSIDE,
    BlockSummary,
    Call,
    Callable,
    CallableKind,
    CallColumns,
    Component,
    Flow,
    Item,
    ItemKind,
    LaneSummary,
    Loss,
    Parameter,
    ParameterKind,
    Raised,
    Recording,
    Returned,
    Unfinished,
    columns_of,
)
from tracer.report.listing import CassetteSummary, summarise_cassette
from tracer.report.show import show
from tracer.rules import LEARNED, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pack = wire.packer()


def snapshot(value: object) -> bytes:
    return pack(value)


def error(name: str, *arguments: object) -> bytes:
    args = wire.Extension(wire.TUPLE, pack(list(arguments)))
    return pack(wire.Extension(wire.OBJECT, pack([f"builtins:{name}", "exception", ["args"], [args]])))


def call(callable_: str, *arguments: object, result: object = None, parent: int = 0, **fields: object) -> Call:
    made = {
        "caller": OUTSIDE if not parent else "shop.checkout",
        "flow": Flow.CALL,
        "outcome": Returned(snapshot(result)),
        **fields,
    }
    return Call(callable=callable_, parent=parent, arguments=snapshot(list(arguments)), **made)  # type: ignore[arg-type]  # fields are named by tests


@dataclass
class Run:
    """Lanes by name, each with its calls."""

    by_lane: dict[str, list[Call]]
    recording: Recording = field(default_factory=Recording)

    @property
    def lanes(self) -> Sequence[LaneSummary]:
        return [LaneSummary(name, len(calls), b"") for name, calls in self.by_lane.items()]

    def blocks(self, lane: str) -> Sequence[BlockSummary]:
        return [BlockSummary(b"", len(self.by_lane[lane]))]

    def calls(self, lane: str, block: int | None = None) -> Iterator[Call]:
        del block
        return iter(self.by_lane[lane])

    def columns(self, lane: str, block: int) -> CallColumns:
        return columns_of(self.calls(lane, block))


def parameter(name: str, kind: ParameterKind = ParameterKind.POSITIONAL_OR_KEYWORD) -> Parameter:
    return Parameter(name, kind)


VAT = Callable(
    "shop.tax:vat",
    "shop.tax",
    CallableKind.FUNCTION,
    Flow.CALL,
    (parameter("net"), parameter("rates", ParameterKind.VAR_POSITIONAL), parameter("more", ParameterKind.VAR_KEYWORD)),
)
ITEMS = Callable(
    "shop.cart:Cart.items", "shop.cart", CallableKind.METHOD, Flow.GENERATOR, (parameter("self"),), bound=True
)
CALLABLES = Recording(callables=(VAT, ITEMS))


def test_a_recording_reads_from_what_was_watched_to_each_call() -> None:
    recording = Recording(
        python="3.11",
        boundaries=("shop",),
        components=(Component("shop"), Component("tests", watched=False)),
        callables=(VAT,),
        losses=(Loss("shop.tax:vat", "nested too deeply", 1200),),
        noise=(Rule("shop.ids:new", "returned-value", "return", LEARNED),),
    )
    run = Run({"main": [call("shop.tax:vat", 10, [], {}, result=1.5)]}, recording)

    assert list(show(run)) == [
        "python 3.11",
        "boundary shop",
        "component shop",
        "lost 1,200 of shop.tax:vat: nested too deeply",
        "noise shop.ids:new returned-value return (learned)",
        "",
        "lane main",
        "  <outside> -> shop.tax:vat(net=10, *rates=[], **more={}) -> 1.5",
    ]


NESTED = Run(
    {
        "main": [
            call("shop.checkout:checkout"),
            call("shop.tax:vat", 1, [], {}, parent=1),
            call("shop.tax:vat", 2, [], {}, parent=1),
            call("shop.checkout:checkout", parent=3),
            call("shop.tax:vat", 3, [], {}, outcome=Raised(error("ValueError", "no rate"))),
        ],
        "other": [call("shop.cart:Cart.items")],
    },
    CALLABLES,
)


def test_a_tree_indents_calls_below_the_call_they_were_made_in() -> None:
    lines = list(show(NESTED))

    assert [len(line) - len(line.lstrip()) for line in lines[2:7]] == [2, 4, 6, 4, 2]


def test_a_flat_view_indents_nothing_more() -> None:
    lines = list(show(NESTED, tree=False))

    assert {len(line) - len(line.lstrip()) for line in lines if "->" in line} == {2}


def test_a_raised_exception_stands_in_place_of_the_result() -> None:
    assert "  <outside> -> shop.tax:vat(net=3, *rates=[], **more={}) !! ValueError('no rate')" in show(NESTED)


def test_items_and_changed_arguments_stand_below_their_call() -> None:
    items = (
        Item(ItemKind.YIELDED, snapshot("tea")),
        Item(ItemKind.SENT, snapshot(2)),
        Item(ItemKind.THROWN, error("KeyError", "x")),
    )
    made = call("shop.cart:Cart.items", {}, items=items, after=((0, snapshot({"seen": 1})),), outcome=Unfinished())

    assert list(show(Run({"main": [made]}, CALLABLES)))[1:] == [
        "lane main",
        "  <outside> -> shop.cart:Cart.items(self={}) -> (unfinished)",
        "    yields 'tea'",
        "    is sent 2",
        "    is thrown KeyError('x')",
        "    ~ self: {'seen': 1}",
    ]


def test_patterns_choose_callables_and_lanes_and_leave_no_empty_lane() -> None:
    assert [line for line in show(NESTED, callable_glob="shop.cart:*") if line] == [
        "lane other",
        "  <outside> -> shop.cart:Cart.items() -> None",
    ]
    assert "lane main" not in show(NESTED, lane_glob="o*")


def test_only_calls_that_raised_can_be_asked_for() -> None:
    assert sum(" -> shop" in line for line in show(NESTED, raised_only=True)) == 1


def test_a_limit_bounds_the_calls_and_says_so() -> None:
    lines = list(show(NESTED, limit=5))

    assert sum(" -> shop" in line for line in lines) == 5
    assert lines[-1] == "… only the first 5 calls shown"
    assert "only the first" not in "".join(show(NESTED, limit=6))


def test_a_limit_inside_a_lane_is_told_too() -> None:
    assert list(show(NESTED, lane_glob="main", limit=2))[-1] == "… only the first 2 calls shown"


def test_an_unknown_callable_shows_its_arguments_by_position() -> None:
    assert "  <outside> -> x:f(#0=1, #1='a') -> None" in show(Run({"main": [call("x:f", 1, "a")]}))


def test_values_are_bounded_and_harmless() -> None:
    made = call(
        "x:\x1b[2J",
        "\x1b[31m" + "y" * 5_000,
        result="z\n" * 5_000,
        caller="\x07",
        outcome=Raised(error("E\x1b", "\x1b")),
    )
    lines = list(show(Run({"lane\x1b\n": [made]})))

    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) < 400


def test_the_same_calls_give_the_same_lines_wherever_they_stand_in_a_lane() -> None:
    one = call("x:f", 1)
    alone = list(show(Run({"main": [one]})))
    later = list(show(Run({"main": [call("x:g"), call("x:g"), one]})))

    assert alone[-1] == later[-1]


def test_a_recording_is_summed_up_by_what_it_watched() -> None:
    recording = Recording(python="3.11", components=(Component("shop"), Component("tests", watched=False)))
    run = Run({"a": [call("x:f"), call("x:f")], "b": [call("x:f")]}, recording)

    assert summarise_cassette("run.cassette", 312, run) == CassetteSummary("run.cassette", 312, 3, 2, 1, "3.11")
