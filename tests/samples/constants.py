"""Constants that code tells by identity, and instances that look like some and are none."""

from __future__ import annotations

from typing import Any, NamedTuple


class Kind(tuple[str, ...]):  # noqa: SLOT001  (its children are attributes)
    """A tree of names, each with its parent and, as attributes, its children."""

    parent: Kind | None = None

    def below(self, name: str) -> Kind:
        """Return the kind of that name below this one, made on first need."""
        if name not in self.__dict__:
            self.__dict__[name] = made = Kind((*self, name))
            made.parent = self
        found: Kind = self.__dict__[name]
        return found


class Unset:
    def __repr__(self) -> str:
        return "UNSET"


class Level(int):
    pass


class Text(str):
    __slots__ = ()


class Size(NamedTuple):
    width: int
    ratio: float


class Twin:
    pass


class Filled:
    def fill(self, content: Any) -> None:
        """Put something in."""
        self.content = content


class Listed(tuple[int, ...]):  # noqa: SLOT001  (it has a list as an attribute)
    pass


class Options:
    class _Nothing:
        pass

    NOTHING = _Nothing()


ROOT = Kind()
NAME = ROOT.below("name")
DOTTED = NAME.below("dotted")
UNSET = ALSO_UNSET = Unset()
HIGH = Level(3)
WORD = Text("word")
WIDE = Size(2, 1.0)
ONE, OTHER = Twin(), Twin()
EMPTY = Filled()
LISTED = Listed((1, 2))
LISTED.seen = []  # type: ignore[attr-defined]
