"""The program must not notice: the same results, tracebacks, warnings and tools with recording as without."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY, Project
from tests.recording.recordings import calls, lanes, lines, record, text

FILES = {
    "pyproject.toml": "",
    "shop/__init__.py": "",
    "shop/odd.py": """
        import time, warnings
        def fails(): raise KeyError("gone")
        def chained():
            try: fails()
            except KeyError as error: raise ValueError("worse") from error
        def warns(): warnings.warn("old", DeprecationWarning, stacklevel=2)
        def take(value): return value
        def slow(seconds):
            end = time.perf_counter() + seconds
            while time.perf_counter() < end: take(0)
        def each(values):
            for value in values: yield value
        def who():
            import sys
            return sys._getframe(1).f_code.co_name, sorted(locals())
        class Owner:
            def close(self): return 1
        """,
    "shop/watcher.py": """
        from shop.odd import Owner
        class Handle:
            def __init__(self): self.owner = Owner(); self.cycle = self
            def __del__(self): self.owner.close()
        """,
}
PROGRAM = {
    "app.py": """
        import gc, io, os, pickle, copy, inspect, signal, sys, threading, time, traceback, warnings
        from unittest import mock
        from shop import odd
        from shop.watcher import Handle

        def show(label, value): print(label, value, flush=True)

        for function in (odd.fails, odd.chained):
            try: function()
            except Exception: show("traceback", traceback.format_exc())
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            odd.warns()
            show("warning", (os.path.basename(caught[0].filename), caught[0].lineno))

        events = []
        def follow(frame, event, arg):
            if frame.f_code.co_filename == odd.__file__: events.append((event, frame.f_code.co_name, frame.f_lineno))
            return follow
        sys.settrace(follow)
        odd.take(1); list(odd.each([1, 2]))
        sys.settrace(None)
        show("settrace", events)

        def caller(): return odd.who()
        show("frames", caller())
        show("signature", (inspect.signature(odd.take), odd.take.__name__, odd.take.__code__.co_varnames, inspect.getsource(odd.take)))
        show("pickle", pickle.loads(pickle.dumps(odd.take)) is odd.take)
        show("copy", copy.deepcopy(odd.take) is odd.take)

        def refuse(*args, **kwargs): raise AssertionError("the host replaced it")
        with mock.patch("os.open", refuse), mock.patch("builtins.open", refuse), mock.patch("time.monotonic", refuse), \\
             mock.patch("os.write", refuse), mock.patch("os.getpid", refuse), mock.patch("time.time", refuse):
            show("mocked", [odd.take([n]) for n in range(3)])
            thread = threading.Thread(target=odd.take, args=("in a thread",)); thread.start(); thread.join()

        class Late(Exception): pass
        def late(number, frame): raise Late
        signal.signal(signal.SIGALRM, late)
        seen = 0
        def spin():
            while True: odd.take([1, {"a": 2}])
        for _ in range(40):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.002)
                spin()
            except Late: seen += 1
        show("alarms", seen)

        gc.set_threshold(5)
        for _ in range(2_000):
            Handle(); odd.take([[], {}, [1, [2]]])
        gc.collect()
        gc.set_threshold(700)

        def deep(n): return odd.take(n) if n == 0 else deep(n - 1)
        limit = 0
        try:
            while True: deep(limit); limit += 1
        except RecursionError: pass
        show("depth", limit)
        def rebound():
            try: return odd.take(rebound())
            except RecursionError: return "end"
        show("rebound", rebound())
        show("left", sorted(thread.name for thread in threading.enumerate()))
        show("exit", sys.exc_info())
        raise SystemExit("bye")
        """,
}


@pytest.fixture
def odd(project: Project) -> Project:
    return project.with_files({**FILES, **PROGRAM})


def without_depth(output: str) -> str:
    return re.sub(r"depth \d+", "depth N", output)


def depth(output: str) -> int:
    found = re.search(r"depth (\d+)", output)
    assert found is not None
    return int(found[1])


def test_a_program_that_looks_closely_sees_no_difference(odd: Project) -> None:
    bare = odd.run("python", "app.py")
    done = odd.tracer("record", "-o", "run.cassette", "--", sys.executable, "app.py")

    assert done.exit == bare.exit == 1
    assert without_depth(done.stdout) == without_depth(bare.stdout)
    assert depth(bare.stdout) - depth(done.stdout) <= 15
    assert done.stderr.startswith("bye\n")
    assert "alarms 40" in done.stdout
    found = text(odd)
    assert "tracer failed" not in found
    assert len(calls(odd, "shop.odd:Owner.close")) + counted(found, "shop.odd:Owner.close") == 2_000


def counted(found: str, name: str) -> int:
    """How many calls of a callable were seen and not kept."""
    return sum(
        int(number.replace(",", "")) for number in re.findall(rf"lost ([\d,]+) of {re.escape(name)}: called", found)
    )


def test_coverage_is_the_same(odd: Project) -> None:
    run = ("-m", "coverage", "run", "--branch", "--include=shop/*")
    lines = "import json, sys\nfrom coverage import CoverageData\ndata = CoverageData(sys.argv[1]); data.read()\n"
    lines += "print(json.dumps({f: sorted(data.arcs(f)) for f in sorted(data.measured_files())}))"
    odd = odd.with_files(
        {"few.py": "from shop import odd\nodd.take(1)\nlist(odd.each([1]))\nodd.who()\n", "arcs.py": lines}
    )

    odd.run("python", *run, "--data-file=bare.data", "few.py")
    done = record(odd, "python", *run, "--data-file=traced.data", "few.py")

    assert done.exit == 0
    bare, traced = (odd.run("python", "arcs.py", f"{name}.data") for name in ("bare", "traced"))
    assert bare.stdout == traced.stdout != ""
    assert sum(lanes(odd.folder / "run.cassette").values()) == 3


VALUE = "{'a': [1, 2.5, None, 'x', b'y', 1000000000000000000000000000000]}"
FEW = {"few.py": f"from shop import odd\nodd.take({VALUE})\n"}
BY_PATH = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from tracer.cli import main; main()"
"""Starts tracer without a word about it in the environment, so that what it starts cannot find it there."""


def others() -> list[str]:
    """Bare Pythons of other releases that tracer supports, where this machine has them."""
    found = {str(path.resolve()) for path in Path(sys.base_prefix).parent.glob("3.1[0-3]*/bin/python")}
    return sorted(found - {str(Path(sys.executable).resolve())})


def test_a_python_without_tracer_records_too(odd: Project, tmp_path: Path) -> None:
    """A virtual environment in which neither tracer nor anything it needs is installed, and Pythons of other releases."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    odd = odd.with_files(FEW)
    pythons = [str(tmp_path / "venv" / "bin" / "python"), *others()[:2]]
    environment = {"PYTHONPATH": ""}

    assert odd.run(pythons[0], "-c", "import tracer", env=environment).exit == 1
    for number, python in enumerate(pythons):
        words = ("record", "-o", f"{number}.cassette", "--", python, "few.py")
        done = odd.run("python", "-c", BY_PATH, *words, env=environment)
        assert done.exit == 0, (python, done.stderr)
        assert calls(odd, name=str(number)) == [f"shop.odd:take(value={VALUE}) -> {VALUE}"]


COUNTING = {
    "pyproject.toml": "",
    "lib.py": """
        def gen(n):
            for i in range(n):
                yield i
        def double(x):
            return 2 * x
        """,
}


def test_a_generator_that_outlives_the_recording_ends_in_silence(project: Project) -> None:
    """As the interpreter ends it clears the modules that the hooks use."""
    app = "import tracer, lib\nwith tracer.record('run.cassette'):\n    left = lib.gen(3)\n    print(next(left))\n"
    done = project.with_files({**COUNTING, "app.py": app}).run("python", "app.py")

    assert (done.exit, done.stdout, done.stderr) == (0, "0\n", "")


def test_a_generator_resumed_by_a_thread_out_of_scope_is_thrown_nothing(project: Project) -> None:
    app = """
        import queue, threading, tracer, lib
        asked, told = queue.Queue(), queue.Queue()
        def work():
            while (ask := asked.get()) is not None:
                told.put(ask())
        thread = threading.Thread(target=work)
        thread.start()
        with tracer.record("run.cassette"):
            items = lib.gen(4)
            print(next(items))
            asked.put(lambda: next(items))
            print(told.get(), next(items))
        asked.put(None)
        """
    counting = project.with_files({**COUNTING, "app.py": app})

    assert counting.run("python", "app.py").exit == 0
    assert [line for line in lines(counting, "lib:gen") if line.startswith(("yields", "is thrown"))] == [
        *("yields 0", "yields 1", "yields 2"),
    ]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_the_engine_for_later_releases_records_too(project: Project) -> None:
    """It is chosen where no bytecode is known; here it is told that none is."""
    app = """
        import tracer, tracer.instrument.engines as engines
        engines.INJECTION_KNOWS = ((3, 10), (3, 10))
        import lib
        with tracer.record("run.cassette"):
            print(lib.double(4), list(lib.gen(2)))
        """
    counting = project.with_files({**COUNTING, "app.py": app})

    done = counting.run("python", "app.py")

    assert (done.exit, done.stdout) == (0, "8 [0, 1]\n"), done.stderr
    assert calls(counting, "lib:*") == ["lib:double(x=4) -> 8", "lib:gen(n=2) -> None", "yields 0", "yields 1"]
