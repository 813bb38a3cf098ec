"""Classes of every kind that a value may be of, and an instance of each."""

from __future__ import annotations

import io
import re
import sys
import time
import uuid
from array import array
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, IntFlag
from fractions import Fraction
from functools import cached_property, partial
from pathlib import PurePosixPath, PureWindowsPath
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import attrs


class Plain:
    def __init__(self, content: Any = None) -> None:
        self.content = content


class Slotted(Plain):
    __slots__ = ("a", "b")


class OnlySlots:
    __slots__ = ("__mangled", "late", "x")

    def __init__(self, x: Any) -> None:
        self.x = x
        self.__mangled = [x]


class Shadowing(OnlySlots):
    __slots__ = ("x",)


@dataclass(frozen=True)
class Point:
    x: int
    y: Any = 0


@dataclass(slots=True)
class Row:
    cells: list[Any]
    owner: Any = None
    late: Any = field(init=False)


@dataclass
class Lazy:
    a: int

    @cached_property
    def twice(self) -> int:
        return 2 * self.a

    def note(self) -> None:
        self.noted = True


@attrs.frozen
class Attrs:
    a: Any
    _b: Any = 2


@attrs.define(slots=False)
class Loose:
    a: Any


class Pair(NamedTuple):
    one: Any
    two: Any


Named2 = namedtuple("Named2", "a b")  # noqa: PYI024  (as it is used)


class Colour(Enum):
    RED = 1
    GREEN = 2


class Level(IntEnum):
    LOW = 1


class Right(Flag):
    READ = 1
    WRITE = 2
    RUN = 4


class Bits(IntFlag):
    A = 1
    B = 2


class Broken(Exception):  # noqa: N818
    def __init__(self, first: Any, *, code: Any) -> None:
        super().__init__(first)
        self.code = code


class Lost(OSError):
    pass


class Words(list[Any]):
    pass


class Table(dict[Any, Any]):
    pass


class Bag(set[Any]):
    pass


class Frozen(frozenset[Any]):
    pass


class Trio(tuple[Any, ...]):
    __slots__ = ()


class Noted(tuple[Any, ...]):  # noqa: SLOT001  (to have a dictionary)
    note: Any


class Text(str):
    __slots__ = ("extra",)


class Number(int):
    pass


class Day(datetime):
    pass


class Money(Decimal):
    pass


class Id(uuid.UUID):
    pass


class Ratio(Fraction):
    pass


class Queue(deque[Any]):
    pass


class Buffer(bytearray):
    pass


class Keyed:
    """Has a hash of its own state."""

    def __init__(self, key: Any) -> None:
        self.key = key

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keyed) and self.key == other.key


def function() -> None:
    pass


def with_attributes(value: Any, **attributes: Any) -> Any:
    for name, each in attributes.items():
        setattr(value, name, each)
    return value


def slotted(**attributes: Any) -> Any:
    return with_attributes(Slotted(0), **attributes)


def raised(error: BaseException, cause: BaseException | None = None, note: str | None = None) -> BaseException:
    error.__cause__ = cause
    if note is not None and sys.version_info >= (3, 11):
        error.add_note(note)
    return error


EXAMPLES: list[Any] = [
    *(Plain([1]), slotted(a=1), OnlySlots(3), Shadowing(4), Point(1, [2]), Row([1]), Lazy(2), Attrs([1]), Loose(1)),
    *(
        Pair(1, [2]),
        Named2(1, 2),
        Colour.RED,
        Level.LOW,
        Right.READ,
        Right.READ | Right.RUN,
        Right(0),
        Bits(3),
        Bits(9),
    ),
    *(Broken(1, code=[2]), Lost(2, "no", "f"), FileNotFoundError(2, "no", "f"), OSError("text"), KeyError("k")),
    *(
        StopIteration(3),
        SystemExit(4),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        SyntaxError("x", ("f", 1, 2, "t")),
    ),
    *(
        raised(ValueError("a"), KeyError("b"), "noted"),
        Words([1, [2]]),
        Table(a=[1]),
        Bag({1}),
        Frozen({1}),
        Trio((1, [2])),
    ),
    *(
        with_attributes(Noted([1]), note=2),
        with_attributes(Text("t"), extra=1),
        Number(7),
        Day(2024, 1, 2, tzinfo=timezone.utc),
    ),
    *(
        Money("1.50"),
        Id(int=5),
        Ratio(1, 3),
        Queue([1], 4),
        Buffer(b"x"),
        ChainMap({"a": 1}, {}),
        Counter("aab"),
        UserDict(a=1),
    ),
    *(OrderedDict(b=1, a=2), defaultdict(list, a=[1]), deque([1, 2], 5), deque([]), MappingProxyType({"a": [1]})),
    *(
        {1: 2}.keys(),
        {1: 2}.values(),
        {1: [2]}.items(),
        slice(1, None, 2),
        re.compile("a+", re.IGNORECASE),
        re.compile(b"b"),
    ),
    *(partial(function, 1, a=2), io.BytesIO(b"abc"), io.StringIO("a\r\nb"), array("d", [1.5]), memoryview(b"abc")),
    *(range(1, 9, 2), range(3), 1 + 2j, ..., NotImplemented, SimpleNamespace(a=[1]), time.gmtime(0), date(1, 1, 1)),
    *(
        datetime(2024, 10, 27, 2, 30, 1, 5, ZoneInfo("Europe/Berlin"), fold=1),
        timedelta(-1, 5, 7),
        timezone(timedelta(hours=-3.5)),
    ),
    *(
        timezone(timedelta(hours=1), "CET"),
        ZoneInfo("Asia/Tokyo"),
        uuid.UUID(int=1),
        PurePosixPath("a/b"),
        PureWindowsPath("C:/x"),
    ),
    *(
        Plain,
        function,
        len,
        str.upper,
        int,
        Exception,
        Decimal,
        2**200,
        {(1, (2,)): 3},
        {frozenset({1}): 2},
        bytearray(b"a"),
    ),
]
