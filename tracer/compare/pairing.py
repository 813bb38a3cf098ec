"""Which calls of two lanes belong together.

Blocks that are stored alike are passed over unread. Between them calls are aligned by what is equal about them, then put right where that pairs
children of different parents, then paired under their parents, and last wherever they may have gone.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracer.compare.align import Gap, Run, align, moved
from tracer.compare.columns import Columns, LaneReader, read_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ALONE = -1
_ROOT = -1
_WINDOW = 400_000  # calls of each side whose keys are in memory at a time


@dataclass(frozen=True, slots=True)
class Window:
    """What became of a stretch of two lanes. All numbers are those of calls in their lane.

    `partners` holds the new number of each old call from `start` on, -1 where it has none. `changed` and `moved` are pairs; all other
    pairs are of equal calls. `removed` holds old calls, each with the place between new calls where it stood.
    """

    start: int
    partners: Sequence[int]
    changed: tuple[tuple[int, int], ...] = ()
    moved: tuple[tuple[int, int], ...] = ()
    removed: tuple[tuple[int, float], ...] = ()
    added: tuple[int, ...] = ()
    called: Mapping[int, int] | None = (
        None  # number of the callable in the new reader's names -> calls; None where they were not read
    )

    @property
    def paired(self) -> int:
        """How many calls have a partner."""
        return len(self.partners) - len(self.removed)


def pair_calls(old: LaneReader, new: LaneReader) -> Iterator[Window]:
    """Yield the windows of two lanes, in order; together they account for every call once."""
    blocks = _equal_blocks(old, new)
    ends = [*blocks, Run(old.length, new.length, 0)]
    i = j = 0
    for run in ends:
        yield from _windows(old, new, Gap(i, run.old, j, run.new))
        if run.length:
            yield Window(run.old, range(run.new, run.new + run.length))
        i, j = run.old + run.length, run.new + run.length


def _equal_blocks(old: LaneReader, new: LaneReader) -> list[Run]:
    """Return the runs of calls that lie in equal blocks, which are not read."""
    runs = align(([block.digest for block in old.blocks], [block.digest for block in new.blocks]))
    return [
        Run(old.starts[run.old], new.starts[run.new], old.starts[run.old + run.length] - old.starts[run.old])
        for run in runs
    ]


def _windows(old: LaneReader, new: LaneReader, gap: Gap) -> Iterator[Window]:
    i, j = gap.old_start, gap.new_start
    while i < gap.old_end or j < gap.new_end:
        old_end, new_end = min(i + _WINDOW, gap.old_end), min(j + _WINDOW, gap.new_end)
        pairing = _Pairing(read_columns(old, i, old_end), read_columns(new, j, new_end))
        if (old_end, new_end) != (gap.old_end, gap.new_end):
            pairing.leave_undecided()
        yield pairing.window()
        i, j = i + len(pairing.old), j + len(pairing.new)


class _Pairing:
    """The pairs of one window, found step by step. Positions count from the start of the window."""

    def __init__(self, old: Columns, new: Columns) -> None:
        self.old = old
        self.new = new
        self._runs = align((old.placed, new.placed), (old.inputs, new.inputs), (old.context, new.context), in_step=1)
        self._moved: list[tuple[int, int]] = []
        self._partner: array[int] = array("q")
        self._back: array[int] = array("q")

    def leave_undecided(self) -> None:
        """Give up what follows the last pairs, unless they are too far back: the next window looks at it again."""
        for run in reversed(self._runs):
            i, j = run.old + run.length, run.new + run.length
            if i * 2 > len(self.old) and j * 2 > len(self.new):
                self.old, self.new = self.old.until(i), self.new.until(j)
                return

    def window(self) -> Window:
        """Return the outcome of all steps."""
        self._take_runs()
        self._separate_strangers()
        settled = array("q", self._partner)
        self._pair_under_parents(settled)
        for i, j in moved(self._left(self._partner, self.old.bare), self._left(self._back, self.new.bare)):
            self._join(i, j)
        return Window(
            self.old.start,
            array("q", [j if j == _ALONE else j + self.new.start for j in self._partner]),
            tuple(self._numbers(self._changed())),
            tuple(self._numbers(self._moved)),
            tuple(self._removed(settled)),
            tuple(j + self.new.start for j, i in enumerate(self._back) if i == _ALONE),
            Counter(self.new.names),
        )

    def _take_runs(self) -> None:
        self._partner = array("q", [_ALONE]) * len(self.old)
        self._back = array("q", [_ALONE]) * len(self.new)
        for run in self._runs:
            self._partner[run.old : run.old + run.length] = array("q", range(run.new, run.new + run.length))
            self._back[run.new : run.new + run.length] = array("q", range(run.old, run.old + run.length))

    def _join(self, i: int, j: int) -> None:
        self._partner[i], self._back[j] = j, i

    def _separate_strangers(self) -> None:
        """Undo pairs of unequal calls whose parents have other partners; parents come first, so one pass is enough."""
        for i, j in self._unequal_pairs():
            parent, other = self.old.parents[i], self.new.parents[j]
            if parent != _ROOT and self._partner[parent] != other:
                self._partner[i], self._back[j] = _ALONE, _ALONE

    def _unequal_pairs(self) -> Iterator[tuple[int, int]]:
        old, new = self.old.whole, self.new.whole
        for i, j in enumerate(self._partner):
            if j != _ALONE and old[i] != new[j]:
                yield i, j

    def _pair_under_parents(self, settled: array[int]) -> None:
        """Pair what is left among the children of the same pair of parents; new pairs may be parents in their turn."""
        old = _by_parent(self._partner, self.old.parents)
        new = _by_parent(self._back, self.new.parents)
        stayed = [i for i, j in enumerate(settled) if j != _ALONE], [j for j in settled if j != _ALONE]
        todo = deque(
            [(_ROOT, _ROOT), *((i, self._partner[i]) for i in old if i != _ROOT and self._partner[i] != _ALONE)]
        )
        while todo:
            parent, other = todo.popleft()
            for i, j in self._match(old.get(parent, []), new.get(other, [])):
                self._join(i, j)
                todo.append((i, j))
                if self.old.inputs[i] == self.new.inputs[j] and _crosses(i, j, *stayed):
                    self._moved.append((i, j))

    def _match(self, olds: list[int], news: list[int]) -> Iterator[tuple[int, int]]:
        if not olds or not news:
            return
        same = moved(((i, self.old.inputs[i]) for i in olds), ((j, self.new.inputs[j]) for j in news))
        yield from same
        taken, taken_new = {i for i, _ in same}, {j for _, j in same}
        olds, news = [i for i in olds if i not in taken], [j for j in news if j not in taken_new]
        for run in align(([self.old.context[i] for i in olds], [self.new.context[j] for j in news])):
            yield from ((olds[run.old + n], news[run.new + n]) for n in range(run.length))

    @staticmethod
    def _left(partners: array[int], keys: array[int]) -> Iterator[tuple[int, int]]:
        return ((n, keys[n]) for n, partner in enumerate(partners) if partner == _ALONE)

    def _changed(self) -> list[tuple[int, int]]:
        return sorted(self._unequal_pairs(), key=lambda pair: pair[1])

    def _removed(self, settled: array[int]) -> Iterator[tuple[int, float]]:
        place = self.new.start - 0.5
        for i, j in enumerate(self._partner):
            if settled[i] != _ALONE:
                place = self.new.start + settled[i] + 0.5
            if j == _ALONE:
                yield i + self.old.start, place

    def _numbers(self, pairs: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        return ((i + self.old.start, j + self.new.start) for i, j in pairs)


def _by_parent(partners: array[int], parents: array[int]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = defaultdict(list)
    for n, partner in enumerate(partners):
        if partner == _ALONE:
            groups[parents[n]].append(n)
    return dict(groups)


def _crosses(i: int, j: int, olds: list[int], news: list[int]) -> bool:
    """Whether other calls of those that stayed in order stand before a call than before its partner."""
    return bisect_left(olds, i) != bisect_left(news, j)
