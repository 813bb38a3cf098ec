"""Trial 2: what encoding arguments, state and outcomes costs on the suites of real packages, beside coverage.py with branches.

    python benchmarks/trials/state_cost.py [FOLDER]

downloads three source distributions into FOLDER (a temporary one by default), makes a virtual environment there, and runs each suite
untraced, under `coverage run --branch`, and with every call that crosses into the package encoded: arguments before, arguments after
(unless immutable), outcome. Functions are wrapped by plain Python functions, whose own cost is not counted: the processor time around
the encoder's calls is summed. Every TRIAL_STRIDEth crossing is encoded (20), and the whole estimated from them: with state encoded at
every one, the suites take minutes. Printed per budget: crossings, encoder seconds, bytes, values cut. Under the wrappers 9 tests of
cachetools fail, which compare the wrapped function with the default argument that is not, and 1 of sqlparse, which has a time limit.
"""

# ruff: noqa: PLC0415, SLF001, PTH109  (tracer and pytest load only inside the suite's process; the trial looks into the encoder)
from __future__ import annotations

import functools
import importlib
import os
import pkgutil
import subprocess
import sys
import tempfile
import types
from pathlib import Path
from time import thread_time_ns as CLOCK  # noqa: N812  (held apart from what a suite may replace)

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = {"cachetools": "src", "tomlkit": ".", "sqlparse": "."}
VERSIONS = {"cachetools": "5.5.2", "tomlkit": "0.13.2", "sqlparse": "0.5.3"}
BUDGETS = {
    "tiny": (8, 1 << 10, 64, 16 << 10),
    "small": (32, 4 << 10, 256, 64 << 10),
    "middle": (128, 16 << 10, 1024, 128 << 10),
    "large": (256, 16 << 10, 4096, 256 << 10),
}
STRIDE = int(os.environ.get("TRIAL_STRIDE", "20"))
TOOLS = ["pytest", "coverage", "msgpack", "pyyaml", "setuptools", "wheel", "flit_core", "poetry-core", "hatchling"]


def prepare(folder: Path) -> Path:
    python = folder / "env" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *TOOLS], check=True)
    for package in PACKAGES:
        if not list(folder.glob(f"{package}-*/")):
            wanted = f"{package}=={VERSIONS[package]}"
            get = ["download", "-q", "--no-deps", "--no-build-isolation", "--no-binary", ":all:", "-d", folder, wanted]
            subprocess.run([python, "-m", "pip", *get], check=True)
            (archive,) = folder.glob(f"{package}-*.tar.gz")
            subprocess.run(["tar", "xzf", archive, "-C", folder], check=True)
    return python


def suite(python: Path, root: Path, source: str, *way: str, **settings: str) -> tuple[float, str]:
    """Return the processor seconds of one run and its output."""
    environment = {**os.environ, "PYTHONPATH": f"{root / source}{os.pathsep}{REPOSITORY}", **settings}
    before = os.times()
    options = ["-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(
        [python, *way, *options], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    after = os.times()
    return (
        after.children_user + after.children_system - before.children_user - before.children_system,
        done.stdout + done.stderr,
    )


def compare(folder: Path) -> None:
    python = prepare(folder)
    for package, source in PACKAGES.items():
        (root,) = (each for each in folder.glob(f"{package}-*") if each.is_dir())
        bare = min(suite(python, root, source, "-m", "pytest")[0] for _ in range(2))
        cover = ("-m", "coverage", "run", "--branch", f"--source={package}", "-m", "pytest")
        covered = min(suite(python, root, source, *cover)[0] for _ in range(2))
        print(f"{package}: bare {bare:.2f} s, coverage with branches +{covered - bare:.2f} s")
        _, output = suite(python, root, source, __file__, "inside", TRIAL_PACKAGE=package)
        print(*(line for line in output.splitlines() if line.startswith(("crossings", "cost"))), sep="\n")


def inside(arguments: list[str]) -> int:
    """Run a suite in this process, encoding a sample of the calls that cross into the package, once with each budget."""
    import pytest

    probe = Probe(os.environ["TRIAL_PACKAGE"])
    probe.install()
    code = pytest.main(arguments)
    print(f"\ncrossings {probe.calls}, one in {STRIDE} encoded, exit {int(code)}")
    for name, cost in probe.costs.items():
        before, after, outcome = (nanoseconds / cost.calls / 1e3 for nanoseconds in cost.nanoseconds)
        total = (before + after + outcome) * probe.calls / 1e6
        print(
            f"cost {name:6} {total:8.2f} s; us each: arguments {before:.1f}, after {after:.1f}, outcome {outcome:.1f};"
            f" {cost.size // cost.calls} bytes; arguments cut {cost.cut[0]}, outcomes cut {cost.cut[1]} of {cost.calls}"
        )
    return int(code)


class Cost:
    """What one budget costs."""

    def __init__(self, nodes: int, size: int, outcome_nodes: int, outcome_size: int) -> None:
        from tracer.encoding.budget import Budget, Limit
        from tracer.encoding.encode import Encoder
        from tracer.encoding.paths import PathNormaliser
        from tracer.encoding.redact import Redactor

        limits = Budget(arguments=Limit(nodes, size), outcome=Limit(outcome_nodes, outcome_size))
        self.encoder = Encoder(redactor=Redactor(), paths=PathNormaliser(os.getcwd()), budget=limits)
        self.calls = self.size = 0
        self.nanoseconds = [0, 0, 0]
        self.cut = [0, 0]

    def lost(self) -> int:
        """Return how many values were cut so far."""
        counters = self.encoder._losses.items()
        return sum(int(repr(counter)[6:-1]) for (reason, _), counter in counters if reason == "truncated")

    def timed(self, place: int, encode, *parts) -> None:
        lost = self.lost()
        start = CLOCK()
        data = encode(*parts, True)
        self.nanoseconds[place] += CLOCK() - start
        self.size += len(data)
        if place != 1:
            self.cut[place // 2] += self.lost() > lost


class Probe:
    """Wraps the functions of one package, and encodes a sample of the calls that cross into it.

    Not a profile function: under one, CPython 3.12 runs every function instrumented, the encoder's too.
    """

    def __init__(self, package: str) -> None:
        from tracer.encoding.encode import immutable

        self.package, self.immutable = package, immutable
        self.calls = 0
        self.costs = {name: Cost(*limits) for name, limits in BUDGETS.items()}

    def install(self) -> None:
        """Wrap what the package's modules and classes define."""
        package = importlib.import_module(self.package)
        names = [
            found.name
            for found in pkgutil.walk_packages(package.__path__, self.package + ".")
            if "__main__" not in found.name
        ]
        for module in [package, *map(importlib.import_module, names)]:
            for name, entry in list(vars(module).items()):
                if isinstance(entry, types.FunctionType) and entry.__module__ == module.__name__:
                    setattr(module, name, self.wrap(entry))
                elif isinstance(entry, type) and entry.__module__ == module.__name__:
                    self.install_class(entry)

    def install_class(self, cls: type) -> None:
        for name, entry in list(vars(cls).items()):
            if isinstance(entry, types.FunctionType) and name not in (
                "__new__",
                "__init_subclass__",
                "__class_getitem__",
            ):
                setattr(cls, name, self.wrap(entry))
            elif isinstance(entry, property) and isinstance(entry.fget, types.FunctionType):
                setattr(cls, name, property(self.wrap(entry.fget), entry.fset, entry.fdel, entry.__doc__))

    def belongs(self, frame) -> str:
        name = frame.f_globals.get("__name__")
        return name if type(name) is str and (name == self.package or name.startswith(self.package + ".")) else ""

    def crosses(self, caller, module: str) -> bool:
        for _ in range(8):  # as tracer does: through modules that are in no component
            if caller is None or self.belongs(caller) or "test" in str(caller.f_globals.get("__name__")):
                break
            caller = caller.f_back
        return caller is None or self.belongs(caller) != module

    def wrap(self, function):
        if function.__code__.co_flags & 0x2A0:  # generators and coroutines
            return function

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            if not self.crosses(sys._getframe(1), function.__module__):
                return function(*args, **kwargs)
            self.calls += 1
            if self.calls % STRIDE:
                return function(*args, **kwargs)
            values = (*args, *kwargs.values())
            for cost in self.costs.values():
                cost.calls += 1
                cost.timed(0, cost.encoder.arguments, values, None)
            outcome = function(*args, **kwargs)
            for cost in self.costs.values():
                if not self.immutable(values):
                    cost.timed(1, cost.encoder.arguments, values, None)
                cost.timed(2, cost.encoder.value, outcome)
            return outcome

        return wrapped


if __name__ == "__main__":
    if sys.argv[1:2] == ["inside"]:
        sys.exit(inside(sys.argv[2:]))
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    chosen.mkdir(parents=True, exist_ok=True)
    compare(chosen)
