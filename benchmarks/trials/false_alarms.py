"""Test suites of real packages, recorded twice without a change: whatever the comparison reports is a false alarm.

usage: python benchmarks/trials/false_alarms.py [--build-only] [--runs N] [--keep FOLDER] [PACKAGE ...]

Exits 1 where anything was reported, or a suite, a recording or a comparison failed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("FALSE_ALARMS_CACHE") or Path(tempfile.gettempdir()) / "false-alarms")
TOOLS = ("pytest==8.3.4", "pytest-xdist==3.6.1")
TIMEOUT = 1800


@dataclass(frozen=True)
class Package:
    """One suite: the pinned distribution, where its tests are, what else they need, and whether two workers run them."""

    name: str
    version: str
    tests: str
    needs: tuple[str, ...] = ()
    workers: bool = False

    @property
    def folder(self) -> Path:
        return CACHE / f"{self.name}-{self.version}"

    @property
    def command(self) -> list[str]:
        """The suite's own command, from `folder`; a fixed order of tests, and no plugin cache left behind."""
        workers = ["-n2"] if self.workers else ["-p", "no:xdist"]
        return [
            str(self.folder / ".venv" / "bin" / "python"),
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *workers,
            self.tests,
        ]


PACKAGES = (
    Package("cachetools", "5.5.2", "tests"),
    Package("aiosqlite", "0.20.0", "aiosqlite/tests/smoke.py"),
    Package("pluggy", "1.5.0", "testing", needs=("pytest-benchmark==5.1.0",)),
    Package("tomlkit", "0.13.2", "tests", needs=("pyyaml==6.0.2",), workers=True),
    Package("sqlparse", "0.5.3", "tests", workers=True),
)


class TrialFailed(Exception):
    """A step did not work; the message is what it wrote."""


def run(command: list[str], cwd: Path, accepted: tuple[int, ...] = (0,), **env: str) -> str:
    """Run a command; return what it printed."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **env}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    if done.returncode not in accepted:
        tail = (done.stdout + done.stderr).strip()[-800:]
        message = f"{' '.join(command[:4])} ... exited {done.returncode}: {tail}"
        raise TrialFailed(message)
    return done.stdout


def build(package: Package) -> None:
    """Unpack the package's source distribution and install it, editable, into an environment inside; once."""
    mark = package.folder / ".built"
    pins = "\n".join([sys.version, *TOOLS, *package.needs])
    if mark.exists() and mark.read_text() == pins:
        return
    shutil.rmtree(package.folder, ignore_errors=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    exact = f"{package.name}=={package.version}"
    pip = [sys.executable, "-m", "pip"]
    run([*pip, "download", "-q", "--no-deps", "--no-binary", package.name, "-d", str(CACHE), exact], CACHE)
    with tarfile.open(CACHE / f"{package.name}-{package.version}.tar.gz") as archive:
        archive.extractall(CACHE, filter="data")
    run([sys.executable, "-m", "venv", str(package.folder / ".venv")], CACHE)
    python = str(package.folder / ".venv" / "bin" / "python")
    run([python, "-m", "pip", "install", "-q", *TOOLS, *package.needs, "-e", str(package.folder)], CACHE)
    mark.write_text(pins)


def tracer(arguments: list[str], cwd: Path, accepted: tuple[int, ...] = (0,)) -> str:
    """Run the tracer of this checkout."""
    return run([sys.executable, "-m", "tracer", *arguments], cwd, accepted, PYTHONPATH=str(ROOT))


def outcomes(printed: str) -> str:
    """Return the line in which pytest counts outcomes, without its duration."""
    lines = [line for line in printed.splitlines() if re.search(r"\d+ (passed|failed|error)", line)]
    return re.sub(r" in [\d.]+s.*", "", lines[-1]).strip("= ") if lines else "no tests ran"


def trial(package: Package, folder: Path, runs: int) -> int:
    """Record the suite twice, compare, print what was found; return the number of findings."""
    build(package)
    start = time.perf_counter()
    bare = outcomes(run(package.command, package.folder))
    suite = time.perf_counter() - start
    cassettes = [str(folder / f"{package.name}-{turn}.cassette") for turn in ("first", "second")]
    repeated = ["--runs", str(runs)] if runs > 1 else []
    start = time.perf_counter()
    traced = [
        outcomes(tracer(["record", "-o", cassette, *repeated, "--", *package.command], package.folder))
        for cassette in cassettes
    ]
    recording = (time.perf_counter() - start) / 2
    report = tracer(["diff", "--format", "json", *cassettes], folder, accepted=(0, 1))
    if not report:
        raise TrialFailed("tracer diff wrote no report")
    document = json.loads(report)
    findings, calls = document["findings"], document["summary"]["compared"]
    print(f"{package.name:12}{calls:>9,}{len(findings):>10}{suite:>9.1f}{recording:>10.1f}  {bare}")
    for outcome in traced:
        if outcome != bare:
            print(f"    traced: {outcome}")
    for finding in findings:
        values = f"{finding['before']!r} -> {finding['after']!r}"[:160]
        what = f"{finding['severity']} {finding['role']} {finding['kind']} {finding['callable']} {finding['path']}"
        print(f"    {what}: {values} ({finding['count']} of {finding['calls']})")
    return len(findings) + sum(outcome != bare for outcome in traced)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", nargs="*", help="names of packages; all when none is given")
    parser.add_argument("--build-only", action="store_true", help="build the environments, run the suites untraced")
    parser.add_argument("--runs", type=int, default=1, help="record each side this often, so that noise is learned")
    parser.add_argument("--keep", type=Path, help="keep the cassettes in this folder")
    options = parser.parse_args()
    known = {package.name: package for package in PACKAGES}
    if unknown := set(options.packages) - set(known):
        parser.error(f"no such package: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    alarms = failed = 0
    print(f"{'package':12}{'compared':>9}{'findings':>10}{'suite s':>9}{'record s':>10}  outcomes")
    for name in options.packages or known:
        with tempfile.TemporaryDirectory() as temporary:
            folder = options.keep.resolve() if options.keep else Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            try:
                if options.build_only:
                    build(known[name])
                    print(f"{name:12} {outcomes(run(known[name].command, known[name].folder))}")
                else:
                    alarms += trial(known[name], folder, options.runs)
            except (TrialFailed, subprocess.SubprocessError, OSError) as error:
                failed += 1
                print(f"{name:12} failed: {error}")
    print(f"{alarms} false alarms, {failed} packages failed")
    return int(alarms > 0 or failed > 0)


if __name__ == "__main__":
    sys.exit(main())
