"""Folder against folder: every pair is compared, and a change that shows in many of them is one finding."""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import tracer
from tests.helpers import REPOSITORY
from tracer import errors, workflows
from tracer.compare.context import Request
from tracer.compare.result import Role
from tracer.compare.together import together
from tracer.storage import store
from tracer.workflows.decisions import accept_findings
from tracer.workflows.folders import Pair, compare_pair
from tracer.workflows.places import cassettes_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from tests.helpers import Project

BEFORE = REPOSITORY / "cassettes" / "demo-before.cassette"
AFTER = REPOSITORY / "cassettes" / "demo-after.cassette"
PAIRS = ("a.cassette", "b.cassette", "deep/c.cassette")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders with three pairs, one of them alike, and one cassette on each side alone."""
    for side, names in (("old", (*PAIRS, "gone.cassette")), ("new", (*PAIRS, "came.cassette"))):
        for name in names:
            changed = side == "new" and name != "a.cassette"
            store.copy_into_place(AFTER if changed else BEFORE, tmp_path / side / name)
    return tmp_path / "old", tmp_path / "new"


def test_a_change_in_many_cassettes_is_one_finding(folders: tuple[Path, Path]) -> None:
    alone, found = tracer.diff(BEFORE, AFTER), tracer.diff(*folders)

    assert found.verdict is alone.verdict
    assert [finding.key for finding in found.findings] == [finding.key for finding in alone.findings]
    for one, many in zip(alone.findings, found.findings, strict=True):
        assert (many.count, many.callers, many.role) == (2 * one.count, one.callers, one.role)
        assert many.example is None or many.example.lane.startswith("b.cassette: ")
    assert found.summary.changed == 2 * alone.summary.changed
    assert found.new.calls == 2 * alone.new.calls + alone.old.calls
    assert found.notes[:2] == (
        "1 cassette only in OLD was not compared: gone.cassette.",
        "1 cassette only in NEW was not compared: came.cassette.",
    )


def test_accepted_changes_lie_beside_each_old_cassette(folders: tuple[Path, Path]) -> None:
    old, _ = folders
    key = tracer.diff(*folders).findings[0]
    for name in PAIRS[1:]:
        accept_findings(old / name, [key], reason="as meant")

    found = tracer.diff(*folders)

    assert key.key not in {finding.key for finding in found.findings}
    assert found.summary.accepted == 2


def test_any_executor_may_compare_and_the_result_is_the_same(folders: tuple[Path, Path]) -> None:
    """Pairs come back in any order."""
    terms = workflows.Terms(Request(places=True, trees=5, edges=True))
    here = workflows.compare(*folders, terms=terms)

    with ThreadPoolExecutor(2) as executor:
        assert workflows.compare(*folders, terms=terms, executor=executor) == here
    pairs = [
        (name, compare_pair(Pair(folders[0] / name, folders[1] / name, workflows.settings(), terms))) for name in PAIRS
    ]
    names = str(folders[0]), str(folders[1])
    assert together(dict(pairs), *names) == together(dict(reversed(pairs)), *names)
    assert here.context is not None
    assert dict(here.context.trees)


def test_an_origin_in_one_pair_is_an_origin() -> None:
    one = tracer.diff(BEFORE, AFTER)
    other = replace(one, findings=tuple(replace(each, role=Role.EFFECT) for each in one.findings))

    found = together({"a": other, "b": one}, "old", "new")

    assert [each.role for each in found.findings] == [each.role for each in one.findings]


def test_many_pairs_are_compared_by_processes_with_the_same_result(project: Project) -> None:
    for number in range(8):
        store.copy_into_place(BEFORE, project.folder / "old" / f"{number}.cassette")
        store.copy_into_place(AFTER if number else BEFORE, project.folder / "new" / f"{number}.cassette")

    done = project.tracer("diff", "old", "new", "--format", "json")

    found = tracer.diff(project.folder / "old", project.folder / "new")
    assert done.exit == 1, done.stderr
    told = json.loads(done.stdout)
    assert [each["key"] for each in told["findings"]] == [each.key for each in found.findings]
    assert [each["count"] for each in told["findings"]] == [each.count for each in found.findings]


def test_what_cannot_be_compared_is_told(folders: tuple[Path, Path], tmp_path: Path) -> None:
    old, new = folders
    with pytest.raises(errors.TracerError, match="is a folder and"):
        tracer.diff(old, BEFORE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(errors.TracerError, match="no cassette of the same name"):
        tracer.diff(old, tmp_path / "empty")
    (new / "deep" / "c.cassette").write_bytes(b"no cassette")
    with pytest.raises(errors.NotACassette, match=r"deep/c\.cassette"):
        tracer.diff(old, new)
    assert list(cassettes_in(old)) == ["a.cassette", "b.cassette", "deep/c.cassette", "gone.cassette"]


class Failing(ThreadPoolExecutor):
    """An executor whose work ends in some exception."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(1)
        self._error = error

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(self._error)
        return future


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ModuleNotFoundError("No module named 'tracer'"), "a worker cannot load tracer (No module named 'tracer')"),
        (type("KilledWorker", (Exception,), {})("task", "worker"), "several workers died of one task"),
        (KeyError("what"), "a worker failed (KeyError: 'what')"),
    ],
)
def test_an_executor_that_breaks_is_told_in_one_sentence(
    error: Exception, told: str, folders: tuple[Path, Path]
) -> None:
    with pytest.raises(errors.TracerError) as raised, Failing(error) as executor:
        workflows.compare(*folders, executor=executor)

    assert str(raised.value).startswith(f"Couldn't compare the folders: {told}. ")
