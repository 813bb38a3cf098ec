"""How much processor time comparing takes: runs in memory, so that what is measured is pairing and comparing, not reading files.

python benchmarks/bench_compare.py [CALLS]
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests" / "compare")]

from runs import Run, call, function  # noqa: E402  (found by the path set above)

from tracer.compare.compare import compare  # noqa: E402

CALLABLES = (function("shop.cart:total", "number"), function("shop.tax:vat", "amount"))


def run(count, outcome, front=0, block=1000):
    calls = [call("shop.cart:total", [-1], 0)] * front
    for number in range(count // 2):
        calls.append(call("shop.cart:total", [number % 5000], {"total": outcome(number), "items": [1, 2, 3]}))
        calls.append(call("shop.tax:vat", [number % 5000], outcome(number), parent=1, caller="shop.cart"))
    return Run(*CALLABLES, block=block, main=calls)


def main(count=100_000):
    equal = run(count, lambda n: n * 2)
    cases = {
        "equal": run(count, lambda n: n * 2),
        "one inserted at the front": run(count, lambda n: n * 2, front=1),
        "1 % changed": run(count, lambda n: n * 3 if n % 100 == 50 else n * 2),
        "all changed": run(count, lambda n: n * 2 + 1),
        "all changed, to a type": run(count, str),
    }
    print(f"{count:,} calls a side, Python {sys.version.split()[0]}")
    for name, new in cases.items():
        equal.lanes, new.lanes, equal.blocks("main"), new.blocks("main")
        start = time.process_time()
        found = compare(equal, new, old_name="old", new_name="new")
        seconds = time.process_time() - start
        summary = found.summary
        print(
            f"{name:28} {seconds:7.2f} s   changed {summary.changed:7,} added {summary.added} removed {summary.removed}"
        )
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB with both runs in memory")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
