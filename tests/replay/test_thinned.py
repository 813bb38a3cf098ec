"""Replaying recordings of which some calls are known by sums alone: those cannot be made again, and are counted as that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers import Project

if TYPE_CHECKING:
    from collections.abc import Iterator

THINNED = "only sums are kept, past the budget of detail"
LACKED = "only sums are kept of what it calls, past the budget of detail"
FILES = {
    "shop/__init__.py": "",
    "shop/price.py": """
        from shop.tax import vat

        def total(numbers):
            return [vat(number) for number in numbers]
    """,
    "shop/tax.py": """
        def vat(amount):
            return amount * 2
    """,
    "tests/__init__.py": "",
    "tests/drive.py": """
        from shop.price import total
        from shop.tax import vat

        total([1])
        total(list(range(30)))
        for number in range(40):
            vat(number)
    """,
    "tracer.toml": "detail_calls = 20\n",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with a recording of 73 calls, 22 of them in detail: all of `total` and the first 20 of `vat`."""
    project = Project(tmp_path_factory.mktemp("thinned"), FILES)
    done = project.tracer("record", "-o", "run.cassette", "--", "python", "-m", "tests.drive")
    assert done.exit == 0, done.stderr
    yield project


def replayed(project: Project, *options: str) -> dict[str, Any]:
    """Replay the recording and return the report."""
    done = project.tracer("replay", "run.cassette", "--format", "json", *options)
    assert done.exit in {0, 1}, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_what_was_thinned_is_counted_as_not_made_and_neither_as_equal_nor_as_removed(project: Project) -> None:
    """That holds where today's code is other code, too: no sum is compared with itself and called equal."""
    otherwise = project.with_files({"shop/tax.py": "def vat(amount):\n    return amount * 3\n"})
    report = replayed(otherwise)

    assert {(each["callable"], each["kind"], each["count"]) for each in report["findings"]} >= {
        ("shop.tax:vat", "returned-value", 19),
    }
    assert report["replay"]["calls"] == 73
    assert report["replay"]["replayed"] == 22
    assert report["replay"]["skipped"] == [{"reason": THINNED, "type": "", "count": 51}]
    assert {"component": "shop.tax", "equal": 1, "changed": 19, "skipped": 51} in report["replay"]["components"]
    assert (report["summary"]["removed"], report["summary"]["thinned"], report["summary"]["compared"]) == (0, 0, 22)
    assert f"Not replayed: 51 calls, where {THINNED}." in report["notes"]
    assert not any("by their sums" in note or "differ too" in note for note in report["notes"])


def test_a_component_alone_is_not_judged_by_answers_that_were_not_kept(project: Project) -> None:
    """The second `total` lacks the answers to its last calls of `vat`, which were recorded as a sum: no finding about that."""
    unchanged = project.with_files(FILES)
    report = replayed(unchanged, "--isolated", "--only", "shop.price")

    assert report["findings"] == []
    assert report["replay"]["replayed"] == 1
    assert report["replay"]["skipped"] == [{"reason": LACKED, "type": "", "count": 1}]
