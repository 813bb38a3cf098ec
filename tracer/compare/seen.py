"""What was seen of changed calls, apart from what it means beside all others: nouns that can be sent from one process to another.

They hold no snapshots but texts, and marks that are the same in every process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from tracer.values import Key, ValuePath

if TYPE_CHECKING:
    from typing import TypeAlias

    from typing_extensions import Self

    from tracer.compare.collapse import Group
    from tracer.compare.delta import Difference
    from tracer.compare.frames import Frame
    from tracer.compare.origins import Presence
    from tracer.compare.past_detail import Kept
    from tracer.compare.result import Kind, Severity
    from tracer.compare.thinned import Judged

    Mark: TypeAlias = tuple[int, int]
    Trace: TypeAlias = tuple[str | int | Key, Mark]
    Placed: TypeAlias = "tuple[SeenChange, Group | None]"
    """A change, and the finding that tells of it at its very place, if one does."""

TOLD: Final = -1
"""The verdict on a change that no rule hides."""
SILENT: Final = -2
"""The verdict on a change that is not told of at this level, without a rule."""


@dataclass(frozen=True, slots=True)
class Sort:
    """What many changes have in common: all but the values.

    `path` is the general one, `step` the last one as it is, `inside` the type of the innermost object that the path leads into, "" for none.
    """

    kind: Kind
    path: ValuePath
    step: str | int | Key
    difference: Difference
    severity: Severity
    entering: bool = False
    internal: bool = False
    inside: str = ""

    @property
    def shows(self) -> bool:
        """Whether it came out of a call, for callers to see."""
        return not self.entering and not self.internal

    @property
    def named(self) -> bool:
        """Whether the value stands in a field or under a key."""
        return len(self.path.steps) > 1 and not isinstance(self.step, int) and self.step != Key("*")


class SeenChange(NamedTuple):
    """One change of one call.

    `verdict` is the number of the rule that hides it, or one of the constants above. `stamp` and `texts` are there where no call of this part
    of a lane before had the same values, or was as small. `passed` is what it is if somebody else wrote that state.
    """

    sort: Sort
    mark: Mark
    verdict: int = TOLD
    stamp: str = ""
    texts: tuple[str | None, str | None] | None = None
    passed: SeenChange | None = None

    @property
    def trace(self) -> Trace:
        """The last step to the value, and what it changed from and to."""
        return self.sort.step, self.mark


class SeenCall(NamedTuple):
    """A call that is not the same on both sides.

    `number` and `place` are as `origins.Node` has them, `old` and `new` the numbers on either side. `around` are the new calls that enclose it, where
    it was entered otherwise; `types` those of arguments that were not recorded in full. `reads` says that it is a read of the surroundings.
    """

    callable: str
    caller: str
    presence: Presence
    number: int
    place: float
    old: int | None
    new: int | None
    frame: Frame
    cost: int  # how large the call is: the smallest becomes the example
    changes: tuple[SeenChange, ...]
    arguments: str = ""
    unseen: tuple[str, ...] = ()
    types: frozenset[str] = frozenset()
    around: tuple[int, ...] = ()
    reads: bool = False


@dataclass(slots=True)
class Counts:
    """Calls, counted. They add up, in whatever parts they are counted."""

    compared: int = 0
    added: int = 0
    removed: int = 0
    partly: int = 0

    def __iadd__(self, other: Counts) -> Self:
        """Add what was counted elsewhere."""
        self.compared += other.compared
        self.added += other.added
        self.removed += other.removed
        self.partly += other.partly
        return self


@dataclass(frozen=True, slots=True)
class SumsSeen:
    """What comparing the sums of a callable's calls came to: `here` of them are of the new lane, beside those at the edge of detail."""

    callable: str
    judged: Judged
    kept: Kept
    here: int
    made: int


@dataclass(slots=True)
class LaneSeen:
    """What was seen of a lane, or of one part of it; `last` says that there is no more of it.

    `called` are new calls by callable, `unread` ranges of new calls that were passed over as equal; `done` of them, from the first on, are
    through.
    """

    name: str
    calls: list[SeenCall] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    called: dict[str, int] = field(default_factory=dict)
    unread: list[tuple[int, int]] = field(default_factory=list)
    sums: tuple[SumsSeen, ...] = ()
    done: int = 0
    last: bool = False
