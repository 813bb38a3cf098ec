"""What a comparison and its findings say in one sentence each, the same words in every format.

Every recorded text in a returned sentence has gone through `plain`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracer.compare.result import Kind, Role, Severity, Verdict
from tracer.report.contrast import windows
from tracer.report.safe import clip, plain, squeeze

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tracer.compare.result import Comparison, Finding, Summary

SHOWN_CALLERS: Final = 3

_CHANGE: Final = {
    Kind.RETURNED_VALUE: "returns another value",
    Kind.RETURNED_TYPE: "returns another type",
    Kind.RAISED: "now raises",
    Kind.NO_LONGER_RAISED: "no longer raises",
    Kind.EXCEPTION_TYPE: "raises another exception",
    Kind.EXCEPTION_MESSAGE: "raises with another message",
    Kind.ARGUMENT_PASSED: "is passed another argument",
    Kind.ARGUMENT_AFTER: "leaves its argument in another state",
    Kind.YIELDED: "yields another item",
    Kind.CALL_ADDED: "is called where it was not before",
    Kind.CALL_REMOVED: "is not called where it was before",
    Kind.CALL_MOVED: "is called at another place in the order",
    Kind.CALLABLE_MISSING: "is gone",
    Kind.SIGNATURE: "has another signature",
    Kind.STATE: "leaves other state behind",
}
_CALL_SIDE: Final[dict[Kind, Callable[[Finding], str]]] = {
    Kind.CALL_ADDED: lambda finding: finding.after,
    Kind.CALL_REMOVED: lambda finding: finding.before,
    Kind.CALL_MOVED: lambda finding: finding.before or finding.after,
}
WHOLE_PATHS: Final = frozenset({"", "return", "raised", "call", "callable"})
"""Paths that say no more than the kind does."""


def counted(count: int, noun: str) -> str:
    """Return "1 call", "1,200 calls", "2 processes"."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"


def listed(names: Iterable[str], shown: int) -> str:
    """Return the first `shown` names and how many more there are."""
    texts = [plain(name) for name in names]
    more = len(texts) - shown
    return ", ".join(texts[:shown]) + (f" and {more} more" if more > 0 else "")


def change_of(kind: Kind) -> str:
    """Say what a kind of change is: `returns another value`."""
    return _CHANGE[kind]


def change(finding: Finding, width: int = 48) -> str:
    """Say what changed without naming the callable: `returns another value at return.total (10.0 -> 10.5)`.

    `width` bounds each of the two values, in characters.
    """
    path = plain(finding.path)
    place = "" if path in WHOLE_PATHS else f" at {squeeze(path, width)}"
    return f"{_CHANGE[finding.kind]}{place}{_values(finding, width)}"


def shift(finding: Finding, width: int) -> str:
    """Return path and values in `width` characters, `return.total: 10.0 -> 10.5`; for a call that came or went, the call."""
    call = _CALL_SIDE.get(finding.kind)
    if call is not None:
        return clip(f"{finding.kind.value}: {plain(call(finding))}", width)
    place = squeeze(plain(finding.path) or finding.kind.value, width // 2)
    if not finding.before and not finding.after:
        return place
    each = (width - len(place) - len(":  -> ")) // 2
    return clip(f"{place}: {' -> '.join(_shortened(finding, each))}", width)


def extent(finding: Finding) -> str:
    """Say in how many calls the change shows, and who makes them; of a callable by itself also that no call of it was seen."""
    if not finding.calls and finding.kind in {Kind.SIGNATURE, Kind.CALLABLE_MISSING}:
        return "never called here"
    parts = []
    if finding.calls > 0:
        parts.append(f"in {finding.count:,} of {counted(finding.calls, 'call')}")
    if finding.callers:
        parts.append(f"called by {listed(finding.callers, SHOWN_CALLERS)}")
    return ", ".join(parts)


def sentence(finding: Finding, width: int = 48) -> str:
    """Name the callable, what changed about it, in how many calls and for whom."""
    told = f"{plain(finding.callable)} {change(finding, width)}"
    where = extent(finding)
    return f"{told}, {where}" if where else told


def foremost(comparison: Comparison) -> Finding | None:
    """Return the finding to name first: the first origin that callers can see, else the first finding they can."""
    visible = [finding for finding in comparison.findings if visible_to_callers(finding)]
    return next((finding for finding in visible if finding.role is Role.ORIGIN), visible[0] if visible else None)


def visible_to_callers(finding: Finding) -> bool:
    """Whether the finding is more than private state or noise."""
    return finding.severity.rank < Severity.INTERNAL.rank


def headline(comparison: Comparison) -> str:
    """Say the outcome of a comparison in one sentence, without the verdict's word."""
    finding = foremost(comparison)
    return unchanged(comparison) if finding is None else f"{sentence(finding)}."


def unchanged(comparison: Comparison) -> str:
    """Say that nothing callers can see changed, and on how much that rests."""
    summary = comparison.summary
    if not summary.compared:
        return "No call was compared: the two recordings have none in common."
    hidden = f", {counted(summary.hidden_as_noise, 'difference')} hidden as noise" if summary.hidden_as_noise else ""
    hidden += f", {counted(summary.accepted, 'change')} accepted" if summary.accepted else ""
    what = "Only noise differs" if comparison.verdict is Verdict.NOISE else "No behaviour changed at the interfaces"
    return f"{what}: {counted(summary.compared, 'call')} compared, {summary.identical:,} identical{hidden}."


def totals(summary: Summary) -> str:
    """Return the summary's counts on one line."""
    partly = f"; {counted(summary.partly, 'value')} seen in part" if summary.partly else ""
    accepted = f"; {summary.accepted:,} accepted" if summary.accepted else ""
    return (
        f"{counted(summary.compared, 'call')} compared: {summary.identical:,} identical, {summary.changed:,} changed, "
        f"{summary.added:,} added, {summary.removed:,} removed; {summary.hidden_as_noise:,} hidden as noise{accepted}; {summary.lost:,} lost{partly}"
    )


def _values(finding: Finding, width: int) -> str:
    before, after = _shortened(finding, width)
    match finding.kind:
        case Kind.RAISED if after:
            return f" {after}" + (f" (before: {before})" if before else "")
        case Kind.NO_LONGER_RAISED if before:
            return f" {before}" + (f" (now: {after})" if after else "")
        case Kind.CALLABLE_MISSING if ":" in finding.after:
            return f": it is now {after}"
        case Kind.CALL_ADDED | Kind.CALL_REMOVED | Kind.CALL_MOVED | Kind.CALLABLE_MISSING:
            return ""
    return f" ({before} -> {after})" if before or after else ""


def _shortened(finding: Finding, width: int) -> tuple[str, str]:
    before, after = windows(plain(finding.before), plain(finding.after), width)
    return str(before), str(after)
