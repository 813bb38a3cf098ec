"""Whole test suites, and one program of known calls, under each tool: ratios of processor time, and the size of what is kept.

usage: python benchmarks/peers/whole.py [--publish] [--turns N] [--limit SECONDS] [--only TOOL]... [--suite NAME]...

Each run is one process tree, its processor time (closing files included) divided by that of the untraced suite; the least of the runs,
which are taken in turns. For tracer the ratio of the recorded process alone stands behind that of all, in which starting the command line
and closing the cassette are included. A run that takes longer than the limit is stopped and told as `> ratio`. tracer watches the package's boundary
and keeps the calls that cross it, or with every module a component those between its modules too; coverage.py measures the package; MonkeyType, AppMap and hunter take every call in the package, and
viztracer every Python call of the process, of which it keeps the last million.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from environments import SUITES, Suite, build, folder_of, python_of
from tools import EVERY_MODULE, INNER, TOOLS, Job, Tool

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tables import machine, publish, table

CALLS = Path(__file__).resolve().parents[1] / "calls"
PROGRAM_CALLS = 45_000
PATIENCE, PATIENT = 6, ("untraced", "coverage.py", "tracer", "tracer,")
"""How many times the limit those get that the promises are about: their rows are to be figures, not bounds."""


@dataclass
class Ran:
    """What the runs of one suite under one tool took at least.

    `seconds` of processor time, `inner` those of the recorded process alone, `stopped` where they are lower bounds; `size` in bytes of what
    is kept, tests `passed`, and `crossings` where the tool counts them.
    """

    seconds: float = float("inf")
    inner: float = float("inf")
    stopped: bool = False
    size: int = 0
    passed: str = ""
    crossings: int = 0


def job_of(tool: Tool, suite: Suite | None, out: Path) -> tuple[Job, Path]:
    """Return what to run, and where. No suite: the program."""
    if suite is None:
        return Job(python_of(tool), "library", CALLS / "library.py", out, ("program.py", str(PROGRAM_CALLS))), CALLS
    folder = folder_of(tool) / suite.distribution
    arguments = ("-m", "pytest", "-q", "-p", "no:cacheprovider", *suite.options, *suite.tests.split())
    return Job(python_of(tool), Path(suite.source).name, folder / suite.source, out, arguments), folder


def run(tool: Tool, suite: Suite | None, limit: int, ran: Ran) -> None:
    """Run once, keep what is better."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch)
        job, folder = job_of(tool, suite, out)
        (out / "appmap.yml").write_text(f"name: measured\npackages:\n- path: {job.package}\n")
        shutil.rmtree(folder / "tmp", ignore_errors=True)
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("TRACER_", "PYTEST_"))}
        environment |= {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", **tool.environment(job)}
        before = children_seconds()
        told = bounded(tool.command(job), folder, environment, limit)
        spent = children_seconds() - before
        kept = [each for place in (out, folder / "tmp") for each in place.glob(tool.files)] if tool.files else []
        if (out / INNER).exists():
            ran.inner = min(ran.inner, read_times((out / INNER).read_text()))
        ran.size = sum(each.stat().st_size for each in kept)
        shutil.rmtree(folder / "tmp", ignore_errors=True)
    ran.stopped = told is None
    ran.seconds = min(ran.seconds, spent)
    if passed := re.search(r"(\d+) passed", told or ""):
        ran.passed = passed[1]
    if crossings := re.search(r"([\d,]+) calls", told or ""):
        ran.crossings = int(crossings[1].replace(",", ""))


def bounded(command: list[str], folder: Path, environment: dict[str, str], limit: int) -> str | None:
    """Run a command, return what it printed; None when it was stopped, with all it had started."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        told, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    if process.returncode not in (0, 1):  # 1: tests failed, which some tools make them
        sys.exit(f"{' '.join(command[:6])} ... ended with {process.returncode}: {told[-2000:]}")
    return told


def read_times(told: str) -> float:
    """Return the seconds that a shell's children used: the second line of `times`."""
    return sum(
        int(minutes) * 60 + float(seconds) for minutes, seconds in re.findall(r"(\d+)m([\d.]+)s", told.splitlines()[1])
    )


def children_seconds() -> float:
    """Return the processor time of all children that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(suite: Suite | None, tools: list[Tool], turns: int, limit: int) -> dict[str, Ran]:
    """Return what each tool took, by its name."""
    # A program in one folder has no boundary but the one that is named.
    tools = [tool for tool in tools if suite is not None or tool.name != EVERY_MODULE]
    found = {tool.name: Ran() for tool in tools}
    for turn in range(turns):
        for tool in tools:
            ran = found[tool.name]
            patience = limit * PATIENCE if tool.name.split()[0] in PATIENT else limit
            if turn == 0 or (not ran.stopped and ran.seconds < patience / 4):
                run(tool, suite, patience, ran)
                print(f"  {suite.name if suite else 'program'}, {tool.name}: {ran}", file=sys.stderr, flush=True)
    return found


def pickled_bytes() -> int:
    """Return the bytes of the arguments and results of the program's calls, each pickled by itself."""
    with tempfile.TemporaryDirectory() as scratch:
        kept = Path(scratch) / "kept"
        subprocess.run([sys.executable, "program.py", str(PROGRAM_CALLS), str(kept)], cwd=CALLS, check=True)
        return kept.stat().st_size


def times(found: dict[str, dict[str, Ran]], tools: list[Tool]) -> str:
    """Return the table of ratios."""
    head = ["suite", "untraced s", "tests", "crossings, per untraced s", "every module: crossings, per untraced s"]
    named = [tool.name for tool in tools if tool.name != "untraced"]
    rows = []
    for name, runs in found.items():
        bare = runs["untraced"]
        row = [name, f"{bare.seconds:.2f}", bare.passed]
        crossings = [runs[tool].crossings if tool in runs else 0 for tool in ("tracer", EVERY_MODULE)]
        row += [f"{each:,}, {each / bare.seconds:,.0f}" if each else "" for each in crossings]
        for tool in named:
            ran = runs.get(tool)
            if ran is None:
                row.append("")
                continue
            fewer = int(bare.passed or 0) - int(ran.passed or 0) if not ran.stopped else 0
            failed = f" ({fewer} fail)" if fewer else ""
            inner = f" ({ran.inner / bare.seconds:.1f})" if ran.inner < ran.seconds else ""
            row.append(f"{'> ' if ran.stopped else ''}{ran.seconds / bare.seconds:.1f}{inner}{failed}")
        rows.append(row)
    return table([*head, *named], rows)


def sizes(found: dict[str, dict[str, Ran]], tools: list[Tool], pickled: int) -> str:
    """Return the table of bytes, for each call of the program and each crossing of a suite."""
    named = [tool.name for tool in tools if tool.files]
    rows = []
    for name, runs in found.items():
        calls = runs["tracer"].crossings or 1
        row = [name, f"{pickled / calls:,.0f}" if name == "program" else ""]
        for tool in named:
            ran = runs.get(tool) or Ran(stopped=True)
            ratio = f" ({ran.size / (runs['tracer'].size or 1):,.1f})" if not tool.startswith("tracer") else ""
            row.append("" if ran.stopped else f"{ran.size / (ran.crossings or calls):,.1f}{ratio}")
        rows.append(row)
    return table(["bytes per crossing", "pickle", *named], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--publish", action="store_true", help="also put the tables into docs/cost.md")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--limit", type=int, default=40, help="seconds of the clock for one run (40)")
    parser.add_argument("--only", action="append", help="a tool's first word; all when none is given")
    parser.add_argument("--suite", action="append", help="a suite's name, or `program`; all when none is given")
    options = parser.parse_args()
    always = ("untraced", "tracer", "tracer,")
    tools = [tool for tool in TOOLS if not options.only or tool.name.split()[0] in (*always, *options.only)]
    for tool in tools:
        build(tool)
    found = {
        name: measure(suite, tools, options.turns, options.limit)
        for name, suite in [("program", None), *((suite.name, suite) for suite in SUITES)]
        if not options.suite or name in options.suite
    }
    text = [times(found, tools), sizes(found, tools, pickled_bytes())]
    print(machine(), *text, sep="\n\n")
    if options.publish:
        publish("suites", text[0])
        publish("sizes", text[1])


if __name__ == "__main__":
    main()
