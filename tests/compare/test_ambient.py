"""Other surroundings are no change; values that follow from them alone are noise, others keep their severity."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compare.runs import Run, call, function
from tracer.ambient import AMBIENT
from tracer.compare.compare import compare
from tracer.compare.result import Kind, Role, Severity, Verdict
from tracer.model import Callable, CallableKind, Flow

CLOCK = Callable("time:time", AMBIENT, CallableKind.FOREIGN, Flow.CALL, ())


def run(now: float, stamped: Any, *, code: str = "a", reads: int = 1) -> Run:
    """A callable that reads the clock and returns something made of it."""
    calls = [
        call("shop:stamp", outcome=stamped),
        *[call("time:time", outcome=now, parent=n + 1, caller="shop") for n in range(reads)],
    ]
    return Run(CLOCK, function("shop:stamp", code=code), main=calls)


def compared(old: Run, new: Run) -> Any:
    return compare(old, new, old_name="old", new_name="new")


def test_what_follows_from_another_time_alone_is_noise_and_says_so() -> None:
    found = compared(run(1.0, "at 1"), run(2.0, "at 2"))

    by_name = {finding.callable: finding for finding in found.findings}
    assert found.verdict is Verdict.NOISE
    assert {name: finding.severity for name, finding in by_name.items()} == dict.fromkeys(
        ("time:time", "shop:stamp"), Severity.NOISE
    )
    assert by_name["shop:stamp"].role is Role.EFFECT
    assert by_name["shop:stamp"].explained_by == by_name["time:time"].key
    assert found.notes == (
        "1 read of the surroundings gave something else: time:time (1). 1 finding follows from that alone, and counts as noise.",
    )
    assert found.summary.changed == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (run(1.0, "at 1"), run(2.0, "at 2", code="b")),  # other code may do otherwise by itself
        (run(1.0, "at 1"), run(2.0, None)),  # another type
        (run(1.0, "at 1"), run(1.0, "at 2")),  # the same time
    ],
)
def test_what_need_not_follow_from_it_is_a_change(old: Run, new: Run) -> None:
    found = compared(old, new)

    (finding,) = [each for each in found.findings if each.callable == "shop:stamp"]
    assert finding.severity.rank <= Severity.CHANGED.rank
    assert found.verdict in {Verdict.CHANGED, Verdict.BREAKING}


def test_reads_that_come_and_go_are_no_change_of_an_interface() -> None:
    """More reads, fewer, or none because only one run recorded them."""
    without = Run(function("shop:stamp", code="a"), main=[call("shop:stamp", outcome="at 1")])
    for old, new in [
        (run(1.0, "at 1"), run(1.0, "at 1", reads=3)),
        (run(1.0, "at 1", reads=3), run(1.0, "at 1")),
        (run(1.0, "at 1"), without),
        (without, run(1.0, "at 1")),
    ]:
        found = compared(old, new)

        assert found.findings == ()
        assert found.verdict is Verdict.SAME
        assert (found.summary.added, found.summary.removed) == (0, 0)


def test_an_argument_made_of_the_time_is_explained_by_it() -> None:
    def passing(now: float) -> Run:
        calls = [
            call("shop:go", outcome=None),
            call("time:time", outcome=now, parent=1, caller="shop"),
            call("store:put", [now], parent=2, caller="shop"),
        ]
        return Run(CLOCK, function("shop:go", code="a"), function("store:put", "at", code="a"), main=calls)

    found = compared(passing(1.0), passing(2.0))

    (finding,) = [each for each in found.findings if each.callable == "store:put"]
    assert (finding.kind, finding.severity) == (Kind.ARGUMENT_PASSED, Severity.NOISE)
