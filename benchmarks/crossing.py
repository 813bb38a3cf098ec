"""What one recorded crossing costs, side by side in one run: bare, packed, wrapped by wrapt, recorded.

usage: python benchmarks/crossing.py [--json OUT] [--publish] [--rounds N]

Each row is a kind of call (benchmarks/calls). `pack` is `msgpack.Packer.pack` of its arguments and result alone, of objects their fields;
`wrapt` is a `wrapt.FunctionWrapper` that does nothing; `inside` is the same call made from within its own component. The promise for
values that msgpack packs natively, kept by hooks in C (`TRACER_PURE=1` measures those in Python): recorded <= bare + 2.5 x pack + 600 ns,
inside <= bare + 150 ns, also per resumption. Other kinds have a bound of their own, which `BOUNDS` states and gives the reason for.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import msgpack
import wrapt
from startup import import_cost, instrument_cost
from tables import machine, publish, table

CALLS = Path(__file__).parent / "calls"


IN_FULL = ("nested", "plain", "graph", "state")


class Bound(NamedTuple):
    """Nanoseconds over the bare call: so many times what packing takes, and so many more."""

    packs: float
    more: float


PROMISED = Bound(2.5, 600)
INSIDE = Bound(0, 150)
BOUNDS = {
    **dict.fromkeys(("small", "varied", "text", "flat", "medium", "awaited"), PROMISED),
    **dict.fromkeys(("inside", "inside resumption"), INSIDE),
    **dict.fromkeys(
        ("nested", "plain", "method", "through", "graph"), PROMISED
    ),  # looked at within a budget: as what packs natively
    "blob": Bound(2.5, 600 + 2_400),  # 800 bytes, each looked at for secrets: 1 to 3 ns, as the machine is
    "state": Bound(
        0, 2_000
    ),  # a receiver is named, whatever it holds, but for the first crossings and each power of two
    # Every call walked, as `detail = "full"` asks for: arguments before the call and after it, and compared.
    **{f"{kind} in full": Bound(5, 5_000) for kind in ("nested", "plain", "graph")},
    "state in full": Bound(0, 500_000),  # up to 4,096 values, twice
    "stream": PROMISED,  # per item
    "astream": PROMISED,
    "fails": Bound(
        0, 6_000
    ),  # exceptions are told in Python: type, arguments, notes, cause, context, where it came from
    "array": Bound(0, 30_000),  # told by numpy's own calls: its bytes are to be the same on every machine
    "large": Bound(
        0, 600_000
    ),  # 114,000 characters, 2 to 5 ns for each as the machine is: a digest of all and the search for secrets
}


def packed_values(caller: Any) -> dict[str, tuple[Any, ...]]:
    """Return for each kind what of it msgpack packs: arguments and result."""
    nodes = [{"number": number, "name": f"node {number}"} for number in range(64)]
    return {
        "small": (1, 2, 1),
        "varied": (1, "b", "b"),
        "text": ("a name", caller.LINE, "a name"),
        "flat": (caller.ROW, caller.ROW),
        "medium": (caller.ROWS, caller.LINE, caller.LINE),
        "blob": (caller.BLOB, len(caller.BLOB)),
        "large": (caller.BODY, len(caller.BODY)),
        "nested": (caller.DATA, 1),
        "plain": ({"x": 1, "y": 2}, 1),
        "method": ({"items": {"tea": 2, "cup": 1}, "owner": "Ana"}, 2, 7.0),
        "through": ({}, "tea", 1),
        "graph": (nodes, 1),
        "state": (caller.STORE.rows, 2, 2),
        "stream": (1,),
        "astream": (1,),
        "awaited": (1, 1),
    }


def packing(values: tuple[Any, ...]) -> Any:
    """Return what packs arguments and result, as often as it is told."""
    pack = msgpack.Packer().pack
    arguments, result = list(values[:-1]), values[-1]

    def run(number: int) -> None:
        for _ in range(number):
            pack(arguments)
            pack(result)

    return run


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Measure every kind in this process: bare first, then wrapped, then recorded."""
    sys.path.insert(0, str(CALLS))
    import caller  # noqa: PLC0415  (not before the folder is on the path)
    import library  # noqa: PLC0415
    from recorder import make_recorder  # noqa: PLC0415
    from timing import least  # noqa: PLC0415

    kinds = {name[4:]: run for name, run in vars(caller).items() if name.startswith("run_") and name != "run_nothing"}
    loops = {"inside nothing": library.loop_nothing, "inside": library.loop_small}
    loops["inside resumption"] = library.loop_resumed
    bare = least(kinds | loops | {"nothing": caller.run_nothing}, rounds)
    original = library.small
    library.small = wrapt.FunctionWrapper(original, lambda wrapped, instance, args, kwargs: wrapped(*args, **kwargs))
    wrapped = least({"small": caller.run_small}, rounds)
    library.small = original
    packs = {f"pack {kind}": packing(values) for kind, values in packed_values(caller).items()}

    def recorded_in(detail: str, runs: dict[str, Any]) -> dict[str, float]:
        with tempfile.TemporaryDirectory() as scratch:
            recorder = make_recorder(Path(scratch), detail=detail)
            recorder.start()
            try:
                return least(runs, rounds)
            finally:
                recorder.stop()

    recorded = recorded_in("sampled", kinds | packs | loops)
    whole = recorded_in("full", {kind: kinds[kind] for kind in IN_FULL})
    for kind, value in whole.items():
        name = f"{kind} in full"
        recorded[name], bare[name], recorded[f"pack {name}"] = value, bare[kind], recorded[f"pack {kind}"]
    rows = {}
    for kind in BOUNDS:
        empty = "inside nothing" if kind == "inside" else "nothing"
        row = {"bare": bare[kind] - bare[empty], "recorded": recorded[kind] - bare[empty]}
        if packed := recorded.get(f"pack {kind}"):
            row["pack"] = packed
        rows[kind] = row
    rows["small"]["wrapt"] = wrapped["small"] - bare["nothing"]
    return rows


def render(rows: dict[str, dict[str, float]]) -> str:
    """Return the figures as a table: nanoseconds, the bound of each row, and how much of it is used."""
    lines = []
    for kind, row in rows.items():
        packs, more = BOUNDS[kind]
        bound = packs * row.get("pack", 0) + more
        added = row["recorded"] - row["bare"]
        told = f"{packs:g} x pack + {more:,.0f}" if packs else f"{more:,.0f}"
        cells = [f"{row[name]:,.0f}" if name in row else "" for name in ("bare", "pack", "wrapt", "recorded")]
        lines.append([kind, *cells, f"{row['recorded'] / row['bare']:,.1f}", told, f"{added / bound:.0%}"])
    head = ["call", "bare ns", "pack ns", "wrapt ns", "recorded ns", "recorded / bare", "bound over bare", "used of it"]
    return table(head, lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--publish", action="store_true", help="also put the tables into docs/cost.md")
    parser.add_argument("--rounds", type=int, default=100, help="short rounds, of which the least counts (100)")
    options = parser.parse_args()
    rows = measure(options.rounds)
    text = render(rows)
    print(machine(), text, sep="\n\n")
    instrumented = instrument_cost()
    print(f"\nimport tracer: {import_cost():.0f} ms over a bare interpreter (promise 40)")
    print(f"watching 1,000 functions while they are imported: {instrumented:.0f} ms")
    if options.publish:
        publish("crossing", text)
    if options.json:
        options.json.write_text(json.dumps({"calls": rows, "instrument_ms": instrumented}))


if __name__ == "__main__":
    main()
