"""The `sys.monitoring` engine (PEP 669, Python 3.12 and later): code objects stay as they are, events tell of activations.

What the interpreter does not show, and this engine therefore cannot tell:

- the value sent into a generator: `Probe.resumed` gets `UNSEEN`;
- an item that a sub-iterator hands out in answer to `throw` while the watched generator delegates to it with `yield from`
  (the interpreter does not enter the watched frame then);
- the end of a generator that is closed, or dropped, while no `try` surrounds its `yield`, on the releases of Python 3.13
  that end it without running its frame;
- activations of a copy of a watched code object (`code.replace()`, which `types.coroutine` makes): it is another object.

It observes only: it cannot answer a call in place of the callee.
"""

from __future__ import annotations

import gc
import sys
from operator import attrgetter, itemgetter
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from tracer.errors import RecordingError
from tracer.instrument.probe import UNSEEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from tracer.instrument.injection.sites import SiteHooks
    from tracer.instrument.probe import Probe

_CO_OPTIMIZED = 0x1
_CO_VARARGS = 0x4
_CO_VARKEYWORDS = 0x8
_CO_GENERATOR = 0x20
_CO_COROUTINE = 0x80
_CO_ITERABLE_COROUTINE = 0x100
_CO_ASYNC_GENERATOR = 0x200

_COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_TOOL_IDS = (4, 3, 2)  # ids without a reserved meaning first, then the one reserved for profilers
_TOOL_NAME = "tracer"
_LOCALS_ARE_CACHED = sys.version_info < (3, 13)

_monitoring: Any = getattr(sys, "monitoring", None)
_getframe = sys._getframe  # noqa: SLF001 - the frame of the caller has no other name
_get_referents = gc.get_referents


class MonitoringEngine:
    """Watches activations through local events of their code objects. Implements `tracer.instrument.probe.Engine`.

    A tool id is taken with the first code object watched and given back by `detach`. Probes need `entered_at`:
    the interpreter calls this engine, not the probe, from the watched frame. One global event is on meanwhile:
    PY_UNWIND, which costs a callback for every frame an exception leaves anywhere in the process.

    Raises `RecordingError` below Python 3.12.
    """

    title = "sys.monitoring"
    tells_of_calls = False

    def __init__(self) -> None:
        if _monitoring is None:
            raise RecordingError("watch calls with sys.monitoring", "this Python has none", "Use Python 3.12 or later.")
        self._watches: dict[int, _Watch] = {}
        self._open: dict[int, _Activation] = {}
        self._tool: int | None = None

    def attach_module(
        self, code: CodeType, probe_of: Callable[[CodeType], Probe | None], sites: SiteHooks | None = None
    ) -> CodeType:
        """Watch the function codes inside a module's code object and return that same object; call sites tell nothing.

        Raises `RecordingError` where other tools hold every usable tool id, or a probe has no `entered_at`.
        """
        del sites
        for nested in _codes_within(code):
            self._watch(nested, probe_of)
        return code

    def attach_function(
        self, function: Any, probe_of: Callable[[CodeType], Probe | None], sites: SiteHooks | None = None
    ) -> bool:
        """Watch a live Python function and the function codes nested in it; False for anything else. Raises as `attach_module`."""
        del sites
        if not isinstance(function, FunctionType):
            return False
        self._watch(function.__code__, probe_of)
        self.attach_module(function.__code__, probe_of)
        return True

    def choose_codes(self, choose: Callable[[Any, Any], Any]) -> None:
        """Do nothing: this engine changes no code."""

    def holds_hooks(self, code: CodeType) -> bool:
        """Return False, for the same reason."""
        del code
        return False

    def start_over(self) -> None:
        """Do nothing: what is attached once more has all its events already."""

    def original(self, code: CodeType) -> CodeType:
        """Return `code`: this engine changes none."""
        return code

    def detach(self) -> tuple[str, ...]:
        """Switch every event off and give the tool id back. Activations still open are forgotten. Nothing can fail to be restored."""
        if self._tool is not None:
            for watch in self._watches.values():
                _monitoring.set_local_events(self._tool, watch.code, 0)
            _monitoring.set_events(self._tool, 0)
            for event in self._callbacks():
                _monitoring.register_callback(self._tool, event, None)
            _monitoring.free_tool_id(self._tool)
            self._tool = None
        self._watches.clear()
        self._open.clear()
        return ()

    def _watch(self, code: CodeType, probe_of: Callable[[CodeType], Probe | None]) -> None:
        probe = probe_of(code) if _is_function(code) else None
        if probe is None:
            return
        watch = _Watch(code, probe)
        if self._tool is None:
            self._tool = self._take_tool()
        self._watches[id(code)] = watch
        _monitoring.set_local_events(self._tool, code, watch.events)

    def _take_tool(self) -> int:
        for tool in _TOOL_IDS:
            if _monitoring.get_tool(tool) is None:
                _monitoring.use_tool_id(tool, _TOOL_NAME)
                for event, callback in self._callbacks().items():
                    _monitoring.register_callback(tool, event, callback)
                _monitoring.set_events(tool, _monitoring.events.PY_UNWIND)
                return tool
        holders = ", ".join(f"{tool} by {_monitoring.get_tool(tool)!r}" for tool in _TOOL_IDS)
        raise RecordingError(
            "watch calls with sys.monitoring",
            f"its tool ids are in use: {holders}",
            "Stop one of those tools, or choose another engine.",
        )

    def _callbacks(self) -> dict[int, Callable[..., None]]:
        events = _monitoring.events
        return {
            events.PY_START: _start_callback(self._watches, self._open),
            events.PY_RETURN: _end_callback(self._open, attrgetter("returned")),
            events.PY_UNWIND: _end_callback(self._open, attrgetter("raised")),
            events.PY_YIELD: _yield_callback(self._open),
            events.PY_RESUME: _resume_callback(self._open),
        }


class _Watch:
    """One watched code object, its probe, and how its arguments are taken from a frame."""

    __slots__ = ("arguments", "code", "entered_at", "events", "is_resumable", "probe")

    def __init__(self, code: CodeType, probe: Probe) -> None:
        if probe.entered_at is None:
            raise RecordingError(f"watch {code.co_name!r}", "its probe has no `entered_at`, which sys.monitoring needs")
        self.code = code
        self.probe = probe
        self.entered_at = probe.entered_at
        self.arguments = _arguments_getter(code)
        self.is_resumable = bool(code.co_flags & (_CO_GENERATOR | _CO_COROUTINE | _CO_ASYNC_GENERATOR))
        events = _monitoring.events
        self.events = events.PY_START | events.PY_RETURN
        if self.is_resumable and not code.co_flags & (_CO_COROUTINE | _CO_ITERABLE_COROUTINE):
            self.events |= events.PY_YIELD | events.PY_RESUME


class _Activation:
    """An activation of interest. `code` tells it from a later frame at the same address: some ends are not shown."""

    __slots__ = ("code", "handed_out", "probe", "token")

    def __init__(self, code: CodeType, probe: Probe, token: Any) -> None:
        self.code = code
        self.probe = probe
        self.token = token
        self.handed_out = False


def _start_callback(watches: dict[int, _Watch], activations: dict[int, _Activation]) -> Callable[[CodeType, int], None]:
    def started(code: CodeType, _offset: int) -> None:
        watch = watches.get(id(code))
        if watch is None:
            return
        frame = _getframe(1)
        ticket = watch.entered_at(frame)
        if ticket is None:
            if watch.is_resumable:
                activations.pop(id(frame), None)
            return
        probe = watch.probe
        activations[id(frame)] = _Activation(code, probe, probe.began(ticket, [*watch.arguments(frame)]))

    return started


def _end_callback(
    activations: dict[int, _Activation], hook_of: Callable[[Probe], Callable[[Any, Any], None]]
) -> Callable[[CodeType, int, Any], None]:
    def ended(code: CodeType, _offset: int, value: Any) -> None:
        if not activations:
            return
        key = id(_getframe(1))
        activation = activations.get(key)
        if activation is not None and activation.code is code:
            del activations[key]
            hook_of(activation.probe)(activation.token, value)

    return ended


def _yield_callback(activations: dict[int, _Activation]) -> Callable[[CodeType, int, Any], None]:
    def yielded(code: CodeType, _offset: int, value: Any) -> None:
        activation = activations.get(id(_getframe(1)))
        if activation is None or activation.code is not code:
            return
        if code.co_flags & _CO_ASYNC_GENERATOR:
            activation.handed_out = _is_wrapped_item(value)
            if not activation.handed_out:
                return
            (value,) = _get_referents(value)
        activation.handed_out = True
        activation.probe.yielded(activation.token, value)

    return yielded


def _resume_callback(activations: dict[int, _Activation]) -> Callable[[CodeType, int], None]:
    def resumed(code: CodeType, _offset: int) -> None:
        activation = activations.get(id(_getframe(1)))
        if activation is not None and activation.code is code and activation.handed_out:
            activation.probe.resumed(activation.token, UNSEEN)

    return resumed


def _is_wrapped_item(value: Any) -> bool:
    # An async generator wraps what it yields, to tell it from what its awaits pass up; the type has no public name.
    return type(value).__name__ == "async_generator_wrapped_value"


def _arguments_getter(code: CodeType) -> Callable[[FrameType], tuple[Any, ...]]:
    """Return what takes the arguments from a frame at its start, in the order of `inspect.signature`."""
    names = tuple(_argument_names(code))
    if not names:
        return lambda _frame: ()
    pick: Callable[[Any], tuple[Any, ...]] = itemgetter(*names) if len(names) > 1 else _single(names[0])
    return _pick_and_clear(pick) if _LOCALS_ARE_CACHED else lambda frame: pick(frame.f_locals)


def _single(name: str) -> Callable[[Any], tuple[Any, ...]]:
    return lambda mapping: (mapping[name],)


def _pick_and_clear(pick: Callable[[Any], tuple[Any, ...]]) -> Callable[[FrameType], tuple[Any, ...]]:
    def arguments(frame: FrameType) -> tuple[Any, ...]:
        # The dict stays with the frame: uncleared it would keep an argument alive after the function's `del`.
        variables = frame.f_locals
        picked = pick(variables)
        variables.clear()
        return picked

    return arguments


def _argument_names(code: CodeType) -> Iterator[str]:
    positional, keyword_only = code.co_argcount, code.co_kwonlyargcount
    rest = iter(code.co_varnames[positional + keyword_only :])
    yield from code.co_varnames[:positional]
    if code.co_flags & _CO_VARARGS:
        yield next(rest)
    yield from code.co_varnames[positional : positional + keyword_only]
    if code.co_flags & _CO_VARKEYWORDS:
        yield next(rest)


def _codes_within(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes_within(constant)


def _is_function(code: CodeType) -> bool:
    return bool(code.co_flags & _CO_OPTIMIZED) and code.co_name not in _COMPREHENSIONS
