"""Reading recorded values: which trees are held."""

from __future__ import annotations

from tests.compare.runs import snapshot
from tracer.compare.reading import Reader
from tracer.values import Scalar


def test_few_trees_of_giant_values_are_held_at_once() -> None:
    """A tree takes many times the memory of its bytes: the oldest giants are forgotten, and are read again if they are needed."""
    giants = [snapshot(bytes((n,)) * 3_000_000) for n in range(6)]
    reader = Reader()
    trees = [reader.read(data) for data in giants]

    assert [reader.read(giants[n]) is trees[n] for n in (5, 4, 3, 2)] == [True] * 4
    again = reader.read(giants[0])
    assert again is not trees[0]
    assert again == Scalar(bytes(3_000_000))


def test_the_trees_of_one_pair_of_calls_are_held_whatever_their_size() -> None:
    giants = [snapshot(bytes((n,)) * 9_000_000) for n in range(4)]
    reader = Reader()
    trees = [reader.read(data) for data in giants]

    assert all(reader.read(data) is tree for data, tree in zip(giants, trees, strict=True))


def test_the_trees_of_small_values_are_held_longer() -> None:
    small = [snapshot([n]) for n in range(17)]
    reader = Reader()
    trees = [reader.read(data) for data in small]

    assert [reader.read(small[n]) is trees[n] for n in (16, 8, 1)] == [True] * 3
    assert reader.read(small[0]) is not trees[0]
