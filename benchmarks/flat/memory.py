"""What recording a hot loop costs: memory, disk, processor time, at 10^5, 10^6 and 10^7 calls. The untraced loop is the reference.

usage: python benchmarks/flat/memory.py [--publish] [--json OUT] [--record ARG]... [CALLS ...]

`host` is the peak resident memory of the program itself over the untraced run, `whole` the largest of all processes of the command (the
program, tracer's parent, which closes the recording). `block` is the same for `tracer.record` around the loop, which closes it in the
program itself. `disk` is the most that journals and cassettes took together at any time, `cassette` what is left.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from tables import machine, publish, table  # noqa: E402  (found by the path set above)

LIBRARY = """
def small(a, b):
    return a + b

def row(number, tags):
    return {"number": number, "tags": tags, "total": number * 1.5}

class Cart:
    def __init__(self):
        self.items = {}
    def add(self, name, price):
        self.items[name] = price
        return len(self.items)
"""

LOOP = """
import resource
import sys
from library import Cart, row, small

def loop(count):
    cart = Cart()
    tags = ["new", "cheap"]
    for number in range(count // 4):
        small(number, 1)
        small(number % 1000, 2)
        row(number % 10_000, tags)
        cart.add("name%d" % (number % 500), number % 97)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
"""

PROGRAM = (
    LOOP
    + """
loop(int(sys.argv[1]))
print(peak())
"""
)

BLOCK = (
    LOOP
    + """
import tracer
with tracer.record("block.cassette", boundaries=["library"]):
    loop(int(sys.argv[1]))
print(peak())
"""
)

IDLE = (
    LOOP
    + """
import tracer
with tracer.record("block.cassette", boundaries=["library"]):
    loop(8)
print(peak())
"""
)


class Disk(threading.Thread):
    """Watches how much a folder takes."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.folder, self.peak, self.over = folder, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.05):
            self.look()

    def look(self):
        total = 0
        for path in self.folder.rglob("*"):
            try:
                total += path.stat().st_blocks * 512
            except OSError:
                continue
        self.peak = max(self.peak, total)


def run(folder, command):
    """Return what a program printed, the peak in MiB of all processes, user and system seconds, wall seconds, MiB of disk."""
    with tempfile.TemporaryFile() as out:
        disk = Disk(folder)
        disk.look()
        before, disk.peak = disk.peak, 0
        disk.start()
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        disk.over.set()
        disk.join()
        disk.look()
        assert status == 0, (command, status)
        out.seek(0)
        printed = int(out.read() or 0)
    seconds = usage.ru_utime + usage.ru_stime
    return printed / 1024, usage.ru_maxrss / 1024, seconds, wall, (disk.peak - before) / 2**20


def main(arguments):
    tracer = [sys.executable, "-m", "tracer"]
    rows = []
    print(machine())
    print(
        f"{'calls':>12}{'host':>9}{'whole':>9}{'block':>9}{'disk':>10}{'cassette':>10}{'us/call':>9}{'of it untraced':>15}"
    )
    for calls in arguments.calls:
        with tempfile.TemporaryDirectory(prefix="tracer-flat-") as scratch:
            folder = Path(scratch)
            for name, text in (("library", LIBRARY), ("app", PROGRAM), ("block", BLOCK), ("idle", IDLE)):
                (folder / f"{name}.py").write_text(text)
            bare, _, bare_seconds, _, _ = run(folder, [sys.executable, "app.py", str(calls)])
            command = [*tracer, "record", *arguments.record, "-o", "run.cassette", "--boundary", "library", "--"]
            host, whole, seconds, _, disk = run(folder, [*command, sys.executable, "app.py", str(calls)])
            size = (folder / "run.cassette").stat().st_size / 2**20
            idle, *_ = run(folder, [sys.executable, "idle.py", "8"])
            block, *_ = run(folder, [sys.executable, "block.py", str(calls)])
        row = {
            "calls": calls,
            "untraced MiB": round(bare, 1),
            "host MiB": round(host - bare, 1),
            "whole MiB": round(whole - bare, 1),
            "block MiB": round(block - bare, 1),
            "block idle MiB": round(idle - bare, 1),
            "disk MiB": round(disk, 1),
            "cassette MiB": round(size, 2),
            "us per call": round(seconds / calls * 1e6, 2),
            "us untraced": round(bare_seconds / calls * 1e6, 2),
        }
        rows.append(row)
        print(
            f"{calls:>12,}{host - bare:>9.1f}{whole - bare:>9.1f}{block - bare:>9.1f}{disk:>10.1f}{size:>10.2f}"
            f"{row['us per call']:>9.2f}{row['us untraced']:>15.2f}",
            flush=True,
        )
    if arguments.publish:
        head = ["calls", "program", "all processes", "`tracer.record`", "disk", "cassette", "us a call", "untraced"]
        keys = ("host MiB", "whole MiB", "block MiB", "disk MiB", "cassette MiB", "us per call", "us untraced")
        publish("memory", table(head, [[f"{row['calls']:,}", *(f"{row[key]:,}" for key in keys)] for row in rows]))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("calls", nargs="*", type=int, default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--publish", action="store_true", help="put the table into docs/cost.md")
    parser.add_argument("--json")
    parser.add_argument("--record", action="append", default=[], help="an option of tracer record")
    main(parser.parse_args())
