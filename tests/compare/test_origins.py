"""Origins and effects in one lane."""

from __future__ import annotations

from typing import Any

import pytest

from tracer.compare.origins import NO_FRAME, Cause, Code, Node, Presence, explain
from tracer.compare.result import Confidence, Role

ORIGIN, EFFECT, HIGH, LOW = Role.ORIGIN, Role.EFFECT, Confidence.HIGH, Confidence.LOW


def outcome(number: int, frame: int = NO_FRAME, **more: Any) -> Node:
    return Node(number, frame, number, outcome_changed=True, **more)


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([], []),
        ([outcome(0)], [ORIGIN]),
        ([outcome(0), outcome(1)], [ORIGIN, ORIGIN]),
        ([outcome(0), outcome(1, 0)], [EFFECT, ORIGIN]),
        ([outcome(0), outcome(1, 0), outcome(2, 1)], [EFFECT, EFFECT, ORIGIN]),
        ([outcome(0, arguments_changed=True)], [EFFECT]),
        ([outcome(0), outcome(1, 0, arguments_changed=True)], [ORIGIN, EFFECT]),
        ([outcome(0), outcome(1, 0), outcome(2, 0, arguments_changed=True)], [EFFECT, ORIGIN, EFFECT]),
        ([outcome(0, arguments_changed=True), outcome(1, 0)], [EFFECT, ORIGIN]),
        ([outcome(0), outcome(1, 9)], [ORIGIN, ORIGIN]),
    ],
)
def test_who_is_the_origin_of_an_outcome(nodes: list[Node], expected: list[Role]) -> None:
    assert [explanation.outcome.role for explanation in explain(nodes)] == expected


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([Node(0, NO_FRAME, 0, arguments_changed=True)], (ORIGIN, LOW)),
        ([Node(0, 7, 0, arguments_changed=True)], (ORIGIN, HIGH)),
        ([outcome(0), Node(1, NO_FRAME, 1, arguments_changed=True)], (EFFECT, HIGH)),
        ([outcome(0), Node(1, 0, 1, arguments_changed=True)], (EFFECT, HIGH)),
        ([Node(0, NO_FRAME, 0, arguments_changed=True, fed=True)], (EFFECT, HIGH)),
        ([Node(3, NO_FRAME, 0, Presence.ADDED)], (ORIGIN, LOW)),
        ([Node(2, NO_FRAME, 0, Presence.ADDED), Node(3, 2, 1, Presence.ADDED, unpaired=True)], (EFFECT, HIGH)),
        ([Node(3, NO_FRAME, 0, moved=True)], (ORIGIN, LOW)),
    ],
)
def test_who_is_the_origin_of_a_call_being_made_otherwise(nodes: list[Node], expected: tuple[Role, Confidence]) -> None:
    """The last of the nodes is asked about."""
    entry = explain(nodes)[-1].entry

    assert (entry.role, entry.confidence) == expected


def test_other_private_state_that_nothing_explains_lowers_the_confidence() -> None:
    [explanation] = explain([outcome(0, state_changed=True)])

    assert (explanation.outcome.role, explanation.outcome.confidence) == (ORIGIN, LOW)


def test_private_state_after_an_earlier_change_is_an_effect_of_it() -> None:
    first, second = explain([outcome(0), outcome(1, state_changed=True)])

    assert (first.outcome.role, second.outcome.role) == (ORIGIN, EFFECT)
    assert second.outcome.cause == Cause(0, entry=False)


def test_a_change_that_is_not_over_explains_no_state() -> None:
    """The enclosing call returned something else afterwards: it cannot have left other state before."""
    _, inner = explain([outcome(0), outcome(1, 0, state_changed=True)])

    assert inner.outcome.cause is None


@pytest.mark.parametrize(
    ("nodes", "causes"),
    [
        ([outcome(0), outcome(1, 0)], [Cause(1, entry=False), None]),
        ([outcome(0, arguments_changed=True)], [Cause(0, entry=True)]),
        ([outcome(0), outcome(1, 0), outcome(2, 1)], [Cause(1, entry=False), Cause(2, entry=False), None]),
        ([outcome(3, code=Code.OTHER), outcome(7, code=Code.SAME)], [None, Cause(0, entry=False)]),
        ([outcome(7, code=Code.SAME), outcome(8, code=Code.OTHER)], [None, None]),
        ([outcome(7), outcome(8, code=Code.SAME)], [None, None]),
        ([outcome(7, code=Code.OTHER), outcome(8, code=Code.UNKNOWN)], [None, None]),
        (
            [Node(4, 2, 4, arguments_changed=True, maker=Code.OTHER), outcome(7, code=Code.SAME)],
            [Cause(0, entry=True), Cause(0, entry=True)],
        ),
    ],
)
def test_what_explains_an_outcome(nodes: list[Node], causes: list[Cause | None]) -> None:
    """The calls inside, the arguments; and, for code that is the same, what changed code did before."""
    outcomes = [explanation.outcome for explanation in explain(nodes)]

    assert [part.cause for part in outcomes if part.role is EFFECT or part.cause is None] == causes


@pytest.mark.parametrize(
    ("nodes", "cause"),
    [
        ([outcome(0), Node(1, NO_FRAME, 1, arguments_changed=True)], Cause(0, entry=False)),
        ([outcome(0), Node(1, 0, 1, arguments_changed=True)], Cause(0, entry=False)),
        ([Node(2, NO_FRAME, 0, Presence.ADDED), Node(3, 2, 1, Presence.ADDED, unpaired=True)], Cause(0, entry=True)),
        (
            [Node(-3, NO_FRAME, 0, Presence.REMOVED), Node(-4, -3, 0.5, Presence.REMOVED, unpaired=True)],
            Cause(0, entry=True),
        ),
    ],
)
def test_what_explains_that_a_call_is_made_otherwise(nodes: list[Node], cause: Cause) -> None:
    assert explain(nodes)[-1].entry.cause == cause
