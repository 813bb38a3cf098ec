"""The journals of a run made into one canonical cassette: the same bytes for the same calls.

Nothing of it depends on a pid, on time, on a path of the machine, or on how many processes the calls were made in.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from tracer import model
from tracer.errors import CassetteNotFound
from tracer.storage import journal as jr
from tracer.storage.blocks import BlockCutter, lane_digest
from tracer.storage.format import CassetteWriter, summed
from tracer.storage.lineage import Lineage, unfollowed
from tracer.storage.merging import merged
from tracer.storage.scan import ScannedJournal
from tracer.storage.store import replacing, timings_path
from tracer.storage.timings import TimingsWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tracer.rules import Rule

_Source: TypeAlias = "tuple[ScannedJournal, tuple[int, ...]]"
_EVERY: Final = "*"
UNFOLLOWED: Final = "child process not recorded"
"""Why all calls of a Python are lost that did not let itself be recorded: `python -I`, or an environment of its own."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one compaction kept, and what it could not.

    `unclosed` counts processes that did not end in order (`_unclosed`), `writing` those that went on while their journals were read, `merged` lanes equal to one of another process, `damaged` frames
    that were not whole, `orphans` frames of calls that began in another process. `unfinished` calls never ended. `calls_of` counts
    the calls kept by callable, `thinned_of` those among them that are kept as sums alone, being past the budget of detail.
    """

    target: Path
    journals: int
    unclosed: int
    writing: int
    lanes: int
    merged: int
    calls: int
    unfinished: int
    damaged: int
    orphans: int
    losses: tuple[model.Loss, ...]
    calls_of: Mapping[str, int]
    thinned_of: Mapping[str, int]
    items_summed: Mapping[str, int]


def compact(
    part_folder: Path | str,
    target: Path | str,
    *,
    noise: Sequence[Rule] = (),
    losses: Sequence[model.Loss] = (),
    block: bool = False,
) -> Summary:
    """Write the cassette `target` from the journals in `part_folder`, each up to its last whole frame.

    `noise` and `losses` are added to what the journals tell; `block` says that they are of a block of `tracer.cassette`. The target is replaced in one step; the folder stays as it is.
    Where the times of calls were taken they go into a file beside the target, which is the same with and without them.

    Raises:
        CassetteNotFound: there is no journal.
        CassetteError: a journal cannot be read or the target not be written; an earlier target is then as it was.
    """
    paths = sorted(Path(part_folder).glob(f"*{jr.SUFFIX}"))
    if not paths:
        raise CassetteNotFound(f"close recording {str(part_folder)!r}", "it holds no journal", "Record it again.")
    with ExitStack() as stack:
        journals = [stack.enter_context(closing(ScannedJournal(path))) for path in paths]
        stream = stack.enter_context(replacing(Path(target)))
        timings = None
        if any(journal.timed for journal in journals):
            timings = TimingsWriter(stack.enter_context(replacing(timings_path(Path(target)))))
        else:
            timings_path(Path(target)).unlink(missing_ok=True)
        return _Compaction(journals, CassetteWriter(stream), timings).run(Path(target), noise, losses, block=block)


def _unclosed(journals: Sequence[ScannedJournal]) -> int:
    """Count the processes that did not end in order. Those that went on as another program (`exec`) did, as far as can be seen.

    That is where the program is recorded too, under the same number, and where a forked child had recorded nothing yet.
    """
    programs: Counter[int] = Counter()
    ended: Counter[int] = Counter()
    for journal in journals:
        pid = journal.info.get("pid", -1)
        programs[pid] += 1
        is_forked = any(child == pid for child, _ in journal.children)
        holds_nothing = not journal.lane_ids and not journal.losses
        ended[pid] += not journal.closed and not journal.writing and not (is_forked and holds_nothing)
    return sum(max(0, count - programs[pid] + 1) for pid, count in ended.items())


class _Compaction:
    def __init__(
        self, journals: Sequence[ScannedJournal], writer: CassetteWriter, timings: TimingsWriter | None
    ) -> None:
        self._journals = journals
        self._timings = timings
        self._writer = writer
        self._calls = self._merged = self._lanes = 0
        self._thinned: Counter[str] = Counter()

    def run(self, target: Path, noise: Sequence[Rule], losses: Sequence[model.Loss], *, block: bool) -> Summary:
        for name, (journal, numbers) in sorted(self._named_sources(), key=lambda named: named[0]):
            summary = self._writer.add_lane(name, journal.calls(numbers), journal.thinned(numbers))
            self._lanes += summary is not None
            if summary:
                self._calls += summary.calls_made
                for run in summary.thinned:
                    self._thinned[run.callable] += run.begun
            if summary and self._timings:
                self._timings.add_lane(summary, journal.times(numbers))
        recording = replace(
            merged([_told_by(journal) for journal in self._journals]),
            losses=summed((*losses, *self._losses())),
            noise=tuple(noise),
            block=block,
        )
        self._writer.finish(recording)
        return self._summary(target, recording.losses)

    def _summary(self, target: Path, losses: tuple[model.Loss, ...]) -> Summary:
        return Summary(
            target=target,
            journals=len(self._journals),
            unclosed=_unclosed(self._journals),
            writing=sum(journal.writing for journal in self._journals),
            lanes=self._lanes,
            merged=self._merged,
            calls=self._calls,
            unfinished=self._writer.unfinished,
            damaged=sum(journal.damaged for journal in self._journals),
            orphans=sum(journal.orphans for journal in self._journals),
            losses=losses,
            calls_of=self._writer.calls,
            thinned_of=self._thinned,
            items_summed=self._writer.items_summed,
        )

    def _named_sources(self) -> Iterator[tuple[str, _Source]]:
        """Yield each distinct lane with its name; equal lanes of several processes once."""
        groups: dict[str, list[_Source]] = {}
        lineage = Lineage(self._journals)
        for at, journal in enumerate(self._journals):
            for lane, numbers in journal.lane_ids.items():
                groups.setdefault(lineage.name(at, lane), []).append((journal, numbers))
        for name, sources in groups.items():
            distinct = sources if len(sources) == 1 else self._distinct(sources)
            for ordinal, source in enumerate(distinct, 1):
                yield name if ordinal == 1 else f"{name} ~{ordinal}", source

    def _distinct(self, sources: Sequence[_Source]) -> list[_Source]:
        by_digest: dict[bytes, _Source] = {}
        for journal, numbers in sources:
            blocks = (block.digest for block in BlockCutter().cut(journal.calls(numbers)))
            digest = lane_digest(blocks, journal.thinned(numbers))
            self._merged += digest in by_digest
            by_digest.setdefault(digest, (journal, numbers))
        return [source for _, source in sorted(by_digest.items(), key=lambda found: found[0])]

    def _losses(self) -> Iterator[model.Loss]:
        for journal in self._journals:
            yield from journal.losses
            yield from journal.unwritten_runs()
            yield from _loss("frames that were not whole", journal.damaged)
            yield from _loss("calls whose lane or callable was never named", journal.unnamed + journal.nameless_calls)
        children = (child for journal in self._journals for child in journal.children)
        for place, count in unfollowed((journal.info.get("pid") for journal in self._journals), children).items():
            yield from _loss(f"{UNFOLLOWED}, started in {place}", count)


def _loss(reason: str, count: int) -> Iterator[model.Loss]:
    if count:
        yield model.Loss(_EVERY, reason, count)


def _told_by(journal: ScannedJournal) -> model.Recording:
    """Return what a process told of itself; its losses are counted with what was lost of its journal."""
    return replace(
        merged(journal.metas),
        python=str(journal.info.get("python", "")),
        callables=tuple(journal.callables.values()),
    )
