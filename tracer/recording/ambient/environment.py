"""The environment as watched code reads it: what this process was started with, or what a recorded one was."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.recording.ambient.player import Player

RESERVED: Final = ("TRACER_", "PYTHONPATH", "PYTHONHASHSEED", "PYTEST_", "COVERAGE_")
"""How names begin that recording itself sets, or whoever drives the run: they are read as they are and never told of."""

SHELL: Final = frozenset({"PWD", "OLDPWD", "SHLVL", "_"})
"""What a shell keeps for itself: where it is, and how it was called."""

READING: Final = frozenset({"get", "copy", "items", "keys", "values", "pop", "setdefault"})
"""Methods of the environment that read."""

environ: Final = os.environ  # held at import: the host may put another one in its place while it runs
KIND: Final = type(environ)


def is_reserved(name: str) -> bool:
    """Whether a variable is none of the program's surroundings."""
    return name.startswith(RESERVED)


class Surroundings:
    """What the variables are that the program did not set itself.

    Only what a variable was when the process started is its surroundings: what the program has written since is its own, and read as it is.
    `player` knows those of a recorded run, None where there is none.
    """

    def __init__(self, player: Player | None) -> None:
        self._player = player
        self._before = dict(environ)

    def is_told(self, name: str) -> bool:
        """Whether a read of a variable is one of the surroundings: the program has not changed it."""
        if name in SHELL or name.startswith(RESERVED):
            return False
        return environ.get(name) == self._before.get(name)

    def is_played(self, name: str) -> bool:
        """Whether a read of a variable is given what it was in the recorded run."""
        return self._player is not None and self.is_told(name) and self._player.knows(name)

    def value(self, name: str) -> str | None:
        """Return a variable as it is here, None where it is not set."""
        if self._player is None or not self.is_played(name):
            return environ.get(name)
        return self._player.environment.get(name)

    def all(self) -> dict[str, str]:
        """Return all variables that are set here, in the order in which the recorded run had them."""
        names = list(environ)
        if self._player is not None and self._player.order is not None:
            mine = [name for name in names if not self.is_played(name)]
            names = [*dict.fromkeys((*self._player.order, *mine))]
        return {name: value for name in names if (value := self.value(name)) is not None}


class Environment(MutableMapping[str, str]):
    """Stands for `os.environ` where watched code reads from it. What is written goes to the real one.

    read_one: told of the name of a variable that is read, it returns what it is.
    read_all: told that all are read, it returns them.
    """

    def __init__(self, read_one: Callable[[str], str | None], read_all: Callable[[], dict[str, str]]) -> None:
        self._read_one = read_one
        self._read_all = read_all

    def __getitem__(self, name: Any) -> str:
        found = self._read_one(name) if type(name) is str else environ[name]
        if found is None:
            raise KeyError(name) from None
        return found

    def __contains__(self, name: object) -> bool:
        return self._read_one(name) is not None if type(name) is str else name in environ

    def __iter__(self) -> Iterator[str]:
        return iter(self._read_all())

    def __len__(self) -> int:
        return len(self._read_all())

    def __setitem__(self, name: str, value: str) -> None:
        environ[name] = value

    def __delitem__(self, name: str) -> None:
        del environ[name]

    def copy(self) -> dict[str, str]:
        """Return all variables."""
        return self._read_all()

    def __or__(self, other: Any) -> Any:
        return self._read_all() | other

    def __ror__(self, other: Any) -> Any:
        return other | self._read_all()

    def __getattr__(self, name: str) -> Any:
        return getattr(environ, name)
