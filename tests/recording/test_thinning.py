"""Past a callable's budget of detail calls are kept as sums: recording stays flat, and a difference is still found and named."""

from __future__ import annotations

import json

import pytest

from tests.helpers import Project
from tests.recording.recordings import path, record_five, text
from tracer.compare.statistics import statistics
from tracer.model import Returned
from tracer.storage.reader import open_cassette, verify
from tracer.workflows import diff

FILES = {
    "shop/__init__.py": "",
    "shop/price.py": """
        import os
        from shop.tax import vat

        def total(number, rate):
            return number + vat(number % 50)

        def items(number):
            yield from range(number)

        def moved():
            return int(os.environ.get("AT", "-1"))
    """,
    "shop/tax.py": """
        import os
        AT = int(os.environ.get("AT", "-1"))
        MORE = os.environ.get("MORE") == "1"

        def vat(amount):
            return amount * 2

        def once(number):
            if number == AT:
                return "changed"
            return number
    """,
    "app.py": """
        from shop.price import items, total
        from shop.tax import MORE, once, vat

        if __name__ == "__main__":
            if MORE:
                once(-5)
            for number in range(3_000):
                total(number, 0.5)
                once(number)
            for number in range(200):
                list(items(3))
    """,
    "tracer.toml": "detail_calls = 100\n",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was recorded as it is, in Python alone, with one value changed late, with one call more at the front, and in detail."""
    project = Project(tmp_path_factory.mktemp("thin"), FILES)
    return record_five(project, late={"AT": "2500"}, more={"MORE": "1"})


def test_a_recording_says_what_was_thinned(project: Project) -> None:
    told = (project.folder / "same.told").read_text(encoding="utf-8")

    assert "9,200 calls recorded" in told
    assert "Of 8,800 calls past the budget of detail sums are kept" in told
    assert "shop.tax:once (2,900), shop.tax:vat (2,900)" in told or "shop.tax:vat (2,900)" in told
    assert "thinned 2,900 of shop.tax:once: past the budget of detail, kept as sums" in text(project, "same")
    assert "9,200" in project.tracer("list", ".").stdout
    with open_cassette(path(project, "same")) as cassette:
        assert statistics(cassette, "same").calls == 9_200
    verify(path(project, "same"))


def test_hooks_in_c_and_in_python_keep_the_same(project: Project) -> None:
    assert path(project, "same").read_bytes() == path(project, "pure").read_bytes()


def test_calls_inside_one_that_is_not_kept_belong_to_what_is(project: Project) -> None:
    """Their distances lead to calls that are there; the first are kept with what they made."""
    with open_cassette(path(project, "same")) as cassette:
        (lane,) = cassette.lanes
        calls = list(cassette.calls(lane.name))

    assert lane.calls == 400
    assert lane.calls_made == 9_200
    assert all(0 <= call.parent <= place for place, call in enumerate(calls))
    assert {calls[place - call.parent].callable for place, call in enumerate(calls) if call.parent} == {
        "shop.price:total"
    }
    assert all(isinstance(call.outcome, Returned) for call in calls)


def test_equal_runs_are_equal_and_say_how_much_of_that_is_by_sums(project: Project) -> None:
    done = project.tracer("diff", "same.cassette", "pure.cassette", "--format", "json")

    found = json.loads(done.stdout)
    assert (done.exit, found["verdict"], found["findings"]) == (0, "same", [])
    assert found["old"]["calls"] == found["new"]["calls"] == found["summary"]["compared"] == 9_200
    assert found["summary"]["thinned"] == 8_800
    assert "8,800 calls past the budget of detail were compared by their sums" in " ".join(found["notes"])


def test_a_late_difference_is_found_and_the_option_named_that_keeps_its_detail(project: Project) -> None:
    done = project.tracer("diff", "same.cassette", "late.cassette")
    told = " ".join(done.stdout.split())

    comparison = diff(path(project, "same"), path(project, "late"))
    (finding,) = comparison.findings
    assert done.exit == 1
    assert (finding.callable, finding.kind.value, finding.severity.value) == (
        "shop.tax:once",
        "returned-value",
        "changed",
    )
    assert (finding.role.value, finding.confidence.value) == ("origin", "low")
    assert finding.example is not None
    option = finding.example.arguments.rpartition("--detail-calls ")[2].partition("`")[0]
    assert "keeps their detail" in told
    assert 2_501 <= int(option) <= 3_000
    assert comparison.summary.changed < 2_900

    for name, env in (("old", {}), ("new", {"AT": "2500"})):
        again = project.tracer(
            "record", "--detail-calls", option, "-o", f"{name}.cassette", "--", "python", "app.py", env=env
        )
        assert again.exit == 0
    (closer,) = diff(path(project, "old"), path(project, "new")).findings
    assert (closer.path, closer.before, closer.after) == ("return", "2500", "'changed'")


def test_one_call_more_at_the_front_is_that_and_nothing_else(project: Project) -> None:
    """The last call kept of the old side is the first that is not of the new one."""
    for old, new, kind in (("same", "more", "call-added"), ("more", "same", "call-removed")):
        (finding,) = diff(path(project, old), path(project, new)).findings

        assert (finding.callable, finding.kind.value, finding.count) == ("shop.tax:once", kind, 1)


def test_sums_and_detail_compare(project: Project) -> None:
    """What one side keeps in detail the other has sums of."""
    for old, new in (("same", "whole"), ("whole", "same")):
        comparison = diff(path(project, old), path(project, new))
        assert comparison.findings == ()
        assert comparison.summary.identical == 9_200

    assert "thinned" not in text(project, "whole")
    (finding,) = diff(path(project, "whole"), path(project, "late")).findings
    assert finding.callable == "shop.tax:once"


@pytest.mark.parametrize("words", [("--detail-calls", "-1"), ("--detail-calls", "few")])
def test_a_bad_number_of_calls_is_refused(project: Project, words: tuple[str, str]) -> None:
    done = project.tracer("record", *words, "--", "python", "app.py")

    assert done.exit == 2
    assert "--detail-calls" in done.stderr
