"""From the roles of calls to those of findings: who is to be told as the origin, who made the call, and what explains the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracer.compare.origins import Cause, Explanation, Node, Part, Presence, explain
from tracer.compare.result import Confidence, Kind, Role, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tracer.compare.collapse import Group

    Unseen = Callable[
        [int], tuple[str, ...]
    ]  # what could not be looked at of what a new call, by its number, was given


@dataclass(frozen=True, slots=True)
class Shown:
    """One finding that a call counts for. `entering` says that the change was there when the call began."""

    group: Group
    entering: bool
    severity: Severity  # of the change by itself


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of one call. `maker` is what encloses it; `fed_by` and `left_by` told before of the values that it was entered with."""

    shown: tuple[Shown, ...]
    unseen: tuple[str, ...]
    maker: str = ""
    fed_by: Group | None = None
    left_by: Group | None = None


def attribute(nodes: Sequence[Node], told: Sequence[Told], unseen_by: Unseen) -> None:
    """Count the role of every call of a lane for the findings that tell of it."""
    for node, explanation, each in zip(nodes, explain(nodes), told, strict=True):
        _Call(node, explanation, each, told, unseen_by).count()


@dataclass(frozen=True, slots=True)
class _Call:
    node: Node
    explanation: Explanation
    told: Told
    all_told: Sequence[Told]
    unseen_by: Unseen

    def count(self) -> None:
        for shown in self.told.shown:
            if shown.group.kind is Kind.CALLABLE_MISSING:
                self._origin(shown, Confidence.HIGH)
            elif shown.group.kind is Kind.STATE and shown.entering:
                shown.group.roles.effect(
                    Confidence.HIGH, self.told.left_by or self._group(self.explanation.outcome.cause)
                )
            elif shown.entering or self.node.presence is not Presence.BOTH:
                self._entry(shown, self.explanation.entry)
            else:
                self._outcome(shown, self.explanation.outcome)

    def _entry(self, shown: Shown, part: Part) -> None:
        if part.role is Role.EFFECT:
            shown.group.roles.effect(part.confidence, self.told.fed_by or self._group(part.cause))
            return
        unseen = self.unseen_by(self.node.frame) if self.node.frame >= 0 and not self.node.unpaired else ()
        self._origin(shown, Confidence.LOW if unseen else part.confidence, unseen, self.told.maker)

    def _outcome(self, shown: Shown, part: Part) -> None:
        unseen = self.told.unseen
        if part.role is Role.EFFECT:
            cause = self.told.left_by if self.node.state_changed and not self.node.arguments_changed else None
            shown.group.roles.effect(part.confidence, cause or self._group(part.cause), unseen)
            return
        self._origin(shown, Confidence.LOW if unseen else part.confidence, unseen)

    @staticmethod
    def _origin(shown: Shown, confidence: Confidence, unseen: tuple[str, ...] = (), maker: str = "") -> None:
        shown.group.roles.origin(confidence, unseen, maker)
        shown.group.raise_to(shown.severity)

    def _group(self, cause: Cause | None) -> Group | None:
        """Return what tells of a cause most severely."""
        if cause is None:
            return None
        fitting = [shown for shown in self.all_told[cause.position].shown if shown.entering is cause.entry]
        return min(fitting, key=lambda shown: shown.severity.rank).group if fitting else None
