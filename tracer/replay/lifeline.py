"""Ends the processes of a replay with the one that started them, however that ended.

A pipe that nobody writes to is open for as long as the starter lives. The kernel itself is asked to end the whole process group when
the other end is gone: that takes neither a thread nor a process beside what is replayed, which both could be seen by it, and works
while a call hangs in C or has started processes of its own.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
from typing import Final

_GONE: Final = select.POLLHUP | select.POLLERR


def end_with(descriptor: int) -> None:
    """End the process group of this process, without clean-up, once the other end of a pipe is closed; at once if it is already."""
    os.set_inheritable(descriptor, False)
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, -os.getpgrp())
    if hasattr(fcntl, "F_SETSIG"):  # elsewhere it is SIGIO, which ends a process that does not handle it
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if any(events & _GONE for _, events in poll.poll(0)):
        os.killpg(0, signal.SIGKILL)
