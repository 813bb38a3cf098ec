"""Randomised trials of everything that can befall a recorded process: `make faults TRIALS=400`.

Each trial runs a program alone and recorded, with one fault in it, by a seed that is printed where something is wrong; `--only SCENE SEED` runs
it again. The program tells of each of its crossings before and after it, in a file that is written past every buffer.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from interpreters import interpreter
from scenes import SCENES
from trial import Outcome, Trial, can_mount

REPOSITORY = Path(__file__).resolve().parents[2]
OTHERS = ("3.10", "3.12", "3.13")
_EVERY_OTHER = 5
"""One trial of so many runs on a Python of the others."""


def python_of(version: str) -> Path:
    """Return a Python of that version with tracer in it, made where it is missing."""
    home = REPOSITORY / ".venvs" / version
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([str(interpreter(version)), "-m", "venv", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--editable", str(REPOSITORY)], check=True)
    return python


def main() -> int:
    """Run the trials and tell what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--scene", action="append", choices=list(SCENES))
    parser.add_argument("--python", action="append", help="versions beside this one; none for NONE", metavar="VERSION")
    parser.add_argument("--only", nargs=2, metavar=("SCENE", "SEED"), help="run this one again")
    parser.add_argument("--keep", action="store_true", help="keep the folders of trials with faults")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    chosen = [given.only[0]] if given.only else given.scene or list(SCENES)
    if not can_mount():
        chosen = [name for name in chosen if not SCENES[name].disk]
        print("No file system can be mounted here: full disks are tried by limits on file sizes alone.")
    others = [] if given.python == ["NONE"] else [python_of(version) for version in given.python or OTHERS]
    pythons = [Path(sys.executable), *others]
    seeds = [int(given.only[1])] if given.only else range(given.first, given.first + given.trials)
    outcomes, started = [], time.monotonic()
    for seed in seeds:
        if time.monotonic() - started > given.seconds:
            break
        outcomes.append(one(chosen[seed % len(chosen)], seed, pythons, keep=given.keep))
    return tell(outcomes, given.json)


def one(scene: str, seed: int, pythons: list[Path], *, keep: bool) -> Outcome:
    """Run one trial; which Python and which hooks follow from the seed."""
    turn = seed // len(SCENES)
    python = (
        pythons[1 + seed % (len(pythons) - 1)] if len(pythons) > 1 and (seed + turn) % _EVERY_OTHER == 0 else pythons[0]
    )
    folder = Path(tempfile.mkdtemp(prefix=f"faults-{scene}-"))
    trial = Trial(scene, seed, folder, python, pure=(turn + seed) % 2 == 1)
    outcome = trial.run()
    outcome.python, outcome.pure = python.parent.parent.name, trial.pure
    if outcome.faults:
        print(
            f"{scene} {seed} ({outcome.python}, {'Python' if outcome.pure else 'C'}):",
            *outcome.faults,
            sep="\n  ",
            flush=True,
        )
    if not (keep and outcome.faults):
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"  kept in {folder}")
    return outcome


def tell(outcomes: list[Outcome], path: Path | None) -> int:
    """Print a table of what came of each kind of fault."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(SCENES[outcome.scene].group, []).append(outcome)
    print(
        "| fault | trials | crossings | all there | losses told | nothing kept, said so | closed by `recover` | at fault |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for group, found in [*groups.items(), ("all", outcomes)]:
        ends = Counter(outcome.end for outcome in found)
        print(
            f"| {group} | {len(found):,} | {sum(each.crossings for each in found):,} | {ends['whole']:,} | {ends['told']:,} | {ends['refused']:,} "
            f"| {sum(each.recovered for each in found):,} | {sum(bool(each.faults) for each in found):,} |"
        )
    if path is not None:
        path.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    return 1 if any(outcome.faults for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
