"""What is told of calls that are kept as sums alone: a finding where nothing else tells of the callable, else a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tracer.compare.collapse import Observation
from tracer.compare.delta import Difference
from tracer.compare.kinds import SUMS, CallChange
from tracer.compare.noise import CALL, Subject
from tracer.compare.origins import Code
from tracer.compare.result import Confidence, Kind, Role
from tracer.compare.severity import Facts, severity
from tracer.render import most_counted
from tracer.rules import ROOTS_OF
from tracer.values import ValuePath

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracer.compare.shared import Shared
    from tracer.compare.thinned import Differing, Judged

_PRESENCE: Final = frozenset({Kind.CALL_ADDED, Kind.CALL_REMOVED, Kind.CALL_MOVED, Kind.CALLABLE_MISSING})
_ENTRIES: Final = frozenset({Kind.ARGUMENT_PASSED, Kind.STATE})
_SHAPES: Final = frozenset({*_PRESENCE, Kind.RAISED, Kind.NO_LONGER_RAISED})


@dataclass(frozen=True, slots=True)
class Kept:
    """How many calls of a callable a lane keeps in detail, and how many were to be: by them it is said how to keep more."""

    lane: str
    calls: int
    budget: int

    def option(self, last: int) -> str:
        """Return the option that keeps the call numbered so among those that are not in detail."""
        wanted = self.calls + last
        if (
            self.calls and self.budget > self.calls
        ):  # the bytes were used up first, of which there are as many as the calls allow
            wanted = -(-wanted * self.budget // self.calls)
        return f"--detail-calls {wanted}"


@dataclass(slots=True)
class _OfCallable:
    differing: list[tuple[Differing, Kept]] = field(default_factory=list)
    unjudged: int = 0


class PastDetail:
    """Takes in what comparing the sums of each pair of lanes came to, and tells it at the end, when all else is known."""

    def __init__(self) -> None:
        self._found: dict[str, _OfCallable] = {}
        self._compared: dict[str, int] = {}
        self._told: list[str] = []

    def take(self, name: str, judged: Judged, kept: Kept, compared: int) -> None:
        """Take in what one pair of lanes came to for a callable, of which `compared` new calls are known by their sums."""
        self._compared[name] = self._compared.get(name, 0) + compared
        if judged.differing or judged.unjudged:
            found = self._found.setdefault(name, _OfCallable())
            found.differing += [(each, kept) for each in judged.differing]
            found.unjudged += judged.unjudged

    def passed_over(self, name: str, calls: int) -> None:
        """Take in calls of a lane that is equal to its partner."""
        self._compared[name] = self._compared.get(name, 0) + calls

    @property
    def calls(self) -> int:
        """How many calls of the new side are known by their sums alone."""
        return sum(self._compared.values())

    def undecided(self, name: str) -> None:
        """Take in that the sums of items of a generator differ, of a callable whose values rules are about."""
        told = f"Of {name}, sums of items past the budget of detail differ; rules for its values cannot be applied to sums, so that is not told as a change."
        if told not in self._told:
            self._told.append(told)

    def conclude(self, shared: Shared) -> None:
        """Count findings for what nothing else tells of; the rest becomes sentences."""
        for name, found in sorted(self._found.items()):
            for kinds in (_PRESENCE, _ENTRIES, None):
                differing = [each for each in found.differing if _is_of(each[0].kind, kinds)]
                if differing:
                    self._conclude(name, kinds, differing, shared)
            if found.unjudged:
                self._told.append(
                    f"Of {name}, {found.unjudged:,} calls past the budget of detail could not be lined up and are not compared: "
                    "record both sides alike, or keep more with `--detail-calls N`."
                )

    def _conclude(
        self, name: str, kinds: frozenset[Kind] | None, differing: list[tuple[Differing, Kept]], shared: Shared
    ) -> None:
        calls = sum(each.calls for each, _ in differing)
        if shared.reader.shapes_only and not any(each.kind in _SHAPES for each, _ in differing):
            return
        known = shared.groups.kinds_of(name)
        ours = {kind for kind in known if _is_of(kind, kinds)}
        option = differing[0][1].option(differing[0][0].last)
        if ours:
            self._told.append(
                f"Of {name}, sums of {len(differing):,} runs of calls past the budget of detail ({calls:,} calls) differ too: `tracer record {option}` keeps the first of them."
            )
            return
        if kinds is not _PRESENCE and shared.rules.concerns(name):
            self._told.append(
                f"Of {name}, sums of {calls:,} calls past the budget of detail differ; rules for its values cannot be applied to sums, so that is not told as a change."
            )
            return
        for each, kept in differing:
            self._observe(name, each, kept, shared)

    def _observe(self, name: str, each: Differing, kept: Kept, shared: Shared) -> None:
        path = CALL if each.kind in _PRESENCE else ValuePath((ROOTS_OF[each.kind.value][0], SUMS))
        change = CallChange(each.kind, path, Difference.VALUE, None, None)
        if shared.rules.hides(Subject(name, each.kind, path), change):
            return
        seen = Observation(
            callable=name,
            caller=each.caller,
            kind=each.kind,
            path=path,
            severity=severity(Facts(each.kind)),
            before=each.before,
            after=each.after,
            lane=kept.lane,
            cost=each.first,
            arguments=_where(each, kept),
            weight=each.calls,
        )
        group = shared.groups.add(seen)
        shared.tally.changed += each.calls if each.kind not in _PRESENCE else 0
        unseen = (f"calls past the first {kept.calls:,} in detail",)
        if each.kind in _PRESENCE or each.kind in _ENTRIES or self._follows(name, shared):
            group.roles.effect(Confidence.LOW, None, unseen)
        else:
            group.roles.origin(Confidence.LOW, unseen)

    @staticmethod
    def _follows(name: str, shared: Shared) -> bool:
        """Whether a callable with the same code came out otherwise because another one did: nothing shows the way, as with all sums."""
        return shared.callables.code(name) is Code.SAME and any(
            group.callable != name and group.roles.role is Role.ORIGIN for group in shared.groups.all()
        )

    def sentences(self, items: Sequence[tuple[str, int]] = ()) -> Iterator[str]:
        """Yield what is to be told beside findings. `items` are callables with how many items of their generators are kept as sums alone."""
        if self._compared:
            yield (
                f"{self.calls:,} calls past the budget of detail were compared by their sums: {most_counted(self._compared.items())}. "
                "`tracer record --detail-calls N` keeps more in detail."
            )
        if items:
            yield (
                f"{sum(count for _, count in items):,} generator items past the budget of detail were compared by their sums: {most_counted(items)}. "
                "`tracer record --detail-calls N` keeps more in detail."
            )
        yield from self._told


def _is_of(kind: Kind, kinds: frozenset[Kind] | None) -> bool:
    """Whether a kind is of a channel; None is that of outcomes: all that is in no other."""
    return kind in kinds if kinds is not None else kind not in _PRESENCE | _ENTRIES | {Kind.SIGNATURE}


def _where(each: Differing, kept: Kept) -> str:
    return (
        f"one of calls {kept.calls + each.first:,} to {kept.calls + each.last:,}, of which only sums are kept; "
        f"`tracer record {kept.option(each.last)}` keeps their detail"
    )
