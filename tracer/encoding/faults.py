"""Whose an exception is that arises while tracer is at work: its own, to be counted, or the host's, to be let through."""

from __future__ import annotations

from typing import Final

_OUR_PACKAGES: Final = frozenset({"tracer", "msgpack"})
_ASKED: Final = {f"tracer.encoding.codecs.{name}": name for name in ("numpy", "pandas", "pydantic")}
"""Libraries whose own code a codec calls, by the codec."""


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
