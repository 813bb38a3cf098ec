"""How long tracer takes to start: importing it, its command line, comparing two tiny cassettes.

usage: python benchmarks/startup.py [--publish]

Milliseconds of processor time, the least of several fresh processes taken in turns. `import tracer` is promised to take at most 40 ms
over a bare interpreter.
"""

from __future__ import annotations

import argparse
import compileall
import importlib
import py_compile
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tables import machine, publish, table

CALLS = Path(__file__).parent / "calls"
TURNS = 10


def children_seconds() -> float:
    """Return the processor time of all children that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def processor_ms(commands: dict[str, list[str]], folder: str | None = None) -> dict[str, float]:
    """Return for each command the least milliseconds of processor time of a process that runs it."""
    found = dict.fromkeys(commands, float("inf"))
    for _ in range(TURNS):
        for name, command in commands.items():
            before = children_seconds()
            subprocess.run(
                [sys.executable, *command], check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            found[name] = min(found[name], (children_seconds() - before) * 1000)
    return found


def import_cost() -> float:
    """Return the milliseconds of processor time of `import tracer` over a bare interpreter."""
    found = processor_ms({"bare": ["-c", "pass"], "tracer": ["-c", "import tracer"]})
    return found["tracer"] - found["bare"]


def instrument_cost() -> float:
    """Return the milliseconds of processor time that watching 1,000 functions adds to the import of their module.

    The module's bytecode is there already: compiling it costs the same either way.
    """
    sys.path.insert(0, str(CALLS))
    from recorder import make_recorder  # noqa: PLC0415  (not before the folder is on the path)

    body = "".join(
        f"def f{number}(a, b=1, *c, **d):\n    if a:\n        return b\n    return [x for x in c]\n"
        for number in range(1000)
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "thousand.py").write_text(body)
        py_compile.compile(str(folder / "thousand.py"))
        sys.path.insert(0, scratch)
        bare = _import_time("thousand")
        recorder = make_recorder(folder, ("thousand",))
        recorder.start()
        try:
            return _import_time("thousand") - bare
        finally:
            recorder.stop()


def _import_time(name: str) -> float:
    began = time.process_time()
    importlib.import_module(name)
    spent = time.process_time() - began
    del sys.modules[name]
    return spent * 1000


def record_tiny(folder: Path) -> None:
    """Write two cassettes of one call each into the folder."""
    (folder / "shop.py").write_text("def vat(price):\n    return price * 2\n")
    (folder / "app.py").write_text("import sys\nimport shop\n\nshop.vat(int(sys.argv[1]))\n")
    for number in (1, 2):
        command = [sys.executable, "-m", "tracer", "record", "-o", f"{number}.cassette", "--boundary", "shop"]
        subprocess.run(
            [*command, "--", sys.executable, "app.py", str(number)], cwd=folder, check=True, capture_output=True
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--publish", action="store_true", help="also put the table into docs/cost.md")
    options = parser.parse_args()
    tracer = ["-m", "tracer"]
    compileall.compile_dir(Path(__file__).resolve().parents[1] / "tracer", quiet=1)  # as it is where it was installed
    with tempfile.TemporaryDirectory() as scratch:
        record_tiny(Path(scratch))
        found = processor_ms(
            {
                "python -c pass": ["-c", "pass"],
                "import tracer": ["-c", "import tracer"],
                "tracer --version": [*tracer, "--version"],
                "tracer record, one call": [
                    *tracer,
                    "record",
                    "-o",
                    "3.cassette",
                    "-b",
                    "shop",
                    "--",
                    sys.executable,
                    "app.py",
                    "1",
                ],
                "tracer diff, two equal cassettes of one call": [*tracer, "diff", "1.cassette", "1.cassette"],
                "tracer diff, one call that differs": [
                    *tracer,
                    "diff",
                    "--fail-on",
                    "breaking",
                    "1.cassette",
                    "2.cassette",
                ],
            },
            scratch,
        )
    bare = found["python -c pass"]
    rows = [[name, f"{each:.0f}", f"{each - bare:+.0f}", f"{each / bare:.1f}"] for name, each in found.items()]
    text = table(["command", "ms", "over bare", "ratio"], rows)
    print(machine(), text, sep="\n\n")
    if options.publish:
        publish("startup", text)


if __name__ == "__main__":
    main()
