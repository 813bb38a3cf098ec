"""Measures calls under one tool, in that tool's environment: `python inside.py TOOL ROUNDS OUT`; prints nanoseconds per call as JSON.

`bare` is measured in the same process before the tool starts, where the tool can be started late.
"""

# ruff: noqa: ARG001, PLC0415  (every tool is started alike, and each is in an environment of its own)
from __future__ import annotations

import json
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

CALLS = Path(__file__).resolve().parents[1] / "calls"
KINDS = ("small", "varied", "text", "flat", "medium", "nested", "plain", "method", "stream", "awaited", "fails")


@contextmanager
def untraced(out):
    yield


@contextmanager
def coverage(out):
    from coverage import Coverage

    measured = Coverage(branch=True, include=[str(CALLS / "library.py")], data_file=str(out / ".coverage"))
    measured.start()
    yield
    measured.stop()


@contextmanager
def tracer(out):
    from recorder import make_recorder

    recorder = make_recorder(out)
    recorder.start()
    yield
    recorder.stop()


@contextmanager
def monkeytype(out):
    import os

    import monkeytype
    from monkeytype.config import DefaultConfig

    os.environ["MONKEYTYPE_TRACE_MODULES"] = "library"
    os.environ["MT_DB_PATH"] = str(out / "traces.sqlite3")
    with monkeytype.trace(DefaultConfig()):
        yield


@contextmanager
def appmap(out):
    from appmap import Recording

    with Recording():
        yield


@contextmanager
def viztracer(out):
    from viztracer import VizTracer

    # Told to include the called file alone it leaves out all, since what calls it is left out.
    made = VizTracer(
        log_func_args=True,
        log_func_retval=True,
        ignore_c_function=True,
        output_file=str(out / "trace.json"),
        verbose=0,
    )
    made.start()
    yield
    made.stop()


@contextmanager
def hunter(out):
    from hunter import CallPrinter, trace

    with (out / "trace.txt").open("w") as stream:
        made = trace(module="library", kind_in=("call", "return"), action=CallPrinter(stream=stream))
        yield
        made.stop()


def main(tool: str, rounds: int) -> None:
    sys.path.insert(0, str(CALLS))
    if tool == "appmap":
        import appmap as _  # noqa: F401  (its hooks of imports have to be there before the library is)
    import caller
    from timing import least

    runs = {kind: getattr(caller, f"run_{kind}") for kind in KINDS} | {"nothing": caller.run_nothing}
    bare = least(runs, rounds)
    with tempfile.TemporaryDirectory() as scratch, globals()[tool](Path(scratch)):
        traced = least(runs, rounds)
    shown = {
        name: {kind: figures[kind] - figures["nothing"] for kind in KINDS}
        for name, figures in (("bare", bare), ("traced", traced))
    }
    print(json.dumps(shown))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
