"""What a call does while it is made: the arguments as its callable has them, and what it passes on to other components."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument.decorated import is_inside
from tracer.instrument.probe import Probe
from tracer.model import OUTSIDE, Flow, Raised, Returned
from tracer.recording.crossing import Callers
from tracer.replay.task import Nested

if TYPE_CHECKING:
    from collections.abc import Callable as Function
    from collections.abc import Mapping, Sequence
    from types import CodeType

    from tracer.encoding.encode import Encoder
    from tracer.encoding.redact import Redactor
    from tracer.instrument.discovery import CallableCode
    from tracer.model import Call, Callable
    from tracer.recording.images import Secret
    from tracer.select.selection import Selection

_OUTER: Final = object()
_BELOW: Final = object()


class Crossings:
    """Who calls whom: what a recorder takes for a crossing is one."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._numbers: dict[str, int] = {}
        self._callers = Callers(self._number_of_module, self.number(OUTSIDE))

    def entered(self, component: str) -> tuple[Function[..., Any], Function[..., Any]]:
        """Return the hooks `Probe.entered` and `Probe.entered_at` of the callables of a component."""
        own = self.number(component)
        return self._callers.check(own), self._callers.check_at(own)

    def number(self, name: str) -> int:
        """Return the number of a component, from 1."""
        return self._numbers.setdefault(name, len(self._numbers) + 1)

    def _number_of_module(self, module: Any, file: Any) -> int:
        caller = self._selection.caller_of(module, file if type(file) is str else None)
        return self.number(caller) if caller is not None else 0


def secrets(redactor: Redactor, callables: Mapping[str, Callable]) -> Function[[str], Secret]:
    """Return what says, of a recorded callable's name, which of its parameters are redacted; None where none is."""

    @cache
    def secret(name: str) -> Secret:
        known = callables.get(name)
        found = tuple(redactor.secret(parameter.name) for parameter in known.parameters) if known else ()
        return found if any(found) else None

    return secret


@dataclass(slots=True)
class _Passed:
    """A crossing inside the call: its place among the recorded ones, and what was passed if that is something else."""

    place: int
    arguments: bytes | None
    outcome: Returned | Raised | None = None


class Watch:
    """Watches one call at a time, in the thread that makes it; what it calls runs.

    Looked at is what crosses into callables that crossed inside the recorded call too. `secret` says which parameters are redacted.
    """

    def __init__(self, crossings: Crossings, encoder: Encoder, secret: Function[[str], Secret]) -> None:
        self._crossings = crossings
        self._encoder = encoder
        self._secret = secret
        self._thread = get_ident()
        self._name = ""
        self._code: CodeType | None = None
        self._arguments: list[Any] | None = None
        self._depth = -1  # of crossings inside the call; below 0 outside of it
        self._recorded: dict[str, list[tuple[int, bytes]]] = {}
        self._passed: dict[str, list[_Passed]] = {}

    def begin(
        self, name: str, code: CodeType | None, callables: Mapping[str, Callable], inside: Sequence[Call]
    ) -> None:
        """Wait for the first activation of a code object as it was compiled; it is that of the call."""
        del callables
        self._name, self._code, self._arguments, self._depth = name, code, None, -1
        self._recorded, self._passed = {}, {}
        for place, call in enumerate(inside):
            self._recorded.setdefault(call.callable, []).append((place, call.arguments))

    def end(self) -> list[Any] | None:
        """Watch no more; return the arguments of the call as its callable had them, None where it did not run."""
        self._code, found, self._arguments, self._depth = None, self._arguments, None, -1
        return found

    def lacked(self) -> bool:
        """Return False: what a call calls runs, whatever was recorded of it."""
        return False

    def passed(self) -> tuple[Nested, ...]:
        """Return the crossings inside the call to which something else was passed than was recorded.

        Of a callable that was called more or less often than then, nothing is told.
        """
        alike = (
            passed
            for name, every in self._passed.items()
            if len(every) == len(self._recorded[name])
            for passed in every
        )
        return tuple(
            Nested(each.place, each.arguments, each.outcome)
            for each in alike
            if each.arguments is not None and each.outcome is not None
        )

    def probe(self, known: CallableCode) -> Probe:
        """Return the hooks of a code object."""

        def began(_: Any, arguments: list[Any]) -> Any:
            if get_ident() != self._thread:
                return None
            if self._code is known.code:
                self._code, self._arguments, self._depth = None, arguments, 0
                return _OUTER
            if self._depth < 0 or known.callable.flow is not Flow.CALL:
                return None
            if self._depth == 0 and is_inside(known.callable.name, self._name):
                return None  # the same call still, as recorders see it
            token = self._crossed(known.callable.name, arguments) if self._depth == 0 else None
            self._depth += 1
            return token or _BELOW

        entered, entered_at = self._crossings.entered(known.callable.component)
        ended = self._ended
        return Probe(
            entered,
            began,
            lambda token, value: ended(token, Returned, value),
            lambda token, error: ended(token, Raised, error),
            lambda token, value: None,
            lambda token, value: None,
            entered_at,
        )

    def _crossed(self, name: str, arguments: list[Any]) -> _Passed | None:
        """Take note of a crossing if its callable was called inside the recorded call."""
        recorded = self._recorded.get(name)
        if recorded is None:
            return None
        every = self._passed.setdefault(name, [])
        at = len(every)
        place, was = recorded[at] if at < len(recorded) else (-1, b"")
        now = self._encoder.arguments(arguments, self._secret(name), full=True)
        same = now == was or self._encoder.arguments(arguments, self._secret(name), full=False) == was
        every.append(_Passed(place, None if same else now))
        return every[-1]

    def _ended(self, token: Any, ending: type[Returned | Raised], value: Any) -> None:
        if token is None or get_ident() != self._thread:
            return
        if token is _OUTER:
            self._depth = -1
            return
        self._depth -= self._depth > 0
        if isinstance(token, _Passed) and token.arguments is not None:
            token.outcome = ending(self._encoder.value(value))
