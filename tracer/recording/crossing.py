"""What happens at each crossing: the hot path of the product.

A call inside a component pays for one Python function that looks one frame up; a crossing pays for encoding its arguments and
result and for two frames in the journal. Whatever can be prepared is prepared once per callable: hence closures over
locals where methods would read better.

The hooks here say what each event means. Where tracer was built with a C compiler, those of `tracer/recording/_hooks.c` take their place: they do the
simplest calls alone, byte for byte as it is done here, and call functions of this file for the rest.

Hooks never raise into the host. What goes wrong in tracer itself is counted as a loss. What a signal handler of the host raises
while a hook happens to run belongs to the host and passes.
"""

from __future__ import annotations

import sys
from itertools import count
from sys import _getframe, exc_info
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final
from zlib import adler32

from tracer.encoding.faults import is_ours
from tracer.encoding.hiding import SHORTEST
from tracer.encoding.walk import UNPACKABLE
from tracer.instrument.probe import UNSEEN, Probe
from tracer.model import Flow, ItemKind
from tracer.recording import native
from tracer.recording.images import Images
from tracer.recording.lanes import Lane, ThreadState
from tracer.recording.thinning import Tallies, Thin
from tracer.select.selection import MAIN_NAMES
from tracer.storage.journal import (
    RAISED,
    RETURNED,
    UNFINISHED,
    Journal,
    begin_key,
    end_key,
    item_key,
    pack_begin,
    pack_end,
    raised_below,
)
from tracer.sums import AFTER, ITEM

if TYPE_CHECKING:
    from collections.abc import Callable as Function
    from collections.abc import Iterator, Mapping
    from types import FrameType

    from tracer.encoding.encode import Encoder
    from tracer.recording._native import Kernel
    from tracer.recording.images import Observed, Secret
    from tracer.recording.lanes import Lanes

LOOK_THROUGH: Final = 8
"""How many frames of modules in no component are looked through for a caller: stdlib mixins, event loops, foreign decorators."""

# An activation is a list, the cheapest mutable thing there is: the token of a call that has begun.
# Those of a lane that have begun and not ended are linked, innermost first, by `_ABOVE`; the last is the lane's root, whose call is 0.
# A suspended generator has none above it, and in the place of its thread's state the identity of the exception it was handling.
# The last is what counts the bytes of a call that is kept in detail, or takes in the items of one of which no more are kept, or stands for one
# that is not kept itself (`thinning`); the call of that one is the call it was made in, so that calls inside it belong to what is kept.
_CALL, _STATE, _LANE, _ABOVE, _OBSERVED, _CALLABLE, _DETAIL = range(7)

_NOTHING: Final[list[Any]] = [0, None, None, None, None, 0, None]
"""Stands above an activation that goes on in no lane."""

_YIELDED, _SENT, _THROWN = int(ItemKind.YIELDED), int(ItemKind.SENT), int(ItemKind.THROWN)
_GENERATORS = frozenset({int(Flow.GENERATOR), int(Flow.ASYNC_GENERATOR)})
_NONE = type(None)


if TYPE_CHECKING:
    Entered = Function[[], int | None]
    Identify = Function[[], tuple[int, Secret] | None]


class Sink:
    """Where the hooks write and what they count.

    `journal` takes the calls; after a fork it is another one. `lose(callable number, reason)` counts a call or value that was not kept,
    `meanwhile(callable number)` one that was made while tracer was at work,
    `met(callable number)` is told of each that is not in `defined` when it is crossed, `same(number, number)` says whether the second is what the first one wraps.
    `missed` counts, by callable, where not even `lose` could run: a stack has an end. `tallies` say what is kept in detail.
    """

    __slots__ = ("active", "defined", "journal", "lose", "meanwhile", "met", "missed", "same", "tallies")

    def __init__(self) -> None:
        self.active = False
        self.defined: set[int] = set()
        self.missed: dict[int, int] = {}
        self.keep_in_detail(0)
        self.journal: Journal
        self.lose: Function[[int, str], None]
        self.meanwhile: Function[[int], None]
        self.met: Function[[int], None]
        self.same: Function[[int, int], bool]

    def keep_in_detail(self, most_calls: int) -> None:
        """Keep so many calls of a callable in a lane in detail, all where it is 0. To be said before there are hooks."""
        self.tallies = Tallies(most_calls, lambda: self.journal)


class Callers:
    """Who calls: the numbers of calling components, by the name of the module a frame runs in.

    `number_of(module name, file)` gives the number of a module's caller name, 0 where the module is to be looked through. `known` keeps them,
    but those of names that several modules go by: these are told apart by their files.
    """

    def __init__(self, number_of: Function[[Any, Any], int], outside: int) -> None:
        self.known: dict[Any, int] = {}
        self.outside = outside
        self._number_of = number_of
        self._shared: set[str] = set()
        self._by_file: dict[tuple[str, Any], int] = {}

    def loads(self, name: str, file: str | None) -> None:
        """Take note of a module that is about to be loaded: it may share its name with another one that is known already, as `conftest`."""
        known = self.known.get(name)
        if known is not None and name not in MAIN_NAMES and self._number_of(name, file) != known:
            self._shared.add(name)
            del self.known[name]

    def of_frame(self, frame: FrameType) -> int:
        """Return the number for a frame's module, 0 where it is looked through."""
        space = frame.f_globals
        name = space.get("__name__")
        if type(name) is not str:  # a module's globals may hold anything under that name
            return 0
        number = self.known.get(name)
        return self._number_of_new(name, space) if number is None else number

    def _number_of_new(self, name: str, space: Mapping[str, Any]) -> int:
        if name not in MAIN_NAMES and name not in self._shared:
            number = self.known[name] = self._number_of(name, file_of(name, space))
            return number
        # Where functions are pickled by value, scripts of several processes meet in one; the name alone stands for that which runs here.
        file = space.get("__file__")
        module = name, file if type(file) is str else None
        if module not in self._by_file:
            self._by_file[module] = self._number_of(*module)
        number = self._by_file[module]
        main = sys.modules.get(name) if name in MAIN_NAMES else None
        if number and type(main) is ModuleType and main.__dict__ is space:
            self.known[name] = number
        return number

    def search(self, frame: FrameType | None, own: int) -> int | None:
        """Return the caller's number at `frame` or above; None where that is the component `own` itself."""
        for _ in range(LOOK_THROUGH):
            if frame is None:
                break
            number = self.of_frame(frame)
            if number:
                return None if number == own else number
            frame = frame.f_back
        return self.outside

    def check(self, own: int) -> Entered:
        """Return the hook that every activation pays for: the caller's number, None inside the component `own`."""
        known, search, getframe = self.known, self.search, _getframe

        def entered() -> int | None:
            number = 0
            try:
                name = getframe(2).f_globals["__name__"]
                if type(name) is str:  # the hash of any other may be code of the host
                    number = known[name]
            except (LookupError, ValueError) as error:
                # A module not met before, globals without a name, no frame above.
                if raised_below(error):
                    raise
            if number == own:
                return None
            return number or search(getframe(1).f_back, own)

        return native.entered(known, own, entered)

    def check_at(self, own: int) -> Function[[FrameType], int | None]:
        """Return the same for an engine that hands over the watched frame."""

        def entered_at(frame: FrameType) -> int | None:
            above = frame.f_back
            number = self.of_frame(above) if above is not None else 0
            return None if number == own else number or self.search(above, own)

        return entered_at


def file_of(name: str, space: Mapping[str, Any]) -> str | None:
    """Return the file of the module that a namespace goes by: what it tells, else the file of the module of that name.

    Functions made from text may have a namespace of their own, which tells the name alone.
    """
    file, module = space.get("__file__"), sys.modules.get(name)
    if type(file) is not str and type(module) is ModuleType:
        file = module.__dict__.get("__file__")
    return file if type(file) is str else None


def make_counter(callers: Callers, own: int, lose: Function[[], None]) -> Probe:
    """Return a probe of a callable of component `own` that counts crossings and keeps nothing of them."""

    def began(caller: int, arguments: list[Any]) -> None:
        del caller, arguments
        lose()

    return Probe(
        callers.check(own), began, _nothing, _nothing, _nothing, _nothing, callers.check_at(own), lost=lambda _: lose()
    )


class Hooks:
    """The hooks of one recorder. `probe(...)` puts them together for one callable. Where they can be those written in C, `pure` has it otherwise.

    `numbers` gives the numbers of calls.
    """

    def __init__(
        self,
        sink: Sink,
        callers: Callers,
        encoder: Encoder,
        lanes: Lanes,
        *,
        pure: bool = False,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self._sink = sink
        self._callers = callers
        self._encoder = encoder
        self._lanes = lanes
        self._images = images = Images(encoder)
        self._observe, self._outcome_of = images.observe, images.outcome
        self._numbers = count(1) if numbers is None else numbers
        self._kernel = None if pure else self._make_kernel()
        self._thin: Any = Thin
        if self._kernel is not None:
            sink.tallies.kind, sink.tallies.rest, self._thin = native.Tally, native.Rest, native.Thin
        self._yielded = self._make_yielded()
        self._resumed = self._make_resumed()
        if self._kernel is not None:
            self._yielded = self._kernel.yielded(item_key(_YIELDED), self._yielded)
            self._resumed = self._kernel.resumed(item_key(_SENT))

    def probe(
        self, own: int, flow: int, number: int, secret: Secret, identify: Identify | None = None, *, whole: bool = False
    ) -> Probe:
        """Return the probe of callable `number`, of the component `own`. `whole` says that each of its calls is kept in detail.

        `secret` says which parameters are redacted. `identify` is given for the code of a decorator's wrapper, which many decorated
        names share: called with the watched frame some frames above, it finds out which callable the activation is, None where that is not wanted.
        """
        moves, generates = flow != Flow.CALL, flow in _GENERATORS
        thins = not whole and self._sink.tallies.most_calls > 0

        def generally(caller: int, arguments: list[Any]) -> list[Any] | None:
            return self._begin(caller, arguments, flow, number, (secret, identify), thins=thins)

        began: Function[[int, list[Any]], list[Any] | None]
        returned: Function[[list[Any], Any], None]
        raised: Function[[list[Any], Any], None]
        if secret is not None or identify is not None:
            began = generally
        elif self._kernel is not None:
            began = self._kernel.began(begin_key(number, flow), number, generally, thins)
        else:
            began = self._make_began(flow, number, generally, thins=thins)
        if self._kernel is not None:
            returned = self._kernel.ended(end_key(RETURNED), 0, moves)
            raised = self._kernel.ended(end_key(RAISED), end_key(UNFINISHED) if generates else 0, moves)
        else:
            returned = self._make_end(RETURNED, moves=moves)
            raised = self._make_generator_raised() if generates else self._make_end(RAISED, moves=moves)
        entered, entered_at = self._callers.check(own), self._callers.check_at(own)
        return Probe(
            entered, began, returned, raised, self._yielded, self._resumed, entered_at, lost=self._make_lost(number)
        )

    def _make_lost(self, number: int) -> Function[[str], None]:
        sink, lanes = self._sink, self._lanes

        def lost(reason: str) -> None:
            state = lanes.state()
            if sink.active and not state.busy and lanes.current(state) is not None:
                sink.lose(number, reason)

        return lost

    def _make_kernel(self) -> Kernel | None:
        """Return what makes hooks in C, where there is one."""
        sink, lanes, tables = self._sink, self._lanes, self._encoder.tables

        def failed(number: int, error: BaseException) -> bool:
            """Count what went wrong in tracer itself; say False of any other exception."""
            if not isinstance(error, Exception) or not is_ours(error):
                return False
            sink.lose(number, f"tracer failed: {type(error).__name__}")
            return True

        return native.kernel(
            sink=sink,
            lanes=lanes,
            state_type=ThreadState,
            lane_type=Lane,
            journal_type=Journal,
            numbers=self._numbers,
            **tables._asdict(),
            observe=self._observe,
            outcome_of=self._outcome_of,
            write_changed=self._write_changed,
            tally_of=sink.tallies.of,
            tally_full=sink.tallies.full,
            write_run=sink.tallies.write,
            rest_of=self._rest_of,
            write_items=sink.tallies.write_items,
            end_items=sink.tallies.end_items,
            failed=failed,
            nothing=_NOTHING,
            unseen=UNSEEN,
            first=self._encoder.first,
        )

    def _make_began(  # noqa: C901  (a factory: the hook below is all of it)
        self, flow: int, own_number: int, generally: Function[[int, list[Any]], list[Any] | None], *, thins: bool
    ) -> Function[[int, list[Any]], list[Any] | None]:
        """Return the hook of a beginning: what most calls need is done here, as fast as can be, and anything else `generally`."""
        sink, lanes, numbers, observe = self._sink, self._lanes, self._numbers, self._observe
        local, defined, key = lanes.local, sink.defined, begin_key(own_number, flow)
        detail_of, thin = self._detail_of, self._thin

        # One function on purpose: each call it does not make is 50 ns less per crossing.
        def began(caller: int, arguments: list[Any]) -> list[Any] | None:  # noqa: C901, PLR0912
            try:
                state: ThreadState = local.state
            except AttributeError:
                return generally(caller, arguments)
            lane, running_loop = state.lane, lanes.running_loop
            if (
                lane is None
                or state.busy
                or own_number not in defined
                or (running_loop is not None and running_loop() is not None)
            ):
                return generally(caller, arguments)
            state.busy = True
            try:
                above = lane.top
                if lane.wrapped and above[_CALLABLE] in lane.wrapped and sink.same(above[_CALLABLE], own_number):
                    return None
                for value in arguments:
                    kind = type(value)
                    if kind is str:
                        if len(value) >= SHORTEST or "/" in value:  # a secret or a path may be in it
                            snapshot, observed = observe(lane, own_number, None, arguments)
                            break
                    elif not (kind is int or kind is _NONE or kind is bool or kind is float):
                        snapshot, observed = observe(lane, own_number, None, arguments)
                        break
                else:
                    # A name of its own: what is called as an attribute is first looked for as a method.
                    pack = state.pack
                    try:
                        snapshot, observed = pack(arguments), None
                    except UNPACKABLE:
                        snapshot, observed = observe(lane, own_number, None, arguments)
                detail = None
                if thins:
                    detail = detail_of(lane, own_number, caller, snapshot)
                    if type(detail) is thin:
                        lane.top = token = [above[_CALL], state, lane, above, observed, own_number, detail]
                        return token
                call = next(numbers)
                head = pack_begin(len(snapshot), adler32(snapshot, call), key, lane.ident, caller, above[_CALL], call)
                append = sink.journal.append
                try:
                    append(head + snapshot)
                except ValueError as refusal:
                    sink.journal.turn_over(head + snapshot, refusal)
                lane.top = token = [call, state, lane, above, observed, own_number, detail]
            except Exception as error:
                if not is_ours(error):
                    raise
                sink.lose(own_number, f"tracer failed: {type(error).__name__}")
                return None
            else:
                return token
            finally:
                state.busy = False

        return began

    def _detail_of(self, lane: Lane, number: int, caller: int, snapshot: bytes) -> Any:
        """Return what the token of a call tells of how much is kept of it: its tally, or what stands for it if it is only summed up."""
        tallies = self._sink.tallies
        tally = tallies.of(lane, number)
        if tally.keeps(len(snapshot)):
            return tally
        if not tally.begun:
            tallies.full(tally)
        return tally.begin(snapshot, caller)

    def _begin(  # noqa: C901, PLR0911, PLR0912  (each reason not to record a call is one)
        self,
        caller: int,
        arguments: list[Any],
        flow: int,
        number: int,
        known: tuple[Secret, Identify | None],
        *,
        thins: bool,
    ) -> list[Any] | None:
        """Write the beginning of any call; return its token, None where it is not recorded."""
        sink, lanes = self._sink, self._lanes
        state = lanes.state()
        if not sink.active:
            return None
        secret, identify = known
        if state.busy:
            found = (number, secret) if identify is None else identify()
            if found is not None:
                sink.meanwhile(found[0])
            return None
        state.busy = True
        try:
            lane = lanes.current(state)
            if lane is None:
                return None
            above, code = lane.top, number
            if identify is not None:
                found = identify()
                if found is None:
                    return None
                number, secret = found
            if above[_CALLABLE] in lane.wrapped and sink.same(above[_CALLABLE], number):
                # The wrapper was recorded under the name it is bound to; what it wraps is the same call.
                return None
            if number != code:  # it is bound under a name, and what it wraps is the same call
                lane.wrapped.add(number)
            if number not in sink.defined:
                sink.met(number)
            snapshot, observed = self._observe(lane, number, secret, arguments)
            detail = self._detail_of(lane, number, caller, snapshot) if thins else None
            if type(detail) is self._thin:
                call = above[_CALL]
            else:
                call = next(self._numbers)
                sink.journal.begin(call, lane.ident, above[_CALL], number, caller, flow, snapshot)
            lane.top = token = [call, state, lane, above, observed, number, detail]
        except Exception as error:
            if not is_ours(error):
                raise
            sink.lose(number, f"tracer failed: {type(error).__name__}")
            return None
        else:
            return token
        finally:
            state.busy = False

    def _make_end(  # noqa: C901  (a factory: the hook below is all of it)
        self, outcome: int, *, moves: bool
    ) -> Function[[list[Any], Any], None]:
        """Return the hook of an end. `moves` says that the activation may end in another thread than it began in."""
        sink, here = self._sink, self._lanes.state
        outcome_of, write_changed, key = self._outcome_of, self._write_changed, end_key(outcome)
        thin, rest = self._thin, sink.tallies.rest

        def ended(token: list[Any], value: Any) -> None:  # noqa: C901, PLR0912
            if not sink.active:  # as the interpreter ends, not even the names below are left
                return
            call, state, lane, above, observed, number, detail = token
            if lane.top is token:
                lane.top = above
            else:
                _unlink(lane, token)
            if moves:
                state = here()
                if state.busy:
                    return
            state.busy = True
            try:
                if observed is not None:
                    write_changed(token, observed)
                if (
                    value is None
                    or (kind := type(value)) is int
                    or kind is bool
                    or (kind is str and len(value) < SHORTEST and "/" not in value)
                    or kind is float
                ):
                    pack = state.pack
                    try:
                        snapshot = pack(value)
                    except UNPACKABLE:
                        snapshot = outcome_of(lane, number, value)
                else:
                    snapshot = outcome_of(lane, number, value)
                if detail is not None:
                    if type(detail) is thin:
                        if detail.end(outcome, snapshot):
                            sink.tallies.write(detail.tally)
                        return
                    if type(detail) is rest:
                        sink.tallies.end_items(call)
                    else:
                        detail.add(len(snapshot))
                append = sink.journal.append
                head = pack_end(len(snapshot), adler32(snapshot, call), key, call)
                try:
                    append(head + snapshot)
                except ValueError as refusal:
                    sink.journal.turn_over(head + snapshot, refusal)
            except Exception as error:
                if not is_ours(error):
                    raise
                sink.lose(number, f"tracer failed: {type(error).__name__}")
            finally:
                state.busy = False

        return ended

    def _make_generator_raised(self) -> Function[[list[Any], BaseException], None]:
        ended = self._make_end(RAISED, moves=True)
        dropped = self._make_end(UNFINISHED, moves=True)

        def raised(token: list[Any], error: BaseException) -> None:
            # A generator that is closed or dropped before its end leaves by GeneratorExit; nobody sees that as an exception.
            if type(error) is GeneratorExit:
                dropped(token, None)
            else:
                ended(token, error)

        return raised

    def _write_changed(self, token: list[Any], observed: Observed) -> None:
        """Write the after-image of each argument that the call changed."""
        detail = token[_DETAIL]
        for position, image in self._images.changed(observed):
            if type(detail) is self._thin:
                detail.note(AFTER + position, image)
                continue
            if type(detail) is self._sink.tallies.kind:
                detail.add(len(image))
            self._sink.journal.after(token[_CALL], position, image)

    def _rest_of(self, token: list[Any]) -> Any:
        """Begin to keep only sums of the items of a generator; return what takes them in."""
        token[_DETAIL] = rest = self._sink.tallies.rest_of(token[_CALL])
        return rest

    def _make_yielded(self) -> Function[[list[Any], Any], None]:
        item, sink = self._make_item(), self._sink

        def yielded(token: list[Any], value: Any) -> None:
            if not sink.active:
                return
            if token[_ABOVE] is None:
                # Handed out again without having been resumed: an exception was thrown in and handled.
                item(token, _thrown_into(_getframe(1), token[_STATE]), _THROWN)
            item(token, value, _YIELDED)
            # What is being handled now was not thrown in. Only its identity: the host's exceptions live no longer for being recorded.
            token[_STATE] = id(exc_info()[1])
            _unlink(token[_LANE], token)
            token[_ABOVE] = None

        return yielded

    def _make_resumed(self) -> Function[[list[Any], Any], None]:
        item, sink, lanes = self._make_item(), self._sink, self._lanes

        def resumed(token: list[Any], sent: Any) -> None:
            if not sink.active:
                return
            if sent is not None and sent is not UNSEEN:
                item(token, sent, _SENT)
            lane = lanes.current(lanes.state())
            if token[_ABOVE] is not None:
                return
            if lane is None:  # out of scope here: it goes on, beside everything
                token[_ABOVE] = _NOTHING
            else:
                token[_LANE], token[_ABOVE] = lane, lane.top
                lane.top = token

        return resumed

    def _make_item(self) -> Function[[list[Any], Any, int], None]:
        sink, here, scalar, outcome_of = self._sink, self._lanes.state, self._encoder.scalar, self._outcome_of
        rest = sink.tallies.rest

        def item(token: list[Any], value: Any, kind: int) -> None:
            state = here()
            if state.busy or not sink.active:
                return
            state.busy = True
            try:
                snapshot = scalar(value) or outcome_of(token[_LANE], token[_CALLABLE], value)
                detail = token[_DETAIL]
                if type(detail) is self._thin:
                    detail.note(ITEM + kind, snapshot)
                elif detail is None or (type(detail) is not rest and detail.keeps_item(len(snapshot))):
                    sink.journal.item(token[_CALL], kind, snapshot)
                elif (detail if type(detail) is rest else self._rest_of(token)).note(ITEM + kind, snapshot):
                    sink.tallies.write_items(token[_CALL])
            except Exception as error:
                if not is_ours(error):
                    raise
                sink.lose(token[_CALLABLE], f"tracer failed: {type(error).__name__}")
            finally:
                state.busy = False

        return item


def _thrown_into(frame: FrameType, suspended: int) -> BaseException | None:
    """Return the exception that woke a generator, None where it handled it to the end before it handed out the next item."""
    error = exc_info()[1]
    if error is None or id(error) == suspended:
        return None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame is frame:
            return error
        trace = trace.tb_next
    return None  # the one that whoever resumed it is handling


def _unlink(lane: Lane, token: list[Any]) -> None:
    """Take an activation out of those that have begun and not ended; one that is not among them is none to take out."""
    if lane.top is token:
        lane.top = token[_ABOVE]
        return
    inner: list[Any] | None = lane.top
    while inner is not None and inner[_ABOVE] is not token:
        inner = inner[_ABOVE]
    if inner is not None:
        inner[_ABOVE] = token[_ABOVE]


def is_kept(token: list[Any]) -> bool:
    """Whether the call of an activation is kept in detail, so that frames may name it."""
    return type(token[_DETAIL]) not in {Thin, native.Thin}


def _nothing(*_: Any) -> None:
    """Do nothing: the hook of an event that is of no interest."""
