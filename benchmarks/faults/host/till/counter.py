"""Crosses into the other component, so that calls nest."""

from __future__ import annotations

import witness
from depot import ledger

INNER = 1 << 50
"""Added to the number of a crossing for the one inside it."""


def sell(number: int, amount: object = None) -> list[object]:
    witness.before(number + INNER)
    ledger.post(number + INNER, amount)
    witness.after(number + INNER)
    return [number, amount]


class Closing:
    """Crosses when it is finalized."""

    def __init__(self, mine: int) -> None:
        self.number = mine
        self.me = self if mine % 2 else None  # half of them wait for the collector

    def __del__(self, before=witness.before, after=witness.after, post=ledger.post) -> None:
        before(self.number)
        post(self.number)
        after(self.number)
