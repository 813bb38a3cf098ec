"""Calls into C extensions as recorded, as `sys.monitoring` saw them, and as counted by hand.

usage: python benchmarks/completeness/boundaries.py [--python PYTHON] [NAME ...]

Each program of `boundaries/` calls one extension in every way there is, and says how often it calls what: by calls, which the witness
sees as well, and by operators and subscripts, which only counting by hand tells. It runs under `tracer doctor` with the extension as
boundary, on a Python that has `sys.monitoring` (3.12 and later). `seen` are calls that a witness saw, `operators` those counted by hand,
`recorded` and `lost` what the cassette holds or counts by name, `in C` what C code calls, by hand: that is not recorded.
Exits 1 where a callable's count is another than the witness's or the one by hand.
"""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).parent / "boundaries"
sys.path.insert(0, str(ROOT / "benchmarks" / "transparency"))

from suites import CACHE, StepFailed, run  # noqa: E402  (a neighbouring script folder)

COLUMNS = "{:18}{:>10}{:>8}{:>11}{:>10}{:>7}{:>7}{:>12}"
WITH_WITNESS = ("python3.13", "python3.12")


def constants(program: Path) -> dict[str, Any]:
    """Return what a program says about itself, without running it."""
    found = {}
    for statement in ast.parse(program.read_text("utf-8")).body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        if isinstance(target, ast.Name) and target.id.isupper() and target.id not in {"DATA", "STYLE"}:
            found[target.id] = ast.literal_eval(statement.value)  # type: ignore[attr-defined]
    return found


def find_python(given: str | None) -> str:
    """Return a Python with `sys.monitoring`: the one given, this one, one in `.venvs`, or one on the path."""
    here = [sys.executable] if sys.version_info >= (3, 12) else []
    known = [str(path) for path in sorted(ROOT.glob(".venvs/3.1[23]/bin/python"))]
    for name in [given] if given else [*here, *known, *filter(None, map(shutil.which, WITH_WITNESS))]:
        asked = [str(name), "-c", "import sys; sys.monitoring; print(sys.executable)"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
    raise StepFailed("no Python 3.12 or 3.13 was found: name one with --python")


def build(python: str, needs: tuple[str, ...]) -> str:
    """Make an environment with the extensions and tracer, once; return its Python."""
    version = run([python, "-c", "import sys; print(*sys.version_info[:2], sep='.')"], ROOT).strip()
    folder = CACHE / f"boundaries-{version}"
    inside, mark = str(folder / "bin" / "python"), folder / ".built"
    if not mark.exists() or mark.read_text() != "\n".join(needs):
        shutil.rmtree(folder, ignore_errors=True)
        run([python, "-m", "venv", str(folder)], ROOT)
        run([inside, "-m", "pip", "install", "-q", "--upgrade", "pip"], ROOT)
        run([inside, "-m", "pip", "install", "-q", "-e", str(ROOT), *needs], ROOT)
        mark.write_text("\n".join(needs))
    return inside


def measure(python: str, program: Path) -> bool:
    """Run a program, print its row and what deviates; return whether nothing does."""
    said = constants(program)
    command = [python, "-m", "tracer", "doctor", "--json", "-b", said["BOUNDARY"], "--", python, "-m", program.stem]
    told = json.loads(run(command, PROGRAMS, accepted=(0, 1)))["run"]
    rows = {each["callable"]: each for each in told["crossed"]}
    by_hand = said["CALLS"] | said["OPERATORS"]
    wrong = [
        f"    {name}: {row['seen']} seen, {row['kept']} recorded, {row['lost']} lost"
        for name, row in rows.items()
        if row["seen"] != row["kept"] + row["lost"]
    ]
    for name in sorted({*by_hand, *rows}):
        count = sum(rows[name][part] for part in ("kept", "lost", "unwitnessed")) if name in rows else 0
        if count != by_hand.get(name, 0):
            wrong.append(f"    {name}: {count} told, {by_hand.get(name, 0)} by hand")
    seen, kept, lost, alone = (
        sum(row[part] for row in rows.values()) for part in ("seen", "kept", "lost", "unwitnessed")
    )
    figures = (len(rows), seen, sum(said["OPERATORS"].values()), kept + alone, lost, said["MADE_BY_C"], len(wrong))
    print(COLUMNS.format(said["NEEDS"], *figures), flush=True)
    print("".join(f"{line}\n" for line in wrong), end="", flush=True)
    return not wrong and told["exit_code"] == 0 and told["calls_seen"]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    programs = {path.stem.removesuffix("_calls"): path for path in sorted(PROGRAMS.glob("*_calls.py"))}
    parser.add_argument("names", nargs="*", help=f"of {', '.join(programs)}; all when none is given")
    parser.add_argument("--python", help="a Python with sys.monitoring")
    options = parser.parse_args()
    if unknown := set(options.names) - set(programs):
        parser.error(f"no such program: {', '.join(sorted(unknown))}; there are {', '.join(programs)}")
    try:
        python = build(find_python(options.python), tuple(constants(path)["NEEDS"] for path in programs.values()))
        print(COLUMNS.format("extension", "callables", "seen", "operators", "recorded", "lost", "in C", "deviations"))
        failed = [name for name in options.names or programs if not measure(python, programs[name])]
    except StepFailed as error:
        print(f"failed: {error}")
        return 1
    print(f"deviations: {', '.join(failed) or 'none'}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
