"""Watches greenlets (gevent, eventlet): each but the one that a thread begins with has a lane of its own, whoever switches to it and when.

Which lane a thread is in is changed at each switch, so that crossings look for nothing more. Where a task of asyncio runs, its lane goes first: greenlets that carry
on a coroutine's work (SQLAlchemy) are a part of it.
"""

from __future__ import annotations

from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, MethodType
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from tracer.instrument.live import instance_dict
from tracer.instrument.living import lock_of_all
from tracer.instrument.signatures import class_namespace, defining
from tracer.recording.lanes import keep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from tracer.recording.lanes import Lane, Lanes

_turn: Final = lock_of_all()
_following: tuple[Greenlets, ...] = ()


def _change(change: Callable[[tuple[Greenlets, ...]], tuple[Greenlets, ...]]) -> None:
    global _following  # noqa: PLW0603  (a switch goes through those there are, whatever comes between)
    with _turn:
        _following = change(_following)


class _Hearing:
    """What `greenlet.settrace` is given in a thread, once for all who follow; `before` is what was there."""

    __slots__ = ("before",)

    def __init__(self, before: Callable[[str, Any], object] | None) -> None:
        self.before = before

    def __call__(self, event: str, switch: tuple[Any, Any]) -> None:
        if self.before is not None:
            self.before(event, switch)
        origin, target = switch
        for greenlets in _following:
            greenlets.switched(origin, target)


class Greenlets:
    """The greenlets of one process, as one recorder follows them.

    name_of: given a module's name and file, the name it is known by.
    lose: told of the kind of what failed.
    """

    def __init__(
        self,
        lanes: Lanes,
        name_of: Callable[[str, str | None], str],
        lose: Callable[[str], None],
    ) -> None:
        self._lanes = lanes
        self._name_of = name_of
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
        _change(lambda following: (*following, self))
        self._follow()

    def _follow(self) -> None:
        """Hear of the switches in this thread, after who hears of them already."""
        hearing = self._module.gettrace()
        if type(hearing) is not _Hearing:
            self._module.settrace(_Hearing(hearing))

    def end(self) -> None:
        """Hear of no more switches. Other threads than this one keep what hears of them until they end."""
        if self._module is None:
            return
        self._lanes.thread_met = None
        _change(lambda following: tuple(other for other in following if other is not self))
        hearing = self._module.gettrace()
        if not _following and type(hearing) is _Hearing:
            self._module.settrace(hearing.before)

    def switched(self, origin: Any, target: Any) -> None:
        """Let this thread go on in the lane of the greenlet it has switched to. Never raises: it would be raised in that one."""
        try:
            lanes = self._lanes
            state, known, key = lanes.state(), lanes.greenlets, id(target)
            if state.greenlet == key:
                return  # told already: the host has set a function of its own that hands on to ours
            state.greenlet = key
            left = known.get(id(origin))
            if left is None:
                self._keep(origin, state.lane)
            else:
                left[1][0] = state.lane
            goes_on = known.get(key)
            state.lane = goes_on[1][0] if goes_on is not None else self._first_sight(origin, target)
        except Exception as error:  # noqa: BLE001  (see above)
            self._lose(type(error).__name__)

    def _first_sight(self, origin: Any, greenlet: Any) -> Lane | None:
        """Return the lane of one that begins, or that a thread began with before anybody looked; None where that is out of scope."""
        lanes = self._lanes
        if self._said["parent"].__get__(greenlet) is None:
            lane = lanes.of_thread()
            self._keep(greenlet, lane)
            return lane
        maker = lanes.greenlets.get(id(self._maker(greenlet)))
        base = maker[1][0] if maker is not None else lanes.of_thread()
        if base is None:
            lane = None
        else:
            place = f"greenlet {self._runs(greenlet) or lanes.place_of(self._said['gr_frame'].__get__(origin))}"
            lane = lanes.named(f"{base.name} > {place}#{base.ordinal(place)}")
        self._keep(greenlet, lane, own=True)
        return lane

    def _keep(self, greenlet: Any, lane: Lane | None, *, own: bool = False) -> None:
        lanes = self._lanes
        keep(lanes.greenlets, greenlet, [lane], (lambda _: lanes.end(lane)) if own and lane is not None else None)

    def _maker(self, greenlet: Any) -> Any:
        """Return the greenlet that made one, as far as it is known: the parent of gevent's is its hub, but they know who spawned them."""
        spawned_by = _own(greenlet, "spawning_greenlet")
        if type(spawned_by) is ref:
            return spawned_by()
        parent_of, known = self._said["parent"].__get__, self._lanes.greenlets
        above = parent_of(greenlet)
        while above is not None and id(above) not in known:
            above = parent_of(above)
        return above

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
    _, found = defining(type(value), name)
    if type(found) not in {GetSetDescriptorType, MemberDescriptorType}:
        return None
    try:
        return found.__get__(value)
    except AttributeError:
        return None
