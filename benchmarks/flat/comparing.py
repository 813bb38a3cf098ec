"""How long comparing takes and how much memory: equal, 1 % changed, one call more at the front, all changed; giant lanes, values, reports, folders.

usage: python benchmarks/flat/comparing.py [--publish] [--only WORD] [--mib N] [CALLS ...]

Each row is one `tracer diff` in a process of its own. `cpu` is its processor time, of all its processes; `MiB` the peak of the largest of them. Time to
start, about 0.4 s, is in it. Rows are kept in `.benchmarks/comparing.json`, so that the table can be made of several runs.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "compare"), str(ROOT / "benchmarks")]

from runs import call, function  # noqa: E402  (found by the path set above)
from tables import machine, publish, table  # noqa: E402

from tracer.model import Component, Recording  # noqa: E402
from tracer.storage.store import write_cassette  # noqa: E402

STORED = ROOT / ".benchmarks" / "comparing.json"
CALLABLES = (function("shop.cart:total", "number"), function("shop.tax:vat", "amount"))
COMPONENTS = (Component("shop.cart"), Component("shop.tax"))


def stream(count, outcome, front=0, callables=1):
    """Yield the calls of a loop: one and one inside it, with a nested result; of so many pairs of callables."""
    for _ in range(front):
        yield call("shop.cart:total", [-1], 0)
    for number in range(count // 2):
        which = f"{number % callables}" if callables > 1 else ""
        yield call(
            "shop.cart:total" + which, [number % 5000], {"total": outcome(number), "items": [1, 2, 3], "name": "x"}
        )
        yield call("shop.tax:vat" + which, [number % 5000], outcome(number), parent=1, caller="shop.cart")


def write(path, lanes, callables=CALLABLES):
    write_cassette(path, Recording("3.11", callables=callables, components=COMPONENTS), lanes)
    return path


# Whatever starts a process lends it its own peak of memory until the new program is loaded: this one has none to speak of.
STARTER = """
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""


def measured(arguments, cwd):
    """Return exit code, processor seconds, wall seconds, MiB."""
    start = time.perf_counter()
    words = [sys.executable, "-c", STARTER, sys.executable, "-m", "tracer", *arguments]
    told = subprocess.run(words, cwd=cwd, stdout=subprocess.PIPE, check=True).stdout
    code, cpu, peak = json.loads(told)
    return code, cpu, time.perf_counter() - start, peak


def cases(count):
    """Yield a name, and the two sides as lanes."""

    def base(n):
        return n * 2

    def some(n):
        return n * 3 if n % 100 == 50 else n * 2

    yield "equal", {"main": stream(count, base)}, {"main": stream(count, base)}
    yield "1 % changed", {"main": stream(count, base)}, {"main": stream(count, some)}
    yield "one call more at the front", {"main": stream(count, base)}, {"main": stream(count, base, front=1)}
    yield "all changed", {"main": stream(count, base)}, {"main": stream(count, lambda n: n * 2 + 1)}
    yield "all changed, to a type", {"main": stream(count, base)}, {"main": stream(count, str)}
    shuffled = list(range(count // 2))
    random.Random(1).shuffle(shuffled)
    yield "shuffled", {"main": stream(count, base)}, {"main": stream(count, lambda n: shuffled[n] * 2)}
    lanes = max(count // 1000, 1)
    yield (
        "1 % changed, in lanes of 1,000",
        {f"test t{n:05}": stream(count // lanes, base) for n in range(lanes)},
        {f"test t{n:05}": stream(count // lanes, some) for n in range(lanes)},
    )
    yield (
        "all changed, in lanes of 1,000",
        {f"test t{n:05}": stream(count // lanes, base) for n in range(lanes)},
        {f"test t{n:05}": stream(count // lanes, lambda n: n * 2 + 1) for n in range(lanes)},
    )


def value_cases(mib):
    """Yield two sides with one giant value each: rows of a table, changed in one place, with one row more, in all places."""
    rows = mib * 1024 * 1024 // 120
    table = [{"id": n, "name": f"name {n}", "total": n * 1.5, "tags": ["a", "b", str(n)]} for n in range(rows)]
    one = [*table[: rows // 2], {**table[rows // 2], "total": -1}, *table[rows // 2 + 1 :]]
    more = [{"id": -1, "name": "first", "total": 0.5, "tags": []}, *table]
    every = [{**row, "total": row["total"] + 1} for row in table]
    for name, new in (("one row changed", one), ("one row more at the front", more), ("all rows changed", every)):
        parts = 8  # a part of a call above 16 MiB is not kept; the value is a list of so many calls' results
        size = rows // parts + 1
        yield (
            f"{mib} MiB in 8 values, {name}",
            {"main": [call("shop.cart:total", [n], table[n * size : (n + 1) * size]) for n in range(parts)]},
            {"main": [call("shop.cart:total", [n], new[n * size : (n + 1) * size]) for n in range(parts)]},
        )


def report(rows, name, calls, found):
    code, cpu, wall, peak = found
    row = {
        "case": name,
        "calls": calls,
        "exit": code,
        "cpu": round(cpu, 2),
        "wall": round(wall, 2),
        "MiB": round(peak),
    }
    rows.append(row)
    print(f"{calls:>10,}  {name:36}{code:>6}{cpu:>9.2f}{wall:>9.2f}{peak:>8.0f}", flush=True)


def main(arguments):
    rows = []
    print(machine())
    print(f"{'calls':>10}  {'case':36}{'exit':>6}{'cpu s':>9}{'wall s':>9}{'MiB':>8}")
    with tempfile.TemporaryDirectory(prefix="tracer-diff-") as scratch:
        folder = Path(scratch)
        todo = (
            [(count, *case) for count in arguments.calls for case in cases(count)] if arguments.only != "value" else []
        )
        todo += [(8, *case) for case in value_cases(arguments.mib)] if arguments.mib else []
        for count, name, old, new in todo:
            if arguments.only and arguments.only not in name:
                continue
            paths = write(folder / "old.cassette", old), write(folder / "new.cassette", new)
            report(
                rows, name, count, measured(["diff", *map(str, paths), "--format", "json", "-o", "out.json"], folder)
            )
            kept(rows)
    if arguments.publish:
        publish("comparing", tables(kept(rows)))


def kept(rows):
    """Return these rows and those of earlier runs that they do not replace, and store them."""
    known = json.loads(STORED.read_text()) if STORED.exists() else []
    found = {(row["calls"], row["case"]): row for row in (*known, *rows)}
    STORED.parent.mkdir(exist_ok=True)
    STORED.write_text(json.dumps(list(found.values()), indent=1))
    return list(found.values())


def tables(rows):
    """Return a table of the cases by number of calls, and one of large values."""

    def cell(calls, case):
        return next((f"{row['cpu']}, {row['MiB']}" for row in rows if (row["calls"], row["case"]) == (calls, case)), "")

    sizes = sorted({row["calls"] for row in rows if "MiB in" not in row["case"]})
    head = ["case", *(f"{size:,} calls" for size in sizes)]
    by_size = [[case, *(cell(size, case) for size in sizes)] for case, _, _ in cases(0)]
    values = [[row["case"], cell(row["calls"], row["case"])] for row in rows if "MiB in" in row["case"]]
    return "\n\n".join((table(head, by_size), table(["large values", "s, MiB"], values)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("calls", nargs="*", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--publish", action="store_true", help="put the tables into docs/cost.md")
    parser.add_argument("--only", default="")
    parser.add_argument("--mib", type=int, default=100)
    main(parser.parse_args())
