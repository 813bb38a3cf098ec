"""Calls past their callable's budget of detail: sums over runs of them, in place of the calls.

A hot loop is kept in detail up to a number of calls and bytes per callable and lane; what follows costs the same few bytes per run of
some hundred calls however long it goes on. Where a run ends is decided by what its last call was given, so a call more or less changes the run it
falls in and no later one. What is open is mirrored into the journal (`open_sums`), so that no kill takes it.

The classes here are the reference; with hooks in C those of `_thin.c` take their place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tracer.model import ItemKind
from tracer.storage.open_sums import ITEMS, RUN, Slot
from tracer.sums import END, NOTHING, Sum, followed, items_snapshot, noted, of, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.recording.lanes import Lane
    from tracer.storage.journal import Journal

LEAST_CALLS: Final = 512
MOST_CALLS: Final = 4096
_CUT: Final = 0x9E3779B97F4A7C15
_CUT_BITS: Final = 56  # of 64: one call in 256
_RAISED: Final = 1
_MASK: Final = 2**64 - 1

MOST_ITEMS: Final = 4096
"""Items of which one sum is kept, past the budget of detail."""

BYTES_AN_ITEM: Final = 256
"""What an item takes beside its own bytes: small ones of a generator that never ends would else be kept for long."""

BYTES_A_CALL: Final = 1024
"""Bytes of snapshots that are kept in detail of one callable in one lane, for each of the calls that may be: few large ones use it up as well.

Items of its generators have as many of their own.
"""


class Taken(NamedTuple):
    """One run: how many calls, of which so many raised; so many more never ended; who made the first; sums of arguments and outcomes."""

    calls: int
    raised: int
    unfinished: int
    caller: int
    inputs: Sum
    outcomes: Sum


_EMPTY: Final = Taken(0, 0, 0, 0, NOTHING, NOTHING)


class Tally:
    """What is counted of one callable in one lane; at most `most_calls` are kept in detail, until `most_bytes` of snapshots are, and of items."""

    __slots__ = (
        "_begun",
        "_caller",
        "_calls",
        "_ended",
        "_inputs",
        "_outcomes",
        "_raised",
        "_room",
        "_room_bytes",
        "_room_of_items",
        "_slot",
        "callable",
        "lane",
    )

    def __init__(self, lane: int, callable_: int, most_calls: int, most_bytes: int) -> None:
        self.lane = lane
        self.callable = callable_
        self._room = most_calls
        self._room_bytes = self._room_of_items = most_bytes
        self._begun = self._ended = 0
        self._slot: Slot | None = None
        self._clear()

    def settle(self, mapped: Any, at: int) -> None:
        """Mirror what is open into a slot of the journal from now on."""
        self._slot = Slot(mapped, at)

    def _clear(self) -> None:
        self._calls = self._raised = self._caller = 0
        self._inputs = self._outcomes = NOTHING

    def keeps(self, size: int) -> bool:
        """Say whether a call that begins is kept in detail, and count it as such, with the bytes of its arguments."""
        if self._room <= 0 or self._room_bytes <= 0:
            return False
        self._room -= 1
        self._room_bytes -= size
        return True

    def add(self, size: int) -> None:
        """Count bytes of what came out of a call that is kept."""
        self._room_bytes -= size

    def keeps_item(self, size: int) -> bool:
        """Say whether an item of a generator whose call is kept is kept in detail too, and count it as such, with its bytes."""
        if self._room_of_items <= 0:
            return False
        self._room_of_items -= size + BYTES_AN_ITEM
        return True

    @property
    def begun(self) -> int:
        """How many calls began that were not kept in detail."""
        return self._begun

    def begin(self, arguments: bytes, caller: int) -> Thin:
        """Begin a call that is not kept in detail."""
        self._begun += 1
        if not self._calls:
            self._caller = caller
        if self._slot is not None:
            self._slot.begin(caller, self._begun)
        return Thin(self, of(arguments), caller)

    def end(self, thin: Thin, outcome: int) -> bool:
        """Count a call that has ended; say whether the run is to be written."""
        if not self._calls:
            self._caller = thin.caller
        self._ended += 1
        self._calls += 1
        self._raised += outcome == _RAISED
        self._inputs = followed(self._inputs, thin.inputs)
        self._outcomes = followed(self._outcomes, thin.outcomes)
        if self._slot is not None:
            self._slot.put(self._caller, self._calls, self._raised, self._ended, self._inputs, self._outcomes)
        cuts = (thin.inputs[0] * _CUT & _MASK) >> _CUT_BITS == 0
        return (cuts and self._calls >= LEAST_CALLS) or self._calls >= MOST_CALLS

    def taken(self, *, last: bool = False) -> Taken:
        """Return the run and begin the next one. The last one also counts calls that never ended."""
        unfinished = self._begun - self._ended if last else 0
        found = Taken(self._calls, self._raised, unfinished, self._caller, self._inputs, self._outcomes)
        if found.calls:
            self._clear()
            if self._slot is not None:
                self._slot.next(self._ended)
        return found


class Thin:
    """One activation that is not kept in detail."""

    __slots__ = ("caller", "inputs", "outcomes", "tally")

    def __init__(self, tally: Tally, inputs: Sum, caller: int) -> None:
        self.tally = tally
        self.inputs = inputs
        self.caller = caller
        self.outcomes = NOTHING

    def note(self, tag: int, snapshot: bytes) -> None:
        """Take in an item that passed, or an argument as the call left it; `tag` is one of `tracer.sums`."""
        self.outcomes = noted(self.outcomes, tag, snapshot)

    def end(self, outcome: int, snapshot: bytes) -> bool:
        """End the call; say whether the run of its tally is to be written."""
        self.outcomes = noted(self.outcomes, END + outcome, snapshot)
        return self.tally.end(self, outcome)


class Rest:
    """The items of one generator past the budget of detail, up to the next sum that is written."""

    __slots__ = ("_count", "_slot", "_sum")

    def __init__(self) -> None:
        self._count, self._sum = 0, NOTHING
        self._slot: Slot | None = None

    def settle(self, mapped: Any, at: int) -> None:
        """Mirror what is open into a slot of the journal from now on."""
        self._slot = Slot(mapped, at)

    def note(self, tag: int, snapshot: bytes) -> bool:
        """Take in an item that passed, `tag` as for `Thin`; say whether the sum is to be written."""
        self._sum = noted(self._sum, tag, snapshot)
        self._count += 1
        if self._slot is not None:
            self._slot.put(0, self._count, 0, 0, self._sum, NOTHING)
        return self._count >= MOST_ITEMS

    def taken(self) -> tuple[int, Sum]:
        """Return how many items there are and their sum, and begin anew."""
        found = self._count, self._sum
        if self._count:
            self._count, self._sum = 0, NOTHING
            if self._slot is not None:
                self._slot.next(0)
        return found


class Tallies:
    """The tallies of one recorder.

    `most_calls` are kept in detail per callable and lane; 0 keeps all, and then there is no tally. `journal()` is what takes runs and items;
    `kind` is what makes tallies, `rest` what makes rests.
    """

    def __init__(self, most_calls: int, journal: Callable[[], Journal]) -> None:
        self.most_calls = most_calls
        self.kind: Any = Tally
        self.rest: Any = Rest
        self._journal = journal
        self._full: list[Any] = []
        self._rests: dict[int, Any] = {}
        self._slots: dict[int, int] = {}  # of rests, by call

    def of(self, lane: Lane, callable_: int) -> Any:
        """Return the tally of a callable in a lane, made on first need."""
        tally = lane.tallies.get(callable_)
        if tally is None:
            made = self.kind(lane.ident, callable_, self.most_calls, self.most_calls * BYTES_A_CALL)
            tally = lane.tallies.setdefault(callable_, made)  # a call of a finalizer may have come between
        return tally

    def full(self, tally: Any) -> None:
        """Take note of a tally whose first call is about to be thinned: at the end it has a run to write. The others go with their lanes.

        An empty run says so in the journal, and a slot there has what is open from now on. Where there is none left and the process is killed, it is known
        what is missing.
        """
        self._full.append(tally)
        self._write(tally.lane, tally.callable, _EMPTY)
        slot = self._journal().sums.open(RUN, tally.lane << 32 | tally.callable)
        if slot is not None:
            tally.settle(*slot)

    def write(self, tally: Any) -> None:
        """Write the run of a tally that is full."""
        self._write(tally.lane, tally.callable, Taken(*tally.taken()))

    def _write(self, lane: int, callable_: int, run: Taken) -> None:
        counts = run.calls, run.raised, run.unfinished
        self._journal().run(lane, callable_, run.caller, counts, written(run.inputs) + written(run.outcomes))

    def rest_of(self, call: int) -> Any:
        """Return what takes in the items of a call from now on."""
        rest = self._rests[call] = self.rest()
        slot = self._journal().sums.open(ITEMS, call)
        if slot is not None:
            rest.settle(*slot)
            self._slots[call] = slot[1]
        return rest

    def write_items(self, call: int) -> None:
        """Write the sum of the items of a call that came since it was last written."""
        rest = self._rests.get(call)
        count, found = (0, NOTHING) if rest is None else rest.taken()
        if count:
            self._journal().item(call, ItemKind.SUMMED, items_snapshot(count, found))

    def end_items(self, call: int) -> None:
        """Write what is left of the items of a call that has ended."""
        self.write_items(call)
        self._rests.pop(call, None)
        slot = self._slots.pop(call, None)
        if slot is not None:
            self._journal().sums.close(slot)

    def finish(self, *, last: bool) -> None:
        """Write what is left, as recording ends; calls that never ended are told when it is the `last` time."""
        for call in list(self._rests):
            self.write_items(call)
        for tally in self._full:
            run = Taken(*tally.taken(last=last))
            if run.calls or run.unfinished:
                self._write(tally.lane, tally.callable, run)
        if last:
            self.forget()

    def forget(self) -> None:
        """Forget all: it is written, or another process's."""
        self._full.clear()
        self._rests.clear()
        self._slots.clear()
