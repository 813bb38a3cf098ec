"""Functions that are pickled by value, as cloudpickle does, run where there is no tracer, and are recorded where there is."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers import Project

FILES = {
    "pyproject.toml": "",
    "lib.py": """
        import math, os, time
        def plain(x, *more, y=2): return x * y
        def items(n):
            for i in range(n): yield plain(i)
        def walk(n):
            def inside(): yield from items(n)
            return [*inside()]
        def joining(mark):
            def join(texts): return mark.join(texts)
            return join
        twice, thrice = lambda x: x * 2, lambda x: x * 3
        def fails(): raise KeyError("gone")
        async def later(x): return x
        def outside(x): return math.floor(x * 2.5), math.hypot(*[3, 4]), "A" in os.environ, os.environ.get("B", 1), time.time() > 5
        def used(): return plain(1), list(items(2)), outside(1)
        """,
    "sending.py": """
        import io, pickle, types
        class ByValue(pickle.Pickler):
            def reducer_override(self, value):
                kind = type(value)
                if kind is types.FunctionType and not value.__code__.co_filename.endswith("sending.py"):
                    parts = value.__code__, {}, value.__name__, value.__defaults__, value.__closure__
                    return types.FunctionType, parts, (None, {"__kwdefaults__": value.__kwdefaults__})
                if kind is types.CodeType:
                    kept = {name: getattr(value, name) for name in dir(value) if name.startswith("co_") and name not in LEFT}
                    return replaced, (kept,)
                if kind is types.CellType:
                    return types.CellType, (value.cell_contents,)
                if kind is type and value in NAMED:
                    return getattr, (types, NAMED[value])
                if kind is types.ModuleType:
                    return __import__, (value.__name__,)
                return NotImplemented
        LEFT = {"co_lnotab", "co_lines", "co_positions"}
        NAMED = {value: name for name, value in vars(types).items() if type(value) is type}
        def replaced(kept):
            return (lambda: 0).__code__.replace(**kept)
        def sent(*functions):
            stored = io.BytesIO()
            ByValue(stored).dump(functions)
            return stored.getvalue()
        def read(stored, **space):
            made = pickle.loads(stored)
            for function in made:
                function.__globals__.update(space)
            return made
        """,
    "app.py": """
        import lib
        from sending import read, sent
        def copied(function):
            return read(sent(function), **function.__globals__)[0]
        print(lib.used())
        print(copied(lib.plain)(3), list(copied(lib.items)(3)), copied(lib.outside)(2))
        try: copied(lib.fails)()
        except KeyError as error: print(repr(error), error.__traceback__.tb_next.tb_lineno)
        """,
    "writing.py": """
        import lib, pathlib, subprocess, sys
        from sending import sent
        functions = lib.plain, lib.items, lib.walk, lib.joining("-"), lib.thrice, lib.fails, lib.later
        pathlib.Path("sent").write_bytes(sent(*functions))
        subprocess.run([sys.executable, *sys.argv[1:], "reading.py"], check=True)
        """,
    "reading.py": """
        import pathlib, sys
        from sending import read, sent
        space = {"__name__": "lib", "__file__": str(pathlib.Path("lib.py").resolve())}
        stored = pathlib.Path("sent").read_bytes()
        plain, items, walk, join, thrice, fails, later = made = read(stored, **space)
        for function in made:
            function.__globals__.update(plain=plain, items=items)
        print("tracer" in sys.modules, plain(4), list(items(3)), walk(3), join(["a", "b"]), thrice(2))
        try: later(5).send(None)
        except StopIteration as stop: print(stop.value)
        try: fails()
        except KeyError as error: print(repr(error))
        print(read(sent(plain), **space)[0](5))
        """,
    "sharing.py": """
        import subprocess, sys
        from sending import sent
        def local(x):
            from lib import plain
            return plain(x)
        worker = subprocess.Popen([sys.executable, "site-packages/worker.py", __file__], stdin=subprocess.PIPE)
        worker.communicate(sent(local))
        """,
    "site-packages/worker.py": """
        import pathlib, sys
        sys.path.insert(0, str(pathlib.Path.cwd()))
        import lib, sending
        (local,) = sending.read(sys.stdin.buffer.read(), __name__="__main__", __file__=sys.argv[1])
        print(lib.plain(1), local(2), lib.plain(3), local(4))
        """,
}
CALLS = {
    "lib:joining": 1,
    "lib:plain": 2,
    "lib:items": 1,
    "lib:walk": 1,
    "lib:joining.<locals>.join": 1,
    "lib:<lambda>#2": 1,
    "lib:fails": 1,
    "lib:later": 1,
}


def _calls(file: Path) -> Counter[str]:
    with open_cassette(file) as cassette:
        calls = [call.callable for lane in cassette.lanes for call in cassette.calls(lane.name)]
    return Counter(name for name in calls if name.startswith("lib:"))


@pytest.mark.parametrize(
    "options",
    [(), pytest.param(("-b", "lib", "-b", "math", "--ambient"), id="call sites")],
)
def test_they_run_where_they_are_read(project: Project, options: tuple[str, ...]) -> None:
    project = project.with_files(FILES)
    bare = project.run("python", "app.py")
    done = project.tracer("record", "-o", "run.cassette", *options, "--", sys.executable, "app.py")

    assert (bare.exit, bare.stderr) == (0, "")
    assert (done.exit, done.stdout) == (0, bare.stdout), done.stderr
    assert _calls(project.folder / "run.cassette") == {
        f"lib:{name}": 1 for name in ("used", "plain", "items", "outside", "fails")
    }


def test_their_calls_in_another_process_are_recorded_under_the_names_of_the_originals(project: Project) -> None:
    """Also of generators, coroutines, closures, one of several lambdas, and of a copy of a copy; what calls inside the component is not."""
    project = project.with_files(FILES)
    bare = project.run("python", "writing.py")
    done = project.tracer("record", "-o", "run.cassette", "--", sys.executable, "writing.py")

    assert (bare.exit, bare.stderr) == (0, "")
    assert done.exit == 0, done.stderr
    assert done.stdout == bare.stdout.replace("False", "True")
    assert _calls(project.folder / "run.cassette") == CALLS


def test_where_they_are_read_there_need_not_be_a_tracer(project: Project) -> None:
    """Not even a folder of installed packages to find it in."""
    project = project.with_files(FILES)
    bare = project.run("python", "writing.py", "-S", "-E")
    done = project.tracer("record", "-o", "run.cassette", "--", sys.executable, "writing.py", "-S", "-E")

    assert (bare.exit, bare.stderr) == (0, "")
    assert (done.exit, done.stdout) == (0, bare.stdout), done.stderr
    assert _calls(project.folder / "run.cassette") == {"lib:joining": 1}


def test_a_script_that_comes_by_value_is_not_taken_for_the_one_that_runs(project: Project) -> None:
    """As in workers of joblib and dask: the program that runs there is nobody's, and both go by the name `__main__`."""
    project = project.with_files(FILES)
    done = project.tracer(
        "record", "-o", "run.cassette", "-b", "lib", "-b", "sharing", "--", sys.executable, "sharing.py"
    )

    assert (done.exit, done.stdout) == (0, "2 4 6 8\n"), done.stderr
    with open_cassette(project.folder / "run.cassette") as cassette:
        edges = [(call.caller, call.callable) for lane in cassette.lanes for call in cassette.calls(lane.name)]
    assert Counter(edges) == {
        ("<outside>", "lib:plain"): 2,
        ("<outside>", "sharing:local"): 2,
        ("sharing", "lib:plain"): 2,
    }


def test_the_doctor_sees_them_under_the_same_names(project: Project) -> None:
    project = project.with_files(FILES)
    done = project.tracer("doctor", "--", sys.executable, "-m", "writing")

    assert "no problem found" in done.stdout, done.stdout
