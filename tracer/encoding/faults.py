"""Whose an exception is that arises while tracer is at work: its own, to be counted, or the host's, to be let through."""

from __future__ import annotations

from typing import Final

_OUR_PACKAGES: Final = frozenset({"tracer", "msgpack"})


def is_ours(error: BaseException) -> bool:
    """Whether an exception arose in tracer rather than in a signal handler of the host that ran meanwhile.

    Where a dunder of the host raised, tracer must have called it, by a way nobody foresaw: that is a fault of tracer's too.
    """
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if str(frame.f_globals.get("__name__")).partition(".")[0] not in _OUR_PACKAGES:
            return frame.f_code.co_name.startswith("__")
        traceback = traceback.tb_next
    return True
