"""What moved or was renamed, as it is told: one thing at a time, not each of its two hundred methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.compare.renaming import Renaming

_MOST_ALONE: Final = 8  # callables of one module that are told of one by one


@dataclass(frozen=True, slots=True)
class Move:
    """Callables that are to be told of as one, by their old names, with the new name of the first.

    `renamed` says that their own name, or that of their class, is another one: who uses it has to follow. What only
    moved is mostly imported back.
    """

    names: tuple[str, ...]
    home: str
    renamed: bool

    @property
    def text(self) -> str:
        """The new name, and how many more went the same way."""
        return f"{self.home} (and {len(self.names) - 1:,} more that went the same way)" if self.names[1:] else self.home


def moves(renaming: Renaming) -> Iterator[Move]:
    """Yield what moved or was renamed, sorted: a class or a module as one, where it went as a whole."""
    together: dict[tuple[str, str], list[str]] = {}
    for name, home in sorted(renaming.callables.items()):
        together.setdefault(_way(name, home, renaming), []).append(name)
    for (place, other), names in together.items():
        renamed = ":" in place and _simple(place) != _simple(other)
        alone = ":" not in place and len(names) <= _MOST_ALONE
        for some in ([name] for name in names) if alone else [names]:
            yield Move(tuple(some), renaming.callables[some[0]], renamed)


def _way(name: str, home: str, renaming: Renaming) -> tuple[str, str]:
    """Return what went where: two modules, two classes, or the callable itself."""
    owner = name.rpartition(".")[0]
    if ":" in owner and owner in renaming.classes and _simple(owner) != _simple(renaming.classes[owner]):
        return owner, renaming.classes[owner]
    if name.partition(":")[2] == home.partition(":")[2]:
        return name.partition(":")[0], home.partition(":")[0]
    return name, home


def _simple(name: str) -> str:
    return name.replace(":", ".").rpartition(".")[2]
