"""Random choices among things of the program's own: what is kept are the numbers drawn, so that the same places are chosen again.

`random.choice` returns one of the caller's own objects, and `random.shuffle` moves them: neither can be given back from a recording. The
functions themselves run, on a source of numbers that notes each one or repeats those that were noted.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final

from tracer.recording.ambient.sources import CannotGive, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

DRAWING: Final = ("choice", "choices", "sample", "shuffle")
"""Methods of a `random.Random` that choose among what they are given."""


_draw_seed: Final = os.urandom  # held at import: the host may put something else in its place
_SEED: Final = 32  # bytes, more than anybody could try


@dataclass(frozen=True, slots=True)
class Choosing(Source):
    """One of the `DRAWING` methods of a `random.Random` that is there already."""

    owner: Any = None
    method: str = ""

    def key(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> str:
        """Return nothing: what may be chosen from is the program's own."""
        del arguments, named
        return ""

    def live(self, called: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any]:
        """Choose, and keep what was drawn."""
        del called
        noting = Noting(self.owner)
        value = getattr(noting, self.method)(*arguments, **named)
        return value, noting.kept

    def again(self, kept: Any, called: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Choose the same places."""
        del called
        if type(kept) is not str:
            raise CannotGive("it was not kept whole")
        repeating = Repeating(kept)
        value = getattr(repeating, self.method)(*arguments, **named)
        repeating.finish()
        return value


@dataclass(frozen=True, slots=True)
class Seeding(Source):
    """A generator of random numbers that is made without a seed: it gets one, which is kept, and needs no watching from then on."""

    def live(self, called: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any]:
        """Make one with a seed of its own."""
        del arguments, named
        seed = _draw_seed(_SEED).hex()
        return called(int(seed, 16)), seed

    def again(self, kept: Any, called: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Make one with the same seed."""
        del arguments, named
        try:
            return called(int(kept, 16))
        except (TypeError, ValueError):
            raise CannotGive("it is no seed") from None


class _Drawing:
    """Stands for the `random.Random` in the methods that choose."""

    choice = Random.choice
    choices = Random.choices
    sample = Random.sample
    shuffle = Random.shuffle


class Noting(_Drawing):
    """Draws from a `random.Random` and notes what came."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self.drawn: list[float] = []

    def random(self) -> float:
        """Return a number from 0 up to 1."""
        found: float = self._owner.random()
        self.drawn.append(found)
        return found

    def _randbelow(self, limit: int) -> int:
        found: int = self._owner._randbelow(limit)  # noqa: SLF001  (what the methods of `Random` draw places with, in every release)
        self.drawn.append(found)
        return found

    @property
    def kept(self) -> str:
        """What was drawn, as one text."""
        return " ".join(map(repr, self.drawn))


class Repeating(_Drawing):
    """Repeats numbers that were noted. One that does not fit what is asked for raises `CannotGive`."""

    def __init__(self, kept: str) -> None:
        self._rest: Iterator[str] = iter(kept.split())

    def random(self) -> float:
        """Return the next number from 0 up to 1."""
        found: float = self._next(float, 1)
        return found

    def _randbelow(self, limit: int) -> int:
        found: int = self._next(int, limit)
        return found

    def _next(self, kind: Any, limit: int) -> Any:
        text = next(self._rest, None)
        if text is None:
            raise CannotGive("fewer numbers were drawn")
        try:
            found = kind(text)
        except ValueError:
            raise CannotGive("other numbers were drawn") from None
        if not 0 <= found < limit:
            raise CannotGive("it chose among more")
        return found

    def finish(self) -> None:
        """Make sure that all were used."""
        if next(self._rest, None) is not None:
            raise CannotGive("more numbers were drawn")
