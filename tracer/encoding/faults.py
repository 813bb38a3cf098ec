"""Whose it is what happens while tracer is at work, exceptions and calls: its own or the host's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

_OUR_PACKAGES: Final = frozenset({"tracer", "msgpack"})
_ASKED: Final = {f"tracer.encoding.codecs.{name}": name for name in ("numpy", "pandas", "pydantic")}
"""Libraries whose own code a codec calls, by the codec."""
_LIBRARIES: Final = frozenset(_ASKED.values())


def is_ours(error: BaseException) -> bool:
    """Whether an exception arose in tracer rather than in a signal handler of the host that ran meanwhile.

    Where a dunder of the host raised, tracer must have called it, by a way nobody foresaw: that is a fault of tracer's too. So is what
    a library raises that a codec asks, as of an object that is only half made.
    """
    traceback = error.__traceback__
    asked = None
    while traceback is not None:
        frame = traceback.tb_frame
        name = str(frame.f_globals.get("__name__"))
        top = name.partition(".")[0]
        if top in _OUR_PACKAGES:
            asked = _ASKED.get(name)
        elif top != asked:
            return frame.f_code.co_name.startswith("__")
        traceback = traceback.tb_next
    return True


def is_asked(frame: FrameType | None) -> bool:
    """Whether what is called at a frame, or by it if that is a hook of ours, runs because a codec asks a library: the program never called it.

    Calls of finalizers and signal handlers that run meanwhile are the host's, unless they are the library's own.
    """
    while frame is not None and _is_hook(_module_of(frame)):
        frame = frame.f_back
    while frame is not None and _module_of(frame).partition(".")[0] in _LIBRARIES:
        frame = frame.f_back
    return frame is not None and _module_of(frame) in _ASKED


def _is_hook(module: str) -> bool:
    return module.startswith("tracer.") and module not in _ASKED


def _module_of(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__")
    return name if type(name) is str else ""
