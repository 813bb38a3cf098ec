"""The machine that figures were taken on, in one line."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def described():
    """Return processor, number of cores, memory, system, Python."""
    model = "an unnamed processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {memory:.0f} GiB, {platform.system()} {platform.release().split('-')[0]}, CPython {platform.python_version()}"
