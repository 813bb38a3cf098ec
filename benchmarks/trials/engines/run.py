"""Try the mechanisms on real test suites and print what differs from the untraced run.

    python benchmarks/trials/engines/run.py --python PATH [--packages flask,click] [--engines body,injection]
        [--work DIR] [-o RESULTS.md]

PATH is the interpreter to try. The first run makes a virtual environment and downloads the source distributions (for their
tests) into DIR; later runs use them again. Suites run one at a time, each under `coverage run --branch` and `-W error`
(where the untraced suite passes with it). Columns:

- outcomes: tests whose outcome differs from the untraced run, of all tests
- arcs, report: whether coverage.py's raw arcs, and the lines and branches it reports, equal the untraced run's
- first entries: crossings counted / crossings that sys.setprofile saw in a run of its own; then how many callables differ.
  Where two runs differ by chance (threads, tasks, clocks), one more run counts both ways at once: that one decides
- seconds: of the whole process, coverage.py included

A test that ends in more than one way in the untraced runs (`--untraced`, 3 by default) is named, and not held against an engine
whose outcome is one of those.
"""

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PINS = ["flask==3.1.1", "click==8.2.1", "attrs==25.3.0", "pluggy==1.6.0", "anyio==4.9.0", "sqlalchemy==2.0.41"]
TOOLS = [
    "pytest==8.4.1", "coverage==7.10.6", "msgpack==1.1.1", "hypothesis==6.138.2", "cloudpickle==3.1.1", "trio==0.30.0",
    "trustme==1.2.1", "psutil==7.0.0", "pytest-mock==3.14.1", "blockbuster==1.5.24", "truststore==0.10.1", "exceptiongroup==1.3.0",
]  # fmt: skip
# pytest would load all of anyio and one module of sqlalchemy itself, to rewrite their asserts: the trial's finder would not see them.
PLAIN = "--assert=plain"
# package -> (name to import, tests)
SUITES = {
    "flask": ("flask", ["tests"]),
    "click": ("click", ["tests", "--deselect=tests/test_utils.py::test_echo_via_pager"]),  # they race with a pager process
    "attrs": (  # without the files whose hypothesis tests take minutes
        "attr",
        ["--hypothesis-seed=0"] + [f"tests/test_{name}.py" for name in (
            "slots", "functional", "next_gen", "hooks", "validators", "converters", "setattr", "init_subclass", "annotations",
            "filters", "abc", "cmp", "compat", "version_info", "utils",
        )],
    ),
    "pluggy": ("pluggy", ["testing", "--ignore=testing/benchmark.py"]),
    # Without what needs a network or IPv6, and without the tests of its pytest plugin, which are suites in processes of their own.
    "anyio": ("anyio", ["tests", PLAIN, "--ignore=tests/test_pytest_plugin.py", "-m", "not network", "-k", "not ipv6 and not dualstack and not multi"]),
    "sqlalchemy": (
        "sqlalchemy",
        [PLAIN, "test/base", "test/sql/test_select.py", "test/engine/test_transaction.py", "test/ext/test_hybrid.py"]
        + [f"test/orm/test_{name}.py" for name in ("session", "lazy_relations", "pickled", "attributes")],
    ),
}  # fmt: skip
# Its tests leave connections of sqlite3 to the garbage collector, which 3.13 tells of.
TOLERATED = {"sqlalchemy": ["-W", "ignore:unclosed database:ResourceWarning"]}
LONGEST = 1800  # seconds one suite may take
ENGINES = ["body", "trampoline", "monitoring", "injection"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", required=True)
    parser.add_argument("--packages", default=",".join(SUITES))
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--untraced", type=int, default=3, help="how many untraced runs show what varies by chance")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "tracer-trials")
    parser.add_argument("--no-micro", action="store_true")
    parser.add_argument("-o", dest="out", type=Path)
    options = parser.parse_args()
    trial = Trial(options)
    text = trial.run(options.packages.split(","))
    print(text)
    if options.out is not None:
        with options.out.open("a") as file:
            file.write(text + "\n")


class Trial:
    def __init__(self, options):
        self.version = subprocess.check_output(
            [options.python, "-c", "import platform; print(platform.python_version())"], text=True
        ).strip()
        self.work = options.work
        self.python = self._environment(options.python)
        minor = int(self.version.split(".")[1])
        self.engines = [e for e in options.engines.split(",") if e != "monitoring" or minor >= 12]
        self.micro = not options.no_micro
        self.untraced = options.untraced

    def _environment(self, base):
        folder = self.work / ".".join(self.version.split(".")[:2])
        python = folder / "bin" / "python"
        if not python.exists():
            subprocess.check_call([base, "-m", "venv", folder])
            subprocess.check_call([python, "-m", "pip", "install", "-q", *PINS, *TOOLS])
        return python

    def _tests_of(self, package):
        pin = next(p for p in PINS if p.startswith(package))
        suites = self.work / "suites"
        folder = suites / pin.replace("==", "-")
        if not folder.exists():
            sdists = self.work / "sdists"
            if not list(sdists.glob(f"{folder.name}.tar.gz")):
                command = [
                    self.python,
                    "-m",
                    "pip",
                    "download",
                    "-q",
                    "--no-deps",
                    "--no-binary",
                    ":all:",
                    "-d",
                    sdists,
                    pin,
                ]
                subprocess.check_call(command)
            suites.mkdir(exist_ok=True)
            with tarfile.open(next(sdists.glob(f"{folder.name}.tar.gz"))) as archive:
                archive.extractall(suites)
        return folder

    def run(self, packages):
        lines = [f"## CPython {self.version}, {os.cpu_count()} cores, Linux", ""]
        if self.micro:
            lines += self._micro_table()
        lines += [
            "| package | engine | outcomes | arcs | report | first entries | seconds |",
            "|---|---|---|---|---|---|---|",
        ]
        notes = []
        for package in packages:
            rows, remarks = self._package(package)
            lines += rows
            notes += remarks
            print("\n".join(rows + remarks), file=sys.stderr, flush=True)
        return "\n".join([*lines, "", *notes, ""])

    def _micro_table(self):
        lines = [
            "| engine | ns per crossing | ns per inside call | ns per inside item | bare call | recursion depth (bare) |",
            "|---|---|---|---|---|---|",
        ]
        for engine in self.engines:
            rounds = [self._child(engine, "micro")[0] for _ in range(3)]
            got = {key: min(r[key] for r in rounds) for key in rounds[0]}
            lines.append(
                f"| {engine} | +{got['crossing']} | +{got['inside call']} | {got['inside item']:+} "
                f"| {got['bare call']} | {got['depth']} ({got['bare depth']}) |"
            )
        return [*lines, ""]

    def _package(self, package):
        self._tests_of(package)
        strict = ["-W", "error"]
        base = self._suite(package, "none", strict)
        if "outcomes" not in base:
            return [f"| {package} | untraced | did not finish: {base['failure']} | | | | |"], []
        if base["exit"]:
            relaxed = self._suite(package, "none", [])
            if sum("failed" in o for o in relaxed["outcomes"].values()) < sum(
                "failed" in o for o in base["outcomes"].values()
            ):
                base, strict = relaxed, []
        flags = "-W error" if strict else "its own filters"
        rows, notes = [], []
        varying = {test: {outcome} for test, outcome in base["outcomes"].items()}
        for _ in range(self.untraced - 1):
            again = self._suite(package, "none", strict)
            rows = [self._row((package, f"untraced again ({flags})"), base, again, {}, notes)]
            for test, outcome in again.get("outcomes", {}).items():
                varying.setdefault(test, set()).add(outcome)
        witness = self._suite(package, "witness", strict)
        for engine in self.engines:
            result = self._suite(package, engine, strict)
            if _miscounted(result, witness):
                both = self._suite(package, f"{engine}+witness", strict, coverage=False)
                result["both"] = both if "counts" in both else None
            rows.append(self._row((package, engine), base, result, varying, notes, witness))
        if witness.get("generated"):
            notes.append(
                f"- {package}: {witness['generated']} further crossings into generated code (no source file), out of reach"
            )
        return rows, notes

    def _row(self, subject, base, result, varying, notes, witness=None):
        package, engine = subject
        about = f"- {package}, {engine}: "
        if "outcomes" not in result:
            notes.append(about + result["failure"])
            return f"| {package} | {engine} | did not finish | | | | {result['seconds']:.1f} |"
        tests, got = base["outcomes"], result["outcomes"]
        changed = [t for t in tests.keys() | got.keys() if tests.get(t) != got.get(t)]
        by_chance = [t for t in changed if got.get(t) in varying.get(t, ())]
        for test in sorted(changed)[:12]:
            chance = " (as in another untraced run)" if test in by_chance else ""
            notes.append(f"{about}`{test}` {tests.get(test)} -> {got.get(test)}{chance}")
        arcs = _differences(base["arcs"], result["arcs"])
        report = _differences(base["report"], result["report"])
        if report:
            notes.append(f"{about}report differs in {', '.join(sorted(report)[:4])}")
        if result.get("unrestored"):
            notes.append(f"{about}{len(result['unrestored'])} not restored, e.g. {result['unrestored'][0]}")
        outcomes = f"{len(changed) - len(by_chance)} of {len(tests)}" + (
            f" ({len(by_chance)} by chance)" if by_chance else ""
        )
        return (
            f"| {package} | {engine} | {outcomes} | {'equal' if not arcs else f'{len(arcs)} files'} "
            f"| {'equal' if not report else f'{len(report)} files'} | {_entries(result, witness, about, notes)} | {result['seconds']:.1f} |"
        )

    def _suite(self, package, engine, strict, coverage=True):
        module, tests = SUITES[package]
        strict = strict and [*strict, *TOLERATED.get(package, [])]
        arguments = ["--", *tests, "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *strict]
        result, data = self._child(engine, module, arguments, self._tests_of(package), coverage)
        if data is not None and "outcomes" in result:
            result["arcs"], result["report"] = self._coverage(data)
            data.unlink(missing_ok=True)
        return result

    def _child(self, engine, module, arguments=(), cwd=None, coverage=False):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out.json"
            prefix, data = [self.python], None
            if coverage:
                handle, name = tempfile.mkstemp(suffix=".coverage")
                os.close(handle)
                data = Path(name)
                settings = Path(folder) / "coveragerc"
                settings.write_text("[run]\nbranch = true\n")
                prefix += ["-m", "coverage", "run", f"--rcfile={settings}", f"--data-file={data}", f"--source={module}"]
            env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COVERAGE", "PYTHONPATH"))}
            # Without a user's site, sqlalchemy's tests take the installed package, as the others do, and not the sources beside them.
            env |= {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1"}
            start = time.perf_counter()
            command = [*prefix, HERE / "child.py", engine, module, out, *arguments]
            try:
                done = subprocess.run(
                    command, cwd=cwd, env=env, capture_output=True, text=True, timeout=LONGEST, check=False, stdin=subprocess.DEVNULL
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                return {"failure": f"no end after {LONGEST} s", "seconds": LONGEST, "exit": 1}, None
            seconds = time.perf_counter() - start
            if not out.exists():
                tail = (done.stdout + done.stderr).strip().splitlines()[-3:]
                return {
                    "failure": " / ".join(tail) or f"exit {done.returncode}",
                    "seconds": seconds,
                    "exit": done.returncode,
                }, None
            return {**json.loads(out.read_text()), "seconds": seconds}, data

    def _coverage(self, data):
        script = (
            "import json, sys, coverage\n"
            "c = coverage.Coverage(data_file=sys.argv[1], config_file=False); c.load(); d = c.get_data()\n"
            "arcs = {f: sorted(d.arcs(f)) for f in d.measured_files()}\n"
            "report = {}\n"
            "for f in arcs:\n"
            "    a = c._analyze(f)\n"
            "    report[f] = [sorted(a.statements), sorted(a.missing), {k: sorted(v) for k, v in a.missing_branch_arcs().items()}]\n"
            "short = lambda f: f.rpartition('site-packages/')[2]\n"
            "json.dump([{short(f): v for f, v in x.items()} for x in (arcs, report)], sys.stdout)\n"
        )
        return json.loads(subprocess.check_output([self.python, "-c", script, data]))


def _miscounted(result, witness):
    """Return what differs, as {callable: (counted, seen)}; empty where a run gave no counts."""
    got, seen = result.get("counts"), witness.get("counts")
    if got is None or seen is None:
        return {}
    return {k: (got.get(k, 0), seen.get(k, 0)) for k in seen.keys() | got.keys() if seen.get(k, 0) != got.get(k, 0)}


def _entries(result, witness, about, notes):
    if witness is None or "counts" not in witness:
        return ""
    seen, got, off = witness["counts"], result["counts"], _miscounted(result, witness)
    text = f"{sum(got.values()):,} / {sum(seen.values()):,}; {len(off)} of {len(seen)} differ"
    both = result.get("both")
    if both is not None:
        off = _miscounted(both, {"counts": both["seen"]})
        text += f"; at once: {sum(both['counts'].values()):,} / {sum(both['seen'].values()):,}; {len(off)} differ"
    worst = sorted(off.items(), key=lambda item: -abs(item[1][0] - item[1][1]))[:6]
    if worst:
        shown = ", ".join(f"`{k}` {a}/{b}" for k, (a, b) in worst)
        notes.append(f"{about}first entries counted/seen: {shown}")
    return text


def _differences(one, other):
    return [name for name in one.keys() | other.keys() if one.get(name) != other.get(name)]


if __name__ == "__main__":
    main()
