"""Which changed calls are origins: behaviour changed there, and nowhere that fed them.

A frame is one paired call together with the calls made inside it, in order; the calls that nothing recorded encloses form one frame more.
What a frame was given are its arguments, its receiver's state and the outcomes of the calls inside. As long as these are
equal, whatever it does differently is its own doing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from tracer.compare.result import Confidence, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_FRAME = -1
UNPAIRED_FRAME = -2


class Presence(Enum):
    """On which sides a call is."""

    BOTH = "both"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Node:
    """A call that is not the same on both sides.

    `number` names the call as a frame (its number among the new calls), `frame` the call that encloses it: a number, `NO_FRAME` where there
    is none, or `UNPAIRED_FRAME` where that call is itself on one side only. `place` gives the order inside a lane.
    `fed` says that its arguments came of a changed return value that was seen before.
    """

    number: int
    frame: int
    place: float
    presence: Presence = Presence.BOTH
    arguments_changed: bool = False
    state_changed: bool = False
    outcome_changed: bool = False
    fed: bool = False
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """The role of what a call did (its outcome), and of how it came to be called (its arguments, or that it is there at all)."""

    outcome: Role
    outcome_confidence: Confidence
    entry: Role
    entry_confidence: Confidence


def explain(nodes: Iterable[Node]) -> list[Explanation]:
    """Return an explanation for each node of one lane, in the order given."""
    nodes = list(nodes)
    explaining = _Explaining(nodes)
    return [explaining.explanation(position) for position in range(len(nodes))]


class _Explaining:
    def __init__(self, nodes: list[Node]) -> None:
        self._nodes = nodes
        self._order = sorted(range(len(nodes)), key=lambda position: nodes[position].place)
        self._paired = {node.number: node for node in nodes if node.presence is Presence.BOTH}
        self._tainted: set[int] = set()  # frames that were given something else
        self._culprits: set[int] = set()  # frames that did something else of their own
        self._faults: set[int] = (
            set()
        )  # nodes that were entered otherwise through no fault of what their frame was given
        self._explained_state: set[int] = set()
        for node in nodes:
            if node.presence is Presence.BOTH and node.arguments_changed:
                self._tainted.add(node.number)
        self._follow()

    def _follow(self) -> None:
        """Go through the lane in order: what each frame had been given when it made each call."""
        changed_before = False
        for position in self._order:
            node = self._nodes[position]
            if node.presence is not Presence.BOTH or node.arguments_changed or node.moved:
                self._entered_otherwise(position, node)
            if node.state_changed and changed_before:
                self._explained_state.add(position)
                self._tainted.add(node.number)
            if node.outcome_changed:
                changed_before = True
                if position not in self._faults:
                    self._tainted.add(node.frame)

    def _entered_otherwise(self, position: int, node: Node) -> None:
        if node.frame == UNPAIRED_FRAME or node.frame in self._tainted or node.fed:
            return
        self._faults.add(position)
        self._culprits.add(node.frame)

    def explanation(self, position: int) -> Explanation:
        node = self._nodes[position]
        return Explanation(*self._outcome(position, node), *self._entry(position, node))

    def _outcome(self, position: int, node: Node) -> tuple[Role, Confidence]:
        if node.arguments_changed or position in self._explained_state:
            return Role.EFFECT, Confidence.HIGH
        if node.number in self._tainted and node.number not in self._culprits:
            return Role.EFFECT, Confidence.HIGH
        return Role.ORIGIN, Confidence.LOW if node.state_changed else Confidence.HIGH

    def _entry(self, position: int, node: Node) -> tuple[Role, Confidence]:
        if position not in self._faults:
            return Role.EFFECT, Confidence.HIGH
        frame = self._paired.get(node.frame)
        if frame is not None and frame.outcome_changed:
            return Role.EFFECT, Confidence.HIGH  # the enclosing call is told as the origin
        return Role.ORIGIN, Confidence.LOW if node.frame == NO_FRAME else Confidence.HIGH
