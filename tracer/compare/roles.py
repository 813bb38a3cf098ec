"""The role of a finding, out of those of its calls: one call may be an origin, the next an effect. And the way from effects to origins."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tracer.compare.result import Confidence, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracer.compare.collapse import Group

_MOST_CAUSES: Final = 64
_MOST_MAKERS: Final = 64


@dataclass(slots=True)
class Roles:
    """Roles of calls, counted. `causes` are the groups that explain those that are effects, `makers` who made calls that are origins."""

    sure: int = 0
    doubtful: int = 0
    effects: int = 0
    weak: int = 0  # effects of low confidence
    unseen: tuple[str, ...] = ()
    causes: Counter[Group] = field(default_factory=Counter)
    makers: Counter[str] = field(default_factory=Counter)

    @property
    def role(self) -> Role:
        """An origin where one call is for sure, or more calls may be than are effects."""
        return Role.ORIGIN if self.sure or self.doubtful > self.effects else Role.EFFECT

    @property
    def confidence(self) -> Confidence:
        """How sure the role is."""
        if self.role is Role.ORIGIN:
            return Confidence.HIGH if self.sure else Confidence.LOW
        return Confidence.HIGH if self.effects > self.weak else Confidence.LOW

    @property
    def maker(self) -> str:
        """Who mostly made the calls, empty where no one is known."""
        return max(self.makers, key=lambda name: (self.makers[name], name), default="")

    def origin(self, confidence: Confidence, unseen: tuple[str, ...] = (), maker: str = "") -> None:
        """Count a call that is an origin."""
        if confidence is Confidence.HIGH:
            # What could not be looked at in doubtful calls is of no interest any more.
            self.unseen = self.unseen if self.sure and not unseen else unseen
            self.sure += 1
        else:
            self.doubtful += 1
            if not self.sure:
                self.unseen = self.unseen or unseen
        if maker and (maker in self.makers or len(self.makers) < _MOST_MAKERS):
            self.makers[maker] += 1

    def effect(self, confidence: Confidence, cause: Group | None, unseen: tuple[str, ...] = ()) -> None:
        """Count a call that is an effect."""
        self.effects += 1
        self.weak += confidence is Confidence.LOW
        if not self.sure:
            self.unseen = self.unseen or unseen
        if cause is not None and (cause in self.causes or len(self.causes) < _MOST_CAUSES):
            self.causes[cause] += 1

    def absorb(self, other: Roles) -> None:
        """Take over what was counted elsewhere."""
        if bool(other.sure) >= bool(self.sure):
            self.unseen = self.unseen or other.unseen
        self.sure += other.sure
        self.doubtful += other.doubtful
        self.effects += other.effects
        self.weak += other.weak
        self.causes.update(other.causes)
        self.makers.update(other.makers)


class Origins:
    """Finds the origin of each effect. `folded` says what each group became."""

    def __init__(self, folded: Mapping[Group, Group]) -> None:
        self._folded = folded
        self._known: dict[Group, Group | None] = {}

    def of(self, effect: Group) -> Group | None:
        """Return the nearest origin on the way from cause to cause, most frequent causes first; None where none is reached."""
        if effect not in self._known:
            self._search(effect)
        return self._known[effect]

    def _search(self, effect: Group) -> None:
        came: dict[Group, Group | None] = {effect: None}  # from which group the way led to each
        todo = deque([effect])
        while todo:
            group = todo.popleft()
            for cause in self._causes(group):
                origin = cause if cause.roles.role is Role.ORIGIN else self._known.get(cause)
                if origin is not None:
                    step: Group | None = group
                    while step is not None:
                        self._known[step] = origin
                        step = came[step]
                    return
                if cause not in came and cause not in self._known:
                    came[cause] = group
                    todo.append(cause)
        self._known.update(dict.fromkeys(came))  # no way from any of them leads to an origin

    def _causes(self, group: Group) -> list[Group]:
        return [self._folded.get(cause, cause) for cause, _ in group.roles.causes.most_common()]
