"""The walk in C and the walk in Python are one: the same bytes, the same losses, the same budget left, whatever the values."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum, IntFlag
from fractions import Fraction
from functools import partial
from pathlib import PurePosixPath
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import atoms, builtins
from tracer.encoding import budget, walks
from tracer.encoding.budget import Budget, Limit
from tracer.encoding.encode import Encoder
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.encoding.walk import Plan

pytestmark = pytest.mark.skipif(
    not walks.in_use(), reason="tracer was built without a C compiler, or TRACER_PURE is set"
)


class Plain:
    def method(self) -> None: ...


class Slotted:
    __slots__ = ("__hidden", "left", "password", "right")


class Both(Slotted):
    __slots__ = ("__dict__", "more")


class Taken(Both):
    left = "a class attribute over a slot"


class Names(str):
    __slots__ = ()


class Rows(list):  # type: ignore[type-arg]
    pass


class Table(dict):  # type: ignore[type-arg]
    pass


class Line(tuple):  # type: ignore[type-arg]  # noqa: SLOT001
    pass


class Bag(set):  # type: ignore[type-arg]
    pass


class Bags(frozenset):  # type: ignore[type-arg]
    pass


class Lists(defaultdict):  # type: ignore[type-arg]
    pass


class Number(int):
    pass


class Colour(Enum):
    RED = 1


class Mode(IntFlag):
    READ = 1


class Broken(ValueError):
    pass


@dataclass
class Record:
    name: Any
    api_key: Any = "s"
    rest: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Frozen:
    __slots__ = ("token",)
    token: Any


Point = namedtuple("Point", "x y")  # noqa: PYI024
NAMES = (
    "a",
    "b",
    "name",
    "password",
    "auth",
    "api_token",
    "é",
    "\udc80",
    "x\0y",
    "n" * 70,
    "/tmp/a",
    "/tmp/tmpabcdefgh",
)


def filled(value: Any, attributes: dict[Any, Any]) -> Any:
    for name, content in attributes.items():
        object.__setattr__(value, name, content)
    return value


def odd_dictionary(attributes: dict[Any, Any]) -> Plain:
    value = Plain()
    value.__dict__ = Table(attributes)
    return value


def broken_fraction(_: Any) -> Fraction:
    value = Fraction.__new__(Fraction)
    object.__setattr__(value, "_numerator", "no number")
    return value


def a_shared_pair(value: Any) -> Any:
    return [value, value, (value, {"again": value})]


def a_cycle(value: Any) -> Any:
    around: list[Any] = [value]
    node = filled(Plain(), {"me": None, "around": around})
    node.me = node
    around += [around, node, {"node": node}]
    return around


texts = st.one_of(
    st.sampled_from(NAMES),
    st.text(max_size=12),
    st.text(alphabet=st.characters(exclude_categories=()), max_size=6),
    st.sampled_from(("/proj/shop/x.py", "in /tmp/tmpabcdefgh/a and /proj/shop", "http://e.org/tmp/x", "/tmpfile", "/")),
    st.builds(lambda text, times: text * times, st.sampled_from(("x", "é", "/tmp/q ")), st.integers(60, 400)),
)
leaves = st.one_of(
    texts,
    builtins,
    atoms,
    st.sampled_from(
        (127, 128, -32, -33, 2**63, 2**64, -(2**63) - 1, 47, 2**900, 1.5, b"x" * 300, b"/tmp/", True, None, ...)
    ),
    st.sampled_from(
        (len, str.upper, gc, Plain, type, Colour.RED, Mode.READ, Mode(0), range(3), print, [].append, Plain().method)
    ),
    st.sampled_from((object(), threading.Lock(), iter(()), PurePosixPath("/tmp/a"), slice(1, None))),
    st.builds(broken_fraction, st.none()),
    st.just([47, 116, 109, 112]),  # packed, it reads as a path
)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(NAMES)
    few = st.lists(inner, max_size=5)
    attributes = st.dictionaries(names, inner, max_size=5)
    slots = st.dictionaries(st.sampled_from(("left", "right", "password", "_Slotted__hidden")), inner, max_size=4)
    return st.one_of(
        few,
        few.map(tuple),
        st.lists(inner, min_size=8, max_size=30),
        st.dictionaries(texts, inner, max_size=6),
        st.dictionaries(st.one_of(texts, st.integers(), st.binary(max_size=3), texts.map(Names)), inner, max_size=5),
        st.dictionaries(st.integers(), st.integers(), max_size=40),
        attributes.map(lambda found: filled(Plain(), found)),
        slots.map(lambda found: filled(Slotted(), found)),
        st.tuples(slots, attributes).map(lambda found: filled(filled(Both(), found[0]), {**found[1], "more": 1})),
        attributes.map(lambda found: filled(Taken(), found)),
        st.dictionaries(st.one_of(names, st.integers(), names.map(Names)), inner, max_size=4).map(odd_dictionary),
        st.builds(Record, inner, inner, few),
        st.builds(Frozen, inner),
        st.builds(Point, inner, inner),
        few.map(lambda found: filled(Rows(found), {"cookie": found[:1]})),
        st.tuples(attributes, inner).map(lambda found: filled(Table(found[0]), {"extra": found[1]})),
        few.map(Line),
        st.sets(st.one_of(st.integers(), st.text(max_size=3)), max_size=5).map(Bag),
        st.sets(st.one_of(st.integers(), st.text(max_size=3)), max_size=5).map(Bags),
        attributes.map(lambda found: defaultdict(list, found)),
        attributes.map(lambda found: filled(Lists(None, found), {"x": 1})),
        attributes.map(OrderedDict),
        attributes.map(MappingProxyType),
        attributes.map(lambda found: SimpleNamespace(kept=1, found=found)),
        attributes.map(UserDict),
        attributes.map(ChainMap),
        attributes.map(lambda found: found.keys()),
        few.map(lambda found: deque(found, maxlen=9)),
        few.map(lambda found: filled(Broken(*found), {"note": found})),
        st.lists(st.integers(), max_size=6).map(Counter),
        st.builds(partial, st.just(len), inner),
        st.frozensets(st.one_of(texts, st.tuples(texts, st.integers())), max_size=5),
        st.sets(st.one_of(texts, st.builds(Number, st.integers()), st.builds(Hash, texts)), max_size=5),
        inner.map(a_shared_pair),
        inner.map(a_cycle),
    )


class Hash:
    """May be in a set, and has content."""

    def __init__(self, content: Any) -> None:
        self.content = [content]
        self.shared = NAMES


values = st.recursive(leaves, nested, max_leaves=25)
limits = st.builds(
    Limit, st.one_of(st.integers(0, 40), st.integers(40, 600)), st.one_of(st.integers(0, 300), st.integers(300, 70_000))
)


def encoder(pure: bool, limit: Limit) -> Encoder:
    return Encoder(
        redactor=Redactor(),
        paths=PathNormaliser("/proj/shop", temporary=["/tmp"]),
        budget=Budget(arguments=limit, outcome=limit, repeated=limit),
        pure=pure,
    )


def walked(pure: bool, items: list[Any], limit: Limit) -> tuple[Any, ...]:
    """Encode each value in a walk of its own, twice, so that what is remembered is used; return all there is to see."""
    made = encoder(pure, limit)
    seen: list[Any] = []
    for item in [*items, *items]:
        walk = made._walks.walk(limit)
        seen.append((walk.value(item), walk.nodes, walk.bytes, walk.level))
    return (*seen, made.losses)


@settings(max_examples=100)
@given(st.lists(values, min_size=1, max_size=3), limits)
def test_any_value_within_any_budget(items: list[Any], limit: Limit) -> None:
    assert walked(False, items, limit) == walked(True, items, limit)


@settings(max_examples=50)
@given(st.lists(st.tuples(values, st.sampled_from((0, 0, 1, 2))), max_size=4), limits, st.booleans(), st.booleans())
def test_any_arguments(items: list[tuple[Any, int]], limit: Limit, judged: bool, full: bool) -> None:
    arguments = [item for item, _ in items]
    secret = tuple(each for _, each in items) if judged else None
    native, pure = encoder(False, limit), encoder(True, limit)

    for _ in range(2):
        assert native.walked(arguments, secret, full) == pure.walked(arguments, secret, full)
    assert native.losses == pure.losses


def zoo() -> list[Any]:
    """A value of every way of walking, each a little too large for one budget or another."""
    shared: list[Any] = [1, {"k": (2, 3)}]
    names = {"b": 1, "password": "p", Names("derived"): [2], "auth": {"x": 1}, "a": ["/tmp/a"]}
    return [
        {"abcde", "x", "yz"},
        {"x" * 70, "y" * 70},
        {1, 2, ("a", "b"), frozenset({"c"})},
        {Hash("one"), Hash("two"), Number(3)},
        odd_dictionary(names),
        odd_dictionary({**names, 7: 8}),
        odd_dictionary({"x\0y": 1, Names("z"): 2}),
        filled(Plain(), {"é": 1, "\udc80": 2}),
        filled(Plain(), {"é": 1, "b": [2], "token": "t", "c": {"d": shared}, "e": shared}),
        filled(filled(Both(), {"left": [1], "password": 2}), {"more": {"x": 3}, "other": (shared, shared)}),
        filled(Taken(), {"right": [1, [2, [3]]]}),
        {"/tmp/a": [1], "<tmp>/a": [2], "n" * 70: [3], "\udc80": [4], "cookie": [5]},
        {"/tmp/tmpabcdefgh": 1, "/tmp/tmpijklmnop": 2},
        {1: "a", "token": "b", b"password": "c", Names("secret"): "d", (1,): [shared], None: shared},
        {at: at for at in range(30)},
        {"name": 1, "other": 2.5, "third": None},
        {f"k{at}": [at] for at in range(40)},
        [Record(1, "s", [shared, filled(Table({"x": [1]}), {"y": {"z": 2}})]), Point([1], {"x": 2}), Frozen("t")],
        [defaultdict(list, {"a": [1]}), filled(Lists(None, {"b": shared}), {"x": shared}), Counter("abca")],
        [filled(Rows([1, [2]]), {"a": (1,)}), Line((shared, 1)), Bag({1, 2}), Bags({"x"}), OrderedDict(a=shared)],
        [[[], {}, (), set()], [[[["x" * 70]]]], b"y" * 70, bytearray(b"z" * 70), 1 << 700, -(1 << 65)],
        [object(), object(), broken_fraction(None), [broken_fraction(None)], len, Plain, Colour.RED, Plain().method],
        [
            deque([shared, 1], 3),
            MappingProxyType({"a": shared}),
            filled(Broken(shared), {"b": shared}),
            partial(len, shared),
        ],
        ["text", "/proj/shop/x", "x" * 65, 47, [47, 116, 109, 112], 1.5, None, True, Plain(), Slotted()],
        a_cycle(shared),
    ]


@pytest.mark.parametrize("size", [0, 1, 4, 10, 20, 40, 64, 65, 90, 140, 300, 1000, 20_000])
def test_every_way_of_walking_within_every_small_budget(size: int) -> None:
    items = zoo()

    for nodes in (*range(24), 31, 40, 64, 100):
        assert walked(False, items, Limit(nodes, size)) == walked(True, items, Limit(nodes, size))


def test_a_set_that_fits_to_the_byte() -> None:
    items = [{"x" * 100, "y" * 66}]

    for size in (164, 165, 166, 167, 168):
        assert walked(False, items, Limit(20, size)) == walked(True, items, Limit(20, size))


def big_graph(size: int) -> list[Any]:
    """Many objects and containers, met several times: more than the tables in C begin with."""
    nodes = [filled(Plain(), {"number": number, "name": f"n{number}", "seen": []}) for number in range(size)]
    for at, node in enumerate(nodes):
        node.seen += [nodes[(7 * at + step) % size] for step in range(3)]
        if at % 3 == 0:
            setattr(node, f"only_{at % 50}", {f"key {at}": (at, None)})
    return [nodes, set(map(Hash, map(str, range(40)))), {node.name: node for node in nodes}]


@pytest.mark.parametrize("nodes", [0, 1, 7, 64, 512, 20_000])
def test_large_graphs(nodes: int) -> None:
    items = [big_graph(600), [object() for _ in range(300)], {str(at): [at] for at in range(5000)}, [[]] * 2000]

    assert walked(False, items, Limit(nodes, 1 << 20)) == walked(True, items, Limit(nodes, 1 << 20))


def test_texts_bytes_and_containers_of_every_width_of_header() -> None:
    sizes = (0, 1, 15, 16, 17, 31, 32, 255, 256, 65_535, 65_536)
    items: list[Any] = [["x" * size for size in sizes], [b"x" * size for size in sizes], [[0] * size for size in sizes]]
    items += [[{str(at): 0 for at in range(size)} for size in sizes[:-2]], [(None,) * size for size in sizes]]
    items += [[b"x" * size] * 2 for size in sizes]
    items += [tuple(sign * (1 << bits) + step for bits in range(65) for sign in (1, -1) for step in (-1, 0, 1))]

    assert walked(False, items, Limit(1 << 20, 1 << 28)) == walked(True, items, Limit(1 << 20, 1 << 28))


def test_deep_nesting_ends_at_the_same_level() -> None:
    deep: Any = Plain()
    for number in range(10_000):
        deep = [deep] if number % 3 else filled(Plain(), {"deep": (deep, {"x": deep})})

    assert walked(False, [deep], Limit(5000, 1 << 20)) == walked(True, [deep], Limit(5000, 1 << 20))


def test_pytest_s_folder_is_known_when_it_is_told_late() -> None:
    results = []
    for pure in (False, True):
        paths = PathNormaliser(None, temporary=[])
        made = Encoder(redactor=Redactor(), paths=paths, pure=pure)
        before = made.value(["/base/x", ["/base/x"]])
        paths.set_basetemp("/base")
        results.append((before, made.value(["/base/x", ["/base/x"]])))

    assert results[0] == results[1]
    assert results[0][0] != results[0][1]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_of_the_host_s_passes(error: type[BaseException]) -> None:
    """What a signal handler of the host raises while a codec happens to run is the host's; a codec's own failure is an opaque value."""

    def interrupted(walk: Any, value: Any) -> bytes:
        raise error

    for pure in (False, True):
        made = encoder(pure, Limit(100, 1000))
        made._plans[id(Plain)] = Plan("tests:Plain", interrupted)
        with pytest.raises(error):
            made.value([1, {"a": Plain()}])


def test_after_a_failure_all_goes_on_as_if_the_value_had_not_been_met() -> None:
    def __failing__(walk: Any, value: Any) -> bytes:  # a dunder that tracer must have called: its own fault
        walk.enter(value)
        walk.opaque(value, "tests:other")
        walk.level += 3
        raise KeyError

    results = []
    value = Plain()
    for pure in (False, True):
        made = encoder(pure, Limit(100, 1000))
        made._plans[id(Plain)] = Plan("tests:Plain", __failing__)
        walk = made._walks.walk(Limit(100, 1000))
        results.append((walk.value([value, [value], object(), (value, [])]), walk.level, made.losses))

    assert results[0] == results[1]
    assert results[0][1] == 0


def test_the_numbers_in_c_are_those_in_python() -> None:
    """A walk in C is cut where one in Python is, at the very item."""
    for limit in (budget.MAX_LEVELS, budget.FLAT_WEIGHT, budget.SHORT_TEXT, budget.NEIGHBOUR_NODES, budget.HEAD_ITEMS):
        items = [[0] * size for size in range(limit * 4 + 2)] + ["x" * size for size in range(limit * 2)]
        assert walked(False, items, Limit(4, limit)) == walked(True, items, Limit(4, limit))


def test_walking_a_million_values_leaves_nothing_behind() -> None:
    made = encoder(False, Limit(20, 500))
    value = [
        {"a": [1, (2, "/tmp/x")], "b": filled(Plain(), {"x": {1, 2}, "y": object()})},
        "x" * 600,
        broken_fraction(None),
    ]

    def blocks(times: int) -> int:
        for _ in range(times):
            made.value(value)
            made.walked([value, 1], (0, 2), full=False)
        gc.collect()
        return sys.getallocatedblocks()

    blocks(50)

    assert blocks(500) - blocks(500) < 50


def test_encoders_and_the_types_they_met_are_freed() -> None:
    import weakref

    def use() -> tuple[Any, Any]:
        class Short:
            pass

        made = encoder(False, Limit(20, 500))
        made.value(filled(Short(), {"a": Short()}))
        return weakref.ref(Short), weakref.ref(made._judge)

    watched = use()
    gc.collect()

    assert [each() for each in watched] == [None, None]


def test_the_environment_decides_which_walk_is_used() -> None:
    ask = "from tracer.encoding import walks; print(walks.in_use())"
    answers = [
        subprocess.run(
            [sys.executable, "-c", ask],
            env={**os.environ, "TRACER_PURE": pure},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for pure in ("1", "0", "")
    ]

    assert answers == ["False", "True", "True"]


def test_dates_under_way() -> None:
    items = [date(2026, 1, 2), datetime(2026, 1, 2, tzinfo=timezone.utc), Decimal("1E+3"), [Decimal(1)] * 30]

    assert walked(False, items, Limit(3, 100)) == walked(True, items, Limit(3, 100))
