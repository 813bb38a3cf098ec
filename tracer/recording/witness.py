"""A second opinion: first entries that cross, counted by `sys.setprofile` beside the hooks and apart from them.

It goes by frames alone, as the rules about crossings are written down, and shares with the hooks only the selection and the names of
code objects. The interpreter calls it at every entry of every function, so it is for looking, never for recording.
"""

from __future__ import annotations

import dis
import sys
import threading
from _thread import _local
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from tracer.encoding.faults import is_asked
from tracer.instrument import copied, foreign
from tracer.instrument.decorated import is_inside
from tracer.instrument.discovery import CO_OPTIMIZED, is_hidden
from tracer.model import OUTSIDE
from tracer.recording import native
from tracer.recording.crossing import LOOK_THROUGH, file_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

    from tracer.instrument.instrumentation import Instrumentation
    from tracer.select.selection import Selection

_SUSPENDS: Final = 0x20 | 0x80 | 0x200  # CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR
_RESUME: Final = dis.opmap.get("RESUME")
_ANYWHERE: Final = -2
_STAND_IN: Final = -3
_EXAMPLE: Final = "<doctest "
"""How the file of what doctest runs is called: tests, in a copy of the namespace of the module they are of."""
_FOREIGN: Final = foreign.__file__
"""The frames that play the part of callables without code share one code object: each stands for what it wraps."""


_Identity: TypeAlias = "tuple[int, int | None]"
"""A code object by its `id()`, with that of the content which tells a decorator's wrappers apart."""
_NOBODY: Final[_Identity] = (0, None)


class _Judged(NamedTuple):
    """What is known of a code object: itself, its component (None where it is no callable of one), the offset its first entry shows."""

    code: CodeType
    component: str | None
    start: int


class Seen(NamedTuple):
    """So many activations that crossed go by `name`."""

    name: str
    times: int


class Witness:
    """Counts from `begin` to `end`, in every thread that starts in between, of this process only.

    `lapses` counts how often counting was taken up again after something had switched it off. An overflow of the stack does not, where what
    counts is called with room of its own (`native.roomy`); in a thread that nobody announced it begins late, which is no lapse.
    """

    def __init__(self, selection: Selection, instrumentation: Instrumentation) -> None:
        self._selection = selection
        self._instrumentation = instrumentation
        self._judged: dict[int, _Judged] = {}
        self._callers: dict[tuple[Any, Any], str | None] = {}
        self._counts: Counter[tuple[_Identity, _Identity]] = Counter()  # who crossed, and whose frame stood above
        self._modules: dict[int, str] = {}
        self._stand_ins: Counter[str] = Counter()
        self._here = _local()
        self._counting = native.roomy(self._look)
        self.lapses = 0

    def begin(self) -> None:
        """Begin to count, in this thread and those that start from now on."""
        threading.setprofile(self._counting)
        sys.setprofile(self._counting)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Count nothing of what tracer itself does in this thread meanwhile, which would take many times as long."""
        if sys.getprofile() is not self._counting:  # within such work, or switched off by the host
            yield
            return
        self._here.aside = True
        sys.setprofile(None)
        try:
            yield
        finally:
            sys.setprofile(self._counting)
            self._here.aside = False

    def go_on(self) -> None:
        """Take up counting again in this thread where it was switched off: by the host, or by an overflow of the stack in our own call."""
        if getattr(self._here, "aside", False):
            return
        if sys.getprofile() is not None:
            self._here.counted = True
            return
        self.lapses += getattr(self._here, "counted", False)
        sys.setprofile(self._counting)

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """The callables without code that were seen because a wrapper stands in their place."""
        return tuple(sorted(self._stand_ins))

    def end(self) -> tuple[Seen, ...]:
        """Stop; return what was seen, by the names under which the recorder knows it."""
        sys.setprofile(None)
        threading.setprofile(None)
        seen = Counter(self._stand_ins)
        for (crossing, caller), times in tuple(self._counts.items()):
            name, above = self._name(*crossing), self._name(*caller)
            # What a recorded wrapper wraps is the same call, recorded under the name the wrapper is bound to.
            if times and name != above and not is_inside(name, above):
                seen[name] += times
        return tuple(Seen(name, times) for name, times in sorted(seen.items()))

    def _look(self, frame: FrameType, event: str, _argument: object) -> None:
        times = 1
        if event != "call":
            # Below 3.11 one that is thrown away before it has begun is told as a call that ends where it is.
            if _RESUME is not None or event != "return" or frame.f_lasti >= 0:
                return
            times = -1
        code = frame.f_code
        judged = self._judged.get(id(code)) or self._judge(frame)
        if judged.component is None:
            if judged.start == _STAND_IN:
                self._look_at_stand_in(frame)
            return
        if judged.start != _ANYWHERE and frame.f_lasti not in (judged.start, judged.start - 2):
            return
        crossing = self._crossing(frame)
        if crossing is not None and not is_asked(frame):
            self._counts[crossing, self._around(frame)] += times

    def _look_at_stand_in(self, frame: FrameType) -> None:
        found = self._instrumentation.foreign_function(frame.f_locals.get("wrapped"))
        if found is not None and self._caller(frame.f_back) != found[0]:
            self._stand_ins[found[1]] += 1

    def _around(self, frame: FrameType) -> _Identity:
        """Return the crossing that a frame stands in, where that may be a wrapper of it. On the way it may call itself, or code that was put into it."""
        above = wrapper = frame.f_back
        while above is not None and wrapper is not None:
            if above.f_code is not wrapper.f_code:
                if not self._is_put_in(wrapper.f_code):
                    break
                wrapper = above
            crossing = self._crossing(above)
            if crossing is not None:
                return crossing
            above = above.f_back
        return _NOBODY

    def _is_put_in(self, code: CodeType) -> bool:
        known = self._instrumentation.known_code(code)
        return known is not None and known.put_in

    def _crossing(self, frame: FrameType) -> _Identity | None:
        """Return which callable a frame is an activation of, None where it was called from inside its component."""
        judged = self._judged.get(id(frame.f_code)) or self._judge(frame)
        if judged.component is None or self._caller(frame.f_back) == judged.component:
            return None
        return self._identity(frame)

    def _identity(self, frame: FrameType) -> _Identity | None:
        """Return which callable a frame is an activation of, None where that is a name that is not wanted."""
        known = self._instrumentation.known_code(frame.f_code)
        content = id(frame.f_locals.get(known.freevar)) if known is not None and known.freevar else None
        if known is None or content is None or content not in known.bound:
            return id(frame.f_code), None  # by its code, though its name may be known once its module has run
        return None if known.bound[content] is None else (id(frame.f_code), content)

    def _judge(self, frame: FrameType) -> _Judged:
        code, space = frame.f_code, frame.f_globals
        if code.co_filename == _FOREIGN:
            found = self._judged[id(code)] = _Judged(code, None, _STAND_IN if code.co_name == "foreign" else _ANYWHERE)
            return found
        name = space.get("__name__")
        component = None
        if code.co_flags & CO_OPTIMIZED and not is_hidden(code) and not code.co_filename.startswith(_EXAMPLE):
            if type(name) is str:
                component = self._selection.component_of(name, _text(space.get("__file__")))
                self._modules[id(code)] = self._selection.name_of(name, _text(space.get("__file__")))
            if component is None and (
                type(name) is not str or name not in sys.modules
            ):  # generated, in a namespace of its own or in none
                component = self._component_of_generated(code)
                if component is None:  # not known, or not yet
                    return _Judged(code, None, _ANYWHERE)
        start = _start(code) if code.co_flags & _SUSPENDS else _ANYWHERE
        judged = self._judged[id(code)] = _Judged(code, component, start)
        return judged

    def _component_of_generated(self, code: CodeType) -> str | None:
        known = self._instrumentation.known_code(code)
        return known.callable.component if known is not None and known.probe is not None else None

    def _caller(self, frame: FrameType | None) -> str:
        for _ in range(LOOK_THROUGH):
            if frame is None:
                break
            name, file = frame.f_globals.get("__name__"), _text(frame.f_globals.get("__file__"))
            if type(name) is str:
                caller = self._callers.get((name, file), "")
                if caller == "":
                    caller = self._callers[name, file] = self._selection.caller_of(name, file_of(name, frame.f_globals))
                if caller is not None:
                    return caller
            frame = frame.f_back
        return OUTSIDE

    def _name(self, code_id: int, content: int | None) -> str:
        judged = self._judged.get(code_id)
        if judged is None or judged.component is None:
            return ""
        known = self._instrumentation.known_code(judged.code)
        if known is None or known.probe is None:
            qualname = getattr(judged.code, "co_qualname", judged.code.co_name)
            return copied.name_of(judged.code) or f"{self._modules[code_id]}:{qualname}"
        bound = known.bound.get(content) if content is not None else None
        return (bound or known.callable).name


def _start(code: CodeType) -> int:
    """Return the offset that a frame shows when a suspendable code is entered for the first time."""
    if _RESUME is None:
        return -1  # before the first instruction
    raw = code.co_code
    return next((at for at in range(0, len(raw), 2) if raw[at] == _RESUME and raw[at + 1] == 0), _ANYWHERE)


def _text(value: object) -> str | None:
    return value if type(value) is str else None
