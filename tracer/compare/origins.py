"""Which changed calls are origins: behaviour changed there, and nowhere that fed them. And what explains all others.

A frame is one paired call together with the calls made inside it, in order; the calls that nothing recorded encloses form one frame more.
What a frame was given are its arguments, its receiver's state and the outcomes of the calls inside. As long as these are
equal, whatever it does differently is its own doing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from tracer.compare.result import Confidence, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NO_FRAME = -1
_LOOKED_BACK = 64  # changed calls before one whose state differs, among which the one that explains it is looked for


class Presence(Enum):
    """On which sides a call is."""

    BOTH = "both"
    ADDED = "added"
    REMOVED = "removed"


class Code(Enum):
    """Whether the code of a callable, and what it reaches inside its component, is the same on both sides."""

    SAME = "same"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Node:
    """A call that is not the same on both sides.

    `number` names the call as a frame (its number among the new calls; a negative one where only the old side has it), `frame` the call
    that encloses it, `NO_FRAME` where there is none; `unpaired` says that this one is on one side only. `place` gives the order inside
    a lane. `fed` says that its arguments came of a changed return value that was seen before. `maker` is the code of the frame.
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
    unpaired: bool = False
    code: Code = Code.UNKNOWN
    maker: Code = Code.UNKNOWN


class Cause(NamedTuple):
    """What explains an effect: the node at a position, by what it did, or by how it was entered."""

    position: int
    entry: bool


class Part(NamedTuple):
    """The role of one part of a call. An effect may have a cause."""

    role: Role
    confidence: Confidence
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The role of what a call did (its outcome), and of how it came to be called (its arguments, or that it is there at all)."""

    outcome: Part
    entry: Part


def explain(nodes: Iterable[Node]) -> list[Explanation]:
    """Return an explanation for each node of one lane, in the order given."""
    return _Explaining(list(nodes)).run()


class _Explaining:
    def __init__(self, nodes: list[Node]) -> None:
        self._nodes = nodes
        self._order = sorted(range(len(nodes)), key=lambda position: nodes[position].place)
        self._at = {node.number: position for position, node in enumerate(nodes)}
        self._tainted: dict[int, Cause] = {}  # frames that were given something else
        self._culprits: set[int] = set()  # frames that did something else of their own
        self._faults: set[int] = (
            set()
        )  # nodes that were entered otherwise through no fault of what their frame was given
        self._fed: dict[int, Cause] = {}  # nodes that were entered otherwise, and what explains it
        self._left: dict[int, Cause | None] = {}  # nodes with other state that an earlier change explains
        self._changed: list[int] = []  # nodes with other outcomes, as they are met
        for position, node in enumerate(nodes):
            if node.presence is Presence.BOTH and node.arguments_changed:
                self._tainted[node.number] = Cause(position, entry=True)
        self._follow()

    def _follow(self) -> None:
        """Go through the lane in order: what each frame had been given when it made each call."""
        for position in self._order:
            node = self._nodes[position]
            if node.presence is not Presence.BOTH or node.arguments_changed or node.moved:
                self._entered_otherwise(position, node)
            if node.state_changed and self._changed:
                self._left[position] = self._ended_before(position)
                self._tainted.setdefault(node.number, self._left[position] or Cause(position, entry=True))
            if node.outcome_changed:
                self._changed.append(position)
                if position not in self._faults:
                    self._tainted.setdefault(node.frame, Cause(position, entry=False))

    def _entered_otherwise(self, position: int, node: Node) -> None:
        if node.unpaired and node.frame in self._at:
            self._fed[position] = Cause(self._at[node.frame], entry=True)
        elif node.frame in self._tainted and not node.unpaired:
            self._fed[position] = self._tainted[node.frame]
        elif not node.unpaired and not node.fed:
            self._faults.add(position)
            self._culprits.add(node.frame)

    def _ended_before(self, position: int) -> Cause | None:
        """Return the last change of an outcome that was over when a call began: one that encloses it was not."""
        around = set(self._around(position))
        earlier = (each for each in reversed(self._changed[-_LOOKED_BACK:]) if each not in around)
        found = next(earlier, None)
        return None if found is None else Cause(found, entry=False)

    def _around(self, position: int) -> Iterator[int]:
        """Yield the nodes that enclose a node, innermost first."""
        frame = self._nodes[position].frame
        while frame in self._at:
            yield self._at[frame]
            frame = self._nodes[self._at[frame]].frame

    def run(self) -> list[Explanation]:
        found = [Explanation(self._outcome(n, node), self._entry(n, node)) for n, node in enumerate(self._nodes)]
        changed: list[Cause] = []  # origins in changed code, as they are met
        for position in self._order:
            node = self._nodes[position]
            each = found[position]
            outcome = self._of_same_code(position, each.outcome, node.code, changed)
            entry = self._of_same_code(position, each.entry, node.maker, changed)
            found[position] = Explanation(outcome, entry)
            if outcome.role is Role.ORIGIN and node.outcome_changed and node.code is Code.OTHER:
                changed.append(Cause(position, entry=False))
            if position in self._faults and entry.role is Role.ORIGIN and node.maker is Code.OTHER:
                changed.append(Cause(position, entry=True))
        return found

    def _of_same_code(self, position: int, part: Part, code: Code, changed: list[Cause]) -> Part:
        """Return a part as an effect, though nothing shows the way, where its code is the same and other code did otherwise before."""
        if part.role is Role.EFFECT or code is not Code.SAME or not changed:
            return part
        around = set(self._around(position))
        earlier = (cause for cause in reversed(changed[-_LOOKED_BACK:]) if cause.entry or cause.position not in around)
        cause = next(earlier, None)
        return part if cause is None else Part(Role.EFFECT, Confidence.LOW, cause)

    def _outcome(self, position: int, node: Node) -> Part:
        if node.arguments_changed:
            return Part(Role.EFFECT, Confidence.HIGH, Cause(position, entry=True))
        if position in self._left:
            return Part(Role.EFFECT, Confidence.HIGH, self._left[position])
        if node.number in self._tainted and node.number not in self._culprits:
            return Part(Role.EFFECT, Confidence.HIGH, self._tainted[node.number])
        return Part(Role.ORIGIN, Confidence.LOW if node.state_changed or node.code is Code.SAME else Confidence.HIGH)

    def _entry(self, position: int, node: Node) -> Part:
        if position not in self._faults:
            return Part(Role.EFFECT, Confidence.HIGH, self._fed.get(position))
        around = self._at.get(node.frame)
        if around is not None and self._nodes[around].presence is Presence.BOTH and self._nodes[around].outcome_changed:
            return Part(
                Role.EFFECT, Confidence.HIGH, Cause(around, entry=False)
            )  # the enclosing call is told as the origin
        sure = node.frame != NO_FRAME and node.maker is not Code.SAME
        return Part(Role.ORIGIN, Confidence.HIGH if sure else Confidence.LOW)
