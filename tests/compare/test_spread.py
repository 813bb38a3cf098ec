"""What comparing tells does not depend on who looks at the calls, nor on the parts they are looked at in."""

from __future__ import annotations

import pickle
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compare.runs import Run, call, function, obj, opaque, raised, truncated
from tracer.ambient import AMBIENT
from tracer.compare.compare import compare
from tracer.compare.looking import Looked, Looking, Piece, Terms, looking
from tracer.compare.spread import Helpers
from tracer.model import OUTSIDE, Call, CallColumns
from tracer.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.compare.compare import Level
    from tracer.compare.result import Comparison

COMPONENTS = ("shop.cart", "shop.tax", "shop.store")
NAMES = tuple(f"{component}:{name}" for component in COMPONENTS for name in ("Box.add", "total", "_inner"))
READ = replace(function("time:time", code="t"), component=AMBIENT)
RULES = (
    Rule("shop.tax:total", "returned-value"),
    Rule("shop.cart:total", "*", "return", unordered=True),
    Rule("shop.store:*", absolute=1.0),
    Rule("shop.cart:Box.add", "call-removed"),
)


def box(component: str, shown: Any, hidden: Any) -> Any:
    return obj(f"{component}:Box", shown=shown, _hidden=hidden)


numbers = st.integers(0, 3)
values = st.one_of(
    numbers,
    st.sampled_from(["", "x", None, 1.5]),
    st.lists(numbers, max_size=3),
    st.builds(lambda n, m: {"total": n, "rows": [{"id": m}]}, numbers, numbers),
    st.builds(box, st.sampled_from(COMPONENTS), numbers, numbers),
    st.builds(lambda n: opaque("shop.cart:Box", n), numbers),
    st.builds(lambda n: truncated("shop.tax:Box", 10 + n, [n]), numbers),
)
outcomes = st.one_of(values, values, st.builds(raised, st.sampled_from(["KeyError", "ValueError"]), numbers))
calls = st.builds(
    call,
    st.sampled_from((*NAMES, READ.name)),
    st.lists(values, min_size=1, max_size=2),
    outcomes,
    parent=st.integers(0, 2),
    caller=st.sampled_from((*COMPONENTS, OUTSIDE)),
    after=st.one_of(st.just({}), st.builds(lambda value: {0: value}, values)),
)
lanes = st.lists(calls, max_size=16)


@st.composite
def changed(draw: st.DrawFn, calls_: list[Call]) -> list[Call]:
    """The calls of a lane, some of them otherwise, gone, more or somewhere else."""
    made: list[Call] = []
    for each in calls_:
        match draw(st.sampled_from("====ogm")):
            case "=":
                made.append(each)
            case "o":
                made.append(call(each.callable, [draw(values)], draw(outcomes), parent=each.parent, caller=each.caller))
            case "m":
                made[:0] = [each, draw(calls)]
    return made


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Run, Run]:
    """Two runs with the same lanes, and one or the other more."""
    olds = {f"test t{n}": draw(lanes) for n in range(draw(st.integers(1, 5)))}
    news = {name: draw(changed(calls_)) for name, calls_ in olds.items() if draw(st.integers(0, 5))}
    news |= {"thread a": draw(lanes)} if draw(st.booleans()) else {}
    codes = draw(st.lists(st.sampled_from("ab"), min_size=len(NAMES), max_size=len(NAMES)))
    before = [function(name, "self", "n", code="a") for name in NAMES]
    after = [function(name, "self", "n", code=code) for name, code in zip(NAMES, codes, strict=True)]
    gone = draw(st.sampled_from((*NAMES, "")))
    after = [each for each in after if each.name != gone]
    return Run(*before, READ, block=4).with_lanes(olds), Run(*after, READ, block=4).with_lanes(news)


@dataclass
class Beside:
    """Looks at the same two runs as somebody else would: each of `many` knows nothing of the others, and answers in bytes."""

    old: Run
    new: Run
    terms: Terms
    many: int
    pieces: list[Piece] = field(default_factory=list)

    def helpers(self) -> Helpers:
        lookers: Iterator[Looking] = cycle([looking(self.old, self.new, self.terms) for _ in range(self.many)])
        return Helpers(partial(self._submit, lookers), self.many, worth=0)

    def _submit(self, lookers: Iterator[Looking], piece: Piece) -> Future[Looked]:
        self.pieces.append(piece)
        future: Future[Looked] = Future()
        future.set_result(pickle.loads(pickle.dumps(next(lookers).look(piece))))
        return future


def told(pair: tuple[Run, Run], helpers: Helpers | None = None, **how: Any) -> Comparison:
    return compare(*pair, old_name="old", new_name="new", helpers=helpers, **how)


@given(
    pairs(),
    st.sampled_from([(), RULES]),
    st.sampled_from(["value", "shape"]),
    st.integers(1, 3),
    st.sampled_from([1, 1, 2, 5]),
)
@settings(deadline=None)
def test_whoever_looks_the_same_is_told(
    pair: tuple[Run, Run], rules: tuple[Rule, ...], level: Level, many: int, part: int
) -> None:
    beside = Beside(*pair, Terms(rules, level == "shape", {}), many)
    alone = told(pair, rules=rules, level=level)

    assert told(pair, rules=rules, level=level, part=part) == alone
    assert told(pair, beside.helpers(), rules=rules, level=level, part=part) == alone


def loop(step: int, count: int = 40) -> Run:
    """A lane in which each call returns another value, and lanes with one of them."""
    made = [call("shop.tax:total", [n], n * step) for n in range(count)]
    apart = {f"test t{n}": [each] for n, each in enumerate(made)}
    return Run(function("shop.tax:total", "n"), block=4).with_lanes({"main": made, **apart})


def test_a_giant_lane_is_looked_at_in_parts_and_small_ones_together() -> None:
    pair = loop(2), loop(3)
    beside = Beside(*pair, Terms((), shapes_only=False, renamed={}), many=2)

    found = told(pair, beside.helpers(), part=3)

    assert found == told(pair)
    (finding,) = found.findings
    assert finding.count == 2 * (40 - 1)  # 0 times anything is the same
    parts = [piece.part for piece in beside.pieces if piece.part is not None]
    assert set(parts) >= set(range(1, 13))
    together = [len(piece.lanes) for piece in beside.pieces if piece.part is None]
    assert together == [3] * 13 or together == [3] * 13 + [1]


def test_nobody_is_asked_where_little_differs() -> None:
    """Starting a process takes longer than comparing some thousands of calls."""
    pair = loop(2, 500), loop(3, 500)
    beside = Beside(*pair, Terms((), shapes_only=False, renamed={}), many=2)
    helpers = beside.helpers()

    told(pair, Helpers(helpers.submit, helpers.many), part=3)

    assert beside.pieces == []


@pytest.mark.parametrize("sound", [0, 3])
def test_what_others_cannot_look_at_is_looked_at_here(sound: int) -> None:
    """Of those who were asked some pieces come back, then nobody answers any more."""
    pair = loop(2), loop(3)
    beside = Beside(*pair, Terms((), shapes_only=False, renamed={}), many=2)
    helpers = beside.helpers()

    def submit(piece: Piece) -> Future[Looked]:
        if len(beside.pieces) < sound:
            return helpers.submit(piece)
        future: Future[Looked] = Future()
        future.set_exception(OSError("the worker is gone"))
        return future

    assert told(pair, helpers._replace(submit=submit), part=3) == told(pair)


class OutOfMemory(Run):
    """A run of which one block cannot be read, once."""

    failing = True

    def columns(self, lane: str, block: int) -> CallColumns:
        if self.failing and block == 5:  # noqa: PLR2004
            self.failing = False
            raise MemoryError
        return super().columns(lane, block)


def test_who_failed_in_the_middle_of_a_giant_lane_begins_it_anew() -> None:
    """Every other block is alike, so that the others are read one after the other. What is seen of later parts was asked for before."""
    total = function("shop.tax:total", "n")
    before, after = (
        [call("shop.tax:total", [n], n * (step if n // 4 % 2 else 1)) for n in range(48)] for step in (2, 3)
    )
    old, new = Run(total, block=4, main=before), Run(total, block=4, main=after)
    failing = OutOfMemory(total, block=4, main=after)
    beside = Beside(old, failing, Terms((), shapes_only=False, renamed={}), many=1)

    def submit(piece: Piece) -> Future[Looked]:
        try:
            return helpers.submit(piece)
        except MemoryError as error:
            future: Future[Looked] = Future()
            future.set_exception(error)
            return future

    helpers = beside.helpers()._replace(many=3)

    assert told((old, new), helpers._replace(submit=submit), part=3) == told((old, new))
    assert [piece.part for piece in beside.pieces[:4]] == [1, 2, 3, 4]
    assert not failing.failing


def unreadable(step: int) -> Run:
    """Two lanes of calls, all given the same damaged value."""
    calls_ = [replace(call("shop.tax:total", [n], n * step), arguments=b"\xc1") for n in range(1, 40)]
    return Run(function("shop.tax:total", "n"), main=calls_, other=calls_[::-1])


def test_a_value_that_cannot_be_read_counts_once_whoever_looks() -> None:
    pair = unreadable(2), unreadable(3)
    beside = Beside(*pair, Terms((), shapes_only=False, renamed={}), many=2)

    found = told(pair, beside.helpers(), part=3)

    assert "1 recorded values could not be read." in found.notes
    assert found == told(pair)


def test_where_nobody_can_be_asked_all_is_looked_at_here() -> None:
    def submit(piece: Piece) -> Future[Looked]:
        raise OSError(f"no process can be started for {piece}")

    pair = loop(2), loop(3)

    assert told(pair, Helpers(submit, 2, worth=0), part=3) == told(pair)
