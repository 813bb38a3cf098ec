"""The files that are mutated: small, and with something of everything a cassette can hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tracer import model, wire
from tracer.encoding.encode import Encoder
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.review.acceptances import Acceptance, add
from tracer.rules import Rule
from tracer.storage import journal as jr
from tracer.storage.compact import compact
from tracer.storage.open_sums import ITEMS, RUN, Slot
from tracer.storage.store import accepted_path, part_folder, pending_path, side_path, write_cassette, write_side
from tracer.sums import items_snapshot

if TYPE_CHECKING:
    from pathlib import Path

_SHAPES = (model.Flow.CALL, model.Flow.GENERATOR, model.Flow.COROUTINE, model.Flow.ASYNC_GENERATOR)


class _Cart:
    def __init__(self, total: object) -> None:
        self.total = total
        self._private = [total]


def _values(shift: int) -> list[object]:
    shared = [1, 2]
    loop: list[object] = []
    loop.append(loop)
    whole = [
        "tea",
        3 + shift,
        1.5,
        None,
        b"raw",
        (1, "a"),
        {"b": 2, "a": [shift]},
        {3: "x", (1,): 2},
        {5, 6},
        [shared, shared],
    ]
    return [
        *whole,
        loop,
        ValueError("no", shift),
        _Cart(shift),
        2**80,
        "long " * 3000,
        [[i] for i in range(3000)],
        "\ud800",
    ]


def _callable(number: int) -> model.Callable:
    kinds = model.ParameterKind
    parameters = (
        model.Parameter("x", kinds.POSITIONAL_OR_KEYWORD),
        model.Parameter("rate", kinds.KEYWORD_ONLY, "0.2"),
        model.Parameter("rest", kinds.VAR_KEYWORD),
    )
    name, flow = f"shop.part{number % 3}:f{number}", _SHAPES[number % 4]
    reach = ((f"shop.part{number % 3}:_inner", "beef"),)
    return model.Callable(
        name,
        name.partition(":")[0],
        model.CallableKind.FUNCTION,
        flow,
        parameters,
        code="c0de",
        reach=reach,
        file="shop.py",
    )


def recording() -> model.Recording:
    """Return what is known of the run that the seeds tell of."""
    parts = tuple(model.Component(f"shop.part{number}") for number in range(3))
    rules = (
        Rule("shop.part1:f1", "returned-value", "return", "learned"),
        Rule("shop.*", path="return.total", absolute=0.5),
    )
    losses = (model.Loss("shop.part0:f0", "opaque socket:socket", 3), model.Loss("*", "frames that were not whole", 1))
    callables = tuple(_callable(number) for number in range(6))
    return model.Recording(
        "3.11",
        ("shop",),
        "module",
        (*parts, model.Component("tests", watched=False)),
        callables,
        losses,
        rules,
        detail_calls=40,
    )


def _calls(shift: int) -> list[model.Call]:
    encoder = Encoder(redactor=Redactor(), paths=PathNormaliser(None, ()))
    calls = []
    for number, value in enumerate(_values(shift) * 2):
        known = _callable(number % 6)
        seen, out = encoder.arguments([value, shift, {}], None, full=True), encoder.value(value)
        outcome = (model.Returned(out), model.Raised(encoder.value(KeyError("k"))), model.Unfinished())[number % 7 % 3]
        kept = model.Item(model.ItemKind.YIELDED, out), model.Item(model.ItemKind.SENT, seen)
        summed = [
            model.Item(model.ItemKind.SUMMED, items_snapshot(count, (shift, 5))) for count in (4096, number + shift)
        ]
        items = {1: kept, 5: (*kept, *summed)}.get(number % 8, ())
        after = ((0, out),) if number % 5 == 0 else ()
        calls.append(model.Call(known.name, "tests", min(number, number % 3), known.flow, seen, outcome, items, after))
    return calls


def _thinned(shift: int) -> tuple[model.Thinned, ...]:
    """Return runs of calls past the budget of detail, sorted by callable."""
    sums = bytes(range(shift, shift + 16))
    return (
        model.Thinned("shop.part0:f0", "tests", 600, 2, 0, bytes(range(16)), sums),
        model.Thinned("shop.part0:f0", "tests", 513 + shift, 0, 1, sums, sums),
        model.Thinned("shop.part1:f1", "shop.part0", 700, 0, 0, bytes(range(16)), sums),
    )


def write(folder: Path) -> None:
    """Write all seeds into a folder: two cassettes, what lies beside one, and a journal."""
    old, new = folder / "old.cassette", folder / "new.cassette"
    write_cassette(
        old, recording(), {"main": _calls(0), "tests/test_a.py::test[x]": _calls(0)[:5]}, {"main": _thinned(0)}
    )
    changed = replace(recording(), callables=recording().callables[1:])
    write_cassette(new, changed, {"main": _calls(1), "main > thread shop:go#0": _calls(2)[:9]}, {"main": _thinned(1)})
    pending_path(old).write_bytes(new.read_bytes())
    write_side(old, {"command": ["python", "-m", "shop"], "seconds": 1.5})
    one = Acceptance(
        "0123456789ab", "shop.part1:f1", "returned-value", "return", "1", "2", ("aa", "bb"), "because", "me"
    )
    add(accepted_path(old), [one, replace(one, key="0123456789ac", path="return.x[0]")])
    _journal(folder / "run.cassette")


def _journal(cassette: Path) -> None:
    folder = part_folder(cassette)
    folder.mkdir()
    pack = wire.packer()
    journal = jr.Journal.create(folder, {"pid": 100, "ppid": 1, "origin": 100, "python": "3.11", "argv": ["x"]})
    for number in range(3):
        journal.define_callable(number + 1, _callable(number))
    journal.define_lane(1, "main")
    journal.define_caller(1, "tests")
    for call in range(1, 12):
        journal.begin(call, 1, max(call - 2, 0), call % 3 + 1, 1, 0, pack([call]))
        journal.item(call, 0, pack("item"))
        journal.end(call, call % 2, pack(call))
        journal.after(call, 0, pack([call, call]))
    journal.item(5, model.ItemKind.SUMMED, items_snapshot(4096, (1, 2)))
    journal.run(1, 1, 1, (600, 2, 1), bytes(range(32)))
    for kind, subject in ((RUN, 1 << 32 | 1), (RUN, 1 << 32 | 2), (ITEMS, 5), (ITEMS, 6)):
        opened = journal.sums.open(kind, subject)
        assert opened is not None
        slot = Slot(*opened)
        slot.begin(1, 9)
        for whole in range(3):
            slot.put(1, 7, 2, 7, (3, whole), (5, 6))
            slot.next(7)
        slot.put(1, 1, 0, 8, (7, 8), (9, 9))
    journal.loss("shop.part0:f0", "too many", 2)
    journal.child(101, "main > process shop:go#0")
    journal.job("main > pool", "1", "main > job shop:go#0")
    journal.close()
    compact(folder, cassette)


def texts(folder: Path) -> dict[str, bytes]:
    """Return the seeds as bytes by name."""
    old = folder / "old.cassette"
    (journal,) = part_folder(folder / "run.cassette").iterdir()
    return {
        "old": old.read_bytes(),
        "new": (folder / "new.cassette").read_bytes(),
        "small": (folder / "run.cassette").read_bytes(),
        "side": side_path(old).read_bytes(),
        "accepted": accepted_path(old).read_bytes(),
        "journal": journal.read_bytes()[: jr.LOG_AT],
    }
