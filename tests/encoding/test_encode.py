"""Live values become the bytes of their snapshot, whatever they are."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import weakref
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass
from enum import Enum, Flag, IntEnum
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given

from tests.strategies import builtins, expected, same, values
from tracer.decode import containers, decode, decode_arguments
from tracer.encoding.budget import Budget, Limit
from tracer.encoding.encode import Encoder, immutable
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.values import Atom, Form, Mapping, Named, Object, Opaque, Redacted, Reference, Scalar, Sequence, Truncated

LARGE = Limit(nodes=1024, bytes=128 << 10)
EVEN = Budget(arguments=LARGE, outcome=LARGE)


def make(redactor: Redactor | None = None) -> Encoder:
    return Encoder(redactor=redactor or Redactor(), paths=PathNormaliser("/proj/shop", temporary=["/tmp"]))


def tree(value: Any) -> Any:
    return decode(make().value(value))


@given(builtins)
def test_builtin_values_come_back_as_their_tree(value: Any) -> None:
    assert same(decode(make(Redactor(names=())).value(value)), expected(value))


@given(values)
def test_the_same_value_gives_the_same_bytes(value: Any) -> None:
    assert make().value(value) == make().value(value)


@given(builtins)
def test_arguments_and_values_are_encoded_alike(value: Any) -> None:
    """An argument list holds for each argument the bytes that the value alone has, whichever way they were packed."""
    encoder = Encoder(redactor=Redactor(), paths=PathNormaliser("/proj/shop", temporary=["/tmp"]), budget=EVEN)

    assert encoder.arguments((value,), None, full=True) == b"\x91" + encoder.value(value)
    assert encoder.arguments((value,), (0,), full=True) == b"\x91" + encoder.value(value)


def test_hash_order_does_not_show() -> None:
    """Sets of texts, of tuples and of objects have the same bytes under every hash seed."""
    program = (
        "from tests.encoding.test_encode import make\n"
        "class A:\n"
        "    def __init__(self, n): self.n = [n, n]\n"
        "names = {'n%d' % i for i in range(50)}\n"
        "deep = {('k%d' % i, frozenset({'a%d' % i, 'b'})) for i in range(40)}\n"
        "objects = {A('o%d' % i) for i in range(30)}\n"
        "shared = [1]\n"
        "data = make().value([names, deep, objects, shared, shared, set(map(str, range(5000)))])\n"
        "print(data.hex())\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(outputs) == 1


def test_a_container_met_twice_is_a_reference_to_the_first() -> None:
    shared = [1]
    data = tree({"a": shared, "b": shared, "c": [shared]})

    reference = data.items[1][1]
    assert isinstance(reference, Reference)
    assert containers(data)[reference.ordinal] == Sequence("list", (Scalar(1),))
    assert data.items[2][1].items == (reference,)


def test_two_arguments_that_are_one_container_are_told_from_two_equal_ones() -> None:
    one, other = [1], [1]
    encoder = make()

    assert encoder.arguments((one, one), None, True) != encoder.arguments((one, other), None, True)
    assert decode_arguments(encoder.arguments((one, one), None, True))[1] == Reference(1 - 1)


def test_cycles_end() -> None:
    class Node:
        pass

    loop: list[Any] = []
    loop.append(loop)
    node = Node()
    node.me = node  # type: ignore[attr-defined]
    node.seen = {node}  # type: ignore[attr-defined]

    assert tree(loop).items == (Reference(0),)
    assert tree(node).fields[0] == ("me", Reference(0))
    assert tree(node).fields[1][1].items == (Reference(0),)


def test_every_reference_points_to_the_container_it_stands_for() -> None:
    """The encoder's numbering and the reader's are one, across every kind of container."""

    class Thing:
        def __init__(self, content: Any) -> None:
            self.content = content

    class Rows(list):  # type: ignore[type-arg]
        pass

    marker = Thing("marker")
    around: list[Any] = [
        *(
            [[]],
            {},
            {1: {2: []}},
            {frozenset({1})},
            (1, [2]),
            bytearray(b"x"),
            Thing([1]),
            Rows([[1], {}]),
            {Thing([])},
        ),
        *(deque([[1]]), OrderedDict(a=[]), defaultdict(list, {1: []}), MappingProxyType({"a": []}), ValueError([])),
        *([0] * 3, {1: 2}, Counter("a"), [{"x": [1]}], list(range(10**5)), "x" * 10**6, object(), open, Thing),
    ]
    data = decode(make().value([*around, marker, marker]))
    assert isinstance(data, Sequence)

    *_, first, second = data.items
    assert isinstance(second, Reference)
    assert containers(data)[second.ordinal] is first


class Hostile:
    """Every dunder raises and is counted."""

    calls: list[str] = []


def _raising(name: str) -> Any:
    def method(self: Any, *_: Any, **__: Any) -> Any:
        Hostile.calls.append(name)
        raise RuntimeError(name)

    return method


_DUNDERS = """__repr__ __str__ __eq__ __ne__ __hash__ __len__ __iter__ __contains__ __getitem__ __bool__ __reduce__ __reduce_ex__
__getattribute__ __getattr__ __dir__ __sizeof__ __format__ __int__ __float__ __index__ __complex__ __bytes__ __fspath__ __call__ __next__
__copy__ __deepcopy__ __getstate__ __enter__ __exit__ __array__ __array_interface__ __instancecheck__ __subclasscheck__ __lt__ __gt__ __len_hint__
keys values items get copy isoformat utcoffset tolist""".split()


def _hostile_class(*bases: type) -> type:
    meta_names = "__eq__ __hash__ __instancecheck__ __subclasscheck__ __repr__ __getattribute__ __getattr__ __len__ __bool__ __iter__ __dir__"
    meta = type("Meta", (type,), {name: _raising("meta " + name) for name in meta_names.split()})
    body: dict[str, Any] = {name: _raising(name) for name in _DUNDERS}
    body["__class__"] = property(_raising("__class__"))
    body["__dict__"] = property(_raising("__dict__"))
    body["__slots__"] = ()
    return type.__call__(meta, "Hostile", bases, body)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("base", "arguments"),
    [
        (object, ()),
        (int, (3,)),
        (float, (1.5,)),
        (str, ("x",)),
        (bytes, (b"x",)),
        (list, ()),
        (dict, ()),
        (tuple, ([1],)),
        (set, ()),
    ]
    + [
        (frozenset, ()),
        (bytearray, ()),
        (OrderedDict, ()),
        (deque, ()),
        (defaultdict, (list,)),
        (complex, (1,)),
        (Exception, ("a",)),
    ],
)
def test_no_code_of_a_value_runs(base: type, arguments: tuple[Any, ...]) -> None:
    """Whatever a class overrides, in itself or its metaclass, looking at an instance or at the class calls none of it."""
    cls = _hostile_class(base)
    instance = base.__new__(cls, *arguments)
    if base in (list, set, bytearray, deque, Exception):
        base.__init__(instance, *arguments)
    encoder = make()
    Hostile.calls.clear()

    snapshots = [encoder.value(value) for value in (instance, [instance], {"a": instance}, (cls,))]
    snapshots.append(encoder.arguments((instance, cls), None, full=False))
    immutable((instance,))

    assert Hostile.calls == []
    assert all(decode(each) for each in snapshots)


def test_hostile_keys_are_neither_hashed_nor_compared() -> None:
    calls = []

    class Key:
        def __hash__(self) -> int:
            calls.append("hash")
            return 1

        def __eq__(self, other: object) -> bool:
            calls.append("eq")
            return self is other

    mapping = {Key(): 1, Key(): 2}
    ordered = OrderedDict(mapping)
    many = {Key(), Key()}
    calls.clear()
    data = tree([mapping, ordered, many])

    assert calls == []
    assert [len(part.items) for part in (data.items[0], data.items[1].payload, data.items[2])] == [2, 2, 2]


def test_an_instance_dictionary_may_hold_anything() -> None:
    class Plain:
        pass

    value = Plain()
    value.__dict__ = type("Odd", (dict,), {"items": None, "__iter__": None})(a=1)
    value.__dict__[1] = 2  # type: ignore[index]

    assert tree(value).fields == (("a", Scalar(1)),)


def test_what_fails_inside_is_opaque_and_counted() -> None:
    """A value whose internals are broken neither raises nor takes its neighbours along."""
    from fractions import Fraction

    broken = Fraction.__new__(Fraction)
    object.__setattr__(broken, "_numerator", "no number")
    encoder = make()
    data = decode(encoder.value([1, broken, [2]]))

    assert data == Sequence("list", (Scalar(1), Opaque("fractions:Fraction", 0), Sequence("list", (Scalar(2),))))
    assert sum(encoder.losses.values()) == 1


def test_deep_nesting_is_cut() -> None:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    value = tree(deep)
    levels = 0
    while isinstance(value, Sequence):
        (value,) = value.items
        levels += 1

    assert isinstance(value, Truncated)
    assert 50 < levels <= 100


def test_near_the_recursion_limit_the_host_sees_no_error() -> None:
    """At every depth up to the last possible frame, encoding returns a snapshot."""
    encoder = make()
    nested = [[[[[{"a": (1, [2])}]]]]]
    results: list[bytes] = []

    def descend() -> None:
        try:
            descend()
        except RecursionError:
            pass
        if len(results) < 200:
            results.append(encoder.value(nested))

    descend()

    assert len(results) == 200
    assert all(decode(each) for each in results)
    assert decode(results[-1]) == expected(nested)


def test_threads_share_an_encoder() -> None:
    encoder = make()
    value = [{"a": [1, 2, {"b": (1, 2)}]}, "x", {1, 2, 3}]
    results: set[bytes] = set()

    def work() -> None:
        for _ in range(200):
            results.add(encoder.value(value))
            results.add(encoder.arguments(("a", 1), None, full=False))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(results) == 2


def test_types_are_not_kept_alive() -> None:
    import gc

    encoder = make()

    def use() -> Any:
        class Short:
            __slots__ = ("a", "__weakref__")

        value = Short()
        value.a = 1  # type: ignore[attr-defined]
        encoder.value(value)
        return weakref.ref(Short)

    watch = use()
    gc.collect()

    assert watch() is None


def test_immutable_means_exact_scalars_only() -> None:
    class Text(str):
        __slots__ = ()

    assert immutable((None, True, 1, 1.5, "a", b"b"))
    assert not immutable((1, Text("a")))
    assert not immutable((1, ()))


class Colour(Enum):
    RED = 1


class Level(IntEnum):
    LOW = 1


class Mode(Flag):
    READ = 1
    WRITE = 2


Point = namedtuple("Point", "x y")  # noqa: PYI024  (the other kind is the same at run time)


@dataclass
class Cart:
    total: int
    _cache: Any = None


class Slotted:
    __slots__ = ("a", "b")


class SlottedChild(Slotted):
    b = property(lambda self: 1 / 0)

    def __init__(self) -> None:
        self.c = 3


def test_instances_are_their_attributes() -> None:
    slotted = Slotted()
    slotted.a = 1  # type: ignore[attr-defined]
    child = SlottedChild()
    child.a = 1  # type: ignore[attr-defined]
    Slotted.__dict__["b"].__set__(child, 2)

    assert tree(Cart(1)) == Object(f"{__name__}:Cart", Form.DATACLASS, (("total", Scalar(1)), ("_cache", Scalar(None))))
    assert tree(Point(1, 2)) == Object(f"{__name__}:Point", Form.NAMEDTUPLE, (("x", Scalar(1)), ("y", Scalar(2))))
    assert tree(slotted).fields == (("a", Scalar(1)),)
    assert dict(tree(child).fields) == {"a": Scalar(1), "b": Scalar(2), "c": Scalar(3)}


def test_enum_members_have_their_names() -> None:
    assert tree(Colour.RED) == Atom(f"{__name__}:Colour", "RED")
    assert tree(Level.LOW) == Atom(f"{__name__}:Level", "LOW")
    assert tree(Mode.READ) == Atom(f"{__name__}:Mode", "READ")


def test_subclasses_of_builtins_keep_type_and_content() -> None:
    class Rows(list):  # type: ignore[type-arg]
        pass

    rows = Rows([1])
    rows.name = "r"  # type: ignore[attr-defined]
    data = tree(rows)

    assert data.type.endswith("Rows")
    assert data.fields == (("name", Scalar("r")),)
    assert data.payload == Sequence("list", (Scalar(1),))


def test_an_exception_is_its_arguments_notes_cause_and_attributes() -> None:
    class Refused(ValueError):
        def __init__(self, code: int) -> None:
            super().__init__("refused")
            self.code = code

    error = Refused(7)
    error.__cause__ = KeyError("k")
    error.__dict__["__notes__"] = ["seen"]
    data = decode(make().value(error))

    assert isinstance(data, Object)
    assert data.form is Form.EXCEPTION
    fields = dict(data.fields)
    assert fields["args"] == Sequence("tuple", (Scalar("refused"),))
    assert fields["notes"] == Sequence("list", (Scalar("seen"),))
    assert fields["code"] == Scalar(7)
    assert isinstance(fields["cause"], Object)
    assert fields["cause"].type == "builtins:KeyError"


def test_callables_classes_and_modules_have_names() -> None:
    assert tree(len) == Named("function", "builtins:len")
    assert tree(make) == Named("function", f"{__name__}:make")
    assert tree(Cart) == Named("class", f"{__name__}:Cart")
    assert tree(os) == Named("module", "os")
    assert tree([].append) == Named("function", "builtins:list.append")


def test_handles_are_opaque_and_numbered_from_zero_in_each_call() -> None:
    encoder = make()
    lock = threading.Lock()
    for _ in range(2):
        data = decode(encoder.value([lock, threading.Lock(), lock]))
        assert isinstance(data, Sequence)
        assert [item.ordinal for item in data.items if isinstance(item, Opaque)] == [0, 1, 0]
    assert encoder.losses == {f"opaque {data.items[0].type}": 4}  # type: ignore[union-attr]


def test_secrets_are_gone_before_anything_is_kept() -> None:
    class Login:
        def __init__(self) -> None:
            self.user = "ann"
            self.password = "hunter2-attribute"

    encoder = make()
    data = b"".join(
        [
            encoder.arguments(("ann", "hunter2-parameter"), (0, 1), full=True),
            encoder.value({"Authorization": "hunter2-header", "n": [{"api_key": "hunter2-key"}]}),
            encoder.value({b"cookie": b"hunter2-bytes", 1: 2}),
            encoder.value(Login()),
            encoder.value([Login()] * 10_000),
            encoder.arguments(({"password": "hunter2-cut"} | {f"k{i}": i for i in range(10**5)},), None, full=False),
        ]
    )

    assert b"hunter2" not in data
    assert decode_arguments(encoder.arguments(("a", "b"), (0, 1), full=False))[1] == Redacted()


def test_a_token_that_is_an_object_is_shown_and_one_that_is_text_is_not() -> None:
    encoder = make()

    assert decode(encoder.value({"token": "abc"})) == Mapping(((Scalar("token"), Redacted()),))
    assert isinstance(decode(encoder.value({"token": Cart(1)})).items[0][1], Object)  # type: ignore[union-attr,index]


def test_paths_inside_values_are_normalised() -> None:
    from pathlib import PurePosixPath

    data = tree(["/proj/shop/a.py", PurePosixPath("/tmp/x"), {"/tmp/tmpabcd1234/f": 1}, "/proj/shopping/a"])

    assert data.items[0] == Scalar("<project>/a.py")
    assert data.items[1] == Atom("pathlib:PurePosixPath", "<tmp>/x")
    assert data.items[2] == Mapping(((Scalar("<tmp>/tmp*/f"), Scalar(1)),))
    assert data.items[3] == Scalar("/proj/shopping/a")


class Keyed:
    """Every key has the same hash, and comparing them is a fault."""

    comparable = True

    def __hash__(self) -> int:
        return 7

    def __eq__(self, other: object) -> bool:
        if not Keyed.comparable:
            raise AssertionError("compared")
        return self is other


def test_keys_are_never_compared() -> None:
    """Copying a dict from which much was deleted, or an instance's, compares keys."""
    Keyed.comparable = True
    held: dict[Any, Any] = {Keyed(): number for number in range(12)}
    for key in list(held)[:9]:
        del held[key]

    class Odd:
        pass

    odd = Odd()
    odd.__dict__.update(held)
    for key in list(odd.__dict__)[:1]:
        del odd.__dict__[key]
    Keyed.comparable = False
    try:
        encoder = make()
        for full in (True, False):
            assert len(decode_arguments(encoder.arguments((held, odd), None, full=full))) == 2
        assert isinstance(decode(encoder.value(held)), Mapping)
    finally:
        Keyed.comparable = True


def test_secret_keys_are_redacted_whatever_class_of_text_they_are_and_whatever_came_before() -> None:
    class Field(str, Enum):
        PASSWORD = "password"

    class Text(str):
        __slots__ = ()

    class User:
        pass

    encoder = make()
    encoder.value({"api": 1, "key": 2})
    user = User()
    user.__dict__[Text("password")] = "hunter2"
    user.__dict__.update({f"a{number}": [number] for number in range(600)})
    for value in ({Field.PASSWORD: "hunter2"}, {Text("password"): "hunter2"}, {"api\0key": "hunter2"}, user):
        for data in (encoder.value(value), encoder.arguments((value,), None, True), encoder.value([value, object()])):
            assert b"hunter2" not in data, value
