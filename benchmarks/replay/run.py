"""Real suites recorded, and their calls made again on the code that was recorded: how many can be, and do they come out alike?

usage: python benchmarks/replay/run.py [--detail sampled|full]... [--keep FOLDER] [--json OUT] [SUITE ...]

Each suite is run bare, recorded, and replayed twice: as it is, and once more after `--learn` wrote down which calls more than their
arguments decides about. Exits 1 where a call comes out otherwise after that.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "transparency"))
from suites import Suite, build  # noqa: E402

SUITES = (
    Suite("humanize", "4.9.0", "tests", needs=("freezegun==1.5.5",)),
    Suite("sqlparse", "0.5.3", "tests"),
    Suite("tomlkit", "0.13.2", "tests", needs=("pyyaml==6.0.2",)),
)
ALLOWED = {"humanize": ("tests", "freezegun")}
"""What else may be imported: tests, and where a test's clock stands among arguments the package that made it."""
NOT_DATA = (
    "only its type was recorded",
    "it was redacted",
    "a part of it is kept by a C type that tells nothing of it",
    "what is needed to make it again was not recorded",
    "a method was recorded without the object it is bound to",
    "its module may not be imported",
    "it was made inside a function",
    "no name leads to it: it is a lambda or was made inside a call",
    "it had not ended when the recording did",
    "what lay in a temporary folder is gone",
)
"""Reasons that say of a call that it has no arguments that are data or instances of classes that can be imported, or no callable with a name."""


def tracer(suite: Suite, *arguments: str) -> tuple[int, str, str]:
    """Run the tracer of this checkout in a suite's folder."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "tracer", *arguments]
    done = subprocess.run(command, cwd=suite.folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        message = f"tracer {arguments[0]} exited {done.returncode}: {done.stderr.strip()[-600:]}"
        raise RuntimeError(message)
    return done.returncode, done.stdout, done.stderr


def measure(suite: Suite, detail: str, folder: Path) -> dict[str, Any]:
    """Record and replay one suite."""
    build(suite)
    cassette = folder / f"{suite.name}-{detail}.cassette"
    command = suite.command()
    bare = timed(lambda: subprocess.run(command, cwd=suite.folder, capture_output=True, check=False))
    options = ["-o", str(cassette), "--boundary", suite.name, "--detail", detail]
    recording = timed(lambda: tracer(suite, "record", *options, "--", *command))
    replay = ["replay", str(cassette), "--boundary", suite.name, "--format", "json"]
    replay += ["--python", command[0], "--timeout", "60"]
    for module in ALLOWED.get(suite.name, ("tests",)):
        replay += ["--allow-import", module]
    reports: list[Any] = []
    seconds = timed(lambda: reports.append(json.loads(tracer(suite, *replay)[1])))
    tracer(suite, *replay, "--learn")
    reports.append(json.loads(tracer(suite, *replay)[1]))
    return figures(suite, detail, reports) | {"bare": bare, "recording": recording, "seconds": seconds}


def timed(act: Any) -> float:
    """Return how many seconds of processor time the processes take that something runs."""
    before = os.times()
    act()
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def figures(suite: Suite, detail: str, reports: list[Any]) -> dict[str, Any]:
    """Return the figures of one recording from the reports before and after learning."""
    first, second = (report["replay"] for report in reports)
    reasons: dict[str, int] = {}
    for each in first["skipped"]:
        reasons[each["reason"]] = reasons.get(each["reason"], 0) + each["count"]
    changed = sum(each["changed"] for each in first["components"])
    return {
        "suite": f"{suite.name} {suite.version}",
        "detail": detail,
        "calls": first["calls"],
        "replayed": first["replayed"],
        "data": first["calls"] - sum(reasons.get(reason, 0) for reason in NOT_DATA),
        "changed": changed,
        "by_chance": first["by_chance"],
        "findings": sorted({each["callable"] for each in reports[0]["findings"] if each["severity"] != "internal"}),
        "changed_after_learning": sum(each["changed"] for each in second["components"]),
        "reasons": dict(sorted(reasons.items(), key=lambda pair: -pair[1])),
    }


def print_row(row: dict[str, Any]) -> None:
    """Print the figures of one recording."""
    share, of_data = row["replayed"] / row["calls"], row["replayed"] / row["data"]
    equal = 1 - (row["changed"] + row["by_chance"]) / row["replayed"]
    print(
        f"{row['suite']:18} {row['detail']:8} {row['calls']:>7,} calls, replayed {row['replayed']:>7,} = {share:.1%}, "
        f"of those that are data {of_data:.1%}; equal {equal:.2%}, otherwise {row['changed']}, by chance {row['by_chance']}, "
        f"after learning {row['changed_after_learning']}; of processor time: suite {row['bare']:.1f} s, recorded {row['recording']:.1f} s, "
        f"replay {row['seconds']:.1f} s",
        flush=True,
    )
    for reason, count in row["reasons"].items():
        print(f"    {count:>7,}  {reason}")
    if row["findings"]:
        print(f"    otherwise at first: {', '.join(row['findings'])}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "suites", nargs="*", help=f"of {', '.join(suite.name for suite in SUITES)}; all when none is given"
    )
    parser.add_argument("--detail", action="append", choices=("sampled", "full"), help="may be repeated; default: both")
    parser.add_argument("--keep", type=Path, help="keep the cassettes in this folder")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    chosen = [suite for suite in SUITES if not options.suites or suite.name in options.suites]
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep.resolve() if options.keep else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for suite in chosen:
            for detail in options.detail or ("sampled", "full"):
                rows.append(measure(suite, detail, folder))
                print_row(rows[-1])
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    return int(any(row["changed_after_learning"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
