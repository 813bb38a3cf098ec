"""Copies of watched functions that were pickled by value: who calls one in a process that is recorded is recorded as well.

A copy is a code object that no engine made, with what `injection.pickled` made of its hooks. Those are the attributes of this module, found by
name where it is loaded. They ask who is called when it is: `began` carries the name of the callable, whose probe does all the rest.

Copies of code that several recorders watch hold the hooks of each. Of these the first to be called do, for whoever has watched them here the
longest. Where calls are answered in the place of a callable, its copies are not.
"""

from __future__ import annotations

from sys import _getframe
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tracer.instrument.injection import delegate as delegation
from tracer.instrument.injection import pickled
from tracer.instrument.injection.rewrite import hooks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType, FrameType

    from tracer.instrument.probe import Probe

_BEGAN: Final = "began:"


class _Began(pickled.Hook):
    name: str

    def __reduce__(self) -> Any:
        return pickled.reduced(_BEGAN + self.name)


class _Copy(NamedTuple):
    """What is known of the copies of one callable: their hooks, and where in their code the first of the prefixes that call them stands."""

    entered: Callable[[FrameType], Any]
    hooks: Mapping[str, Callable[..., Any]]
    place: int


class Copies:
    """The copies that one recorder watches, while it is in `watching`.

    find: given a callable's name and the frame of a copy, returns its probe; None where it is not watched.
    note: told of a failure of tracer's own, with the callable's name.
    """

    def __init__(self, find: Callable[[str, FrameType], Probe | None], note: Callable[[str, Exception], None]) -> None:
        self._find = find
        self._note = note
        self._known: dict[str, _Copy | None] = {}

    def of_frame(self, frame: FrameType) -> _Copy | None:
        """Return what is known of the copy that a frame is an activation of; None where it is not watched. Never raises."""
        name = name_of(frame.f_code)
        try:
            return self._known[name]
        except KeyError:
            copy = self._known[name] = self._look_at(name, frame)
            return copy

    def _look_at(self, name: str, frame: FrameType) -> _Copy | None:
        try:
            probe = self._find(name, frame) if name else None
            if probe is None or probe.entered_at is None or probe.answer is not None:
                return None
            return _Copy(probe.entered_at, hooks_of(frame.f_code, probe), frame.f_lasti)
        except Exception as fault:  # noqa: BLE001 - the host's call goes on whatever happens to tracer
            self._note(name, fault)
            return None


watching: Final[list[Copies]] = []
"""Those of the recorders of this process, the oldest first."""


def name_of(code: CodeType) -> str:
    """Return the name of the callable that a code is a copy of; "" where it is none, or whoever pickled it did not know."""
    return next((each.name for each in reversed(code.co_consts) if type(each) is _Began), "")


def _entered() -> Any:
    frame = _getframe(1)
    for copies in tuple(watching):
        copy = copies.of_frame(frame)
        if copy is not None:
            ticket = copy.entered(frame) if frame.f_lasti == copy.place else None
            return None if ticket is None else (copy.hooks, ticket)
    return None


def _began(ticket: Any, arguments: list[Any]) -> Any:
    hooks, inner = ticket
    token = hooks["began"](inner, arguments)
    return None if token is None else (hooks, token)


def _passing_on(role: str) -> pickled.Hook:
    def passed_on(token: Any, value: Any) -> None:
        hooks, inner = token
        hooks[role](inner, value)

    return pickled.hook(role, passed_on)


entered = pickled.hook("entered", _entered)
returned, raised = _passing_on("returned"), _passing_on("raised")
yielded, resumed = _passing_on("yielded"), _passing_on("resumed")
# Of generators of Python 3.10.
delegate = pickled.hook("delegate", delegation.delegation(yielded, resumed))
strip = pickled.hook("strip", delegation.strip)


def __getattr__(name: str) -> Any:
    if not name.startswith(_BEGAN):
        raise AttributeError(name)
    hook = _Began(_began)
    hook.name = name[len(_BEGAN) :]
    return hook
