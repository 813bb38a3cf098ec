"""The nouns of a recording: components, callables, calls, outcomes, lanes.

Values inside a call are snapshot bytes (see `tracer.wire`); `tracer.decode` makes them a tree when someone looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tracer.rules import Rule

OUTSIDE = "<outside>"
"""The caller of a call that no component of the project made."""

DEFAULT_LEFT_OUT: Final = frozenset(
    {
        "__del__",  # runs when the collector decides
        "__hash__",  # containers call it, as often as they please and as their layout asks
        "__getattribute__",  # every attribute access of everyone, debuggers and tracer's own encoding included
        "__instancecheck__",  # these three are answered from the caches of abc, filled by whoever asked first
        "__subclasscheck__",
        "__subclasshook__",
        "__sizeof__",  # measuring tools, never the program's own logic
        "__dir__",  # interactive completion
        "__length_hint__",  # a hint for a buffer; whether it is asked for depends on the interpreter's release
        "__release_buffer__",  # runs when the last view is collected
    }
)
"""Methods that the interpreter, the collector or containers call at moments no program decides; counted, not recorded."""


class CallableKind(str, Enum):
    """What a callable is, as its callers see it."""

    FUNCTION = "function"
    METHOD = "method"
    CLASS_METHOD = "classmethod"
    STATIC_METHOD = "staticmethod"
    PROPERTY = "property"
    CONSTRUCTOR = "constructor"  # __init__ and __new__
    DUNDER = "dunder"
    FOREIGN = "foreign"  # no code object of its own: C functions, lru_cache objects, callable instances


class ParameterKind(str, Enum):
    """As `inspect.Parameter.kind`."""

    POSITIONAL_ONLY = "positional-only"
    POSITIONAL_OR_KEYWORD = "positional-or-keyword"
    VAR_POSITIONAL = "var-positional"
    KEYWORD_ONLY = "keyword-only"
    VAR_KEYWORD = "var-keyword"


class Flow(IntEnum):
    """How the callable runs. The numbers are part of the cassette format."""

    CALL = 0
    GENERATOR = 1
    COROUTINE = 2
    ASYNC_GENERATOR = 3


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a signature. `default` is the default's text, None where there is none."""

    name: str
    kind: ParameterKind
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Callable:
    """A watched callable: `name` is `module:qualname`, where it is defined or, when decorated, bound.

    `code` is a hash of its own code object without line numbers and file name, empty for foreign callables; `reach` the names of
    the inner callables of its component that its code mentions, directly or not, each with its code hash.
    `parameters` are in the order in which arguments are stored.
    `bound` says the first parameter is the receiver (self or cls).
    """

    name: str
    component: str
    kind: CallableKind
    flow: Flow
    parameters: tuple[Parameter, ...]
    bound: bool = False
    code: str = ""
    reach: tuple[tuple[str, str], ...] = ()
    file: str = ""


@dataclass(frozen=True, slots=True)
class Returned:
    """The call returned (a coroutine: its awaited result; a generator: its return value)."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Raised:
    """The call raised. `error` is the snapshot of the exception."""

    error: bytes


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The call had not ended when the recording did, or its generator was dropped before it was driven to its end."""


Outcome: TypeAlias = Returned | Raised | Unfinished
Ending: TypeAlias = "type[Returned | Raised | Unfinished]"


class ItemKind(IntEnum):
    """What passed through a suspended generator. The numbers are part of the cassette format."""

    YIELDED = 0
    SENT = 1  # only values other than None
    THROWN = 2
    SUMMED = 4  # many, with their number and sum (`sums.of_items`) in the place of a value; 3 is taken in the blocks of a cassette


@dataclass(frozen=True, slots=True)
class Item:
    """One value that passed through a generator, in the order they passed."""

    kind: ItemKind
    value: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """One crossing.

    `parent` is how many calls earlier in the lane the enclosing call began; 0 means none in this lane.
    `arguments` is the snapshot of a list, one element per parameter of the callable.
    `after` holds (position, snapshot) of those arguments that the call changed.
    """

    callable: str
    caller: str
    parent: int
    flow: Flow
    arguments: bytes
    outcome: Outcome
    items: tuple[Item, ...] = ()
    after: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class CallColumns:
    """Neighbouring calls, part by part, for those who look at parts of many and at few of them whole: one entry per call in each.

    `outcomes` holds what was returned or raised, with `endings` saying which; nothing that counts where a call is unfinished.
    The other parts are those of `Call`.
    """

    callables: Sequence[str]
    callers: Sequence[str]
    parents: Sequence[int]
    flows: Sequence[Flow]
    arguments: Sequence[bytes]
    endings: Sequence[Ending]
    outcomes: Sequence[bytes]
    items: Sequence[tuple[Item, ...]]
    after: Sequence[tuple[tuple[int, bytes], ...]]

    def __len__(self) -> int:
        return len(self.callables)

    def call(self, number: int) -> Call:
        """Return one of the calls, counted from 0."""
        ending = self.endings[number]
        outcome = Unfinished() if issubclass(ending, Unfinished) else ending(self.outcomes[number])
        return Call(
            self.callables[number],
            self.callers[number],
            self.parents[number],
            self.flows[number],
            self.arguments[number],
            outcome,
            self.items[number],
            self.after[number],
        )


def columns_of(calls: Iterable[Call]) -> CallColumns:
    """Return calls part by part."""
    calls = tuple(calls)
    return CallColumns(
        [call.callable for call in calls],
        [call.caller for call in calls],
        [call.parent for call in calls],
        [call.flow for call in calls],
        [call.arguments for call in calls],
        [type(call.outcome) for call in calls],
        [_value_of(call.outcome) for call in calls],
        [call.items for call in calls],
        [call.after for call in calls],
    )


def _value_of(outcome: Outcome) -> bytes:
    match outcome:
        case Returned(value) | Raised(value):
            return value
        case Unfinished():
            return b""


@dataclass(frozen=True, slots=True)
class Thinned:
    """A run of calls of one callable of which no detail is kept, being past its budget: in the order they ended, with nothing else between known.

    `caller` made the first of them. `calls` ended, `raised` of them by an exception; `unfinished` more never did. `inputs` and `outcomes` are
    sums of what they were given and what came out of them, as `tracer.sums` has them.
    """

    callable: str
    caller: str
    calls: int
    raised: int
    unfinished: int
    inputs: bytes
    outcomes: bytes

    @property
    def begun(self) -> int:
        """How many calls there were."""
        return self.calls + self.unfinished


@dataclass(frozen=True, slots=True)
class LaneSummary:
    """A lane's name, how many calls it holds in detail, and a digest over all that is kept: equal digests mean equal lanes.

    `thinned` are the runs of calls beyond the budget of detail, those of a callable in order.
    """

    name: str
    calls: int
    digest: bytes
    thinned: tuple[Thinned, ...] = ()

    @property
    def calls_thinned(self) -> int:
        """How many calls are kept as sums alone."""
        return sum(run.begun for run in self.thinned)

    @property
    def calls_made(self) -> int:
        """How many calls there were, however much is kept of each."""
        return self.calls + self.calls_thinned


@dataclass(frozen=True, slots=True)
class Loss:
    """Calls or values of one callable that were seen but not (fully) kept, and why."""

    callable: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Component:
    """A named group of modules, by dotted prefix. `watched` ones have their interface recorded; others are callers only."""

    name: str
    watched: bool = True


@dataclass(frozen=True, slots=True)
class Recording:
    """What is known of a recorded run beside its calls. Holds nothing that differs between two runs of the same program.

    `detail` says how much of values was looked at: "full" where that was done at every crossing, else "sampled". `block` says that `tracer.cassette`
    made it, around a block of code, which is expected to use it again. `detail_calls` is how many calls of a callable in a lane were to be kept in
    detail, 0 for all. `items_summed` are callables with how many items of their generators are kept as sums alone, sorted. `ambient` are the kinds
    of reads of the surroundings that were recorded.
    """

    python: str = ""
    boundaries: tuple[str, ...] = ()
    granularity: str = "module"
    components: tuple[Component, ...] = ()
    callables: tuple[Callable, ...] = ()
    losses: tuple[Loss, ...] = ()
    noise: tuple[Rule, ...] = ()
    block: bool = False
    detail: str = "sampled"
    detail_calls: int = 0
    items_summed: tuple[tuple[str, int], ...] = ()
    ambient: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockSummary:
    """A run of calls of one lane that is stored together. Equal digests mean equal calls, without decoding them."""

    digest: bytes
    calls: int


class RecordedRun(Protocol):
    """What comparing and showing read. A cassette file is one; tests hand in plain objects."""

    @property
    def recording(self) -> Recording:
        """What is known of the run beside its calls."""
        ...

    @property
    def lanes(self) -> Sequence[LaneSummary]:
        """The lanes, sorted by name."""
        ...

    def blocks(self, lane: str) -> Sequence[BlockSummary]:
        """Return the blocks of a lane in order."""
        ...

    def calls(self, lane: str, block: int | None = None) -> Iterator[Call]:
        """Yield the calls of a lane in the order they began; only those of one block when `block` is given."""
        ...

    def columns(self, lane: str, block: int) -> CallColumns:
        """Return the calls of one block, part by part."""
        ...
