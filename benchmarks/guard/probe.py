"""Makes calls of each kind in this process, bare or recorded, for a tool that counts what they take.

usage: python probe.py (bare | recorded) (instructions | allocations) COUNTER KIND ...

Counting instructions: before and after each kind's calls `sched_yield` is called, where valgrind, which runs this process, writes down
and resets its count. Counting allocations: COUNTER is the shared library made of allocations.c; one JSON object is printed.
Every kind makes WARM calls before it is counted, so that what is done once per callable is done; then CALLS.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import tempfile
from pathlib import Path

CALLS = Path(__file__).resolve().parents[1] / "calls"
WARM, COUNTED = 100, 1000


def counted(runs, mark, read):
    """Return what `read` tells of each run between two marks, and how many are counted before them."""
    found = {}
    for name, run in runs.items():
        run(WARM)
        gc.collect()
        mark()
        run(COUNTED)
        found[name] = read()
    return found


def main(mode: str, what: str, counter: str, kinds: list[str]) -> None:
    sys.path.insert(0, str(CALLS))
    if mode == "recorded":
        from recorder import make_recorder  # noqa: PLC0415  (a bare process is to know nothing of tracer)
    import caller  # noqa: PLC0415
    import library  # noqa: PLC0415

    inside = {"inside": library.loop_small, "inside resumption": library.loop_resumed}
    runs = {kind: inside.get(kind) or getattr(caller, f"run_{kind}") for kind in kinds}
    gc.disable()  # when it collects depends on all that went before
    with tempfile.TemporaryDirectory() as scratch:
        recorder = make_recorder(Path(scratch)) if mode == "recorded" else None
        if recorder is not None:
            recorder.start()
        if what == "instructions":
            counted(runs, os.sched_yield, os.sched_yield)
        else:
            library_of_counters = ctypes.PyDLL(counter)
            library_of_counters.start_counting()
            found = counted(runs, library_of_counters.reset_count, library_of_counters.read_count)
            print(json.dumps({name: count / COUNTED for name, count in found.items()}))
        if recorder is not None:
            recorder.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
