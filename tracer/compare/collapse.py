"""Many changes of many calls -> few findings: same callable, kind and general path are one, with a count and the smallest example."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from tracer.compare.result import Confidence, Example, Finding, Kind, Role, Severity
from tracer.compare.roles import Origins, Roles
from tracer.compare.stamps import Stamps
from tracer.compare.texts import focused
from tracer.render import short
from tracer.values import ValuePath

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tracer.compare.result import Spot

    Suspects = Callable[[str, str], tuple[str, ...]]

_MOST_PATHS = 8  # of one callable, kind and severity, before they are folded into one
_MOST_GROUPS = 256  # of one callable and kind while reading
_MOST_CALLERS = 8
_ENTRIES = frozenset({Kind.ARGUMENT_PASSED, Kind.CALL_ADDED, Kind.CALL_REMOVED, Kind.CALL_MOVED, Kind.STATE})


@dataclass(frozen=True, slots=True)
class Observation:
    """One change of one call, ready to be counted.

    `cost` is how large the call is: the smallest becomes the example. `weight` is how many calls are concerned, where no call by itself
    shows the change. `old` and `new` say where the call stands.
    """

    callable: str
    caller: str
    kind: Kind
    path: ValuePath
    severity: Severity
    before: str | None
    after: str | None
    lane: str
    cost: int
    arguments: str
    weight: int = 1
    old: Spot | None = None
    new: Spot | None = None


@dataclass(slots=True, eq=False)
class Group:
    """What was counted of one finding so far."""

    callable: str
    kind: Kind
    path: ValuePath
    smallest: Observation
    severity: Severity = Severity.NOISE
    count: int = 0
    callers: set[str] = field(default_factory=set)
    roles: Roles = field(default_factory=Roles)
    stamps: Stamps = field(default_factory=Stamps)

    def add(self, seen: Observation) -> None:
        """Count a call."""
        self.count_call(seen.caller, seen.weight)
        self.raise_to(seen.severity)
        self.stamps.add(seen.before, seen.after)
        if seen.cost < self.smallest.cost:
            self.smallest = seen

    def count_call(self, caller: str, weight: int = 1) -> None:
        """Count a call that a caller made, or so many that one made."""
        self.count += weight
        if caller and len(self.callers) < _MOST_CALLERS:
            self.callers.add(caller)

    def raise_to(self, severity: Severity) -> None:
        """Become at least that severe."""
        if severity.rank < self.severity.rank:
            self.severity = severity

    def absorb(self, other: Group) -> None:
        """Become one with another group; `count` stays the larger, since the same calls mostly show both."""
        self.count = max(self.count, other.count)
        self.callers |= other.callers
        self.roles.absorb(other.roles)
        self.raise_to(other.severity)
        self.stamps.absorb(other.stamps)
        if other.smallest.cost < self.smallest.cost:
            self.smallest = other.smallest


class Groups:
    """The groups of a comparison."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, Kind], dict[ValuePath, Group]] = {}

    def add(self, seen: Observation) -> Group:
        """Count a change, for the finding that it belongs to."""
        group = self.find(seen.callable, seen.kind, seen.path.general) or self.open(seen)
        group.add(seen)
        return group

    def find(self, callable_: str, kind: Kind, path: ValuePath) -> Group | None:
        """Return what counts a change at a general path, if there is anything yet. Of a kind with very many paths they go by the first step alone."""
        groups = self._groups.get((callable_, kind), {})
        found = groups.get(path)
        if found is None and len(groups) >= _MOST_GROUPS:
            found = groups.get(ValuePath(path.steps[:1]))
        return found

    def open(self, seen: Observation) -> Group:
        """Return a new group, which counts what is like a change. That itself is not counted."""
        groups = self._groups.setdefault((seen.callable, seen.kind), {})
        path = seen.path.general
        if len(groups) >= _MOST_GROUPS:
            path = ValuePath(path.steps[:1])
        group = groups[path] = Group(seen.callable, seen.kind, path, seen)
        return group

    def has(self, callable_: str, kind: Kind) -> bool:
        """Whether a change of this kind was counted for a callable."""
        return (callable_, kind) in self._groups

    def kinds_of(self, callable_: str) -> frozenset[Kind]:
        """Return in which kinds something was counted for a callable."""
        return frozenset(kind for kind in Kind if (callable_, kind) in self._groups)

    def worst(self, callable_: str, kinds: Iterable[Kind]) -> Severity:
        """Return the highest severity that was counted for a callable in some kinds."""
        found = [group.severity for kind in kinds for group in self._groups.get((callable_, kind), {}).values()]
        return min(found, key=lambda each: each.rank, default=Severity.NOISE)

    @property
    def callables(self) -> frozenset[str]:
        """The callables that something was counted for."""
        return frozenset(name for name, _ in self._groups)

    def all(self) -> list[Group]:
        """Return every group."""
        return [group for groups in self._groups.values() for group in groups.values()]

    def findings(self, calls: Mapping[str, int], suspects: Suspects) -> tuple[Finding, ...]:
        """Return the findings, most important first. `calls` are by callable.

        `suspects` tells of a callable, and of what made its calls, the changed code that an origin may come from.
        """
        folded: dict[Group, Group] = {}
        for groups in self._groups.values():
            folded.update(_folded(list(groups.values())))
        origins = Origins(folded)
        found = [_finding(group, calls, suspects, origins) for group in dict.fromkeys(folded.values())]
        return tuple(sorted(found, key=importance))


def importance(finding: Finding) -> tuple[object, ...]:
    """Return by what findings are sorted, most important first."""
    return (
        2 if not finding.calls else int(finding.role is Role.EFFECT),  # what no one was seen to call comes last
        finding.severity.rank,
        _distance(finding.kind),
        finding.confidence is Confidence.LOW and not finding.unseen,  # no code of it is another one
        -finding.count,
        finding.callable,
        finding.kind.value,
        finding.path,
    )


def _distance(kind: Kind) -> int:
    """Return how far a kind is from what a callable does: its outcomes, its definition, then how it came to be called."""
    return 2 if kind in _ENTRIES else int(kind is Kind.SIGNATURE)


def _folded(groups: list[Group]) -> dict[Group, Group]:
    """Fold the groups of one callable and kind that have the same severity and role, where there are too many to read.

    Return what each became.
    """
    alike: dict[tuple[Severity, Role], list[Group]] = {}
    for group in groups:
        alike.setdefault((group.severity, group.roles.role), []).append(group)
    kept: dict[str, Group] = {}  # by text, as keys of findings are: no two findings of a report share one
    became: dict[Group, Group] = {}
    for some in alike.values():
        for group in [_fold(some)] if len(some) > _MOST_PATHS else some:
            path = str(group.path)
            if path in kept:
                kept[path].absorb(group)
            else:
                kept[path] = group
            became[group] = kept[path]
        became.update({group: became.get(group, became[some[0]]) for group in some})
    return became


def _fold(groups: list[Group]) -> Group:
    folded, *rest = groups
    for group in rest:
        folded.absorb(group)
    steps = folded.path.steps
    for group in rest:
        steps = steps[: _common(steps, group.path.steps)]
    folded.path = ValuePath(steps)
    return folded


def _common(one: tuple[object, ...], other: tuple[object, ...]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _sides(group: Group, arguments: str) -> tuple[str, str]:
    called = f"{short(group.callable)}({arguments})"
    match group.kind:
        case Kind.CALL_ADDED:
            return focused(None, called)
        case Kind.CALL_REMOVED:
            return focused(called, None)
        case Kind.CALL_MOVED:
            return focused(called, f"{called} at another place")
        case Kind.CALLABLE_MISSING:
            return focused(group.callable, group.smallest.after)
        case _:
            return focused(group.smallest.before, group.smallest.after)


def _finding(group: Group, calls: Mapping[str, int], suspects: Suspects, origins: Origins) -> Finding:
    path = str(group.path)
    arguments = group.smallest.arguments
    before, after = _sides(group, arguments)
    roles = group.roles
    made_by = roles.maker if roles.role is Role.ORIGIN else ""
    origin = origins.of(group) if roles.role is Role.EFFECT else None
    return Finding(
        key=_key(group),
        callable=group.callable,
        kind=group.kind,
        severity=group.severity,
        role=roles.role,
        confidence=roles.confidence,
        count=group.count,
        calls=max(group.count, calls.get(group.callable, 0)),
        callers=tuple(sorted(group.callers)),
        path=path,
        before=before,
        after=after,
        example=_example(group.smallest, arguments),
        unseen=roles.unseen,
        inner=suspects(group.callable, made_by) if roles.role is Role.ORIGIN else (),
        explained_by=_key(origin) if origin else "",
        made_by=made_by,
        changes=group.stamps.told(before, after, group.count),
    )


def _key(group: Group) -> str:
    identity = f"{group.callable}|{group.kind.value}|{group.path}"
    return blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _example(seen: Observation, arguments: str) -> Example | None:
    return Example(seen.lane, arguments, seen.old, seen.new) if seen.lane else None
