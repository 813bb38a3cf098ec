"""Making one recorded call again: what can be rebuilt is rebuilt, called, and looked at as a recorder would."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from tracer.decode import decode_arguments
from tracer.encoding.causes import Cause
from tracer.errors import CannotRevive
from tracer.model import CallableKind, Flow, Item, ItemKind, ParameterKind, Raised, Unfinished
from tracer.recording.images import is_array
from tracer.replay.binding import MISSING, bind, is_default
from tracer.replay.driving import Script, run
from tracer.replay.task import GONE, LACKED, SUMMED, Fate, Nested, Outcomes, Result, recorded, snapshot_of
from tracer.values import Named, Object, Opaque
from tracer.wire import array_header, packer, split_array

if TYPE_CHECKING:
    from collections.abc import Callable as Function
    from collections.abc import Mapping, Sequence
    from types import CodeType

    from tracer.encoding.encode import Encoder
    from tracer.encoding.revive import Reviver
    from tracer.model import Call, Callable, Ending, Outcome
    from tracer.recording.images import Counts, Images, Secret
    from tracer.replay.today import Today
    from tracer.values import Value

    After = tuple[tuple[int, bytes], ...]

NAMELESS: Final = "no name leads to it: it is a lambda or was made inside a call"
UNFINISHED: Final = "it had not ended when the recording did"
UNKEPT: Final = "its arguments were not kept"
UNFAITHFUL: Final = "its arguments came out otherwise when they were rebuilt"
THROWN: Final = "whether its exception was thrown into it was not recorded"
FORBIDDEN: Final = "its module may not be imported"
UNSEEN: Final = "it is written in C, and not looked for where components are isolated"
TEMPORARY: Final = "what lay in a temporary folder is gone"

_EQUAL: Final = Result(Fate.EQUAL)
_GENERATORS: Final = frozenset({Flow.GENERATOR, Flow.ASYNC_GENERATOR})
_NIL: Final = packer()(None)
_EMPTY: Final = packer()([])
"""A list, which counts as a container that others may refer to, as the object does whose place it keeps."""
_PASSING: Final = (b"<tmp>", b"<recording>")
"""What stands for folders that are not there any more, see `tracer.encoding.paths`."""


class SkippedError(Exception):
    """A call is not made, for a reason and because of a type."""

    def __init__(self, reason: str, type_name: str = "") -> None:
        self.reason = reason
        self.type = type_name
        super().__init__(reason, type_name)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A call that can be made: what to call and its code, its live arguments in the order of the recorded parameters, which of those to pass."""

    function: Any
    code: CodeType | None
    flow: Flow
    arguments: list[Any]
    passed: list[Any]
    script: Script


class Watching(Protocol):
    """What is to be known, or to be answered, while a call is made; see `Watch` and `Isolation`."""

    def begin(
        self, name: str, code: CodeType | None, callables: Mapping[str, Callable], inside: Sequence[Call]
    ) -> None:
        """Begin with a call of a callable of this name and code object, inside which these calls were recorded."""

    def end(self) -> list[Any] | None:
        """End; return the arguments of the call as its callable had them, None where they are not known."""

    def lacked(self) -> bool:
        """Whether the call that ended lacked an answer that may have been recorded as a sum alone."""

    def passed(self) -> tuple[Nested, ...]:
        """Return what the call passed on otherwise than was recorded."""


class Maker:
    """Makes recorded calls on today's code. `then` are the recorded callables by name."""

    def __init__(
        self,
        today: Today,
        watch: Watching,
        then: dict[str, Callable],
        reviver: Reviver,
        encoder: Encoder,
        images: Images,
        secret: Function[[str], Secret],
    ) -> None:
        self.today = today
        self._watch = watch
        self._then = then
        self._reviver = reviver
        self._encoder = encoder
        self._images = images
        self._secret = secret

    def make(self, call: Call, inside: Sequence[Call], counts: Counts, number: int) -> Result:
        """Make a call, inside which others were recorded; say what became of it. `number` stands for its callable in `counts`."""
        module = call.callable.partition(":")[0]
        failure = self.today.failed.get(module)
        if failure is not None and not self.today.is_gone(module):
            return _judged(call, Outcomes(call.flow, Raised(self._encoder.value(failure))))
        try:
            done = self._perform(call, self.rebuild(call), inside, counts, number)
            thrown = self._was_thrown(call, done, inside, counts, number)
        except SkippedError as skipped:
            return Result(Fate.SKIPPED, reason=skipped.reason, type=skipped.type)
        except CannotRevive as cannot:
            return Result(Fate.SKIPPED, reason=cannot.cause, type=cannot.type)
        return Result(Fate.SKIPPED, reason=THROWN) if thrown else _judged(call, done)

    def rebuild(self, call: Call, thrown_at_end: BaseException | None = None) -> Rebuilt:
        """Return a call ready to be made.

        Raises:
            SkippedError, CannotRevive: it cannot be rebuilt.
        """
        then, now = self._then[call.callable], self.today.callable(call.callable)
        if "<locals>" in call.callable or "<lambda>" in call.callable:
            raise SkippedError(NAMELESS)
        if now is None and then.kind is CallableKind.FOREIGN and self.today.isolated:
            raise SkippedError(UNSEEN)
        if now is None:
            raise SkippedError(GONE if self.today.may_import(call.callable.partition(":")[0]) else FORBIDDEN)
        function = self.today.function(now)
        if function is None:
            raise SkippedError(NAMELESS)
        if any(item.kind is ItemKind.SUMMED for item in call.items):
            raise SkippedError(SUMMED)
        if isinstance(call.outcome, Unfinished) and call.flow not in _GENERATORS:
            raise SkippedError(UNFINISHED)
        arguments, passed = self._arguments(call, then)
        bound = bind(then.parameters, now.parameters, passed)
        made = partial(function, *bound.positional, **bound.named)
        return Rebuilt(
            made, self.today.code_of(function), now.flow, arguments, passed, self._script(call, thrown_at_end)
        )

    def _arguments(self, call: Call, then: Callable) -> tuple[list[Any], list[Any]]:
        """Return the live arguments, and those to pass: `MISSING` in the place of each that is its parameter's default."""
        values = decode_arguments(call.arguments)
        if len(values) != len(then.parameters) or not is_array(call.arguments):
            raise SkippedError(UNKEPT)
        if any(mark in call.arguments for mark in _PASSING):
            raise SkippedError(TEMPORARY)
        defaults = [is_default(*pair) for pair in zip(then.parameters, values, strict=True)]
        parts = split_array(call.arguments)
        for place, (default, value) in enumerate(zip(defaults, values, strict=True)):
            if default and isinstance(value, Opaque):
                parts[place] = _NIL  # nothing is known of it but its type; the callable still has it
        fresh = _fresh_receiver(then, values)
        if fresh:
            parts[0] = _EMPTY
        names = [parameter.name for parameter in then.parameters]
        arguments = self._reviver.arguments(array_header(len(parts)) + b"".join(parts), names)
        if fresh:
            arguments[0] = _bare(self._reviver.tree(Named("class", fresh)), fresh)
        passed = [MISSING if default else value for default, value in zip(defaults, arguments, strict=True)]
        return arguments, passed

    def _script(self, call: Call, thrown_at_end: BaseException | None) -> Script:
        resumptions: dict[int, tuple[ItemKind, Any]] = {}
        handed_out = 0
        for item in call.items:
            if item.kind is ItemKind.YIELDED:
                handed_out += 1
            else:
                resumptions[handed_out] = item.kind, self._reviver.value(item.value)
        return Script(resumptions, handed_out, isinstance(call.outcome, Unfinished), thrown_at_end)

    def _perform(self, call: Call, rebuilt: Rebuilt, inside: Sequence[Call], counts: Counts, number: int) -> Outcomes:
        """Make a call, and look at it as a recorder does."""
        arguments, secret = rebuilt.arguments, self._secret(call.callable)
        snapshot, observed = self._images.observe(counts, number, secret, arguments)
        self._check_rebuilt(call, rebuilt, snapshot, secret)
        if observed is None and call.after:
            observed = arguments, self._encoder.arguments(arguments, secret, full=True), secret, None
        passed: list[Item] = []

        def note(kind: ItemKind, value: Any) -> None:
            was = call.items[len(passed)].value if len(passed) < len(call.items) else None
            passed.append(Item(kind, self._image(counts, number, value, was)))

        def function() -> Any:
            self._watch.begin(call.callable, rebuilt.code, self._then, inside)
            return rebuilt.function()

        ending, value = run(function, rebuilt.flow, rebuilt.script, note)
        own = self._watch.end()
        if self._watch.lacked():
            raise SkippedError(LACKED)
        if observed is not None and own is not None and len(own) == len(arguments):
            observed = own, *observed[1:]
        after = tuple(self._images.changed(observed)) if observed is not None else ()
        after = self._as_far_as_seen(call, after)
        outcome = self._outcome(call, counts, number, ending, value)
        return Outcomes(rebuilt.flow, outcome, tuple(passed), after, self._watch.passed())

    def _as_far_as_seen(self, call: Call, after: After) -> After:
        """Return after-images without those of `**kwargs` where another function stands before the callable, which has a copy of them."""
        if not self.today.isolated:
            return after
        kinds = [parameter.kind for parameter in self._then[call.callable].parameters]
        unseen = {place for place, kind in enumerate(kinds) if kind is ParameterKind.VAR_KEYWORD}
        kept = [image for image in after if image[0] not in unseen]
        return tuple(sorted((*kept, *(image for image in call.after if image[0] in unseen))))

    def _outcome(self, call: Call, counts: Counts, number: int, ending: Ending, value: Any) -> Outcome:
        if issubclass(ending, Unfinished):
            return Unfinished()
        was = None if isinstance(call.outcome, Unfinished) else snapshot_of(call.outcome)
        return ending(self._image(counts, number, value, was))

    def _image(self, counts: Counts, number: int, value: Any, was: bytes | None) -> bytes:
        """Return the snapshot of what came out: the recorded one, where looking at it in full or not gives that."""
        image = self._encoder.scalar(value) or self._images.outcome(counts, number, value)
        if was is None or image == was or not any(self._encoder.value(value, full) == was for full in (True, False)):
            return image
        return was

    def _check_rebuilt(self, call: Call, rebuilt: Rebuilt, snapshot: bytes, secret: Secret) -> None:
        """Refuse arguments that are not, byte for byte, those that were recorded, but for defaults that are not passed."""
        if snapshot == call.arguments:
            return
        full = self._encoder.arguments(rebuilt.arguments, secret, full=True)
        pairs = zip(rebuilt.passed, split_array(full), split_array(call.arguments), strict=True)
        if any(now != was for value, now, was in pairs if value is not MISSING):
            raise SkippedError(UNFAITHFUL)

    def _was_thrown(self, call: Call, done: Outcomes, inside: Sequence[Call], counts: Counts, number: int) -> bool:
        """Whether a generator that raised then, and does not when it is resumed, raises what it did when that is thrown in."""
        if not isinstance(call.outcome, Raised) or not call.items or call.flow not in _GENERATORS:
            return False
        if done == recorded(call):
            return False
        rebuilt = self.rebuild(call, self._reviver.value(call.outcome.error))
        return self._perform(call, rebuilt, inside, counts, number).outcome == call.outcome


def _fresh_receiver(then: Callable, values: Sequence[Value]) -> str:
    """Return the type of an object that `__init__` was called on before anything was set in it; "" for any other call."""
    if not then.name.endswith(".__init__") or not values:
        return ""
    match values[0]:
        case Object(type=name, fields=(), payload=None):
            return name
        case _:
            return ""


def _bare(cls: Any, name: str) -> Any:
    try:
        return object.__new__(cls)
    except TypeError:
        raise CannotRevive(name, "argument", Cause.NOT_MADE.value) from None


def _judged(call: Call, done: Outcomes) -> Result:
    return _EQUAL if done == recorded(call) else Result(Fate.CHANGED, done)
