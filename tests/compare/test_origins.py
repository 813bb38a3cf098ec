"""Origins and effects in one lane."""

from __future__ import annotations

from typing import Any

import pytest

from tracer.compare.origins import NO_FRAME, UNPAIRED_FRAME, Explanation, Node, Presence, explain
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
    assert [explanation.outcome for explanation in explain(nodes)] == expected


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([Node(0, NO_FRAME, 0, arguments_changed=True)], (ORIGIN, LOW)),
        ([Node(0, 7, 0, arguments_changed=True)], (ORIGIN, HIGH)),
        ([outcome(0), Node(1, NO_FRAME, 1, arguments_changed=True)], (EFFECT, HIGH)),
        ([outcome(0), Node(1, 0, 1, arguments_changed=True)], (EFFECT, HIGH)),
        ([Node(0, NO_FRAME, 0, arguments_changed=True, fed=True)], (EFFECT, HIGH)),
        ([Node(3, NO_FRAME, 0, Presence.ADDED)], (ORIGIN, LOW)),
        ([Node(3, UNPAIRED_FRAME, 0, Presence.ADDED)], (EFFECT, HIGH)),
        ([Node(3, NO_FRAME, 0, moved=True)], (ORIGIN, LOW)),
    ],
)
def test_who_is_the_origin_of_a_call_being_made_otherwise(nodes: list[Node], expected: tuple[Role, Confidence]) -> None:
    """The last of the nodes is asked about."""
    explanation = explain(nodes)[-1]

    assert (explanation.entry, explanation.entry_confidence) == expected


def test_other_private_state_that_nothing_explains_lowers_the_confidence() -> None:
    [explanation] = explain([outcome(0, state_changed=True)])

    assert (explanation.outcome, explanation.outcome_confidence) == (ORIGIN, LOW)


def test_private_state_after_an_earlier_change_is_an_effect_of_it() -> None:
    explanations: list[Explanation] = explain([outcome(0), outcome(1, state_changed=True)])

    assert [explanation.outcome for explanation in explanations] == [ORIGIN, EFFECT]
