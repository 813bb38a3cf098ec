"""Functions that are pickled by value, as cloudpickle does, take nothing of tracer to whoever reads them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.helpers import Project

FILES = {
    "pyproject.toml": "",
    "lib.py": """
        import math, os, time
        def plain(x, *more, y=2): return x * y
        def items(n):
            for i in range(n): yield plain(i)
        def fails(): raise KeyError("gone")
        def outside(x): return math.floor(x * 2.5), math.hypot(*[3, 4]), "A" in os.environ, os.environ.get("B", 1), time.time() > 5
        def used(): return plain(1), list(items(2)), outside(1)
        """,
    "sending.py": """
        import io, pickle, types
        class ByValue(pickle.Pickler):
            def reducer_override(self, value):
                kind = type(value)
                if kind is types.FunctionType and value.__module__ == "lib":
                    parts = value.__code__, {}, value.__name__, value.__defaults__
                    return types.FunctionType, parts, (None, {"__kwdefaults__": value.__kwdefaults__})
                if kind is types.CodeType:
                    kept = {name: getattr(value, name) for name in dir(value) if name.startswith("co_") and name not in LEFT}
                    return replaced, (kept,)
                if kind is type and value in NAMED:
                    return getattr, (types, NAMED[value])
                if kind is types.ModuleType:
                    return __import__, (value.__name__,)
                return NotImplemented
        LEFT = {"co_lnotab", "co_lines", "co_positions"}
        NAMED = {value: name for name, value in vars(types).items() if type(value) is type}
        def replaced(kept):
            return (lambda: 0).__code__.replace(**kept)
        def sent(function):
            stored = io.BytesIO()
            ByValue(stored).dump(function)
            assert b"tracer" not in stored.getvalue()
            made = pickle.loads(stored.getvalue())
            made.__globals__.update(function.__globals__)
            return made
        """,
    "app.py": """
        import lib
        from sending import sent
        print(lib.used())
        print(sent(lib.plain)(3), list(sent(lib.items)(3)), sent(lib.outside)(2))
        try: sent(lib.fails)()
        except KeyError as error: print(repr(error), error.__traceback__.tb_next.tb_lineno)
        """,
}


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
