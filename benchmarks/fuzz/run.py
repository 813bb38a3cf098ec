"""Fuzz everything that reads files tracer wrote: `make fuzz RUNS=100000 JOBS=2`.

Each run gives one mutated file to one target. It must end in a report or in a `TracerError`, within a time and an amount of memory,
import nothing, and open nothing outside its folder. What does not is written down with its seed; `--only SEED` runs it again.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import seeds as seed_files
import targets

from tracer import workflows
from tracer.errors import TracerError
from tracer.storage import format as form

_MEMORY = 3 << 30
_SECONDS = 30
_MOST_FAULTS = 50


class TooLong(Exception):
    """A run took longer than it may."""


class Guard:
    """Watches what the interpreter imports and opens while `armed`."""

    def __init__(self, folder: Path) -> None:
        self.armed = False
        self.seen: list[str] = []
        self._folder = str(folder.resolve())
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.armed:
            return
        if event == "import" and arguments[0] not in sys.modules:
            self.seen.append(f"import of {arguments[0]}")
        elif event == "open" and not isinstance(arguments[0], int):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if not path.startswith(self._folder) and not path.startswith(("/dev/null", "/proc/self")):
                self.seen.append(f"open of {path}")
        elif event in {"exec", "compile"}:
            # But for the template of a page, and what deepdiff reads positions with (`ast.literal_eval`).
            if not {getattr(arguments[0], "co_filename", ""), arguments[-1]} & {"<template>", "<unknown>"}:
                self.seen.append(f"exec of {arguments[0]!r}")
        elif event.partition(".")[0] in {"subprocess", "socket", "ctypes", "pickle", "marshal"} or event == "os.system":
            self.seen.append(f"{event} {arguments!r:.80}")


def one(seed: int, inputs: dict[str, bytes], chosen: str | None) -> tuple[str, str]:
    """Do one run; return the target and how it ended: an error's type, or `report`."""
    random = Random(seed)
    names = list(targets.TARGETS)
    name = chosen or random.choices(names, [weight for _, weight in targets.TARGETS.values()])[0]
    try:
        targets.TARGETS[name][0](inputs, random)
    except form.MALFORMED:
        if name not in {"blocks", "index"}:  # what reads these turns each of them into `CassetteDamaged`
            raise
        return name, "malformed"
    except TracerError as error:
        targets.plain(str(error).replace("\n", "\0"))
        return name, type(error).__name__
    return name, "report"


def worker(first: int, count: int, budget: float, chosen: str | None, step: int = 1, warm: int = 400) -> dict[str, Any]:
    """Run seeds `first`, `first + step`, ... and return what came of them."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz"))
    os.chdir(folder)
    seed_files.write(folder)
    inputs = seed_files.texts(folder)
    guard = Guard(folder)
    signal.signal(signal.SIGALRM, _late)
    ends: Counter[str] = Counter()
    faults: list[dict[str, Any]] = []
    slowest, started, done = (0.0, 0), time.monotonic(), 0
    _warm(inputs, warm)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    for seed in range(first, first + count * step, step):
        if time.monotonic() - started > budget or len(faults) >= _MOST_FAULTS:
            break
        signal.alarm(_SECONDS)
        begun, guard.armed = time.monotonic(), True
        try:
            name, end = one(seed, inputs, chosen)
            ends[f"{name} {end}"] += 1
        except BaseException as error:
            guard.armed = False
            where = traceback.format_exc(limit=-6)
            faults.append({"seed": seed, "error": f"{type(error).__name__}: {str(error)[:300]}", "where": where})
        guard.armed = False
        signal.alarm(0)
        if guard.seen:
            faults.append({"seed": seed, "error": "; ".join(sorted(set(guard.seen)))[:300], "where": ""})
            guard.seen.clear()
        slowest = max(slowest, (time.monotonic() - begun, seed))
        done += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    subprocess.run(["rm", "-rf", str(folder)], check=False)
    return {
        "done": done,
        "ends": ends,
        "faults": faults,
        "slowest": slowest,
        "peak": peak,
        "seconds": time.monotonic() - started,
    }


def _warm(inputs: dict[str, bytes], count: int) -> None:
    """Do everything once with whole files and many broken ones, so that what is imported late is there."""
    for name in ("regex", "deepdiff", "numpy", "pandas"):  # the last two where deepdiff finds them installed
        with suppress(ImportError):
            importlib.import_module(name)
    workflows.statistics_report(None, targets.OLD, (), "html", targets.Appearance())
    for name in targets.FORMATS:
        targets.report(name, targets.OLD, Path("new.cassette"))
    for seed in range(count):
        try:
            one(-1 - seed, inputs, None)
        except Exception:
            continue
    for name in targets.TARGETS:
        for seed in range(count // 30):
            try:
                one(-500 - seed, inputs, name)
            except Exception:
                continue


def _late(_number: int, _frame: object) -> None:
    raise TooLong(f"more than {_SECONDS} s")


def main() -> int:
    """Run the workers and tell what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--target", choices=list(targets.TARGETS))
    parser.add_argument("--only", type=int, help="run this seed alone, and show where it failed")
    parser.add_argument("--warm", type=int, default=400, help="runs before the guard is up, for what is imported late")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only is not None:
        print(json.dumps(worker(given.only, 1, float("inf"), given.target), indent=1))
        return 0
    if given.worker is not None:
        count = len(range(given.worker, given.runs, given.jobs))
        print(
            json.dumps(worker(given.first + given.worker, count, given.seconds, given.target, given.jobs, given.warm))
        )
        return 0
    arguments = [*sys.argv, "--jobs", str(given.jobs)]
    started = [
        subprocess.Popen([sys.executable, *arguments, "--worker", str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(given.jobs)
    ]
    outputs = [process.communicate()[0] for process in started]
    return tell([json.loads(output) for output in outputs if output], given.json)


def tell(found: list[dict[str, Any]], path: Path | None) -> int:
    """Print a table of what came of all workers."""
    ends: Counter[str] = Counter()
    for each in found:
        ends.update(each["ends"])
    faults = [fault for each in found for fault in each["faults"]]
    done = sum(each["done"] for each in found)
    slowest, seed = max(each["slowest"] for each in found)
    rows: dict[str, Counter[str]] = {}
    for name, count in ends.items():
        target, _, end = name.partition(" ")
        rows.setdefault(target, Counter())[end] += count
    print(f"{'target':10}{'runs':>10}{'reports':>10}{'refused':>10}")
    for target, counts in sorted(rows.items()):
        total = sum(counts.values())
        print(f"{target:10}{total:>10,}{counts['report']:>10,}{total - counts['report']:>10,}")
    print(f"{'all':10}{done:>10,}")
    print(
        f"faults {len(faults)}; slowest {slowest:.2f} s (seed {seed}); most memory {max(each['peak'] for each in found)} MiB"
    )
    alike: dict[str, list[dict[str, Any]]] = {}
    for fault in faults:
        alike.setdefault(fault["where"].rpartition("File ")[2].partition("\n")[0] or fault["error"], []).append(fault)
    for group in alike.values():
        print(f"{len(group)} times, as with seed {group[0]['seed']}: {group[0]['error']}\n{group[0]['where']}")
    if path is not None:
        path.write_text(json.dumps({"done": done, "ends": ends, "faults": faults}, indent=1))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
