"""Crossings of all kinds, each with its own number, and the work that scenes are made of."""

from __future__ import annotations

import asyncio
import os
from itertools import count
from random import Random

import witness
from depot import ledger
from till import counter

SPAN = 1 << 24
"""Crossings of one thread or process have numbers of their own span."""


class Play:
    """What a scene does, by a seed. `span` sets the numbers of crossings apart from those of other threads and processes."""

    def __init__(self, seed: int, span: int = 0) -> None:
        self.random = Random(seed * 1009 + span)
        self.seed = seed
        self.span = span
        self.loops = True
        """Whether event loops are run, which what is raised in their midst may stop for good."""
        self._numbers = count(span * SPAN + 1)

    def beside(self, span: int) -> Play:
        """Return a play for another thread or process."""
        return Play(self.seed, self.span * 100 + span)

    def number(self) -> int:
        return next(self._numbers)

    def told(self, call, *arguments):
        """Make one crossing that the witness sees."""
        number = self.number()
        witness.before(number)
        try:
            result = call(number, *arguments)
        except LookupError:
            result = number
        witness.after(number)
        return result

    def payload(self):
        """Return a value to pass: mostly small, sometimes more than half a journal holds."""
        size = self.random.choice((0, 0, 3, 40, 400, 5_000, 100_000 if self.random.random() < 0.05 else 9))
        kind = self.random.randrange(4)
        if kind == 0:
            return "x" * size
        if kind == 1:
            return {"size": size, "rows": list(range(min(size, 50)))}
        return size if kind == 2 else (size, [str(size)])

    def one(self) -> None:
        """Make a crossing of any kind."""
        kind = self.random.randrange(9)
        if kind <= 1:
            self.told(ledger.post, self.payload())
        elif kind == 2:
            self.told(counter.sell, self.payload())
        elif kind == 3:
            self.told(ledger.refuse)
        elif kind == 4:
            self.told(lambda number: sum(at for _, at in ledger.lines(number, 3)))
        elif kind == 5:
            self.told(ledger.append, [1, 2])
        elif kind == 6:
            self.told(self._account)
        elif kind == 7 and self.loops and self.random.random() < 0.02:
            self.told(lambda number: asyncio.run(ledger.fetch(number)))
        else:
            self.told(ledger.plain)

    def _account(self, number: int) -> None:
        account = ledger.Account(number)
        other = self.number()
        witness.before(other)
        account.add(other)
        witness.after(other)

    def some(self, times: int) -> None:
        for _ in range(times):
            self.one()

    def within(self, action) -> None:
        """Do something in the middle of a crossing."""
        self.told(ledger.during, action)

    def here(self, action) -> None:
        """Do something at a random place: between crossings, in one, or deep in several."""
        depth = self.random.randrange(4)
        for _ in range(depth):
            action = self._wrapped(action)
        action()

    def _wrapped(self, action):
        return lambda: self.within(action)

    def ready(self) -> None:
        """Tell whoever waits outside that it may strike."""
        path = os.environ["FAULTS_READY"]
        with open(f"{path}.new", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(str(os.getpid()))
        os.replace(f"{path}.new", path)  # noqa: PTH105
