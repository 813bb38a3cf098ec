"""What reports show beside findings: only what was asked for, and the calls that were compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.compare.runs import Run, call, function
from tracer.compare.compare import compare
from tracer.compare.context import NOTHING, Context, Place, Request
from tracer.config import Config
from tracer.workflows.context import with_context

if TYPE_CHECKING:
    from pathlib import Path

    from tracer.compare.result import Comparison

VAT = function("shop.tax:vat", "net", file="shop/tax.py")
GONE = function("lib.text:shorten", "text")


def run(rate: int, *more: str, module: str = "shop.tax", lane: str = "main") -> Run:
    """A run of the tax; with `more`, a boundary around a library too, whose calls stand before and around."""
    vat = call(f"{module}:vat", [1], rate, caller="shop.app")
    known = replace(VAT, name=f"{module}:vat", component=module)
    calls = [vat]
    if more:
        calls = [call(GONE.name, ["x"], "x", caller="shop.app")] * 3 + [replace(vat, parent=1)]
    made = Run(known, *([GONE] if more else [])).with_lanes({lane: calls})
    made.recording = replace(made.recording, boundaries=("shop", *more))
    return made


def contexts(old: Run, new: Run, request: Request, config: Config) -> tuple[Comparison, Context]:
    comparison = compare(old, new, old_name="old", new_name="new", renamed=dict(config.renamed))
    told = with_context(comparison, old, new, request, config)
    return told, told.context or Context()


def test_nothing_asked_for_is_nothing_read(tmp_path: Path) -> None:
    old, new = run(1), run(2)
    comparison = compare(old, new, old_name="old", new_name="new")
    reads = old.reads, new.reads

    assert with_context(comparison, old, new, NOTHING, Config(root=tmp_path)) is comparison
    assert (old.reads, new.reads) == reads


def test_places_trees_and_edges_come_when_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "tax.py").write_text("\ndef vat(net): ...\n", encoding="utf-8")

    told, context = contexts(run(1), run(2), Request(places=True, trees=5, edges=True), Config(root=tmp_path))

    assert dict(context.places) == {"shop.tax:vat": Place("shop/tax.py", 2)}
    assert [key for key, _ in context.trees] == [told.findings[0].key]
    assert [(edge.caller, edge.callee, edge.old, edge.new) for edge in context.edges] == [
        ("shop.app", "shop.tax", 1, 1)
    ]
    assert [(name, share.crossed, share.public) for name, share in context.interfaces] == [("shop.tax", 1, 1)]


def test_of_recordings_with_other_boundaries_the_example_is_the_call_that_was_compared(tmp_path: Path) -> None:
    _, context = contexts(run(1, "lib"), run(2), Request(trees=5), Config(root=tmp_path))

    here = [near for _, tree in context.trees for near in tree if near.here]
    assert [(near.callable, near.old and near.old.outcome, near.new and near.new.outcome) for near in here] == [
        ("shop.tax:vat", "1", "2")
    ]


def test_in_renamed_modules_the_example_is_found_on_both_sides(tmp_path: Path) -> None:
    old, new = run(1, module="shop.vat", lane="import shop.vat"), run(2, lane="import shop.tax")

    _, context = contexts(old, new, Request(trees=5), Config(root=tmp_path, renamed=(("shop.vat", "shop.tax"),)))

    here = [near for _, tree in context.trees for near in tree if near.here]
    assert [(near.callable, near.old and near.old.outcome, near.new and near.new.outcome) for near in here] == [
        ("shop.tax:vat", "1", "2")
    ]
