"""Alignment, tried with letters and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.compare.align import Gap, Run, align, gaps, moved

if TYPE_CHECKING:
    from collections.abc import Sequence

letters = st.lists(st.sampled_from("abcdef"), max_size=40)


def pairs(runs: Sequence[Run]) -> list[tuple[int, int]]:
    return [(run.old + n, run.new + n) for run in runs for n in range(run.length)]


def left_over(old: Sequence[Any], new: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    matched = pairs(align((old, new)))
    olds, news = {i for i, _ in matched}, {j for _, j in matched}
    return [x for i, x in enumerate(old) if i not in olds], [x for j, x in enumerate(new) if j not in news]


@given(letters)
def test_a_sequence_aligns_with_itself_in_one_run(sequence: list[str]) -> None:
    assert pairs(align((sequence, sequence))) == [(n, n) for n in range(len(sequence))]


@given(letters, letters)
def test_pairs_are_equal_and_increase_on_both_sides(old: list[str], new: list[str]) -> None:
    matched = pairs(align((old, new)))

    assert all(old[i] == new[j] for i, j in matched)
    assert all(a < c and b < d for (a, b), (c, d) in zip(matched, matched[1:], strict=False))


@given(letters, letters)
def test_runs_and_gaps_account_for_every_element_once(old: list[str], new: list[str]) -> None:
    runs = align((old, new))
    between = list(gaps(runs, Gap(0, len(old), 0, len(new))))

    olds = [i for i, _ in pairs(runs)] + [i for gap in between for i in range(gap.old_start, gap.old_end)]
    news = [j for _, j in pairs(runs)] + [j for gap in between for j in range(gap.new_start, gap.new_end)]
    assert sorted(olds) == list(range(len(old)))
    assert sorted(news) == list(range(len(new)))


def longest_common(old: str, new: str) -> int:
    row = [0] * (len(new) + 1)
    for x in old:
        last = row[:]
        for j, y in enumerate(new):
            row[j + 1] = last[j] + 1 if x == y else max(last[j + 1], row[j])
    return row[-1]


@given(letters, st.lists(st.tuples(st.integers(0, 40), st.sampled_from("xyz")), max_size=5))
def test_foreign_elements_put_in_are_the_only_ones_added(old: list[str], inserted: list[tuple[int, str]]) -> None:
    """With letters that occur on one side only, the rest must be matched completely."""
    new = list(old)
    for place, letter in inserted:
        new.insert(place, letter)

    removed, added = left_over(old, new)

    assert removed == []
    assert sorted(added) == sorted(letter for _, letter in inserted)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("abcabba", "cbabac"),
        ("abcdefgh", "bcdxefgha"),
        ("aaabbb", "bbbaaa"),
        ("abababab", "babababa"),
        ("abc", ""),
        ("", ""),
    ],
)
def test_small_examples_are_matched_as_well_as_possible_or_nearly(old: str, new: str) -> None:
    assert len(pairs(align((old, new)))) >= longest_common(old, new) - 1


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_one_element_before_equal_ones_is_exactly_one_added(count: int) -> None:
    assert left_over(["a"] * count, ["a"] * (count + 1)) == ([], ["a"])


def test_an_insertion_into_repeating_calls_stays_one() -> None:
    old = list("abcabcabc" * 200)
    new = [*old[:901], "a", *old[901:]]

    assert left_over(old, new) == ([], ["a"])


def test_a_weaker_key_fills_the_gaps_of_a_stronger_one() -> None:
    old, new = ["a1", "b1", "c1"], ["a1", "b2", "c1"]

    runs = align((old, new), ([x[0] for x in old], [x[0] for x in new]))

    assert [(run.old, run.new, run.level) for run in runs] == [(0, 0, 0), (1, 1, 1), (2, 2, 0)]


def test_agreement_on_the_settling_level_beats_crosswise_matches() -> None:
    """A counter that starts at another number is three changed results, not a call removed and one added."""
    old, new = ["next=1", "next=2", "next=3"], ["next=2", "next=3", "next=4"]
    level = (["next"] * 3, ["next"] * 3)

    assert pairs(align((old, new), level, in_step=1)) == [(0, 0), (1, 1), (2, 2)]


@given(st.permutations("abcdef"))
def test_elements_left_over_on_both_sides_are_found_to_have_moved(new: list[str]) -> None:
    old = list("abcdef")
    matched = pairs(align((old, new)))
    olds, news = {i for i, _ in matched}, {j for _, j in matched}

    strays = moved(
        [(i, x) for i, x in enumerate(old) if i not in olds], [(j, x) for j, x in enumerate(new) if j not in news]
    )

    assert len(matched) + len(strays) == len(old)
    assert all(old[i] == new[j] for i, j in strays)


class Counted:
    """A key that counts how often it is compared or hashed."""

    work = 0

    def __init__(self, value: int) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        Counted.work += 1
        return isinstance(other, Counted) and self.value == other.value

    def __hash__(self) -> int:
        Counted.work += 1
        return hash(self.value)


def work_of(old: list[int], new: list[int]) -> int:
    Counted.work = 0
    align(([Counted(x) for x in old], [Counted(x) for x in new]))
    return Counted.work


@pytest.mark.parametrize(
    "change",
    [
        lambda n: (list(range(n)), list(range(n))),
        lambda n: (list(range(n)), [-1, *range(n)]),
        lambda n: (list(range(n)), list(range(n, 2 * n))),
        lambda n: (list(range(n)), list(range(n))[::-1]),
        lambda n: ([x % 7 for x in range(n)], [x * x % 7 for x in range(n)]),
        lambda n: (list(range(n)), [-x if x % 100 == 50 else x for x in range(n)]),
    ],
)
def test_work_on_keys_grows_with_the_length(change: Any) -> None:
    small, large = work_of(*change(1000)), work_of(*change(4000))

    assert large <= 5 * small + 100
