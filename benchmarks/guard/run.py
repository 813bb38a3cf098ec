"""Fails when a recorded crossing takes more instructions or allocations than it did when the figures were stored. No timing is looked at.

usage: python benchmarks/guard/run.py [--store] [--allocations-only] [--figures FILE]

Each kind of call (benchmarks/calls) is made in a process of its own, bare and recorded, and counted: instructions by valgrind's callgrind,
allocations through Python's own allocators. What recording adds to a call may grow by at most a tenth over the figure in `figures.json`,
which is kept for each minor version of Python.

Counts of allocations hold for every build of one Python. Counts of instructions hold for one build and one compiler only: elsewhere they
are printed and not compared, so that another machine never fails for being another. Where a tool is missing, that is said, and what can be counted is.
`--store` writes today's counts into the file, after a change that is worth what it costs or makes calls cheaper.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from judge import Counts, comparable, grown

HERE = Path(__file__).parent
FIGURES = HERE / "figures.json"
KINDS = (
    "small",
    "text",
    "flat",
    "blob",
    "nested",
    "plain",
    "method",
    "through",
    "stream",
    "awaited",
    "fails",
    "inside",
    "inside resumption",
)
CALLS = 1000


def build_id() -> str:
    """Return what has to be the same for instructions to be: Python's build, the compiler of the hooks, valgrind, the C library."""
    first = [_first_line([*_compiler(), "--version"]), _first_line(["valgrind", "--version"])]
    return "; ".join([sys.version.replace("\n", " "), *first, *platform.libc_ver(), f"msgpack {version('msgpack')}"])


def _first_line(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return f"no {command[0]}"
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.partition("\n")[0]


def _compiler() -> list[str]:
    return (sysconfig.get_config_var("CC") or "cc").split()


def probe(mode: str, what: str, counter: str, before: list[str]) -> str:
    """Run the probe, return what it printed. The same hash seed, and the same layout in memory where the system lets one choose it."""
    steady = ["setarch", "-R"]
    if (
        shutil.which("setarch") is None
        or subprocess.run([*steady, "true"], check=False, capture_output=True).returncode
    ):
        steady = []
    command = [*steady, *before, sys.executable, str(HERE / "probe.py"), mode, what, counter, *KINDS]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the probe failed: {done.stderr[-2000:]}")
    return done.stdout


def count_allocations(folder: Path) -> dict[str, float]:
    """Return the allocations that recording adds to one call of each kind.

    Raises:
        OSError: there is no compiler here.
    """
    counter = folder / "counter.so"
    include = sysconfig.get_paths()["include"]
    subprocess.run(
        [*_compiler(), "-shared", "-fPIC", "-O1", f"-I{include}", str(HERE / "allocations.c"), "-o", str(counter)],
        check=True,
    )
    bare, recorded = (json.loads(probe(mode, "allocations", str(counter), [])) for mode in ("bare", "recorded"))
    return {kind: round(recorded[kind] - bare[kind], 2) for kind in KINDS}


def count_instructions(folder: Path) -> dict[str, float]:
    """Return the instructions that recording adds to one call of each kind.

    Raises:
        OSError: valgrind is not installed.
    """
    found = []
    for mode in ("bare", "recorded"):
        out = folder / f"callgrind.{mode}"
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--dump-before=sched_yield"]
        probe(mode, "instructions", "-", tool)
        # One file for each mark, holding what came before it: start and warm calls, calls, warm calls of the next kind, calls ...
        totals = [_total(out.with_name(f"{out.name}.{number}")) for number in range(1, 2 * len(KINDS) + 1)]
        found.append(dict(zip(KINDS, totals[1::2], strict=True)))
    return {kind: round((found[1][kind] - found[0][kind]) / CALLS) for kind in KINDS}


def _total(file: Path) -> int:
    match = re.search(r"^(?:totals|summary): (\d+)", file.read_text(), re.MULTILINE)
    assert match, f"no total in {file.name}"
    return int(match[1])


def count(*, allocations_only: bool) -> Counts:
    """Count what can be counted here, and say what cannot."""
    found: Counts = {}
    with tempfile.TemporaryDirectory() as scratch:
        for what, counting in (("allocations", count_allocations), ("instructions", count_instructions)):
            if what == "instructions" and allocations_only:
                continue
            try:
                found[what] = counting(Path(scratch))
            except FileNotFoundError as error:
                print(f"guard: {what} are not counted, since {error.filename} is not installed")
    return found


def report(now: Counts, stored: Counts) -> None:
    """Print each figure beside the stored one."""
    for what, kinds in now.items():
        print(f"\n{what} that recording adds to a call, CPython {platform.python_version()}")
        for kind, value in kinds.items():
            before = stored.get(what, {}).get(kind)
            change = f"{before:>10g}{value / before - 1:>+8.1%}" if before else ""
            print(f"  {kind:<20}{value:>10g}{change}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", action="store_true", help="keep today's counts as the figures of this Python")
    parser.add_argument(
        "--allocations-only", action="store_true", help="do not count instructions: it takes seconds, not a minute"
    )
    parser.add_argument("--figures", type=Path, default=FIGURES, help="the file of stored figures")
    options = parser.parse_args()
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    figures: dict[str, Any] = json.loads(options.figures.read_text()) if options.figures.exists() else {}
    now = count(allocations_only=options.allocations_only)
    if options.store:
        build = {"build": build_id()} if "instructions" in now else {}
        figures[minor] = {**figures.get(minor, {}), **build, **now}
        options.figures.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n")
    stored, told = comparable(figures.get(minor, {}), build_id(), now)
    report(now, stored)
    for line in told:
        print(f"guard: {line}")
    found = grown(stored, now)
    for line in found:
        print(f"guard: {line}")
    print(
        "guard: a crossing takes more than it did; --store keeps these figures where that is worth it"
        if found
        else "guard: ok"
    )
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
