"""Two recorded runs -> a `Comparison`. The entry point of this room."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from tracer.compare.ambient import lower_explained, told_of_reads
from tracer.compare.callables import Callables
from tracer.compare.columns import LaneReader
from tracer.compare.definitions import Definitions
from tracer.compare.lane import LaneComparison
from tracer.compare.lanes import LanePairs, pair_lanes
from tracer.compare.looking import Looking
from tracer.compare.losses import lost, partly
from tracer.compare.noise import Filter
from tracer.compare.prepared import prepare
from tracer.compare.reading import Reader
from tracer.compare.result import Comparison, Finding, Severity, Side, Summary, Verdict
from tracer.compare.shared import Shared
from tracer.compare.spread import PART, Spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tracer.compare.lenience import Comparators
    from tracer.compare.noise import Subject
    from tracer.compare.seen import LaneSeen
    from tracer.compare.spread import Helpers
    from tracer.model import LaneSummary, RecordedRun
    from tracer.rules import Rule

Level: TypeAlias = Literal["value", "shape"]

_VERDICTS = {
    Severity.BREAKING: Verdict.BREAKING,
    Severity.CHANGED: Verdict.CHANGED,
    Severity.COMPATIBLE: Verdict.COMPATIBLE,
}


def compare(
    old: RecordedRun,
    new: RecordedRun,
    *,
    old_name: str,
    new_name: str,
    rules: tuple[Rule, ...] = (),
    level: Level = "value",
    renamed: Mapping[str, str] = MappingProxyType({}),
    progress: Callable[[int, int], None] | None = None,
    comparators: Comparators | None = None,
    seen: set[Subject] | None = None,
    helpers: Helpers | None = None,
    part: int = PART,
) -> Comparison:
    """Compare two runs, streaming: what is stored alike is not read, of the rest only keys are held.

    Args:
        old: the run that is taken as right.
        new: the run that is held against it.
        old_name: how the report calls the one,
        new_name: and the other.
        rules: what not to tell, beside the rules that the old recording itself holds; each counts what it hid.
        level: "value" tells of every difference, "shape" only of types, keys, exceptions, calls and signatures.
        renamed: modules (or whole packages) by the name they have in the old run, with the name they go by now.
        progress: called now and then with the calls done and all calls.
        comparators: the functions of the user's that rules name. A rule whose function is not among them is not applied.
        seen: takes in the differences that no rule hid, for learning rules from them.
        helpers: who else looks at the calls of these runs, where very many differ. What is told is the same without them.
        part: how many changed calls of a giant lane are looked at together.
    """
    filter_ = Filter((*old.recording.noise, *rules), comparators=comparators, seen=seen)
    comparison = _Comparing(
        old, new, filter_, renamed=renamed, shapes_only=level == "shape", progress=progress, helpers=helpers, part=part
    )
    return comparison.run(Side(old_name, _calls(old)), Side(new_name, _calls(new)))


def _calls(run: RecordedRun) -> int:
    return sum(lane.calls_made for lane in run.lanes)


@dataclass(slots=True)
class _Unread:
    """New calls that were passed over as equal, to be counted by callable if there is a finding to count them for."""

    whole: list[LaneSummary] = field(default_factory=list)
    parts: list[tuple[LaneSummary, int, int]] = field(default_factory=list)


class _Comparing:
    def __init__(
        self,
        old: RecordedRun,
        new: RecordedRun,
        rules: Filter,
        *,
        renamed: Mapping[str, str],
        shapes_only: bool,
        progress: Callable[[int, int], None] | None,
        helpers: Helpers | None,
        part: int,
    ) -> None:
        prepared = prepare(old, new, renamed)
        self._notes = prepared.notes
        self._renaming = prepared.renaming
        self._old = old = prepared.old
        self._new = new = prepared.new
        self._callables = Callables(old.recording, new.recording)
        reader = Reader(shapes_only=shapes_only)
        self._shared = Shared(self._callables, rules, reader)
        self._spread = Spread(Looking(prepared, self._callables, rules, shapes_only=shapes_only), helpers, part)
        self._unread = _Unread()
        self._from_reads = 0
        self._progress = progress
        self._done = 0
        self._total = 0

    def run(self, old: Side, new: Side) -> Comparison:
        pairs = pair_lanes(self._old, self._new)
        self._total = sum(max(one.calls, other.calls) for one, other in pairs.both)
        self._total += sum(lane.calls for lane in (*pairs.removed, *pairs.added))
        self._lanes(pairs)
        self._about_callables(pairs.left_out)
        self._shared.past_detail.conclude(self._shared)
        self._let_go()
        findings = self._findings()
        hidden = self._shared.rules.hidden
        return Comparison(
            verdict=verdict(findings, hides=bool(hidden) or bool(self._shared.tally.reads)),
            old=old,
            new=new,
            summary=self._summary(sum(count for _, count in hidden)),
            findings=findings,
            notes=(*self._notes, *pairs.notes, *self._remarks()),
            hidden=hidden,
            left_out=len(pairs.left_out),
        )

    def _lanes(self, pairs: LanePairs) -> None:
        lanes: list[tuple[LaneSummary | None, LaneSummary | None]] = []
        for old, new in pairs.both:
            if old.digest == new.digest and old.calls == new.calls:
                self._shared.tally.counts.compared += new.calls_made
                for run in new.thinned:
                    self._shared.past_detail.passed_over(run.callable, run.begun)
                self._unread.whole.append(new)
                self._advance(new.calls)
            else:
                lanes.append((old, new))
        lanes += [(lane, None) for lane in pairs.removed]
        lanes += [(None, lane) for lane in pairs.added]
        seen = self._spread.seen(lanes)
        for pair in lanes:
            self._lane(*pair, seen)

    def _lane(self, old: LaneSummary | None, new: LaneSummary | None, parts: Iterator[LaneSeen]) -> None:
        """Take in the parts of a lane, which are those that come next."""
        lane = new or old
        assert lane is not None
        comparison = LaneComparison(lane.name, LaneReader(self._old, old), LaneReader(self._new, new), self._shared)
        done = 0
        for seen in parts:
            comparison.take(seen)
            self._unread.parts += [(lane, start, stop) for start, stop in seen.unread]
            self._advance(seen.done - done)
            done = seen.done
            if seen.last:
                return

    def _advance(self, calls: int) -> None:
        self._done += calls
        if self._progress:
            self._progress(min(self._done, self._total), self._total)

    def _about_callables(self, left_out: tuple[LaneSummary, ...]) -> None:
        definitions = Definitions(self._old, self._renaming, self._shared)
        if definitions.any:
            self._count_unread()
            definitions.tell(left_out)

    def _let_go(self) -> None:
        """Tell of callables that are not called at all any more, where rules hide only how often they are called."""
        shared = self._shared
        names = sorted(shared.removed if shared.rules.learning else shared.silenced)
        if all(shared.calls.get(name) for name in names):
            return
        self._count_unread()
        for name in names:
            if shared.calls.get(name) or shared.rules.lets_go(name):
                continue
            if name in shared.silenced:
                shared.groups.add(replace(shared.silenced[name], weight=shared.removed[name]))

    def _findings(self) -> tuple[Finding, ...]:
        if not self._shared.groups.callables:
            return ()
        self._count_unread()
        self._from_reads = lower_explained(self._shared.groups.all(), self._shared.callables)
        return self._shared.groups.findings(self._shared.calls, self._callables.suspects)

    def _count_unread(self) -> None:
        """Count what was passed over, once, each kind of lane once: lanes of parametrized tests are often alike."""
        counts: Counter[str] = Counter(self._shared.calls)
        alike: dict[bytes, Counter[str]] = {}
        for lane in self._unread.whole:
            if lane.digest not in alike:
                alike[lane.digest] = Counter(LaneReader(self._new, lane).callables(0, lane.calls))
                for run in lane.thinned:
                    alike[lane.digest][run.callable] += run.begun
            counts += alike[lane.digest]
        for lane, start, stop in self._unread.parts:
            counts += Counter(LaneReader(self._new, lane).callables(start, stop))
        self._shared.calls = counts
        self._unread = _Unread()

    def _summary(self, hidden: int) -> Summary:
        tally = self._shared.tally
        return Summary(
            compared=tally.counts.compared,
            identical=tally.counts.compared - tally.changed,
            changed=tally.changed,
            added=tally.counts.added,
            removed=tally.counts.removed,
            hidden_as_noise=hidden,
            lost=lost(self._old.recording) + lost(self._new.recording),
            partly=partly(self._new.recording),
            thinned=self._shared.past_detail.calls,
        )

    def _remarks(self) -> list[str]:
        told = []
        if self._shared.tally.counts.partly:
            told.append(f"{self._shared.tally.counts.partly} of the changed calls could be compared only in part.")
        if self._shared.tally.unexplained:
            told.append(
                f"{self._shared.tally.unexplained:,} changed calls are counted only: what explains a finding was looked for in the calls before them in their lane."
            )
        told += self._shared.past_detail.sentences(self._new.recording.items_summed)
        told += told_of_reads(self._shared.tally.reads, self._from_reads)
        unreadable = self._shared.reader.unreadable | self._spread.unreadable
        if unreadable:
            told.append(f"{len(unreadable):,} recorded values could not be read.")
        return told


def verdict(findings: tuple[Finding, ...], *, hides: bool) -> Verdict:
    """Return the verdict that findings come to; `hides` says that rules hid some differences."""
    worst = min((finding.severity for finding in findings), key=lambda each: each.rank, default=Severity.NOISE)
    return _VERDICTS.get(worst, Verdict.NOISE if hides else Verdict.SAME)
