"""Trial 2: what encoding arguments, state and outcomes costs on the suites of real packages, beside coverage.py with branches.

    python benchmarks/trials/state_cost.py [FOLDER]

downloads three source distributions into FOLDER (a temporary one by default), makes a virtual environment there, and runs each suite
untraced, under `coverage run --branch`, and with every call that crosses into the package encoded: arguments before, arguments after
(unless immutable), outcome. The crossing is found by `sys.setprofile`, whose own cost is not counted: the time around the encoder's
calls is summed, as processor time of the thread. Printed per budget: calls, encoder seconds, outcomes cut.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = {"cachetools": "src", "tomlkit": ".", "sqlparse": "."}
BUDGETS = {"small": (64, 4 << 10, 1024, 64 << 10), "middle": (256, 16 << 10, 4096, 256 << 10), "large": (4096, 256 << 10, 16384, 1 << 20)}
TOOLS = ["pytest", "coverage", "msgpack", "pyyaml", "setuptools", "wheel", "flit_core", "poetry-core", "hatchling"]


def prepare(folder: Path) -> Path:
    python = folder / "env" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *TOOLS], check=True)
    for package in PACKAGES:
        if not list(folder.glob(f"{package}-*/")):
            get = ["download", "-q", "--no-deps", "--no-build-isolation", "--no-binary", ":all:", "-d", folder, package]
            subprocess.run([python, "-m", "pip", *get], check=True)
            (archive,) = folder.glob(f"{package}-*.tar.gz")
            subprocess.run(["tar", "xzf", archive, "-C", folder], check=True)
    return python


def suite(python: Path, root: Path, source: str, *way: str, **settings: str) -> tuple[float, str]:
    """Return the processor seconds of one run and its output."""
    environment = {**os.environ, "PYTHONPATH": f"{root / source}{os.pathsep}{REPOSITORY}", **settings}
    before = os.times()
    options = ["-q", "-x", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run([python, *way, *options], cwd=root, env=environment, capture_output=True, text=True, check=False)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system, done.stdout + done.stderr


def compare(folder: Path) -> None:
    python = prepare(folder)
    for package, source in PACKAGES.items():
        (root,) = (each for each in folder.glob(f"{package}-*") if each.is_dir())
        bare = min(suite(python, root, source, "-m", "pytest")[0] for _ in range(3))
        cover = ("-m", "coverage", "run", "--branch", f"--source={package}", "-m", "pytest")
        covered = min(suite(python, root, source, *cover)[0] for _ in range(3))
        print(f"{package}: bare {bare:.2f} s, coverage with branches +{covered - bare:.2f} s")
        for name, limits in BUDGETS.items():
            settings = {"TRIAL_PACKAGE": package, "TRIAL_LIMITS": " ".join(map(str, limits))}
            _, output = suite(python, root, source, __file__, "inside", **settings)
            print(f"  {name:7}", next((line for line in output.splitlines() if line.startswith("crossings")), output[-800:]))


def inside(arguments: list[str]) -> int:
    """Run a suite in this process, encoding each call that crosses into the package."""
    import pytest

    from tracer.encoding.budget import Budget, Limit
    from tracer.encoding.encode import Encoder
    from tracer.encoding.paths import PathNormaliser
    from tracer.encoding.redact import Redactor

    package = os.environ["TRIAL_PACKAGE"]
    sizes = [int(each) for each in os.environ["TRIAL_LIMITS"].split()]
    limits = Budget(Limit(sizes[0], sizes[1]), Limit(sizes[2], sizes[3]))
    encoder = Encoder(redactor=Redactor(), paths=PathNormaliser(os.getcwd()), budget=limits)
    probe = Probe(package, encoder)
    sys.setprofile(probe)
    code = pytest.main(arguments)
    sys.setprofile(None)
    print(f"\ncrossings {probe.calls}, encoder {probe.nanoseconds / 1e9:.2f} s ({probe.nanoseconds / max(1, probe.calls) / 1e3:.1f} us each), "
          f"{probe.size >> 10} KiB, outcomes cut {probe.cut} of {probe.outcomes}, exit {int(code)}")
    return int(code)


class Probe:
    """A profile function that encodes at crossings into one package."""

    def __init__(self, package: str, encoder: object) -> None:
        from time import perf_counter_ns

        from tracer.encoding.encode import immutable

        self.package, self.encoder, self.clock, self.immutable = package, encoder, perf_counter_ns, immutable
        self.calls = self.nanoseconds = self.size = self.outcomes = self.cut = 0
        self.open: dict[int, tuple] = {}
        self.kinds: dict[object, bool] = {}

    def belongs(self, frame) -> str:
        name = frame.f_globals.get("__name__")
        return name if type(name) is str and (name == self.package or name.startswith(self.package + ".")) else ""

    def __call__(self, frame, event, argument):
        if event == "call":
            self.enter(frame)
        elif event == "return" and id(frame) in self.open:
            self.leave(frame, argument)

    def enter(self, frame) -> None:
        code, module = frame.f_code, self.belongs(frame)
        if not module or code.co_name.startswith("<") or not code.co_flags & 2 or code.co_flags & 0x2A0:
            return
        caller = frame.f_back
        for _ in range(8):  # as tracer does: through modules that are in no component
            if caller is None or self.belongs(caller) or "test" in str(caller.f_globals.get("__name__")):
                break
            caller = caller.f_back
        if caller is not None and self.belongs(caller) == module:
            return
        local = frame.f_locals
        count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
        values = tuple(local[name] for name in code.co_varnames[:count] if name in local)
        start = self.clock()
        data = self.encoder.arguments(values, None, False)
        self.nanoseconds += self.clock() - start
        self.calls += 1
        self.size += len(data)
        self.open[id(frame)] = values

    def leave(self, frame, outcome) -> None:
        values = self.open.pop(id(frame))
        start = self.clock()
        if not self.immutable(values):
            self.encoder.arguments(values, None, False)
        middle = self.clock()
        lost = sum(self.encoder.losses.values())
        resumed = self.clock()
        self.size += len(self.encoder.value(outcome, False))
        self.nanoseconds += self.clock() - resumed + middle - start
        self.outcomes += 1
        self.cut += sum(n for reason, n in self.encoder.losses.items() if reason.startswith("truncated")) and sum(
            self.encoder.losses.values()
        ) > lost


if __name__ == "__main__":
    if sys.argv[1:2] == ["inside"]:
        sys.exit(inside(sys.argv[2:]))
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    chosen.mkdir(parents=True, exist_ok=True)
    compare(chosen)
