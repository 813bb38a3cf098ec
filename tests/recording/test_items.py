"""Past a callable's budget of detail the items of a generator are kept as sums: one that never ends takes no more than others."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compare.runs import Run, function, snapshot
from tests.compare.runs import call as made
from tests.helpers import Project
from tests.recording.recordings import path, record_five, text
from tracer import sums
from tracer.compare.compare import compare
from tracer.model import Item, ItemKind
from tracer.recording.thinning import MOST_ITEMS
from tracer.storage.reader import open_cassette, verify
from tracer.workflows import diff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.compare.result import Comparison
    from tracer.model import Call

FILES = {
    "shop/__init__.py": "",
    "shop/streams.py": """
        import os
        AT = int(os.environ.get("AT", "-9"))
        FIRST = int(os.environ.get("FIRST", "0"))

        def numbers(count):
            for number in range(FIRST if count > 1_000 else 0, count):
                yield "changed" if number == AT else number

        def echo():
            got = None
            while True:
                try:
                    got = yield got
                except KeyError as error:
                    got = error.args[0]

        async def later(count):
            for number in range(count):
                yield {"number": number}

        def failing(count):
            yield from range(count)
            raise ValueError(count)
    """,
    "app.py": """
        import asyncio
        from shop.streams import echo, failing, later, numbers

        async def collect():
            return [each async for each in later(40)]

        if __name__ == "__main__":
            assert sum(1 for _ in numbers(9_000)) >= 9_000
            for pair in zip(numbers(50), numbers(60)):
                pass
            echoing = echo()
            next(echoing)
            for number in range(30):
                assert echoing.send(number) == number
            assert echoing.throw(KeyError("thrown")) == "thrown"
            echoing.close()
            asyncio.run(collect())
            try:
                list(failing(30))
            except ValueError:
                pass
            left = numbers(1_000)
            for _ in range(100):
                next(left)
    """,
    "tracer.toml": "detail_calls = 5\n",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was recorded as it is, in Python alone, with an item changed late, with one more at the front, and in detail."""
    project = Project(tmp_path_factory.mktemp("items"), FILES)
    return record_five(project, late={"AT": "8500"}, more={"FIRST": "-1"})


def kept(project: Project, name: str) -> list[Call]:
    with open_cassette(path(project, name)) as cassette:
        return [call for lane in cassette.lanes for call in cassette.calls(lane.name)]


def test_sums_and_detail_tell_of_the_same_items(project: Project) -> None:
    """Of each call that is kept in both: however much of its items is, whatever was sent and thrown in, and whether it ended."""
    few, all_ = kept(project, "same"), kept(project, "whole")

    assert len(few) == len(all_)
    for one in few:
        (other,) = [each for each in all_ if (each.callable, each.arguments) == (one.callable, one.arguments)]
        assert sums.items_together(one.items) == sums.items_together(other.items)
        assert (one.outcome, one.after) == (other.outcome, other.after)
        assert not any(item.kind is ItemKind.SUMMED for item in other.items)
    cut = {one.callable for one in few if any(item.kind is ItemKind.SUMMED for item in one.items)}
    assert cut == {f"shop.streams:{name}" for name in ("numbers", "echo", "later", "failing")}
    assert max(len(one.items) for one in few) < 9_000 / MOST_ITEMS + 25


def test_hooks_in_c_and_in_python_keep_the_same_items(project: Project) -> None:
    assert path(project, "same").read_bytes() == path(project, "pure").read_bytes()


def test_a_recording_says_of_how_many_items_it_keeps_sums(project: Project) -> None:
    told = (project.folder / "same.told").read_text(encoding="utf-8")
    with open_cassette(path(project, "same")) as cassette:
        counted = dict(cassette.recording.items_summed)
    with open_cassette(path(project, "whole")) as cassette:
        assert cassette.recording.items_summed == ()

    assert counted["shop.streams:numbers"] > 8_900
    assert f"Of {sum(counted.values()):,} generator items past the budget of detail sums are kept" in told
    shown = text(project, "same")
    assert f"thinned {counted['shop.streams:numbers']:,} items of shop.streams:numbers" in shown
    assert f"and so on: <items of {MOST_ITEMS}>" in shown
    verify(path(project, "same"))


def test_equal_streams_are_equal_whatever_each_side_keeps(project: Project) -> None:
    for old, new in (("same", "pure"), ("same", "whole"), ("whole", "same")):
        assert diff(path(project, old), path(project, new)).findings == ()

    (note,) = [note for note in diff(path(project, "same"), path(project, "pure")).notes if "generator items" in note]
    assert "were compared by their sums: shop.streams:numbers" in note


def test_an_item_that_changed_late_is_found_with_the_items_it_is_among(project: Project) -> None:
    (finding,) = diff(path(project, "same"), path(project, "late")).findings

    assert (finding.callable, finding.kind.value, finding.path) == ("shop.streams:numbers", "yielded", "yielded[sums]")
    first, last = (int(word.replace(",", "")) for word in finding.before.split(" in ")[0].strip("<,").split()[1::2])
    assert first <= 8_501 <= last < first + MOST_ITEMS
    (closer,) = diff(path(project, "whole"), path(project, "late")).findings
    assert (closer.callable, closer.path) == ("shop.streams:numbers", "yielded[sums]")


def test_an_item_more_at_the_front_is_that_and_nothing_else(project: Project) -> None:
    """The last items in detail of the one side are among those the other summed up."""
    comparison = diff(path(project, "same"), path(project, "more"))

    (finding,) = comparison.findings
    assert (finding.kind.value, finding.path) == ("yielded", "yielded[*]")
    assert (finding.before, finding.after, finding.count) == ("(absent)", "-1", 1)


def test_what_was_not_kept_is_neither_replayed_nor_played_back(project: Project) -> None:
    replayed = project.tracer("replay", "same.cassette", "--only", "shop.streams:failing")
    assert replayed.exit == 2
    assert "of some of its items only sums are kept" in " ".join(replayed.stderr.split())

    play = project.with_files({"play.py": "from shop.streams import failing\nlist(failing(30))\n"})
    played = play.tracer("playback", "same.cassette", "--components", "shop.streams", "--", sys.executable, "play.py")
    assert played.exit != 0
    assert "items past the budget of detail, of which only a sum was kept" in " ".join(played.stderr.split())


def test_what_a_killed_process_had_summed_up_is_kept(project: Project) -> None:
    killed = """
        import os, signal
        from shop.streams import numbers
        for number in numbers(20_000):
            if number == 10_000:
                os.kill(os.getpid(), signal.SIGKILL)
        """
    project.with_files({"killed.py": killed}).tracer("record", "-o", "killed.cassette", "--", "python", "killed.py")

    (call,) = kept(project, "killed")
    count, found = sums.items_together(call.items)
    assert 10_001 - MOST_ITEMS < count <= 10_001
    items = [Item(ItemKind.YIELDED, snapshot(number)) for number in range(count)]
    assert (count, found) == sums.items_together(items)


# -- comparing items of which some are in sums -----------------------------------------------------------------------------------

ITEMS = st.lists(
    st.builds(Item, st.sampled_from([ItemKind.YIELDED, ItemKind.SENT]), st.integers(0, 3).map(snapshot)), max_size=12
)


def summed(items: Sequence[Item], detail: int, run: int = 3) -> tuple[Item, ...]:
    """Return items as a recorder keeps them that keeps so many in detail, and a sum of each `run` after them."""
    kept, rest = list(items[:detail]), items[detail:]
    runs = (rest[at : at + run] for at in range(0, len(rest), run))
    return (*kept, *(Item(ItemKind.SUMMED, sums.items_snapshot(*sums.items_together(each))) for each in runs))


def compared(old: Sequence[Item], new: Sequence[Item]) -> Comparison:
    known = function("shop.a:stream")
    runs = [Run(known, main=[made("shop.a:stream", items=items)]) for items in (old, new)]
    return compare(*runs, old_name="old", new_name="new")


@given(items=ITEMS, one=st.integers(0, 12), other=st.integers(0, 12))
def test_equal_items_are_equal_wherever_detail_ends(items: list[Item], one: int, other: int) -> None:
    assert compared(summed(items, one), summed(items, other)).findings == ()


@given(items=ITEMS, at=st.integers(0, 12), one=st.integers(0, 12), other=st.integers(0, 12))
def test_an_item_more_is_found_wherever_detail_ends(items: list[Item], at: int, one: int, other: int) -> None:
    """Alone where it is in detail; else sums tell that there is one more."""
    more = [*items[:at], Item(ItemKind.YIELDED, snapshot("more")), *items[at:]]

    findings = compared(summed(items, one), summed(more, other)).findings

    assert findings
    place = more.index(Item(ItemKind.YIELDED, snapshot("more")))
    if place < min(one, other):
        assert {finding.after for finding in findings} >= {"'more'"}


@given(items=ITEMS.filter(bool), data=st.data(), one=st.integers(0, 12), other=st.integers(0, 12))
def test_another_item_is_found_wherever_detail_ends(
    items: list[Item], data: st.DataObject, one: int, other: int
) -> None:
    at = data.draw(st.integers(0, len(items) - 1))
    changed = [*items[:at], replace(items[at], value=snapshot("other")), *items[at + 1 :]]

    assert compared(summed(items, one), summed(changed, other)).findings


@given(st.binary())
def test_a_snapshot_that_stands_for_no_items_counts_none(data: bytes) -> None:
    count, found = sums.of_items(data)
    assert count >= 0
    assert count or found == sums.NOTHING


def test_a_report_in_json_tells_of_sums_as_of_any_value(project: Project) -> None:
    report = json.loads(project.tracer("diff", "same.cassette", "late.cassette", "--format", "json").stdout)
    (finding,) = report["findings"]
    assert finding["path"] == "yielded[sums]"
    assert finding["before"].startswith("<items ")
