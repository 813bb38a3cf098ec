"""What one recorded crossing costs, side by side in one run: bare, packed, wrapped by wrapt, recorded.

usage: python benchmarks/crossing.py [--json OUT]

Each row is a kind of call. `pack` is `msgpack.Packer.pack` of its arguments and result alone; `wrapt` is a
`wrapt.FunctionWrapper` that does nothing; `inside` is the same call made from within its own component. The promise for values
that msgpack packs natively, kept by hooks in C (`TRACER_PURE=1` measures those in Python): recorded <= bare + 2.5 x pack + 600 ns,
inside <= bare + 150 ns.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import py_compile
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgpack
import wrapt

PROMISE_FACTOR, PROMISE_CROSSING, PROMISE_INSIDE = 2.5, 600, 150
ROUNDS, STEPS = 100, 400

LIBRARY = '''
"""The component that is called."""
import dataclasses

@dataclasses.dataclass
class Point:
    x: int
    y: int

class Cart:
    def __init__(self):
        self.items = {"tea": 2, "cup": 1}
        self.owner = "Ana"
    def total(self, rate):
        return 3.5 * rate

def small(a, b):
    return a

def text(name, value):
    return name

def flat(row):
    return row

def nested(data):
    return len(data)

def plain(point):
    return point.x

def stream(n):
    for number in range(n):
        yield number

async def awaited(a):
    return a

def fails(a):
    raise ValueError(a)

def loop_small(number):
    for _ in range(number):
        small(1, 2)

def loop_nothing(number):
    for _ in range(number):
        pass
'''

CALLER = '''
"""The component that calls."""
import library

ROW = {"id": 7, "name": "tea", "price": 12.5, "stock": 40, "tags": None}
DATA = {"rows": [{"id": number, "values": [1, 2, 3]} for number in range(20)]}
POINT = library.Point(1, 2)
CART = library.Cart()

def run_small(n):
    f = library.small
    for _ in range(n): f(1, 2)

def run_text(n):
    f = library.text
    for _ in range(n): f("a name", value="a longer value of some thirty characters")

def run_flat(n):
    f = library.flat
    for _ in range(n): f(ROW)

def run_nested(n):
    f = library.nested
    for _ in range(n): f(DATA)

def run_plain(n):
    f = library.plain
    for _ in range(n): f(POINT)

def run_method(n):
    f = CART.total
    for _ in range(n): f(2)

def run_stream(n):
    for _ in range(n // 10):
        for _ in library.stream(10): pass

def run_awaited(n):
    f = library.awaited
    for _ in range(n):
        try:
            f(1).send(None)
        except StopIteration:
            pass

def run_fails(n):
    f = library.fails
    for _ in range(n):
        try:
            f(1)
        except ValueError:
            pass

def run_nothing(n):
    for _ in range(n): pass
'''

KINDS: dict[str, tuple[Any, ...]] = {
    "small": (1, 2, 1),
    "text": ("a name", "a longer value of some thirty characters", "a name"),
    "flat": ({"id": 7, "name": "tea", "price": 12.5, "stock": 40, "tags": None},) * 2,
    "nested": ({"rows": [{"id": number, "values": [1, 2, 3]} for number in range(20)]}, 20),
    "plain": (),
    "method": (),
    "stream": (),
    "awaited": (1, 1),
    "fails": (),
}
NATIVE = ("small", "text", "flat", "awaited")


def least(runs: dict[str, Any], number: int = STEPS) -> dict[str, float]:
    """Return for each run the least nanoseconds per step over many short rounds, taken in turns: a machine has fast and slow moments."""
    found = dict.fromkeys(runs, float("inf"))
    for _ in range(ROUNDS):
        for name, run in runs.items():
            began = time.process_time_ns()
            run(number)
            found[name] = min(found[name], (time.process_time_ns() - began) / number)
    return found


def packing(values: tuple[Any, ...]) -> Any:
    """Return what packs arguments and result, as often as it is told."""
    pack = msgpack.Packer().pack
    arguments, result = list(values[:-1]), values[-1]

    def run(number: int) -> None:
        for _ in range(number):
            pack(arguments)
            pack(result)

    return run


def measure() -> dict[str, dict[str, float]]:
    """Measure every kind in this process: bare first, then wrapped, then recorded."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "library.py").write_text(LIBRARY)
        (folder / "caller.py").write_text(CALLER)
        sys.path.insert(0, scratch)
        import caller  # noqa: PLC0415  (written just now)
        import library  # noqa: PLC0415

        kinds = {kind: getattr(caller, f"run_{kind}") for kind in KINDS}
        loops = {"nothing": library.loop_nothing, "small": library.loop_small}
        bare = least(kinds | {"empty": caller.run_nothing})
        inside_bare = least(loops)
        original = library.small
        library.small = wrapt.FunctionWrapper(
            original, lambda wrapped, instance, args, kwargs: wrapped(*args, **kwargs)
        )
        wrapped = least({"small": caller.run_small})
        library.small = original
        packs = {f"pack {kind}": packing(values) for kind, values in KINDS.items() if values}
        recorder = make_recorder(folder)
        recorder.start()
        try:
            recorded = least(kinds | packs)
            inside = least(loops)
        finally:
            recorder.stop()
    rows = {
        kind: {
            "bare": bare[kind] - bare["empty"],
            "pack": recorded.get(f"pack {kind}", 0.0),
            "recorded": recorded[kind] - bare["empty"],
        }
        for kind in KINDS
    }
    rows["small"]["wrapt"] = wrapped["small"] - bare["empty"]
    rows["inside"] = {
        "bare": inside_bare["small"] - inside_bare["nothing"],
        "recorded": inside["small"] - inside["nothing"],
    }
    return rows


def make_recorder(folder: Path) -> Any:
    """Return a recorder of the library and the caller as components."""
    from tracer.recording.child import open_recorder  # noqa: PLC0415
    from tracer.recording.settings import Settings  # noqa: PLC0415
    from tracer.select.selection import Selection  # noqa: PLC0415

    part = folder / "part"
    part.mkdir()
    selection = Selection(root=str(folder.resolve()), names=("library", "caller"))
    return open_recorder(Settings(folder=str(part), selection=selection.to_json(), project=str(folder.resolve())))


def import_cost() -> float:
    """Return the milliseconds of `import tracer` over a bare interpreter, the least of several."""

    def seconds(code: str) -> float:
        times = []
        for _ in range(10):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - began)
        return min(times)

    return (seconds("import tracer") - seconds("pass")) * 1000


def instrument_cost() -> float:
    """Return the milliseconds of processor time that watching 1,000 functions adds to the import of their module.

    The module's bytecode is there already: compiling it costs the same either way.
    """
    body = "".join(
        f"def f{number}(a, b=1, *c, **d):\n    if a:\n        return b\n    return [x for x in c]\n"
        for number in range(1000)
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "thousand.py").write_text(body)
        py_compile.compile(str(folder / "thousand.py"))
        sys.path.insert(0, scratch)
        bare = _import_time("thousand")
        recorder = make_recorder(folder)
        recorder.start()
        try:
            return _import_time("thousand") - bare
        finally:
            recorder.stop()


def _import_time(name: str) -> float:
    began = time.process_time()
    importlib.import_module(name)
    spent = time.process_time() - began
    del sys.modules[name]
    return spent * 1000


def table(rows: dict[str, dict[str, float]]) -> str:
    """Return the figures as lines of text, with the promise beside each row it covers."""
    lines = [f"CPython {platform.python_version()}; nanoseconds per call, least of {ROUNDS} short rounds in turns", ""]
    lines.append(f"{'call':<10}{'bare':>8}{'pack':>8}{'wrapt':>8}{'recorded':>10}{'promise':>10}{'kept':>6}")
    for kind, row in rows.items():
        promise = ""
        if kind == "inside":
            promise = row["bare"] + PROMISE_INSIDE
        elif kind in NATIVE:
            promise = row["bare"] + PROMISE_FACTOR * row["pack"] + PROMISE_CROSSING
        kept = "" if promise == "" else "yes" if row["recorded"] <= promise else "no"
        cells = [row.get("bare"), row.get("pack"), row.get("wrapt")]
        shown = "".join(f"{cell:>8.0f}" if cell else f"{'':>8}" for cell in cells)
        lines.append(
            f"{kind:<10}{shown}{row['recorded']:>10.0f}{promise if promise == '' else format(promise, '.0f'):>10}{kept:>6}"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    rows = measure()
    imported, instrumented = import_cost(), instrument_cost()
    print(table(rows))
    print(f"\nimport tracer: {imported:.0f} ms over a bare interpreter (promise 40)")
    print(f"watching 1,000 functions while they are imported: {instrumented:.0f} ms")
    if options.json:
        options.json.write_text(json.dumps({"calls": rows, "import_ms": imported, "instrument_ms": instrumented}))


if __name__ == "__main__":
    main()
