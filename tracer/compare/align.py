"""Align two sequences: what is matched, moved, missing, added. Generic and pure; it knows nothing of calls.

The method is that of histogram and patience diff (Bram Cohen; JGit), bounded: the common head and tail first, then elements that occur
once on both sides, in their longest increasing order (Fredman 1975), then Myers' greedy search (1986) that commits to its furthest
path every few edits. So the work grows with the length, not with its square, whatever the input; the price is that a badly shuffled
stretch may be matched less well than the best possible.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    Keys: TypeAlias = "Sequence[Hashable]"
    Level: TypeAlias = "tuple[Keys, Keys]"

_ROUNDS = 8  # how often a gap is cut again at elements that became unique in it
_EDITS = 32  # after so many edits the search commits to its furthest path
_RUN = 8  # a run of so many equal elements ends a search early


class Run(NamedTuple):
    """`length` elements from `old` and from `new` on that belong together, in order; `level` is the key they agreed on."""

    old: int
    new: int
    length: int
    level: int = 0


class Gap(NamedTuple):
    """A stretch between two runs, as half-open ranges: `old_start:old_end` against `new_start:new_end`."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def align(*levels: Level, in_step: int | None = None) -> list[Run]:
    """Return the runs of elements that belong together, increasing on both sides.

    Each level is a pair of equally long key sequences (one for each side), the strongest key first; a weaker level only fills the gaps
    that stronger ones left. Where both sides of a gap agree element by element on the level numbered `in_step`, that settles the
    gap, even if a stronger key would match some elements crosswise.
    """
    whole = Gap(0, len(levels[0][0]), 0, len(levels[0][1]))
    runs: list[Run] = []
    for number, level in enumerate(levels):
        found: list[Run] = []
        for gap in gaps(runs, whole):
            found.extend(_match(level, levels[in_step] if in_step else level, gap, number))
        runs = sorted(runs + found)
    return runs


def gaps(runs: Iterable[Run], within: Gap) -> Iterator[Gap]:
    """Yield the stretches that `runs` leave of `within`, in order; each has at least one element on one side."""
    old, new = within.old_start, within.new_start
    for run in (*runs, Run(within.old_end, within.new_end, 0)):
        if run.old > old or run.new > new:
            yield Gap(old, run.old, new, run.new)
        old, new = run.old + run.length, run.new + run.length


def moved(old: Iterable[tuple[int, Hashable]], new: Iterable[tuple[int, Hashable]]) -> list[tuple[int, int]]:
    """Pair the (position, key) of elements left over on both sides by equal keys, in order, wherever they stand."""
    waiting: dict[Hashable, deque[int]] = {}
    for position, key in old:
        waiting.setdefault(key, deque()).append(position)
    return [(places.popleft(), position) for position, key in new if (places := waiting.get(key))]


def _match(level: Level, settling: Level, gap: Gap, number: int) -> Iterator[Run]:
    ends, rest = _trim(level, gap, number)
    yield from ends
    if not _two_sided(rest):
        return
    if settling is not level and _agree(settling, rest):
        yield Run(rest.old_start, rest.new_start, rest.old_end - rest.old_start, number)
        return
    yield from _joined(_match_middle(level, rest), number)


def _two_sided(gap: Gap) -> bool:
    return gap.old_start < gap.old_end and gap.new_start < gap.new_end


def _agree(level: Level, gap: Gap) -> bool:
    if gap.old_end - gap.old_start != gap.new_end - gap.new_start:
        return False
    return level[0][gap.old_start : gap.old_end] == level[1][gap.new_start : gap.new_end]


def _trim(level: Level, gap: Gap, number: int = 0) -> tuple[list[Run], Gap]:
    """Return the common head and tail of a gap as runs, and what is left between them."""
    ends = []
    head = _common_head(level, gap)
    if head:
        ends.append(Run(gap.old_start, gap.new_start, head, number))
        gap = gap._replace(old_start=gap.old_start + head, new_start=gap.new_start + head)
    tail = _common_tail(level, gap)
    if tail:
        gap = gap._replace(old_end=gap.old_end - tail, new_end=gap.new_end - tail)
        ends.append(Run(gap.old_end, gap.new_end, tail, number))
    return ends, gap


def _common_head(level: Level, gap: Gap) -> int:
    """Count equal elements at the front."""
    old, new = level
    i, j = gap.old_start, gap.new_start
    return _count_equal(gap, lambda start, stop: old[i + start : i + stop] == new[j + start : j + stop])


def _common_tail(level: Level, gap: Gap) -> int:
    """Count equal elements at the end."""
    old, new = level
    i, j = gap.old_end, gap.new_end
    return _count_equal(gap, lambda start, stop: old[i - stop : i - start] == new[j - stop : j - start])


def _count_equal(gap: Gap, agree: Callable[[int, int], bool]) -> int:
    """Count equal elements from one end of a gap, by slices that double while they agree: the comparing is then done in C."""
    limit = min(gap.old_end - gap.old_start, gap.new_end - gap.new_start)
    done, step = 0, 1
    while done < limit:
        step = min(step, limit - done)
        if agree(done, done + step):
            done, step = done + step, step * 2
        elif step == 1:
            break
        else:
            step = max(step // 4, 1)
    return done


def _match_middle(level: Level, gap: Gap) -> Iterator[tuple[int, int]]:
    """Match by the elements whose keys occur on both sides; the others can have no partner here."""
    old, new = level
    start, stop, other, end = gap
    common = set(old[start:stop]) & set(new[other:end])
    if not common:
        return
    numbers = {key: number for number, key in enumerate(common)}
    old_places = [place for place in range(start, stop) if old[place] in numbers]
    new_places = [place for place in range(other, end) if new[place] in numbers]
    pairs = _match_numbers([numbers[old[place]] for place in old_places], [numbers[new[place]] for place in new_places])
    for i, j in pairs:
        yield old_places[i], new_places[j]


def _joined(pairs: Iterable[tuple[int, int]], number: int) -> Iterator[Run]:
    """Join neighbouring pairs into runs."""
    run: Run | None = None
    for i, j in pairs:
        if run and i == run.old + run.length and j == run.new + run.length:
            run = run._replace(length=run.length + 1)
            continue
        if run:
            yield run
        run = Run(i, j, 1, number)
    if run:
        yield run


def _match_numbers(old: list[int], new: list[int]) -> list[tuple[int, int]]:
    """Cut at unique elements as long as that helps, then search what is left; return increasing pairs of positions."""
    pairs: list[tuple[int, int]] = []
    todo = [(Gap(0, len(old), 0, len(new)), _ROUNDS)]
    while todo:
        gap, rounds = todo.pop()
        ends, rest = _trim((old, new), gap)
        pairs.extend((run.old + n, run.new + n) for run in ends for n in range(run.length))
        if not _two_sided(rest):
            continue
        anchors = _unique_anchors(old, new, rest) if rounds else []
        if anchors:
            pairs.extend(anchors)
            todo.extend((inner, rounds - 1) for inner in gaps((Run(i, j, 1) for i, j in anchors), rest))
        else:
            pairs.extend(_search(old, new, rest))
    pairs.sort()
    return pairs


def _unique_anchors(old: list[int], new: list[int], gap: Gap) -> list[tuple[int, int]]:
    """Return the elements that occur once on each side of the gap, those of them that stand in the same order on both."""
    old_once = _once(old, gap.old_start, gap.old_end)
    new_once = _once(new, gap.new_start, gap.new_end)
    return _longest_increasing([(place, new_once[key]) for key, place in old_once.items() if key in new_once])


def _once(keys: list[int], start: int, stop: int) -> dict[int, int]:
    counts = Counter(keys[start:stop])
    return {keys[place]: place for place in range(start, stop) if counts[keys[place]] == 1}


def _longest_increasing(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return a longest subsequence of `pairs` (increasing in the first place) that increases in the second too."""
    tails: list[int] = []  # the smallest last value of an increasing subsequence of each length
    ends: list[int] = []  # the pair that value is of
    before: list[int] = []
    for number, (_, value) in enumerate(pairs):
        length = bisect_left(tails, value)
        before.append(ends[length - 1] if length else -1)
        if length == len(tails):
            tails.append(value)
            ends.append(number)
        else:
            tails[length], ends[length] = value, number
    chosen = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chosen.append(pairs[number])
        number = before[number]
    return chosen[::-1]


class _Path(NamedTuple):
    """How a search came to a place of `old`: the equal elements it last went along, and the path before them."""

    end: int
    snake: tuple[int, int, int]  # where it began in old and in new, and how long it is
    before: _Path | None


def _search(old: list[int], new: list[int], gap: Gap) -> Iterator[tuple[int, int]]:
    """Search the gap from left to right, committing to a path every few edits."""
    i, j = gap.old_start, gap.new_start
    while i < gap.old_end and j < gap.new_end:
        path, diagonal = _furthest(old, new, gap._replace(old_start=i, new_start=j))
        i, j = path.end, path.end - diagonal
        snakes = []
        step: _Path | None = path
        while step:
            snakes.append(step.snake)
            step = step.before
        for start, other, length in reversed(snakes):
            yield from ((start + n, other + n) for n in range(length))


def _furthest(old: list[int], new: list[int], gap: Gap) -> tuple[_Path, int]:
    """Myers' greedy search from the start of the gap; return the path chosen and its diagonal (place in old minus place in new)."""
    origin = gap.old_start - gap.new_start
    best: dict[int, _Path] = {}
    path = _along(old, new, gap, origin, gap.old_start, None)
    if _good(path, origin, gap):
        return path, origin
    best[origin] = path
    for edits in range(1, _EDITS + 1):
        for diagonal in range(origin - edits, origin + edits + 1, 2):
            left, above = best.get(diagonal - 1), best.get(diagonal + 1)
            if left and (not above or left.end + 1 > above.end):
                start, before = left.end + 1, left
            elif above:
                start, before = above.end, above
            else:
                continue
            if start > gap.old_end or start - diagonal > gap.new_end:
                continue
            path = _along(old, new, gap, diagonal, start, before)
            if _good(path, diagonal, gap):
                return path, diagonal
            best[diagonal] = path
    diagonal = max(best, key=lambda d: 2 * best[d].end - d)
    return best[diagonal], diagonal


def _along(old: list[int], new: list[int], gap: Gap, diagonal: int, start: int, before: _Path | None) -> _Path:
    end = start
    while end < gap.old_end and end - diagonal < gap.new_end and old[end] == new[end - diagonal]:
        end += 1
    if end == start and before:
        return before._replace(end=end)
    return _Path(end, (start, start - diagonal, end - start), before)


def _good(path: _Path, diagonal: int, gap: Gap) -> bool:
    """Whether the search may stop here: a long run of equal elements, or one side is used up."""
    return (path.end - path.snake[0] >= _RUN and path.end == path.snake[0] + path.snake[2]) or (
        path.end == gap.old_end and path.end - diagonal == gap.new_end
    )
