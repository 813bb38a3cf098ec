"""What two cassettes hold alike is compared by its digests: it is not unpacked, so not even damage there is met."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.compare.runs import call, function
from tracer.errors import CassetteDamaged
from tracer.model import Component, Recording
from tracer.rules import Rule
from tracer.storage.format import MAGIC
from tracer.storage.reader import open_cassette, verify
from tracer.storage.store import write_cassette
from tracer.workflows import Terms, diff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tracer.model import Call

RECORDING = Recording("3.11", callables=(function("shop:price", "number"),), components=(Component("shop"),))
CALLS = 30_000


def calls(outcome: Callable[[int], int]) -> Iterator[Call]:
    return (call("shop:price", [number], outcome(number)) for number in range(CALLS))


def damage_first_block(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for at in range(len(MAGIC) + 100, len(MAGIC) + 140):
        content[at] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize("changed", [0, 1])
def test_blocks_that_both_sides_have_are_never_unpacked(tmp_path: Path, changed: int) -> None:
    """Beside them one lane is equal, the other differs in its last call alone, which a rule expects."""
    old, new = tmp_path / "old.cassette", tmp_path / "new.cassette"
    write_cassette(old, RECORDING, {"main": calls(lambda number: number)})
    write_cassette(new, RECORDING, {"main": calls(lambda number: number + changed * (number == CALLS - 1))})
    with open_cassette(old) as cassette:
        assert len(cassette.blocks("main")) > 2
    for path in (old, new):
        damage_first_block(path)
        with pytest.raises(CassetteDamaged):
            verify(path)

    comparison = diff(old, new, terms=Terms(rules=(Rule("shop:price", "returned-value", "return"),)))

    assert comparison.findings == ()
    assert (comparison.summary.identical, comparison.summary.hidden_as_noise) == (CALLS, changed)
