"""Calls run and recorded while components are played back, so that they can be played the next time.

What a call hands out that will have no live form then is watched, so that what is asked of it is recorded too.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import replace
from functools import partial
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any, Final

from tracer.decode import decode
from tracer.encoding.looks import type_name
from tracer.encoding.plans import tell_as
from tracer.instrument.proxies import is_watched, unwrapped, watched_base, watched_object
from tracer.model import Callable, CallableKind, Flow, Parameter, ParameterKind
from tracer.playing.handles import flow_of_handed_out
from tracer.playing.plain import EXTENSIONS
from tracer.values import Form, Object, Opaque

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Generator
    from collections.abc import Callable as Function
    from types import FrameType

    from tracer.encoding.encode import Encoder
    from tracer.instrument.probe import Probe

_SELF: Final = Parameter("self", ParameterKind.POSITIONAL_ONLY)
_ANY: Final = (
    _SELF,
    Parameter("args", ParameterKind.VAR_POSITIONAL),
    Parameter("kwargs", ParameterKind.VAR_KEYWORD),
)


class Take:
    """Runs calls and records them by the hooks of a recorder.

    probe_of: gives the hooks for a callable of tracer's own naming.
    allowed: whether the module of a class may be imported when the recording is played.
    """

    def __init__(self, probe_of: Function[[Callable], Probe], encoder: Encoder, allowed: Function[[str], bool]) -> None:
        self._probe_of = probe_of
        self._encoder = encoder
        self._allowed = allowed
        self._probes: dict[tuple[str, Flow], tuple[Callable, Probe]] = {}
        tell_watched()

    def make(self, noun: Callable, probe: Probe, ticket: Any, arguments: list[Any], proceed: Function[..., Any]) -> Any:
        """Run a call into a component and record it; return what its stand-in is to hand on."""
        given = [_bare(each) for each in arguments]
        watched = any(old is not new for old, new in zip(arguments, given, strict=True))
        return self._run(noun, probe, ticket, arguments, partial(proceed, given) if watched else proceed)

    def _run(self, noun: Callable, probe: Probe, ticket: Any, arguments: list[Any], proceed: Function[[], Any]) -> Any:
        token = probe.began(ticket, arguments)
        if token is None:  # out of the recorder's scope, or the same call as the one around it
            return proceed()
        hand_out = partial(self._hand_out, noun, arguments)
        match noun.flow:
            case Flow.GENERATOR:
                return _generate(probe, token, proceed(), hand_out)
            case Flow.COROUTINE:
                return _await(probe, token, proceed(), hand_out)
            case Flow.ASYNC_GENERATOR:
                return _generate_async(probe, token, proceed(), hand_out)
            case _:
                return _call(probe, token, proceed, hand_out)

    # -- what is handed out --------------------------------------------------------------------------------------------------

    def _hand_out(self, noun: Callable, arguments: list[Any], value: Any) -> Any:
        """Return what the caller gets in place of a value: itself, unless it will have no live form when it is played."""
        kind = type(value)
        if kind in _PLAIN or is_watched(value):
            return value
        if kind in _DRIVEN:
            return self._driven(noun, arguments, value)
        if not self._has_no_live_form(value):
            return value
        return watched_object(value, partial(self._called, noun.component))

    def _driven(self, noun: Callable, arguments: list[Any], value: Any) -> Any:
        """Return a generator or coroutine that was handed out, its drive recorded as a call with the arguments of the one it came from."""
        method, flow = flow_of_handed_out(type_name(type(value))) or ("", Flow.CALL)
        driven = replace(noun, name=f"{noun.name}.{method}", kind=CallableKind.FOREIGN, flow=flow, code="", reach=())
        late: Any = _LATE[flow]
        return late(partial(self._drive, driven, arguments, value))

    def _drive(self, driven: Callable, arguments: list[Any], value: Any, frame: FrameType) -> Any:
        noun, probe = self._known(driven)
        ticket = _ticket(probe, frame)
        return value if ticket is None else self._run(noun, probe, ticket, arguments, lambda: value)

    def _has_no_live_form(self, value: Any) -> bool:
        data = self._encoder.value(value)
        if data[0] not in EXTENSIONS:
            return False
        tree = decode(data)
        match tree:
            case Opaque(type=name):
                return not name.startswith("tracer")
            case Object(type=name, form=Form.PLAIN, payload=None):
                return not self._allowed(name.partition(":")[0])
            case _:
                return False

    def _called(
        self,
        component: str,
        name: str,
        owner: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        run: Function[..., Any],
        frame: FrameType,
    ) -> Any:
        """Make and record a call of a watched object's method, or a look at an attribute of it."""
        made = _noun(component, owner, name, run)
        noun, probe = self._known(made)
        ticket = _ticket(probe, frame)
        given, named = _bare(args), _bare(kwargs)
        if ticket is None:
            return run(*given, **named)
        arguments = [owner] if noun.kind is CallableKind.PROPERTY else [owner, args, kwargs]
        result = self._run(noun, probe, ticket, arguments, partial(run, *given, **named))
        return result.__await__() if name == "__await__" else result

    def _known(self, noun: Callable) -> tuple[Callable, Probe]:
        key = noun.name, noun.flow
        known = self._probes.get(key)
        if known is None:
            known = self._probes[key] = noun, self._probe_of(noun)
        return known


_PLAIN: Final = frozenset({str, int, float, bool, bytes, type(None), list, dict, tuple, set, frozenset})
_DRIVEN: Final = frozenset({GeneratorType, CoroutineType, AsyncGeneratorType})


def _noun(component: str, owner: Any, name: str, run: Any) -> Callable:
    full = f"{type_name(type(unwrapped(owner)))}.{name.lstrip('.')}"
    if name.startswith("."):
        return Callable(full, component, CallableKind.PROPERTY, Flow.CALL, (_SELF,), bound=True)
    awaits = name == "__await__" or inspect.iscoroutinefunction(run)
    flow = Flow.COROUTINE if awaits else Flow.CALL
    return Callable(full, component, CallableKind.FOREIGN, flow, _ANY, bound=True)


def _ticket(probe: Probe, frame: FrameType) -> Any:
    return probe.entered_at(frame) if probe.entered_at is not None else probe.entered()


def _bare(value: Any) -> Any:
    """Return an argument as the component itself knows it: without the wrapper it was handed out in, also inside `*args` and `**kwargs`."""
    if is_watched(value):
        return unwrapped(value)
    kind = type(value)
    if kind is tuple and any(map(is_watched, value)):
        return tuple(map(unwrapped, value))
    if kind is dict and any(map(is_watched, value.values())):
        return {name: unwrapped(item) for name, item in value.items()}
    return value


# -- the ways to run -----------------------------------------------------------------------------------------------------------


def _call(probe: Probe, token: Any, proceed: Function[[], Any], hand_out: Function[[Any], Any]) -> Any:
    try:
        value = proceed()
    except BaseException as error:
        probe.raised(token, error)
        raise
    probe.returned(token, value)
    return hand_out(value)


async def _await(probe: Probe, token: Any, running: Awaitable[Any], hand_out: Function[[Any], Any]) -> Any:
    try:
        value = await running
    except BaseException as error:
        probe.raised(token, error)
        raise
    probe.returned(token, value)
    return hand_out(value)


def _generate(
    probe: Probe, token: Any, inner: Generator[Any, Any, Any], hand_out: Function[[Any], Any]
) -> Generator[Any, Any, Any]:
    step: Function[[], Any] = partial(next, inner)
    thrown: BaseException | None = None
    while True:
        try:
            item = step()
        except StopIteration as stop:
            probe.returned(token, stop.value)
            return hand_out(stop.value)
        except BaseException as error:
            probe.raised(token, error)
            raise
        _tell(probe, token, item, thrown)
        thrown = None
        try:
            sent = yield hand_out(item)
        except GeneratorExit as error:
            inner.close()
            probe.raised(token, error)
            raise
        except BaseException as error:  # noqa: BLE001  (whatever was thrown in belongs to the inner one)
            step, thrown = partial(inner.throw, error), error
        else:
            probe.resumed(token, sent)
            step = partial(next, inner) if sent is None else partial(inner.send, sent)


async def _generate_async(
    probe: Probe, token: Any, inner: AsyncGenerator[Any, Any], hand_out: Function[[Any], Any]
) -> AsyncGenerator[Any, Any]:
    step: Function[[], Awaitable[Any]] = inner.__anext__
    thrown: BaseException | None = None
    while True:
        try:
            item = await step()
        except StopAsyncIteration:
            probe.returned(token, None)
            return
        except BaseException as error:
            probe.raised(token, error)
            raise
        _tell(probe, token, item, thrown)
        thrown = None
        try:
            sent = yield hand_out(item)
        except GeneratorExit as error:
            await inner.aclose()
            probe.raised(token, error)
            raise
        except BaseException as error:  # noqa: BLE001  (as above)
            step, thrown = partial(inner.athrow, error), error
        else:
            probe.resumed(token, sent)
            step = partial(inner.asend, sent)


def _tell(probe: Probe, token: Any, item: Any, thrown: BaseException | None) -> None:
    """Tell of an item, and of the exception that was thrown in before it: the hook finds that where it is being handled."""
    if thrown is None:
        probe.yielded(token, item)
        return
    trace = thrown.__traceback__
    try:
        raise thrown  # noqa: TRY301  (to be found as the one that is being handled)
    except BaseException:  # noqa: BLE001  (as above)
        probe.yielded(token, item)
    finally:
        thrown.__traceback__ = trace


# -- generators and coroutines that were handed out ------------------------------------------------------------------------------


def _late_generator(drive: Function[[FrameType], Any]) -> Any:
    return (yield from drive(sys._getframe()))  # noqa: SLF001


async def _late_coroutine(drive: Function[[FrameType], Any]) -> Any:
    return await drive(sys._getframe())  # noqa: SLF001


_LATE: Final = {
    Flow.GENERATOR: _late_generator,
    Flow.COROUTINE: _late_coroutine,
    Flow.ASYNC_GENERATOR: lambda drive: drive(sys._getframe()),  # noqa: SLF001
}
"""What the caller drives in place of an object; the call begins when it is first resumed, an async generator's at once."""


def tell_watched() -> None:
    """Let snapshots tell a watched object as the object itself. Done once, when something is recorded: it loads wrapt."""
    if not _told:
        _told.append(watched_base())
        tell_as(_told[0], lambda walk, value: walk.value(unwrapped(value)))


_told: Final[list[type]] = []
