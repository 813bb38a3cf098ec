"""Crossings of real test suites, as recorded and as a second witness saw them, callable by callable.

usage: python benchmarks/completeness/run.py [PACKAGE ...]

Each suite of `benchmarks/transparency/suites.py` runs once under `tracer doctor`, with no configuration. `seen` counts first entries that cross as
`sys.setprofile` saw them, and on Python 3.12 and later explicit calls into C as `sys.monitoring` did, in the processes where they could stand.
`kept` and `lost` are what the cassette of those processes holds or counts by name, `alone` calls into C that were recorded where no witness
looks. `missed` and `more` tell how far the two are apart, summed over the callables. Exits 1 where any is, or a step failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "transparency"))

from suites import Suite, build, measure_each, run  # noqa: E402  (a neighbouring script folder)

COLUMNS = "{:12}{:>10}{:>11}{:>11}{:>9}{:>8}{:>8}{:>8}{:>11}"


def measure(suite: Suite) -> bool:
    """Run a suite, print its row and the callables that deviate; return whether none does."""
    build(suite)
    command = [sys.executable, "-m", "tracer", "doctor", "--json", "--", *suite.command()]
    found = json.loads(run(command, suite.folder, accepted=(0, 1), PYTHONPATH=str(ROOT)))
    told = found["run"]
    apart = {each["callable"]: each["seen"] - each["kept"] - each["lost"] for each in told["crossed"]}
    sums = [sum(each[part] for each in told["crossed"]) for part in ("seen", "kept", "lost", "unwitnessed")]
    missed, more = sum(n for n in apart.values() if n > 0), -sum(n for n in apart.values() if n < 0)
    processes = f"{told['witnessed']} of {told['processes']}"
    print(COLUMNS.format(suite.name, len(apart), *sums, missed, more, processes), flush=True)
    for name, difference in sorted(apart.items(), key=lambda pair: -abs(pair[1]))[:8]:
        if difference:
            print(f"    {name}: {'missed' if difference > 0 else 'more'} {abs(difference)}")
    if not told["witnessed"] or not sums[1]:
        print("    nothing was seen or nothing kept")
        return False
    return not missed and not more


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", nargs="*", help="names of packages; all when none is given")
    options = parser.parse_args()
    print(COLUMNS.format("package", "callables", "seen", "kept", "lost", "alone", "missed", "more", "processes"))
    return measure_each(parser, options.packages, measure)


if __name__ == "__main__":
    sys.exit(main())
