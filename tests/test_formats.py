"""Every cassette ever published stays readable: one of each format version is kept in `cassettes/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.helpers import REPOSITORY
from tracer.compare.compare import compare
from tracer.compare.result import Verdict
from tracer.decode import decode, decode_arguments
from tracer.model import Raised, Returned
from tracer.storage.format import FORMAT
from tracer.storage.reader import open_cassette, verify

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = REPOSITORY / "cassettes"
KEPT = sorted(FOLDER.glob("format-*.cassette"))


def test_each_version_up_to_the_current_one_is_kept() -> None:
    assert [path.name for path in KEPT] == [f"format-{version}.cassette" for version in range(1, FORMAT + 1)]


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_a_cassette_of_an_earlier_version_is_whole_and_every_value_of_it_can_be_read(path: Path) -> None:
    found = verify(path)

    with open_cassette(path) as cassette:
        calls = [call for lane in cassette.lanes for call in cassette.calls(lane.name)]
        for call in calls:
            decode_arguments(call.arguments)
            match call.outcome:
                case Returned(value) | Raised(value):
                    decode(value)
    assert found.calls == len(calls) > 20
    assert any(isinstance(call.outcome, Raised) for call in calls)
    assert any(call.items for call in calls)
    assert any(call.after for call in calls)


def test_the_demo_cassettes_still_tell_the_story_of_the_demo() -> None:
    with open_cassette(FOLDER / "demo-before.cassette") as old, open_cassette(FOLDER / "demo-after.cassette") as new:
        comparison = compare(old, new, old_name="before", new_name="after")

    assert comparison.verdict is Verdict.CHANGED
    assert comparison.findings[0].callable == "shop.tax:vat"
