"""What happens at each crossing: the hot path of the product.

A call inside a component pays for one Python function that looks one frame up; a crossing pays for encoding its arguments and
result and for two frames in the journal. Whatever can be prepared is prepared once per callable: hence closures over
locals where methods would read better.

Hooks never raise into the host. What goes wrong in tracer itself is counted as a loss. What a signal handler of the host raises
while a hook happens to run belongs to the host and passes.
"""

from __future__ import annotations

from itertools import count
from sys import _getframe
from typing import TYPE_CHECKING, Any, Final

from tracer.encoding.encode import immutable
from tracer.encoding.faults import is_ours
from tracer.encoding.looks import heavy
from tracer.instrument.probe import Probe
from tracer.model import Flow, ItemKind
from tracer.storage.journal import (
    AFTER,
    BEGIN,
    END,
    ITEM,
    RAISED,
    RETURNED,
    UNFINISHED,
    pack_after,
    pack_begin,
    pack_end,
    pack_item,
)
from tracer.wire import split_array

if TYPE_CHECKING:
    from collections.abc import Callable as Function
    from types import FrameType

    from tracer.encoding.encode import Encoder
    from tracer.recording.lanes import Lanes, ThreadState

LOOK_THROUGH: Final = 8
"""How many frames of modules in no component are looked through for a caller: stdlib mixins, event loops, foreign decorators."""

FIRST: Final = 4
"""So many crossings of a callable in a lane are looked at in full, and after them each power of two."""

# An activation is a list, the cheapest mutable thing there is: the token of a call that has begun.
_CALL, _STACK, _ARGUMENTS, _BEFORE, _SECRET, _FULL, _CALLABLE, _FLOW, _SUSPENDED = range(9)

_YIELDED, _SENT, _THROWN = int(ItemKind.YIELDED), int(ItemKind.SENT), int(ItemKind.THROWN)
_GENERATORS = frozenset({int(Flow.GENERATOR), int(Flow.ASYNC_GENERATOR)})


if TYPE_CHECKING:
    Entered = Function[[], int | None]
    Secret = tuple[int, ...] | None
    Identify = Function[[], tuple[int, Secret] | None]


class Sink:
    """Where the hooks write and what they count; replaced in place after a fork.

    `write(head, snapshot)` appends a frame, `lose(callable number, reason)` counts a call or value that was not kept,
    `met(callable number)` is told when a callable is first crossed in a lane, `same(number, number)` says whether two stand for one name.
    """

    __slots__ = ("active", "lose", "met", "same", "write")

    def __init__(self) -> None:
        self.active = False
        self.write: Function[[bytes, bytes], None]
        self.lose: Function[[int, str], None]
        self.met: Function[[int], None]
        self.same: Function[[int, int], bool]


class Callers:
    """Who calls: the numbers of calling components, by the name of the module a frame runs in.

    `number_of(module name, file)` gives the number of a module's caller name, 0 where the module is to be looked through. `known` keeps them.
    """

    def __init__(self, number_of: Function[[Any, Any], int], outside: int) -> None:
        self.known: dict[Any, int] = {}
        self.outside = outside
        self._number_of = number_of

    def of_frame(self, frame: FrameType) -> int:
        """Return the number for a frame's module, 0 where it is looked through."""
        space = frame.f_globals
        name = space.get("__name__")
        try:
            number = self.known.get(name)
        except TypeError:  # a module's globals may hold anything under that name
            return 0
        if number is None:
            number = self.known[name] = self._number_of(name, space.get("__file__"))
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
        known, search, outside, getframe = self.known.get, self.search, self.outside, _getframe

        def entered() -> int | None:
            frame = getframe(1).f_back
            if frame is None:
                return outside
            try:
                number = known(frame.f_globals.get("__name__"))
            except TypeError:
                number = None
            if number == own:
                return None
            return number or search(frame, own)

        return entered


def make_counter(entered: Entered, lose: Function[[], None]) -> Probe:
    """Return a probe that counts crossings and keeps nothing of them."""

    def began(caller: int, arguments: tuple[Any, ...]) -> None:
        del caller, arguments
        lose()

    return Probe(entered, began, _nothing, _nothing, _nothing, _nothing)


class Hooks:
    """The hooks of one recorder. `probe(...)` puts them together for one callable."""

    def __init__(self, sink: Sink, encoder: Encoder, lanes: Lanes) -> None:
        self._sink = sink
        self._encoder = encoder
        self._lanes = lanes
        self._next_call = count(1).__next__
        self._returned = self._make_end(RETURNED)
        self._raised = self._make_raised()
        self._yielded = self._make_yielded()
        self._resumed = self._make_resumed()

    def probe(
        self, entered: Entered, flow: int, number: int, secret: Secret, identify: Identify | None = None
    ) -> Probe:
        """Return the probe of callable `number`.

        `secret` says which parameters are redacted. `identify` is given for the code of a decorator's wrapper, which many decorated
        names share: called with the watched frame two above, it finds out which callable the activation is, None where that is not wanted.
        """
        began = self._make_began(flow, number, secret, identify)
        return Probe(entered, began, self._returned, self._raised, self._yielded, self._resumed)

    def _make_began(  # noqa: C901, PLR0915  (a factory: the hook below is all of it)
        self, flow: int, own_number: int, own_secret: Secret, identify: Identify | None
    ) -> Function[[int, tuple[Any, ...]], list[Any] | None]:
        sink, local, new_state, current = self._sink, self._lanes.local, self._lanes.state, self._lanes.current
        walked, scalars, next_call = self._encoder.walked, self._encoder.scalars, self._next_call
        lanes, flat = self._lanes, self._encoder.flat

        # One function on purpose: each call it does not make is 50 ns less per crossing.
        def began(caller: int, arguments: tuple[Any, ...]) -> list[Any] | None:  # noqa: C901, PLR0911, PLR0912
            if not sink.active:
                return None
            try:
                state: ThreadState = local.state
            except AttributeError:
                state = new_state()
            if state.busy:
                sink.lose(own_number, "called while tracer was at work")
                return None
            state.busy = True
            try:
                lane = state.lane if lanes.running_loop is None else current(state)
                if lane is None:
                    return None
                number, secret = own_number, own_secret
                stack = lane.stack
                parent = 0
                if stack:
                    above = stack[-1]
                    parent = above[_CALL]
                    if lane.wrapped and above[_CALLABLE] in lane.wrapped and sink.same(above[_CALLABLE], number):
                        # The wrapper was recorded under the name it is bound to; what it wraps is the same call.
                        return None
                if identify is not None:
                    found = identify()
                    if found is None:
                        return None
                    number, secret = found
                    lane.wrapped.add(number)
                seen = lane.seen.get(number, 0) + 1
                lane.seen[number] = seen
                if seen == 1:
                    sink.met(number)
                full = seen <= FIRST or not seen & (seen - 1)
                kept = None
                before = scalars(arguments) if secret is None else None
                if before is None:
                    before = flat(arguments) if secret is None else None
                    if before is not None:
                        kept = arguments
                    else:
                        before = walked(arguments, secret, full)
                        # Past the first crossings an object is only named: there is nothing of it to compare afterwards.
                        if full and not immutable(arguments):
                            kept = arguments
                call = next_call()
                sink.write(pack_begin(BEGIN, call, lane.ident, parent, number, caller, flow), before)
                token = [call, stack, kept, before, secret, full, number, flow, False]
                stack.append(token)
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

    def _make_end(self, outcome: int) -> Function[[list[Any], Any], None]:
        sink, local, new_state = self._sink, self._lanes.local, self._lanes.state
        scalar, encode_value, encode_error = self._encoder.scalar, self._encoder.value, self._encoder.error
        write_changed = self._write_changed

        def ended(token: list[Any], value: Any) -> None:
            try:
                state: ThreadState = local.state
            except AttributeError:
                state = new_state()
            stack = token[_STACK]
            if stack and stack[-1] is token:
                del stack[-1]
            else:
                _drop(stack, token)
            if state.busy or not sink.active:
                return
            state.busy = True
            try:
                if token[_ARGUMENTS] is not None:
                    write_changed(token)
                data = encode_error(value) if outcome == RAISED else scalar(value) or encode_value(value)
                sink.write(pack_end(END, token[_CALL], outcome), data)
            except Exception as error:
                if not is_ours(error):
                    raise
                sink.lose(token[_CALLABLE], f"tracer failed: {type(error).__name__}")
            finally:
                state.busy = False

        return ended

    def _make_raised(self) -> Function[[list[Any], BaseException], None]:
        ended = self._make_end(RAISED)
        dropped = self._make_end(UNFINISHED)

        def raised(token: list[Any], error: BaseException) -> None:
            # A generator that is closed or dropped before its end leaves by GeneratorExit; nobody sees that as an exception.
            if type(error) is GeneratorExit and token[_FLOW] in _GENERATORS:
                dropped(token, None)
            else:
                ended(token, error)

        return raised

    def _write_changed(self, token: list[Any]) -> None:
        """Write the after-image of each argument that the call changed."""
        arguments, before = token[_ARGUMENTS], token[_BEFORE]
        encoder = self._encoder
        after = encoder.arguments(arguments, token[_SECRET], token[_FULL])
        if after == before or not (_is_list(before) and _is_list(after)):
            return
        several = heavy(arguments) > 1
        pairs = zip(split_array(before), split_array(after), strict=True)
        for position, (was, now) in enumerate(pairs):
            if was != now:
                alone = now
                if (
                    several
                ):  # encoded once more by itself: inside the list it may refer to containers of the arguments before it
                    (alone,) = split_array(encoder.arguments((arguments[position],), None, token[_FULL]))
                self._sink.write(pack_after(AFTER, token[_CALL], position), alone)

    def _make_yielded(self) -> Function[[list[Any], Any], None]:
        item = self._make_item()

        def yielded(token: list[Any], value: Any) -> None:
            if token[_SUSPENDED]:
                # Handed out again without having been resumed: an exception was thrown in and handled.
                item(token, None, _THROWN)
            item(token, value, _YIELDED)
            token[_SUSPENDED] = True
            _drop(token[_STACK], token)

        return yielded

    def _make_resumed(self) -> Function[[list[Any], Any], None]:
        item = self._make_item()
        lanes = self._lanes

        def resumed(token: list[Any], sent: Any) -> None:
            token[_SUSPENDED] = False
            if sent is not None:
                item(token, sent, _SENT)
            lane = lanes.current(lanes.state())
            if lane is not None:
                token[_STACK] = lane.stack
                lane.stack.append(token)

        return resumed

    def _make_item(self) -> Function[[list[Any], Any, int], None]:
        sink, lanes, encode = self._sink, self._lanes, self._encoder.value

        def item(token: list[Any], value: Any, kind: int) -> None:
            state = lanes.state()
            if state.busy or not sink.active:
                return
            state.busy = True
            try:
                sink.write(pack_item(ITEM, token[_CALL], kind), encode(value))
            except Exception as error:
                if not is_ours(error):
                    raise
                sink.lose(token[_CALLABLE], f"tracer failed: {type(error).__name__}")
            finally:
                state.busy = False

        return item


def _drop(stack: list[Any], token: list[Any]) -> None:
    """Remove a token by identity (comparing lists would compare the host's arguments)."""
    for position in range(len(stack) - 1, -1, -1):
        if stack[position] is token:
            del stack[position]
            return


def _is_list(data: bytes) -> bool:
    """Whether a snapshot of arguments is one: where the stack was too short to encode them, they are one opaque value, counted there."""
    return data[0] & 0xF0 == 0x90 or data[0] in {0xDC, 0xDD}  # noqa: PLR2004  (msgpack's fixarray, array 16 and array 32)


def _nothing(*_: Any) -> None:
    """Do nothing: the hook of an event that is of no interest."""
