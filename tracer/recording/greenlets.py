"""Watches greenlets (gevent, eventlet): each but the one that a thread begins with has a lane of its own, whoever switches to it and when.

Which lane a thread is in is changed at each switch, so that crossings look for nothing more. Where a task of asyncio runs, its lane goes first: greenlets that carry
on a coroutine's work (SQLAlchemy) are a part of it.
"""

from __future__ import annotations

from functools import partial
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, MethodType
from typing import TYPE_CHECKING, Any
from weakref import ref

from tracer.instrument.live import instance_dict
from tracer.instrument.signatures import class_namespace, mro

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from tracer.recording.lanes import Lane, Lanes


class Greenlets:
    """The greenlets of one process.

    active: whether crossings are being recorded; switches are passed over where they are not.
    name_of: given a module's name and file, the name it is known by.
    lose: told of the kind of what failed.
    """

    def __init__(
        self,
        lanes: Lanes,
        active: Callable[[], bool],
        name_of: Callable[[str, str | None], str],
        lose: Callable[[str], None],
    ) -> None:
        self._lanes = lanes
        self._name_of = name_of
        self._active = active
        self._lose = lose
        self._module: Any = None
        # What greenlets themselves say, past what the host's classes may put in its place.
        self._said: Mapping[str, Any] = {}

    def observed(self) -> dict[str, Callable[[ModuleType], None]]:
        """Return what is to be called with which module once it is loaded."""
        return {"greenlet": self._observe}

    def _observe(self, module: ModuleType) -> None:
        self._module = module
        self._said = class_namespace(self._module.greenlet)
        self._lanes.state()
        self._lanes.thread_met = self._follow
        self._follow()

    def end(self) -> None:
        """Hear of no more switches in this thread; those of others are passed over."""
        if self._module is None:
            return
        self._lanes.thread_met = None
        tracing = self._module.gettrace()
        if type(tracing) is partial and tracing.func == self._switched:
            self._module.settrace(tracing.args[0])

    def _follow(self) -> None:
        """Hear of the switches in this thread, after who hears of them already."""
        self._module.settrace(partial(self._switched, self._module.gettrace()))

    def _switched(self, before: Callable[[str, Any], object] | None, event: str, switch: tuple[Any, Any]) -> None:
        if before is not None:
            before(event, switch)
        if not self._active():
            return
        try:
            self._go_on(*switch)
        except Exception as error:  # noqa: BLE001  (it would be raised in the greenlet that goes on)
            self._lose(type(error).__name__)

    def _go_on(self, origin: Any, target: Any) -> None:
        lanes = self._lanes
        state, known = lanes.state(), lanes.greenlets
        left = known.get(id(origin))
        if left is None:
            self._keep(origin, state.lane)
        else:
            left[1] = state.lane
        goes_on = known.get(id(target))
        state.lane = goes_on[1] if goes_on is not None else self._first_sight(origin, target)

    def _first_sight(self, origin: Any, greenlet: Any) -> Lane | None:
        """Return the lane of one that begins, or that a thread began with before anybody looked; None where that is out of scope."""
        lanes, parent_of = self._lanes, self._said["parent"].__get__
        if parent_of(greenlet) is None:
            lane = lanes.of_thread()
            self._keep(greenlet, lane)
            return lane
        runs = self._runs(greenlet)
        above = parent_of(greenlet)
        # The parent of gevent's is its hub, whoever spawned them; others are their maker's.
        while parent_of(above) is not None and (runs or id(above) not in lanes.greenlets):
            above = parent_of(above)
        known = lanes.greenlets.get(id(above))
        base = known[1] if known is not None else lanes.of_thread()
        if base is None:
            lane = None
        else:
            place = f"greenlet {runs or lanes.place_of(self._said['gr_frame'].__get__(origin))}"
            lane = lanes.named(f"{base.name} > {place}#{base.ordinal(place)}")
        self._keep(greenlet, lane, own=True)
        return lane

    def _keep(self, greenlet: Any, lane: Lane | None, *, own: bool = False) -> None:
        key, known, end = id(greenlet), self._lanes.greenlets, self._lanes.end

        def gone(_: object) -> None:
            known.pop(key, None)
            if own and lane is not None:
                end(lane)

        known[key] = [ref(greenlet, gone), lane]

    def _runs(self, greenlet: Any) -> str:
        """Return what one of gevent's runs; "" for others, which do not say so any more when they begin."""
        runs = _own(greenlet, "_run")
        if type(runs) is MethodType:
            runs = runs.__func__
        if type(runs) is not FunctionType:
            return ""
        module, file = (runs.__globals__.get(name) for name in ("__name__", "__file__"))
        named = self._name_of(module, file if type(file) is str else None) if type(module) is str else ""
        return f"{named}:{runs.__qualname__}"


def _own(value: Any, name: str) -> Any:
    """Return an attribute of an object that is no code of the host's, None for any other."""
    own = instance_dict(value)
    if own is not None and name in own:
        return own[name]
    found: Any = next((class_namespace(kind)[name] for kind in mro(type(value)) if name in class_namespace(kind)), None)
    if type(found) not in {GetSetDescriptorType, MemberDescriptorType}:
        return None
    try:
        return found.__get__(value)
    except AttributeError:
        return None
