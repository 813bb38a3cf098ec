"""What was encoded and decoded comes back as source that gives the same value, and nothing of a cassette gets out of its literals."""

from __future__ import annotations

import ast
import builtins as python_builtins
import collections
import datetime as dt
import decimal
import enum
import fractions
import functools
import io
import pathlib
import re
import sys
import types
import uuid
import zoneinfo
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import attrs
import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import expected, same, scalars, values
from tracer.decode import decode
from tracer.encoding.encode import Encoder
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.export import names as reasons
from tracer.export import support
from tracer.export.atoms import at_place
from tracer.export.layout import WIDTH, call, flat, lay_out
from tracer.export.literals import is_name, literal
from tracer.export.names import Names, Unwritable
from tracer.export.source import Writer
from tracer.values import Atom, Form, Mapping, Named, Object, Opaque, Redacted, Scalar, Sequence, Truncated, Value

HERE = __name__


class Color(enum.Enum):
    RED = 1


class Mode(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Line:
    start: Point
    tags: list[str] = field(default_factory=list)
    _length: float = 0.0


@attrs.define
class Box:
    width: int
    height: int


class Model(pydantic.BaseModel):
    name: str
    many: list[int]


class Plain:
    def __init__(self) -> None:
        raise AssertionError("no constructor is called")


class Slotted:
    __slots__ = ("left", "right")
    left: list[int]


class Names_(dict[str, int]):
    """A dict with state."""


class Loud(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(f"code {code}")
        self.code = code


def plain(**state: Any) -> Plain:
    made = object.__new__(Plain)
    made.__dict__.update(state)
    return made


def slotted() -> Slotted:
    made = object.__new__(Slotted)
    made.left = [1]
    return made


def tree(value: Any) -> Value:
    redactor = Redactor(names=())
    return decode(Encoder(redactor=redactor, paths=PathNormaliser("/proj/shop", temporary=["/tmp"])).value(value))


def writer(root: Value, *, certain: bool = False, shows: bool = False) -> Writer:
    names = Names(lambda module: module in {HERE, "datetime"})
    return Writer(root, names, lambda name, fields: certain, shows=shows)


@functools.cache
def imported() -> dict[str, Any]:
    """Whatever a test file may import, under the name that it gets there."""
    modules = [*(name for name in sys.modules if "." not in name and not name.startswith("_")), HERE]
    return {name.partition(".")[0]: __import__(name) for name in modules} | {"make": support.make}


def evaluate(source: str) -> Any:
    return eval(source, dict(imported()))


def again(value: Any, *, certain: bool = False) -> Any:
    snapshot = tree(value)
    return evaluate(lay_out(writer(snapshot, certain=certain).bounded(snapshot)))


@given(scalars)
def test_a_scalar_comes_back_from_its_literal(value: Any) -> None:
    assert same(expected(eval(literal(value), {"float": float})), expected(value))


@given(values)
def test_values_come_back_from_their_source(value: Any) -> None:
    try:
        back = again(value)
    except Unwritable as error:
        assert error.reason == reasons.TOO_LARGE or "/tmp" in repr(value)
    else:
        assert repr(tree(back)) == repr(tree(value)) or same(tree(back), tree(value))


@pytest.mark.parametrize(
    "value",
    [
        Color.RED,
        Mode.READ | Mode.WRITE,
        Point(1, 2),
        Line(Point(0, 1), ["a"]),
        Box(2, 3),
        Model(name="x", many=[1, 2]),
        plain(total=decimal.Decimal("1.0"), _secret=[1], items={"a": (1,)}),
        slotted(),
        Names_(a=1),
        Loud(3),
        ValueError("bad", 1),
        collections.OrderedDict([("b", 1), ("a", 2)]),
        collections.defaultdict(list, {"a": [1]}),
        collections.deque([1, 2], maxlen=3),
        collections.Counter("aab"),
        types.MappingProxyType({"a": 1}),
        re.compile("a+", re.IGNORECASE),
        functools.partial(int, base=2),
        slice(1, None, 2),
        io.StringIO("text"),
        range(0, 10, 3),
        complex(1, -2),
        ...,
        NotImplemented,
        frozenset(),
        bytearray(b"ab"),
        dt.timezone(dt.timedelta(hours=-3, minutes=-30)),
        dt.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"), fold=1),
        dt.timedelta(days=-1, seconds=5, microseconds=7),
        fractions.Fraction(-1, 3),
        uuid.UUID(int=5),
        pathlib.PurePosixPath("a/b"),
        pathlib.PosixPath("a/b"),
        np.array([[1, 2], [3, 4]], dtype="<i4"),
        np.array([], dtype="<f8"),
        np.array([float("nan"), float("inf")]),
        np.array(["ab", "c"]),
        np.float64(1.5),
        np.dtype("<i8"),
        pd.Series([1, 2], name="n"),
        pd.DataFrame({"a": [1, 2], "b": [0.5, None]}),
        pd.Index([3, 4], name="k"),
        len,
        Plain,
        dt,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_codecs_know_comes_back_with_the_same_snapshot(value: Any) -> None:
    assert repr(tree(again(value))) == repr(tree(value))


@pytest.mark.parametrize("value", [Line(Point(0, 1), ["a"]), Box(2, 3), Point(1, 2)])
def test_a_constructor_is_called_only_where_it_is_certain(value: Any) -> None:
    sure, unsure = (flat(writer(tree(value), certain=certain).bounded(tree(value))) for certain in (True, False))

    assert sure.startswith(f"{HERE}.{type(value).__name__}(")
    assert unsure.startswith(("make(", f"{HERE}.Point._make("))
    assert tree(evaluate(sure)) == tree(value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Redacted(), reasons.REDACTED),
        (Opaque("a:B", 0), reasons.OPAQUE),
        (Truncated("list", 9, ()), reasons.CUT),
        (Scalar("<project>/a"), reasons.PLACE),
        (Object("other:Thing", Form.PLAIN, ()), reasons.NOT_ALLOWED),
        (Object("os:Thing", Form.PLAIN, ()), reasons.NOT_ALLOWED),
        (Object(f"{HERE}:f.<locals>.Thing", Form.PLAIN, ()), reasons.LOCAL),
        (Object("__main__:Thing", Form.PLAIN, ()), reasons.LOCAL),
        (Named("function", "builtins:str.upper"), reasons.OPAQUE),
        (Named("module", "os"), reasons.NOT_ALLOWED),
        (Named("function", "builtins:exec"), reasons.NOT_ALLOWED),
        (Named("function", "os:system"), reasons.NOT_ALLOWED),
        (Named("class", "types:CodeType"), reasons.NOT_ALLOWED),
        (Atom("builtins:exit", "1"), reasons.NOT_ALLOWED),
        (Atom("signal:raise_signal", "9"), reasons.NOT_ALLOWED),
        (Object("numpy:load", Form.PLAIN, (), Scalar("a")), reasons.NOT_ALLOWED),
        (Atom("decimal:getcontext", "1"), reasons.NOT_ALLOWED),
        (Atom("builtins:range", "range(0, __import__('os'))"), reasons.UNKNOWN),
        (Atom("datetime:date", "2024-01-01)#"), reasons.UNKNOWN),
        (Scalar("x" * 10_000), reasons.TOO_LARGE),
    ],
    ids=str,
)
def test_what_has_no_source_says_why(value: Value, reason: str) -> None:
    root = Sequence("list", (value,))

    with pytest.raises(Unwritable) as caught:
        writer(root).bounded(root)

    assert caught.value.reason == reason


def test_what_is_shared_goes_in_nowhere_and_is_shown_twice() -> None:
    inner = [1]
    shared = tree([inner, inner])
    loop: list[Any] = []
    loop.append(loop)

    with pytest.raises(Unwritable, match="share"):
        writer(shared).bounded(shared)
    with pytest.raises(Unwritable, match="share"):
        writer(tree(loop), shows=True).bounded(tree(loop))
    assert flat(writer(shared, shows=True).bounded(shared)) == "[[1], [1]]"


def test_private_fields_go_in_and_are_not_shown() -> None:
    snapshot = tree(plain(a=1, _b=2))

    assert "_b" in flat(writer(snapshot).bounded(snapshot))
    assert "_b" not in flat(writer(snapshot, shows=True).bounded(snapshot))


HOSTILE = st.sampled_from(
    [
        "x); import os #",
        "a\nb",
        "__import__",
        "class",
        "a b",
        "é\u202e",
        "a.b:c",
        "x=1, y",
        "\ud800",
        "'\"\\",
        "",
        "ﬁ",
        "{}",
    ]
)


@given(HOSTILE, HOSTILE)
def test_names_of_a_cassette_never_become_code(module: str, name: str) -> None:
    """Whatever a type, a field or an atom is called: the source is one expression of calls, names and literals, or there is none."""
    shapes: tuple[Value, ...] = (
        Object(f"{module}:{name}", Form.DATACLASS, ((name, Scalar(1)),)),
        Object(f"{HERE}:Point", Form.NAMEDTUPLE, ((name, Scalar(1)),)),
        Object(f"{HERE}:Model", Form.PYDANTIC, ((name, Scalar(1)),)),
        Object(f"{HERE}:Plain", Form.PLAIN, ((name, Scalar(module)),)),
        Atom(f"{module}:{name}", name),
        Atom(f"{HERE}:Color", name),
        Atom("datetime:datetime", f"2024-01-01T00:00:00[{name}]"),
        Atom("decimal:Decimal", name),
        Named("class", f"{module}:{name}"),
        Mapping(((Scalar(name), Scalar(module)),)),
    )
    for shape in shapes:
        for certain in (True, False):
            subject = Writer(shape, Names(lambda _: True), lambda _, __: certain)  # noqa: B023
            try:
                source = lay_out(subject.bounded(shape))
            except Unwritable:
                continue
            nodes = {type(node) for node in ast.walk(ast.parse(source, mode="eval"))}
            assert nodes <= ALLOWED, source
            assert "\n" not in flat(subject.bounded(shape))
            assert source.isprintable() or "\n" in source


ALLOWED = {
    *(ast.Expression, ast.Call, ast.Name, ast.Attribute, ast.Load, ast.Constant, ast.Dict, ast.keyword, ast.List),
    *(ast.Tuple, ast.UnaryOp, ast.USub, ast.BinOp, ast.BitOr),
}


@given(
    st.recursive(
        st.text(max_size=30).filter(lambda text: not at_place(text)),
        lambda inner: st.lists(inner, max_size=6),
        max_leaves=40,
    )
)
def test_laid_out_source_says_what_the_flat_one_says_and_is_no_wider_than_it_must_be(value: Any) -> None:
    expression = call("subject", writer(tree(value)).expression(tree(value)))
    laid_out = lay_out(expression)

    assert ast.dump(ast.parse(laid_out)) == ast.dump(ast.parse(flat(expression)))
    for line in laid_out.splitlines():
        assert len(line) <= WIDTH or not line.rstrip(",").endswith(("]", ")")) or line.lstrip().startswith(("]", ")"))


def test_names_are_names_of_the_language() -> None:
    assert [name for name in ("a", "é", "class", "a b", "ﬁ", "", "1a", *dir(python_builtins)[:1]) if is_name(name)] == [
        "a",
        "é",
        dir(python_builtins)[0],
    ]
