"""The file of accepted changes: readable, sorted, merged by line, and nothing of it is ever lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import Project
from tracer.compare.result import Comparison, Confidence, Finding, Kind, Role, Severity, Side, Summary, Verdict
from tracer.config import parse_toml
from tracer.errors import ReviewError
from tracer.report.safe import plain
from tracer.review.acceptances import Acceptance, add, dump, load
from tracer.review.settle import settle

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 6, 1)
texts = st.text(max_size=30).map(plain)
keys = st.text("0123456789abcdef", min_size=12, max_size=12)
acceptances = st.builds(
    Acceptance,
    key=keys,
    callable=texts.filter(bool),
    kind=st.sampled_from([kind.value for kind in Kind]),
    path=texts,
    before=texts,
    after=texts,
    changes=st.lists(keys, min_size=1, max_size=3).map(tuple),
    reason=texts,
    by=texts,
    until=st.none() | st.dates(),
)


def accepted(key: str, *changes: str, **more: object) -> Acceptance:
    values = {
        "callable": "shop.tax:vat",
        "kind": "returned-value",
        "path": "return",
        "before": "1",
        "after": "2",
        **more,
    }
    return Acceptance(key=key * 12, changes=changes or ("s1",), **values)  # type: ignore[arg-type]


def finding(key: str, *changes: str, severity: Severity = Severity.CHANGED) -> Finding:
    return Finding(
        key * 12, "shop.tax:vat", Kind.RETURNED_VALUE, severity, Role.ORIGIN, Confidence.HIGH, 1, 1, (), "return", "1", "2",
        changes=changes or ("s1",),
    )  # fmt: skip


def comparison(*findings: Finding, **more: int) -> Comparison:
    return Comparison(Verdict.CHANGED, Side("old", 1), Side("new", 1), Summary(), findings, **more)  # type: ignore[arg-type]


@given(st.lists(acceptances, max_size=5, unique_by=lambda each: each.key))
def test_what_is_written_is_what_is_read_sorted_by_key(
    tmp_path_factory: pytest.TempPathFactory, made: list[Acceptance]
) -> None:
    path = tmp_path_factory.mktemp("a") / "a.cassette.accepted.toml"

    for each in made:
        add(path, [each])

    assert list(load(path)) == sorted(made, key=lambda each: each.key)
    assert all(parse_toml(dump(each), "it") for each in made)


def test_each_acceptance_is_one_line_that_people_can_read(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    add(path, [accepted("b", reason='the new "rate"', by="Ada", until=date(2027, 1, 31)), accepted("a")])

    assert path.read_text("utf-8").splitlines()[1:] == [
        'aaaaaaaaaaaa = { callable = "shop.tax:vat", kind = "returned-value", path = "return", before = "1", after = "2", changes = ["s1"] }',
        'bbbbbbbbbbbb = { callable = "shop.tax:vat", kind = "returned-value", path = "return", before = "1", after = "2", reason = "the new \\"rate\\"", by = "Ada", until = 2027-01-31, changes = ["s1"] }',
    ]


def test_comments_and_other_lines_stay_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    add(path, [accepted("b")])
    head, line = path.read_text("utf-8").splitlines()
    path.write_text(f"{head}\n\n# agreed with Bo\n{line.replace(' }', ', later = 1 }')}\n", "utf-8")

    add(path, [accepted("a"), accepted("c")])

    told = path.read_text("utf-8").splitlines()
    assert told[:2] == [head, dump(accepted("a"))]
    assert told[3:] == ["# agreed with Bo", line.replace(" }", ", later = 1 }"), dump(accepted("c"))]


def test_branches_that_accept_different_changes_merge_without_a_conflict(tmp_path: Path) -> None:
    """With the line of .gitattributes that the documentation shows, also where both add at the same place."""
    path = tmp_path / "repo" / "a.cassette.accepted.toml"
    project = Project(path.parent, {".gitattributes": "*.cassette.accepted.toml merge=union\n"})
    project.write()
    add(path, [accepted("1"), accepted("9")])
    project.commit("base")
    project.run("git", "checkout", "-q", "-b", "other")
    add(path, [accepted("5"), accepted("9", "s2")])
    project.commit("other")
    project.run("git", "checkout", "-q", "main")
    add(path, [accepted("4"), accepted("5")])
    project.commit("mine")

    merged = project.run("git", "merge", "-q", "other", "-m", "merged")

    assert merged.exit == 0, merged.stdout + merged.stderr
    assert {(each.key[0], each.changes) for each in load(path)} >= {
        ("1", ("s1",)),
        ("4", ("s1",)),
        ("5", ("s1",)),
        ("9", ("s2",)),
    }


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", "=======", ">>>>>>> other", "||||||| base"])
def test_a_marker_of_a_merge_is_named_by_line_and_nothing_is_lost(tmp_path: Path, marker: str) -> None:
    path = tmp_path / "a.toml"
    add(path, [accepted("a"), accepted("b")])
    lines = path.read_text("utf-8").splitlines()
    text = "\n".join([*lines[:2], marker, *lines[2:]])
    path.write_text(text, "utf-8")

    for attempt in (lambda: load(path), lambda: add(path, [accepted("c")])):
        with pytest.raises(
            ReviewError,
            match=r"line 3 is the marker of a merge .* Keep the lines of both sides and remove the markers\.$",
        ):
            attempt()
    assert path.read_text("utf-8") == text


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nonsense", "line 1"),
        ("zz = { callable = 'x' }", "'zz' is no key"),
        ("aaaaaaaaaaaa = 1", "is no key of a finding with a table"),
        ("aaaaaaaaaaaa = { callable = 'x', changes = [] }", "it has no 'kind'"),
        ("aaaaaaaaaaaa = { callable = 1, kind = 'x', changes = [] }", "its callable is no text"),
        ("aaaaaaaaaaaa = { callable = 'x', kind = 'x', changes = [1] }", "its changes are no list of texts"),
        ("aaaaaaaaaaaa = { callable = 'x', kind = 'x', changes = [], until = 'soon' }", "its until is no date"),
        ("aaaaaaaaaaaa = " + "[" * 5000, "line 1"),
        ("a = 1; b = 2", "line 1"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(line, "utf-8")

    with pytest.raises(ReviewError) as caught:
        load(path)

    assert "line 1 is none" in str(caught.value)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_accepted_change_is_hidden_and_counted_and_the_verdict_is_that_of_the_others() -> None:
    found = comparison(finding("a", severity=Severity.BREAKING), finding("b"))

    told = settle(found, [accepted("a")], TODAY, "file")
    all_told = settle(found, [accepted("a"), accepted("b")], TODAY, "file")

    assert ([each.key[0] for each in told.findings], told.verdict, told.summary.accepted) == (["b"], Verdict.CHANGED, 1)
    assert (all_told.findings, all_told.verdict, all_told.summary.accepted, all_told.notes) == ((), Verdict.SAME, 2, ())


def test_a_further_change_under_the_same_key_is_told_again_and_said_to_be_another() -> None:
    told = settle(comparison(finding("a", "s1", "s2")), [accepted("a", "s1")], TODAY, "file")
    part = settle(comparison(finding("a", "s1")), [accepted("a", "s1", "s2")], TODAY, "file")
    either = settle(comparison(finding("a", "s2")), [accepted("a", "s1"), accepted("a", "s2")], TODAY, "file")

    assert (len(told.findings), told.summary.accepted) == (1, 0)
    assert "is not the change that was accepted any more" in told.notes[0]
    assert (part.findings, either.findings, either.notes) == ((), (), ())


def test_an_acceptance_holds_through_its_last_day_and_then_says_that_it_ended() -> None:
    holding = settle(comparison(finding("a")), [accepted("a", until=TODAY)], TODAY, "file")
    over = settle(comparison(finding("a")), [accepted("a", until=date(2026, 5, 31))], TODAY, "file")
    renewed = settle(
        comparison(finding("a")), [accepted("a", until=date(2026, 5, 31)), accepted("a", until=TODAY)], TODAY, "file"
    )

    assert (holding.findings, holding.notes) == ((), ())
    assert len(over.findings) == 1
    assert over.notes[0].endswith("was accepted until 2026-05-31, which is over.")
    assert (renewed.findings, renewed.notes) == ((), ())


def test_an_acceptance_of_what_is_not_seen_is_told_but_for_a_part_of_the_tests() -> None:
    whole, filtered = (settle(comparison(left_out=left_out), [accepted("a")], TODAY, "file") for left_out in (0, 1))
    many = settle(comparison(), [replace(accepted("a"), key=f"{n:012x}") for n in range(40)], TODAY, "file")

    assert "was not seen; if it is over, remove its line from file." in whole.notes[0]
    assert filtered.notes == ()
    assert len(many.notes) == 5
    assert many.notes[-1] == "36 more accepted changes ended or do not match; see file."
