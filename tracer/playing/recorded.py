"""The recorded calls of the components that are played back, found again by callable and arguments, each played once.

Within one callable and equal arguments they come in recorded order. Safe for threads.
"""

from __future__ import annotations

from collections import deque
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tracer.decode import decode_arguments
from tracer.model import Flow, Raised, Returned, Unfinished
from tracer.playing.likeness import Grade, Likeness, likeness
from tracer.render import printable, render

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tracer.model import Call, Callable, RecordedRun
    from tracer.playing.matchers import Matchers
    from tracer.playing.tally import Tally
    from tracer.values import Value


class Entry:
    """One recorded call, and whether it was played. `at_once` is what it came to, where returning that is all there is to do."""

    __slots__ = ("at_once", "call", "noun", "number", "played", "trees")

    def __init__(self, call: Call, noun: Callable, number: int) -> None:
        self.call = call
        self.noun = noun
        self.number = number
        self.played = False
        self.at_once = _at_once(call)
        self.trees: tuple[Value, ...] | None = None

    def arguments(self) -> tuple[Value, ...]:
        """Return the recorded arguments, one per parameter."""
        if self.trees is None:
            self.trees = decode_arguments(self.call.arguments)
        return self.trees

    def text(self) -> str:
        """Return the call as text, without its receiver."""
        return f"{printable(self.noun.name)}{shown_arguments(self.noun, self.arguments())}"


def _at_once(call: Call) -> bytes | None:
    """Return what a call returned, None where there is more to play of it."""
    outcome = call.outcome
    plain = type(outcome) is Returned and not call.after and call.flow in _UNDRIVEN
    return outcome.value if plain and isinstance(outcome, Returned) else None


_UNDRIVEN: Final = frozenset({Flow.CALL, Flow.COROUTINE})


def shown_arguments(noun: Callable, arguments: tuple[Value, ...]) -> str:
    """Return the arguments of a call as text, the receiver left out."""
    names = [parameter.name for parameter in noun.parameters]
    if len(names) != len(arguments):
        return "(...)"
    pairs = list(zip(names, arguments, strict=True))[1 if noun.bound else 0 :]
    return f"({', '.join(f'{printable(name)}={render(value, 60)}' for name, value in pairs)})"


class Near(NamedTuple):
    """The recorded call that is most like one that was not found, and where they differ."""

    entry: Entry
    likeness: Likeness


def _may_be_cancelled(entry: Entry) -> bool:
    outcome = entry.call.outcome
    return entry.call.flow is Flow.COROUTINE and isinstance(outcome, Raised) and b"CancelledError" in outcome.error


class Waiting(NamedTuple):
    """The calls of one callable by the snapshots of their arguments, each a queue in recorded order.

    Who takes one off holds `turn`, or lets no other thread run until it is marked as played, while nobody is in `looking`.
    """

    exact: dict[bytes, deque[Entry]]
    turn: RLock
    looking: list[None]


class _Calls:
    """The recorded calls of one callable, in recorded order."""

    def __init__(self, noun: Callable, whole: bool) -> None:
        self.noun = noun
        self.whole = whole  # whether all of the arguments counts, so that equal calls have equal bytes
        self.entries: list[Entry] = []
        self.exact: dict[bytes, deque[Entry]] = {}
        self.open = 0  # entries before this one are played


class Recorded:
    """All calls of some components that a program itself makes: those that they make of one another are part of these.

    `matchers` says what of the arguments counts, `repeat` that the last call of its kind may be played again.
    """

    def __init__(
        self, run: RecordedRun, components: Sequence[str], matchers: Matchers, *, repeat: bool = False
    ) -> None:
        self._matchers = matchers
        self._repeat = repeat
        self._turn = RLock()
        self._tally: Tally | None = None
        self._looking: list[None] = []
        nouns = {noun.name: noun for noun in run.recording.callables if covered(components, noun.component)}
        self._calls = {name: _Calls(noun, matchers.whole(noun)) for name, noun in nouns.items()}
        self._number = 0
        for lane in run.lanes:
            for call in _outermost(run.calls(lane.name), nouns):
                self._enter(call)

    def __len__(self) -> int:
        return self._number

    @property
    def callables(self) -> Iterator[str]:
        """The names of all callables that have a recorded call."""
        return (name for name, calls in self._calls.items() if calls.entries)

    def noun(self, name: str) -> Callable | None:
        """Return what was recorded of a callable, None where it never was called."""
        calls = self._calls.get(name)
        return calls.noun if calls is not None and calls.entries else None

    def tell(self, tally: Tally) -> None:
        """Have the calls that are played from now on noted."""
        self._tally = tally

    def take(self, name: str, arguments: bytes) -> Entry | None:
        """Return the next call of a callable with such arguments, which counts as played; None where there is none left."""
        calls = self._calls.get(name)
        if calls is None:
            return None
        with self._turn:
            self._looking.append(None)
            try:
                entry = self._next(calls, arguments)
                if entry is not None:
                    entry.played = True
                    if self._tally is not None:
                        self._tally.played(entry.number)
                return entry
            finally:
                self._looking.pop()

    def waiting(self, noun: Callable) -> Waiting | None:
        """Return the calls of a callable for one who takes them off himself.

        None where bytes alone do not tell them apart, each is to be noted, or some ended by being cancelled, which takes its time.
        """
        calls = self._calls.get(noun.name)
        if calls is None or not calls.whole or self._repeat or calls.noun.flow is not noun.flow:
            return None
        if self._tally is not None or any(map(_may_be_cancelled, calls.entries)):
            return None
        return Waiting(calls.exact, self._turn, self._looking)

    def nearest(self, name: str, arguments: bytes) -> Near | None:
        """Return the recorded call of a callable that is most like one with these arguments, played or not."""
        calls = self._calls.get(name)
        if calls is None or not calls.entries:
            return None
        trees = decode_arguments(arguments)
        found = [Near(entry, self._likeness(calls.noun, entry, trees)) for entry in calls.entries[:_MOST_LOOKED_AT]]
        return min(found, key=lambda near: (near.likeness.grade, _differing(near.entry, trees), near.entry.number))

    def times(self, name: str) -> tuple[int, int]:
        """Return how often a callable was recorded, and how many of these calls are played."""
        calls = self._calls.get(name)
        entries = calls.entries if calls is not None else []
        return len(entries), sum(entry.played for entry in entries)

    def unplayed(self) -> tuple[Entry, ...]:
        """Return the calls that were not played, in recorded order."""
        left = (entry for calls in self._calls.values() for entry in calls.entries if not entry.played)
        return tuple(sorted(left, key=lambda entry: entry.number))

    def mark(self, numbers: Iterable[int]) -> None:
        """Take calls as played that other processes have played. Each of them begins with the first: one that several played stands for equal ones."""
        entries = {entry.number: entry for calls in self._calls.values() for entry in calls.entries}
        alike: dict[tuple[str, bytes], deque[Entry]] = {}
        for entry in entries.values():
            alike.setdefault((entry.noun.name, entry.call.arguments), deque()).append(entry)
        for number in numbers:
            found = entries[number]
            waiting = alike[found.noun.name, found.call.arguments]
            if found.played and waiting:
                waiting[0].played = True
            found.played = True
            while waiting and waiting[0].played:
                waiting.popleft()

    def _enter(self, call: Call) -> None:
        calls = self._calls[call.callable]
        entry = Entry(call, calls.noun, self._number)
        self._number += 1
        calls.entries.append(entry)
        key = self._key(calls, call.arguments)
        if key is not None:
            calls.exact.setdefault(key, deque()).append(entry)

    def _next(self, calls: _Calls, arguments: bytes) -> Entry | None:
        key = self._key(calls, arguments)
        waiting = calls.exact.get(key) if key is not None else None
        while waiting:
            entry = waiting.popleft()
            if not entry.played:
                if self._repeat and not waiting:
                    waiting.append(entry)
                return entry
            if self._repeat and not waiting:
                waiting.append(entry)
                break
        found = self._alike(calls, arguments, played=False)
        return self._alike(calls, arguments, played=True) if found is None and self._repeat else found

    def _key(self, calls: _Calls, arguments: bytes) -> bytes | None:
        return arguments if calls.whole else self._matchers.key(calls.noun, arguments)

    def _alike(self, calls: _Calls, arguments: bytes, *, played: bool) -> Entry | None:
        """Return the call with the best likeness, the first in recorded order; where they are played ones, the last."""
        while not played and calls.open < len(calls.entries) and calls.entries[calls.open].played:
            calls.open += 1
        trees = decode_arguments(arguments)
        best, grade = None, Grade.DIFFERENT
        for entry in reversed(calls.entries) if played else calls.entries[calls.open :]:
            if entry.played is not played:
                continue
            found = self._likeness(calls.noun, entry, trees).grade
            if found < grade:
                best, grade = entry, found
                if grade is Grade.EQUAL:
                    break
        return best

    def _likeness(self, noun: Callable, entry: Entry, trees: tuple[Value, ...]) -> Likeness:
        return self._matchers.likeness(noun, entry.arguments(), trees)


_MOST_LOOKED_AT = 1_000
"""Recorded calls among which the one nearest to a miss is looked for."""


def covered(components: Sequence[str], component: str) -> bool:
    """Whether a component is, or lies below, one of those named."""
    return any(component == each or component.startswith(f"{each}.") for each in components)


def _outermost(calls: Iterable[Call], nouns: dict[str, Any]) -> Iterator[Call]:
    """Yield the calls of a lane that are of these callables and not made inside another of them."""
    inside: list[bool] = []  # for each call so far, whether it is one of them or made inside one
    for at, call in enumerate(calls):
        below = bool(call.parent) and inside[at - call.parent]
        own = call.callable in nouns
        inside.append(below or own)
        if own and not below and not (type(call.outcome) is Unfinished and not call.items):
            yield call


def _differing(entry: Entry, trees: tuple[Value, ...]) -> int:
    """Count the arguments in which a recorded call and another differ."""
    recorded = entry.arguments()
    pairs = zip(recorded, trees, strict=False)
    return abs(len(recorded) - len(trees)) + sum(likeness(a, b).grade is Grade.DIFFERENT for a, b in pairs)
