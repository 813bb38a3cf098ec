"""Answers the calls into components that are played back: from the cassette, by running and recording them, or not at all."""

from __future__ import annotations

import difflib
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tracer.decode import decode, decode_arguments
from tracer.encoding.constants import Constants
from tracer.encoding.revive import Reviver
from tracer.errors import CallNotRecorded, CannotRevive
from tracer.model import Flow
from tracer.playing.errors import Errors
from tracer.playing.handles import flow_of_handed_out, handle
from tracer.playing.likeness import Grade, likeness
from tracer.playing.plain import NOT_PLAIN, plain
from tracer.playing.ready import make_ready, working
from tracer.playing.recorded import shown_arguments
from tracer.playing.restoring import restore
from tracer.playing.script import Script
from tracer.render import printable, render
from tracer.values import Named, Object, Opaque, Truncated

if TYPE_CHECKING:
    from collections.abc import Callable as Function
    from collections.abc import Iterator, Mapping, Sequence

    from tracer.encoding.encode import Encoder
    from tracer.encoding.redact import Redactor
    from tracer.model import Callable
    from tracer.playing.recorded import Entry, Recorded
    from tracer.playing.tally import Tally
    from tracer.values import Value

_LOOKS: Final = frozenset(
    {
        *("__repr__", "__str__", "__format__", "__bytes__", "__hash__", "__bool__", "__len__", "__contains__"),
        *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__index__", "__int__", "__float__"),
        *(
            "__getstate__",
            "__reduce__",
            "__reduce_ex__",
            "__copy__",
            "__deepcopy__",
            "__class_getitem__",
            "__init_subclass__",
        ),
    }
)
"""Methods that anybody's tools call on a live object, and that its own code can answer: where they were not recorded, it does."""


class Player:
    """Plays recorded calls. Safe for threads; calls that arise from its own work run as they are.

    recorded: the calls there are; None where nothing is to be played.
    cassette: the file's name, for errors.
    allowed: whether a module may be imported to make a recorded value live again.
    roots: the folders of this machine, for paths in what was recorded; see `Reviver`.
    """

    def __init__(
        self,
        recorded: Recorded | None,
        cassette: str,
        encoder: Encoder,
        redactor: Redactor,
        allowed: Function[[str], bool],
        roots: Mapping[str, str],
    ) -> None:
        self.recorded = recorded
        self.cassette = cassette
        self.misses: list[CallNotRecorded] = []
        self._encoder = encoder
        self._redactor = redactor
        self._allowed = allowed
        self._reviver = Reviver(
            allowed,
            stand_in=lambda value, path: self._stand_in(value),
            roots=roots,
            constants=Constants(allowed),
        )
        self._strict = Reviver(allowed)  # classes: what stands in for one is none
        self._local = working()
        self._errors = Errors()
        self._secrets: dict[str, tuple[int, ...] | None] = {}
        self._tally: Tally | None = None

    @property
    def calls(self) -> int:
        """How many calls may be played."""
        return len(self.recorded) if self.recorded is not None else 0

    def tell(self, tally: Tally) -> None:
        """Have what is played and missed from now on noted."""
        self._tally = tally
        if self.recorded is not None:
            self.recorded.tell(tally)

    # -- answering -----------------------------------------------------------------------------------------------------------

    def answer(self, noun: Callable, caller: Any, arguments: list[Any], proceed: Function[..., Any]) -> Any:
        """Answer one call (see `standins.Answer`) from the cassette.

        Raises:
            CallNotRecorded: it does not hold the call.
        """
        del caller
        if self._local.busy:
            return proceed()
        entry = self._take(noun, arguments)
        if entry is not None:
            return self._played(noun, entry, arguments)
        if _simple(noun) in _LOOKS:
            return proceed()
        raise self.missed(noun, arguments)

    def play(self, noun: Callable, arguments: list[Any]) -> Function[[], Any] | None:
        """Return what plays the recorded call that matches, which counts as played from now on; None where there is none."""
        entry = self._take(noun, arguments)
        return None if entry is None else partial(self._played, noun, entry, arguments)

    def ready(self, noun: Callable) -> Function[[list[Any]], Any] | None:
        """Return what plays the simplest calls of a callable at once (see `Probe.ready`); None where there are none."""
        waiting = self.recorded.waiting(noun) if self.recorded is not None else None
        if waiting is None or noun.flow is Flow.ASYNC_GENERATOR:
            return None
        return make_ready(self._local, self._encoder.whole(self._secret(noun)), waiting, partial(self._finish, noun))

    def _finish(self, noun: Callable, entry: Entry, arguments: list[Any]) -> Any:
        """Return what comes of a call, as its own flow hands it on: what a coroutine returns, what a generator drives."""
        if entry.at_once is not None:
            value = plain(entry.at_once)
            return self.live(noun, arguments, entry.at_once) if value is NOT_PLAIN else value
        script = Script(self, noun, entry.call, arguments)
        return script.generate() if noun.flow is Flow.GENERATOR else script.outcome()

    def _take(self, noun: Callable, arguments: list[Any]) -> Entry | None:
        recorded, local = self.recorded, self._local
        if recorded is None:
            return None
        local.busy = True
        try:
            return recorded.take(noun.name, self._encoder.arguments(arguments, self._secret(noun), full=True))
        finally:
            local.busy = False

    def _played(self, noun: Callable, entry: Entry, arguments: list[Any]) -> Any:
        script = Script(self, noun, entry.call, arguments)
        match entry.call.flow:
            case Flow.GENERATOR:
                return script.generate()
            case Flow.COROUTINE:
                return script.awaited()
            case Flow.ASYNC_GENERATOR:
                return script.generate_async()
            case _:
                return script.outcome()

    @property
    def busy(self) -> bool:
        """Whether this thread is at work here, so that calls are not the program's."""
        return self._local.busy

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let the calls of this thread run as they are."""
        before = self.busy
        self._local.busy = True
        try:
            yield
        finally:
            self._local.busy = before

    def _snapshot(self, noun: Callable, arguments: list[Any]) -> bytes:
        return self._encoder.arguments(arguments, self._secret(noun), full=True)

    def _secret(self, noun: Callable) -> tuple[int, ...] | None:
        try:
            return self._secrets[noun.name]
        except KeyError:
            secret = tuple(self._redactor.secret(parameter.name) for parameter in noun.parameters)
            found = self._secrets[noun.name] = secret if any(secret) else None
            return found

    # -- outcomes ------------------------------------------------------------------------------------------------------------

    def live(self, noun: Callable, arguments: list[Any], snapshot: bytes) -> Any:
        """Return the live form of what came out of a call and is no plain data."""
        with self.at_work():
            value = decode(snapshot)
            if isinstance(value, Opaque) and (driven := flow_of_handed_out(value.type)) is not None:
                made = self._drive(noun, driven[0], arguments)
                if made is not None:
                    return made
            if noun.bound and arguments and self._is_receiver(noun, value, snapshot, arguments[0]):
                return arguments[0]
            try:
                return self._reviver.tree(value)
            except CannotRevive:
                return self._stand_in(value)

    def error(self, snapshot: bytes) -> BaseException | None:
        """Return a recorded exception; without its cause, and then without its own attributes, where these have no live form."""
        made = self._errors.make(snapshot)
        if made is not None:
            return made
        with self.at_work():
            value = decode(snapshot)
            if not isinstance(value, Object):
                return None
            for left_out in ((), ("cause",), tuple(name for name, _ in value.fields if name != "args")):
                fields = tuple(field for field in value.fields if field[0] not in left_out)
                try:
                    live = self._reviver.tree(replace(value, fields=fields))
                except CannotRevive:
                    continue
                if issubclass(type(live), BaseException):
                    self._errors.remember(value, live)
                    return live  # type: ignore[no-any-return]
            return None

    def _drive(self, noun: Callable, method: str, arguments: list[Any]) -> Any:
        """Return what plays the object that a call handed out to be driven: it was recorded with the call's own arguments."""
        driven = self.noun(f"{noun.name}.{method}")
        return None if driven is None else self.call(driven, arguments)

    def _is_receiver(self, noun: Callable, value: Value, snapshot: bytes, receiver: Any) -> bool:
        """Whether a method returned the object it was called on."""
        if not isinstance(value, Object | Opaque | Truncated):
            return False
        now = self._encoder.value(receiver)
        if now == snapshot:
            return True
        return _simple(noun) in _SELVES and likeness(value, decode(now)).grade is not Grade.DIFFERENT

    def put_back(self, noun: Callable, arguments: list[Any], after: Sequence[tuple[int, bytes]]) -> None:
        """Make the arguments what they were after the call, in place."""
        with self.at_work():
            for position, image in after:
                if position < len(arguments):
                    self._restore(noun, arguments, position, image)

    def _restore(self, noun: Callable, arguments: list[Any], position: int, after: bytes) -> None:
        try:
            live = self._reviver.value(after)
        except CannotRevive as error:
            raise self.missed(
                noun, arguments, f"what it did to an argument cannot be done again: {error.cause}"
            ) from error
        restore(arguments[position], live)

    def same(self, recorded: bytes, value: Any) -> bool:
        """Return whether a value of today is the recorded one, as far as both are known."""
        with self.at_work():
            now = self._encoder.value(value)
            return now == recorded or likeness(decode(recorded), decode(now)).grade is not Grade.DIFFERENT

    # -- what handles ask ----------------------------------------------------------------------------------------------------

    def noun(self, name: str) -> Callable | None:
        """Return what was recorded of a callable, None where it never was called."""
        return self.recorded.noun(name) if self.recorded is not None else None

    def call(self, noun: Callable, arguments: list[Any]) -> Any:
        """Answer a call of what has no live function; one that is driven is looked for when it is first resumed, as a stand-in does."""
        if noun.flow is Flow.CALL:
            return self._found(noun, arguments)
        late: Any = _LATE[noun.flow]
        return late(partial(self._found, noun, arguments))

    def _found(self, noun: Callable, arguments: list[Any]) -> Any:
        played = self.play(noun, arguments)
        if played is None:
            raise self.missed(noun, arguments)
        return played()

    def never(self, name: str) -> CallNotRecorded:
        """Return the error for a call of what was not recorded at all."""
        return CallNotRecorded(name, "", self.cassette, f"{self.cassette} holds no call of it")

    def part(self, value: Value) -> Any:
        """Return the live form of a part of a recorded value."""
        with self.at_work():
            return self._reviver.tree(value)

    def class_of(self, name: str) -> type | None:
        """Return a recorded class by name, where its module may be imported."""
        try:
            found = self._strict.tree(Named("class", name))
        except CannotRevive:
            return None
        return found if isinstance(found, type) else None

    def _stand_in(self, value: Value) -> Any:
        return handle(self, value)

    # -- misses --------------------------------------------------------------------------------------------------------------

    def missed(self, noun: Callable, arguments: list[Any], cause: str = "") -> CallNotRecorded:
        """Return the error for a call that the cassette does not hold, which is kept: the program may swallow it."""
        with self.at_work():
            error = self._describe(noun, arguments, cause)
        self.misses.append(error)
        if self._tally is not None:
            self._tally.missed(str(error))
        return error

    def _describe(self, noun: Callable, arguments: list[Any], cause: str) -> CallNotRecorded:
        snapshot = self._snapshot(noun, arguments)
        shown = shown_arguments(noun, decode_arguments(snapshot))
        recorded = self.recorded
        near = recorded.nearest(noun.name, snapshot) if recorded is not None else None
        remedy = "Record it: mode='new_episodes' keeps what is there and adds to it, mode='all' records anew."
        if near is None or recorded is None:
            names = difflib.get_close_matches(noun.name, list(recorded.callables) if recorded is not None else [], 1)
            told = cause or f"{self.cassette} holds no call of it"
            return CallNotRecorded(
                noun.name, shown, self.cassette, told, nearest=printable(names[0]) if names else "", remedy=remedy
            )
        total, played = recorded.times(noun.name)
        found = near.likeness
        if not cause and found.grade is not Grade.DIFFERENT:
            cause = f"{self.cassette} holds such a call, and it was played already"
        elif not cause:
            calls = "1 call" if total == 1 else f"{total} calls"
            cause = f"{self.cassette} holds {calls} of it ({played} played), none with these arguments"
        differs = found.grade is Grade.DIFFERENT
        return CallNotRecorded(
            noun.name,
            shown,
            self.cassette,
            cause,
            nearest=near.entry.text(),
            field=printable(str(found.path)) if differs else "",
            recorded=_text(found.recorded) if differs else "",
            called=_text(found.called) if differs else "",
            remedy=remedy,
        )


def _late_generator(found: Function[[], Any]) -> Any:
    return (yield from found())


async def _late_coroutine(found: Function[[], Any]) -> Any:
    return await found()


_LATE: Final = {
    Flow.GENERATOR: _late_generator,
    Flow.COROUTINE: _late_coroutine,
    Flow.ASYNC_GENERATOR: lambda found: found(),
}
"""How an answer is put off until it is first resumed; an async generator is looked for at once."""


_SELVES: Final = frozenset({"__enter__", "__aenter__", "__iter__", "__aiter__"})
"""Methods that mostly return their own object."""


def _simple(noun: Callable) -> str:
    return noun.name.rpartition(":")[2].rpartition(".")[2]


def _text(value: Value | None) -> str:
    return "nothing" if value is None else render(value)
