"""What one call costs under each tool that keeps arguments and results, and under coverage.py, side by side.

usage: python benchmarks/peers/calls.py [--publish] [--rounds N] [--only TOOL]...

Each tool runs in an environment of its own and watches one module; the calls are those of benchmarks/calls. Nanoseconds of processor time
that the tool adds to the call, the least of short rounds. What a tool does when it stops (writing a file, filling a database) is not in
here; it is in the table of whole suites.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from environments import build, python_of
from tools import EVERY_MODULE, TOOLS, Tool

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tables import machine, publish, table

HERE = Path(__file__).parent


def measure(tool: Tool, rounds: int) -> dict[str, dict[str, float]]:
    """Return nanoseconds per call, `bare` and `traced`, by kind."""
    name = tool.name.split()[0].partition(".")[0].lower()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TRACER_")}
    with tempfile.TemporaryDirectory() as scratch:
        if name == "appmap":
            config = Path(scratch) / "appmap.yml"
            config.write_text("name: calls\npackages:\n- path: library\n")
            environment |= {
                "_APPMAP": "true",
                "APPMAP": "true",
                "_APPMAP_DISPLAY_PARAMS": "true",
                "APPMAP_CONFIG": str(config),
            }
        done = subprocess.run(
            [str(python_of(tool)), str(HERE / "inside.py"), name, str(rounds)],
            cwd=HERE.parent / "calls" if name == "appmap" else scratch,
            env={**environment, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        sys.exit(f"{tool.name} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--publish", action="store_true", help="also put the table into docs/cost.md")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", action="append", help="a tool's first word; all when none is given")
    options = parser.parse_args()
    named = [tool for tool in TOOLS if tool.name not in ("untraced", EVERY_MODULE)]
    chosen = [tool for tool in named if not options.only or tool.name.split()[0] in options.only]
    found = {}
    for tool in chosen:
        build(tool)
        found[tool.name] = measure(tool, options.rounds)
    own = found.get("tracer")
    rows = []
    for kind in next(iter(found.values()))["bare"]:
        cells = []
        for figures in found.values():
            added = figures["traced"][kind] - figures["bare"][kind]
            ratio = f" ({added / (own['traced'][kind] - own['bare'][kind]):.1f})" if own and figures is not own else ""
            cells.append(f"{added:,.0f}{ratio}")
        rows.append([kind, f"{next(iter(found.values()))['bare'][kind]:,.0f}", *cells])
    text = table(["ns added to a call", "bare call", *found], rows)
    print(machine(), text, sep="\n\n")
    if options.publish:
        publish("calls under peers", text)


if __name__ == "__main__":
    main()
