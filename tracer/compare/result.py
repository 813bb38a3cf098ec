"""The nouns of a comparison: kinds, severities, changes, findings. All that a report may see."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracer.compare.context import Context


class Kind(str, Enum):
    """What is different about a call or a callable."""

    RETURNED_VALUE = "returned-value"
    RETURNED_TYPE = "returned-type"
    RAISED = "raised"
    NO_LONGER_RAISED = "no-longer-raised"
    EXCEPTION_TYPE = "exception-type"
    EXCEPTION_MESSAGE = "exception-message"
    ARGUMENT_PASSED = "argument-passed"
    ARGUMENT_AFTER = "argument-after"
    YIELDED = "yielded"
    CALL_ADDED = "call-added"
    CALL_REMOVED = "call-removed"
    CALL_MOVED = "call-moved"
    CALLABLE_MISSING = "callable-missing"
    SIGNATURE = "signature"
    STATE = "state"


class Severity(str, Enum):
    """How much a change matters to callers, highest first."""

    BREAKING = "breaking"
    CHANGED = "changed"
    COMPATIBLE = "compatible"
    INTERNAL = "internal"
    NOISE = "noise"

    @property
    def rank(self) -> int:
        """Return 0 for the highest."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Verdict(str, Enum):
    """The comparison in one word: the highest severity found, `same` where none above `internal` was."""

    SAME = "same"
    NOISE = "noise"
    COMPATIBLE = "compatible"
    CHANGED = "changed"
    BREAKING = "breaking"


class Role(str, Enum):
    """Whether behaviour changed here, or follows from another change."""

    ORIGIN = "origin"
    EFFECT = "effect"


class Confidence(str, Enum):
    """How sure the role is; `low` where inputs were opaque, cut or equal only by digest, or no code changed."""

    HIGH = "high"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a call stands in a recording: its lane, and its number there, counted from 0."""

    lane: str
    number: int


@dataclass(frozen=True, slots=True)
class Example:
    """The smallest call that shows a finding. Texts are bounded renderings of snapshots.

    `old` and `new` say where the call stands in either recording, None where it is in none.
    """

    lane: str
    arguments: str
    old: Spot | None = None
    new: Spot | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One change, repeats collapsed: same callable, kind and general path.

    `count` is how many calls show it, `calls` how many of this callable were compared, `unseen` the inputs that could not be
    looked at (opaque, cut), `inner` the changed inner callables it may come from.
    `explained_by` is the key of the origin that an effect follows from, empty where none was seen; `made_by` the callable that made the
    call, where an origin is a call made otherwise: behaviour changed there.
    `changes` are stamps of the distinct pairs of values (see `compare.stamps`): with the same ones it is the same change.
    """

    key: str
    callable: str
    kind: Kind
    severity: Severity
    role: Role
    confidence: Confidence
    count: int
    calls: int
    callers: tuple[str, ...]
    path: str
    before: str
    after: str
    example: Example | None = None
    unseen: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()
    explained_by: str = ""
    made_by: str = ""
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two recordings, as the report names it."""

    cassette: str
    calls: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Calls, counted. `hidden_as_noise` counts differences, `lost` calls that were seen but not kept, on either side.

    `accepted` counts findings that are not told because someone accepted them, `partly` values of the new recording of which a part or
    only the type was looked at: what they hold beyond that is not compared, whatever calls are identical. `thinned` counts calls of the new
    recording that are known by sums alone, past their callable's budget of detail.
    """

    compared: int = 0
    identical: int = 0
    changed: int = 0
    added: int = 0
    removed: int = 0
    hidden_as_noise: int = 0
    lost: int = 0
    accepted: int = 0
    partly: int = 0
    thinned: int = 0


@dataclass(frozen=True, slots=True)
class ReplayedComponent:
    """The calls of one component in a replay, counted: those that came out as recorded, otherwise, and those that were not made."""

    component: str
    equal: int
    changed: int
    skipped: int


@dataclass(frozen=True, slots=True)
class SkippedCalls:
    """Calls that a replay did not make, for one reason; `type` is the type it concerns, "" where it is about none."""

    reason: str
    type: str
    count: int


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay made of a recording's calls. `by_chance` counts those that came out otherwise, and not alike the second time: they are among the equal ones."""

    components: tuple[ReplayedComponent, ...]
    skipped: tuple[SkippedCalls, ...]
    by_chance: int = 0

    @property
    def replayed(self) -> int:
        """How many calls were made."""
        return sum(each.equal + each.changed for each in self.components)

    @property
    def calls(self) -> int:
        """How many calls were to be made."""
        return self.replayed + sum(each.skipped for each in self.components)

    def by_reason(self) -> tuple[tuple[str, int, tuple[str, ...]], ...]:
        """Return for each reason how many calls were not made, most first, with the types concerned, most frequent first."""
        counts: dict[str, int] = {}
        types: dict[str, list[str]] = {}
        for each in self.skipped:
            counts[each.reason] = counts.get(each.reason, 0) + each.count
            types.setdefault(each.reason, []).extend([each.type] if each.type else [])
        ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return tuple((reason, count, tuple(types[reason])) for reason, count in ordered)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two recordings compared. `notes` are sentences to be told first (another Python, other boundaries, lanes left out).

    `left_out` counts tests and fixtures that only the old run has: the new one was filtered, or they are gone.
    `replay` says what was made again, where the new side is a replay of the old one.
    """

    verdict: Verdict
    old: Side
    new: Side
    summary: Summary
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    hidden: tuple[tuple[str, int], ...] = field(default=())  # (rule as text, differences it hid)
    context: Context | None = None  # what some reports show beside the findings, for those that asked
    left_out: int = 0
    replay: Replay | None = None

    def at_or_above(self, level: Severity) -> tuple[Finding, ...]:
        """Return the findings at least as severe as `level`."""
        return tuple(finding for finding in self.findings if finding.severity.rank <= level.rank)
