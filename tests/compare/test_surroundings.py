"""The calls around an example: enclosing, beside and inside, both sides in one tree, bounded, damaged or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.compare.runs import Run, call, function, raised
from tracer.compare.compare import compare
from tracer.compare.surroundings import MOST_TEXT, trees
from tracer.model import Item, ItemKind

if TYPE_CHECKING:
    from tracer.compare.context import NearCall
    from tracer.compare.result import Comparison
    from tracer.model import Call

KNOWN = (
    function("shop.checkout:checkout", "cart"),
    function("shop.tax:vat", "net", "category"),
    function("shop.money:rounded", "amount"),
    function("shop.audit:note", "text"),
)


def compared(old: Run, new: Run) -> Comparison:
    return compare(old, new, old_name="old", new_name="new")


def tree_of(old: list[Call], new: list[Call], callable_: str = "shop.tax:vat") -> tuple[NearCall, ...]:
    before, after = Run(*KNOWN, block=3, main=old), Run(*KNOWN, block=3, main=new)
    found = compared(before, after).findings
    key = next(finding.key for finding in found if finding.callable == callable_)
    return dict(trees(before, after, found, 100))[key]


def sketch(tree: tuple[NearCall, ...]) -> list[str]:
    """Write each call as its depth, sign and name, the example in brackets."""
    lines = []
    for near in tree:
        sign = "=" if near.same else "~" if near.old and near.new else "-" if near.old else "+"
        name = near.callable.partition(":")[2]
        lines.append(f"{near.depth}{sign} {f'[{name}]' if near.here else name}")
    return lines


def shop(rate: float, *, rounds: bool = False) -> list[Call]:
    inside = [call("shop.money:rounded", [1.0], 1, parent=1, caller="shop.tax")] if rounds else []
    return [
        call("shop.audit:note", ["before"]),
        call("shop.checkout:checkout", [[1]], rate),
        call("shop.audit:note", ["first"], parent=1, caller="shop.checkout"),
        call("shop.tax:vat", [1, "food"], rate, parent=2, caller="shop.checkout"),
        *inside,
        call("shop.audit:note", ["last"], parent=3 + len(inside), caller="shop.checkout"),
        call("shop.audit:note", ["after"]),
    ]


def test_a_tree_holds_what_encloses_the_example_what_stands_beside_it_and_what_it_calls() -> None:
    tree = tree_of(shop(1.0), shop(2.0, rounds=True))

    assert sketch(tree) == ["0~ checkout", "1= note", "1~ [vat]", "2+ rounded", "1= note"]


def test_the_example_has_its_arguments_by_name_and_both_outcomes() -> None:
    here = next(near for near in tree_of(shop(1.0), shop(2.0)) if near.here)

    assert (here.caller, here.component) == ("shop.checkout", "shop.tax")
    assert here.old is not None
    assert here.old.arguments == (("net", "1"), ("category", "'food'"))
    assert (here.old.outcome, here.new and here.new.outcome) == ("1.0", "2.0")


def test_a_call_that_is_only_on_one_side_stands_alone_among_what_that_side_has() -> None:
    tree = tree_of(shop(1.0), shop(1.0, rounds=True), "shop.money:rounded")

    assert sketch(tree) == ["0+ checkout", "1+ vat", "2+ [rounded]"]


def test_exceptions_items_and_changed_arguments_of_the_example_are_told() -> None:
    yielded = (Item(ItemKind.YIELDED, b"\x01"),)
    old = call("shop.tax:vat", [1, "food"], raised("builtins:KeyError", "food"), items=yielded, after={0: [7]})

    here = tree_of([old], [call("shop.tax:vat", [1, "food"], 2)])[0]

    assert here.old is not None
    assert here.old.raised
    assert here.old.outcome == "KeyError('food')"
    assert here.old.passed == (("yields", "1"), ("net afterwards", "[7]"))


def test_what_cannot_be_read_is_said_to_be_so() -> None:
    broken = call("shop.tax:vat", [1, "food"], 1.0)
    damaged = type(broken)(broken.callable, broken.caller, 0, broken.flow, b"\xc1", broken.outcome)

    here = tree_of([damaged], [call("shop.tax:vat", [1, "food"], 2.0)])[0]

    assert here.old is not None
    assert here.old.arguments == (("", "<<unreadable>>"),)


def test_trees_are_bounded_whatever_was_recorded() -> None:
    def deep(outcome: object) -> list[Call]:
        inner = [call("shop.money:rounded", ["x" * 900], outcome, parent=n % 50 + 1) for n in range(3_000)]
        return [call("shop.checkout:checkout", [1], outcome), *inner]

    tree = tree_of(deep(1), deep(2), "shop.checkout:checkout")

    assert len(tree) <= 2 * (6 + 3 + 1 + 3 + 16)
    assert all(len(text) <= 80 for near in tree[1:] for _, text in (near.old or near.new).arguments)  # type: ignore[union-attr]


def test_only_so_many_findings_get_a_tree_and_all_trees_together_have_a_bound() -> None:
    def lanes(outcome: str) -> Run:
        known = [function(f"shop.m{n}:f", "x") for n in range(900)]
        calls = [call(f"shop.m{n}:f", ["y" * 1_100], outcome + "z" * 1_000) for n in range(900)]
        return Run(*known, main=calls)

    old, new = lanes("a"), lanes("b")
    findings = compared(old, new).findings

    assert len(trees(old, new, findings, 5)) == 5
    assert len(trees(old, new, findings, 900)) <= MOST_TEXT / 4_000 + 1
