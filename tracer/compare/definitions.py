"""Changes of the callables themselves: gone, moved, another signature. How much they matter is what callers were seen to rely on."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from tracer.compare.collapse import Observation
from tracer.compare.delta import Difference
from tracer.compare.moves import moves
from tracer.compare.noise import Subject
from tracer.compare.result import Confidence, Kind, Severity
from tracer.compare.severity import Facts, is_private, severity
from tracer.compare.signatures import SignatureChange
from tracer.compare.usage import Usage
from tracer.values import ValuePath

if TYPE_CHECKING:
    from tracer.compare.renaming import Renaming
    from tracer.compare.shared import Shared
    from tracer.model import LaneSummary, RecordedRun

_OUTCOMES: Final = frozenset(
    {
        Kind.RETURNED_VALUE,
        Kind.RETURNED_TYPE,
        Kind.RAISED,
        Kind.NO_LONGER_RAISED,
        Kind.EXCEPTION_TYPE,
        Kind.EXCEPTION_MESSAGE,
        Kind.YIELDED,
        Kind.ARGUMENT_AFTER,
    }
)


class Definitions:
    """What two recordings say about their callables, to be told once all calls are counted in `shared`."""

    def __init__(self, old: RecordedRun, renaming: Renaming, shared: Shared) -> None:
        self._old = old
        self._renaming = renaming
        self._shared = shared
        callables = shared.callables
        self._signatures = list(callables.signatures())
        self._gone = [name for name in callables.missing() if not shared.groups.has(name, Kind.CALLABLE_MISSING)]

    @property
    def any(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._signatures or self._gone or self._renaming.callables)

    def tell(self, left_out: tuple[LaneSummary, ...]) -> None:
        """Add the changes to the groups. Calls in lanes that were left out count as seen, too."""
        seen = Counter(self._shared.calls) + self._shared.removed
        for lane in left_out:
            seen.update(call.callable for call in self._old.calls(lane.name))
        usage = self._usage(seen)
        for name, change in self._signatures:
            relied = seen[name] > 0 and self._is_relied_on(name, change, usage)
            self._note(name, Kind.SIGNATURE, change, seen[name], relied=relied)
        for name in self._gone:
            self._note(name, Kind.CALLABLE_MISSING, _gone(name), seen[name], relied=seen[name] > 0)
        for move in moves(self._renaming):
            calls = sum(seen[self._renaming.callables[name]] for name in move.names)
            relied = move.renamed and calls > 0
            self._note(move.names[0], Kind.CALLABLE_MISSING, _gone(move.names[0], move.text), calls, relied=relied)

    def _usage(self, seen: Counter[str]) -> Usage:
        wanted: dict[str, set[str]] = {}
        for name, change in self._signatures:
            if seen[name] and _is_about_parameter(change) and not _is_other_default(change):
                wanted.setdefault(name, set()).add(change.subject)
        usage = Usage(wanted, self._shared.callables.old)
        usage.read(self._old)
        return usage

    def _is_relied_on(self, name: str, change: SignatureChange, usage: Usage) -> bool:
        """Whether calls were seen that this change concerns.

        Another default concerns those whose outcome is another; a parameter that is gone or stands elsewhere those that passed
        something for it. Calls that are not made any more may have failed for it.
        """
        if not _is_about_parameter(change):
            return True
        if _is_other_default(change):
            return self._shared.groups.worst(name, _OUTCOMES).rank <= Severity.CHANGED.rank
        return usage.passed(name, change.subject) or self._shared.removed[name] > 0

    def _note(self, name: str, kind: Kind, change: SignatureChange, calls: int, *, relied: bool) -> None:
        path = ValuePath((kind.value, change.subject) if kind is Kind.SIGNATURE else (change.subject,))
        if self._shared.rules.hides(Subject(name, kind, path, change.difference)):
            return
        facts = Facts(kind, change.difference, private=is_private(name), relied_on=relied)
        seen = Observation(
            callable=name,
            caller="",
            kind=kind,
            path=path,
            severity=severity(facts),
            before=change.before or None,
            after=change.after or None,
            lane="",
            cost=0,
            arguments="",
            weight=calls,
        )
        self._shared.groups.add(seen).roles.origin(Confidence.HIGH)


def _gone(name: str, home: str = "") -> SignatureChange:
    return SignatureChange("callable", Difference.VALUE, name, home)


def _is_about_parameter(change: SignatureChange) -> bool:
    """Whether a parameter changed that was there before; its text begins with its name, as that of a flow or kind does not."""
    return change.before.lstrip("*").startswith(change.subject)


def _is_other_default(change: SignatureChange) -> bool:
    return change.difference is Difference.VALUE and bool(change.after)
