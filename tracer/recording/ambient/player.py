"""What a recorded run read of its surroundings, to be given again: taken out of its cassette by one process, asked by another."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tracer import wire
from tracer.ambient import AMBIENT
from tracer.decode import decode
from tracer.errors import CassetteDamaged, RecordingError
from tracer.model import Returned
from tracer.values import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracer.model import RecordedRun
    from tracer.values import Value

ENVIRONMENT: Final = "os:environ"
"""The callable that stands for a read of all variables; `os:environ.get` for one of a single one."""
VARIABLE: Final = "os:environ.get"
HASH_SEED: Final = "sys:hash_seed"
_MARKS: Final = ("<tmp>", "<recording>")
_PROJECT: Final = "<project>"
MISSING: Final = object()
RAISES: Final = object()
"""Stands for what is kept of a read that raised: the program does so again by itself."""

Row: TypeAlias = "tuple[str, str, bytes, bytes]"
"""A read: lane, callable, and the snapshots of what it was called with and of what is kept; empty where it raised."""


def reads_of(run: RecordedRun) -> Iterator[Row]:
    """Yield what a run read of its surroundings.

    Raises:
        CassetteDamaged: a block of the recording cannot be read.
    """
    names = {each.name for each in run.recording.callables if each.component == AMBIENT}
    for lane in run.lanes if names else ():
        for call in run.calls(lane.name):
            if call.callable in names:
                kept = call.outcome.value if isinstance(call.outcome, Returned) else b""
                yield lane.name, call.callable, call.arguments, kept


def write_reads(path: Path, rows: Iterable[Row]) -> None:
    """Write reads for recording processes to play back."""
    path.write_bytes(wire.packer()([list(row) for row in rows]))


@dataclass(slots=True)
class Player:
    """Gives the reads of a recorded run again, first in first out for each lane, callable and what it was called with.

    `environment` holds the variables that it read, None for those that were not set. `order` are the names of all that were set, None where
    it never read them all.
    """

    environment: dict[str, str | None] = field(default_factory=dict)
    order: tuple[str, ...] | None = None
    hash_seed: str = ""
    _waiting: dict[tuple[str, str, str], deque[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Row], project: str = "", *, by_lane: bool = True) -> Player:
        """Return what plays these reads; variables that hold paths below the project have them below `project`.

        Without `by_lane` it is asked for those of the lane "", which are those of all lanes one after the other.

        Raises:
            CassetteDamaged: a snapshot cannot be read.
        """
        player = cls()
        for lane, name, arguments, outcome in rows:
            match decode(outcome) if outcome else None:
                case Mapping(items=items):
                    if name == ENVIRONMENT and player.order is None:
                        player.order = tuple(str(key.value) for key, _ in items if isinstance(key, Scalar))
                    for variable, value in items:
                        player._enter(variable, value, project)
                case Scalar(value=kept) if name == HASH_SEED:
                    player.hash_seed = player.hash_seed or str(kept)
                case tree:
                    place = lane if by_lane else "", name, _key(arguments)
                    player._waiting.setdefault(place, deque()).append(_kept(tree))
        return player

    @classmethod
    def read(cls, path: str, project: str = "") -> Player:
        """Return what plays what `write_reads` wrote.

        Raises:
            RecordingError: it cannot be read.
        """
        try:
            return cls.of(map(tuple, wire.unpack(Path(path).read_bytes())), project)
        except (OSError, ValueError, CassetteDamaged) as error:
            raise RecordingError("play back what a program read of its surroundings", str(error)) from error

    def _enter(self, variable: Value, value: Value, project: str) -> None:
        match variable, value:
            case Scalar(value=str() as name), Scalar(value=None):
                self.environment.setdefault(name, None)
            case Scalar(value=str() as name), Scalar(value=str() as text) if not any(mark in text for mark in _MARKS):
                self.environment.setdefault(name, text.replace(_PROJECT, project))
            case _:  # redacted, or a place that only that run had
                return

    def knows(self, variable: str) -> bool:
        """Whether the recorded run says what a variable is."""
        return variable in self.environment or (self.order is not None and variable not in self.order)

    def next(self, lane: str, name: str, key: str) -> Any:
        """Return what was kept of the next read like this; `MISSING` where nothing was, or the recorded run made no more of them."""
        waiting = self._waiting.get((lane, name, key))
        try:
            return waiting.popleft() if waiting else MISSING
        except IndexError:  # another thread of the lane was faster
            return MISSING


def _kept(tree: Value | None) -> Any:
    match tree:
        case None:
            return RAISES
        case Scalar(value=kept):
            return kept
        case _:  # too large to be kept whole
            return MISSING


def _key(arguments: bytes) -> str:
    match decode(arguments):
        case Sequence(items=(Scalar(value=str() as text),)):
            return text
        case _:
            return ""
