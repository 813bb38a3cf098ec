"""What cannot become live is refused for a reason from a closed set; hostile snapshots reach nothing and cost little."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from tests.encoding.test_encode import make
from tests.samples import kinds
from tests.samples.kinds import Lazy
from tracer.decode import decode
from tracer.encoding import looks
from tracer.encoding.causes import Cause
from tracer.encoding.revive import Reviver
from tracer.encoding.standard import EXCEPTIONS
from tracer.errors import CannotRevive
from tracer.values import (
    Atom,
    Form,
    Mapping,
    Named,
    Object,
    Opaque,
    Redacted,
    Reference,
    Scalar,
    Sequence,
    Truncated,
    Value,
    ValuePath,
)

HERE = kinds.__name__
ONE = Scalar(1)


def ours(module: str) -> bool:
    return module.partition(".")[0] in {"tests", "numpy", "pydantic"}


def refusal(value: Value) -> CannotRevive:
    with pytest.raises(CannotRevive) as caught:
        Reviver(ours).tree(value)
    assert caught.value.cause in {cause.value for cause in Cause}
    return caught.value


def listed(*items: Value) -> Sequence:
    return Sequence("list", items)


def array(dtype: str, shape: tuple[int, ...], *items: Value) -> Object:
    sizes = Sequence("tuple", tuple(map(Scalar, shape)))
    return Object("numpy:ndarray", Form.ARRAY, (("dtype", Scalar(dtype)), ("shape", sizes)), listed(*items))


def plain(name: str, *fields: tuple[str, Value], form: Form = Form.PLAIN) -> Object:
    return Object(f"{HERE}:{name}", form, fields)


REFUSED: list[tuple[Value, Cause]] = [
    (Opaque("socket:socket", 0), Cause.OPAQUE),
    (Truncated("list", 9, (ONE,)), Cause.CUT),
    (Redacted(), Cause.REDACTED),
    (Object("subprocess:Popen", Form.PLAIN, ()), Cause.FORBIDDEN),
    (Object("socket:socket", Form.EXCEPTION, (("args", listed()),)), Cause.FORBIDDEN),
    (Named("function", "os:system"), Cause.FORBIDDEN),
    (Named("function", "builtins:eval"), Cause.FORBIDDEN),
    (Named("function", "builtins:type.__subclasses__"), Cause.FORBIDDEN),
    (Named("function", "_operator:call"), Cause.FORBIDDEN),
    (Named("module", "os"), Cause.FORBIDDEN),
    (Named("class", f"{HERE}:datetime"), Cause.OTHER_KIND),
    (Named("function", f"{HERE}:field"), Cause.OTHER_KIND),
    (Named("function", f"{HERE}:sys.exit"), Cause.OTHER_KIND),
    (Named("class", f"{HERE}:sys.modules"), Cause.OTHER_KIND),
    (Named("class", f"{HERE}:function"), Cause.OTHER_KIND),
    (Named("function", f"{HERE}:Plain"), Cause.OTHER_KIND),
    (Named("class", f"{HERE}:Gone"), Cause.GONE),
    (Named("class", "tests.absent:Gone"), Cause.NOT_IMPORTED),
    (Named("class", f"{HERE}:make.<locals>.Inner"), Cause.LOCAL),
    (Named("function", f"{HERE}:Plain.run", bound=True), Cause.BOUND),
    (Named("spell", "x"), Cause.DAMAGED),
    (Atom(f"{HERE}:Colour", "BLUE"), Cause.GONE),
    (Atom(f"{HERE}:Plain", "x"), Cause.OTHER_KIND),
    (Atom("builtins:range", "range(1, 2); import os"), Cause.TEXT),
    (Atom("builtins:complex", "1" * 50 + "x"), Cause.TEXT),
    (Atom("fractions:Fraction", "1/0"), Cause.TEXT),
    (Atom("datetime:datetime", "2024-13-01T00:00:00"), Cause.TEXT),
    (Atom("datetime:time", "00:00:00[somewhere:Zone]"), Cause.ZONE),
    (Atom("zoneinfo:ZoneInfo", "../../etc/passwd"), Cause.TEXT),
    (Atom("builtins:ellipsis", "x"), Cause.TEXT),
    (plain("OnlySlots", ("gone", ONE)), Cause.FIELD_GONE),
    (plain("Point", ("x", ONE), form=Form.DATACLASS), Cause.FIELD_NEW),
    (plain("Point", ("x", ONE), ("y", ONE), ("z", ONE), form=Form.DATACLASS), Cause.FIELD_GONE),
    (plain("Attrs", ("a", ONE), form=Form.ATTRS), Cause.FIELD_NEW),
    (plain("Pair", ("one", ONE), form=Form.NAMEDTUPLE), Cause.FIELD_NEW),
    (plain("Pair", ("zero", ONE), ("one", ONE), ("two", ONE), form=Form.NAMEDTUPLE), Cause.FIELD_GONE),
    (plain("Plain", ("args", Sequence("tuple", ())), form=Form.EXCEPTION), Cause.OTHER_KIND),
    (plain("Plain", form=Form.PYDANTIC), Cause.OTHER_KIND),
    (plain("Broken"), Cause.NOT_MADE),
    (Object(f"{HERE}:Words", Form.PLAIN, (), Opaque("x", 0)), Cause.PARTLY_FOREIGN),
    (Object(f"{HERE}:Number", Form.PLAIN, (), Scalar("x")), Cause.OTHER_KIND),
    (Object("re:Match", Form.PLAIN, ()), Cause.UNTOLD),
    (Object("re:Pattern", Form.PLAIN, (("pattern", Scalar("(")), ("flags", Scalar(2)))), Cause.MISFIT),
    (Sequence("set", (listed(),)), Cause.UNHASHABLE),
    (Mapping(((listed(), ONE),)), Cause.UNHASHABLE),
    (Mapping(((ONE, ONE), (Scalar(1.0), ONE))), Cause.COLLIDING),
    (Reference(0), Cause.DAMAGED),
    (array("<f8", (10**12,), ONE), Cause.TOO_LARGE),
    (array("<U100000000", (2,), ONE, ONE), Cause.TOO_LARGE),
    (array("<f8", (-1,)), Cause.DAMAGED),
    (array("nonsense", (1,), ONE), Cause.TEXT),
    (array("<f8", (1,), Scalar("x")), Cause.MISFIT),
]


@pytest.mark.parametrize(("value", "cause"), REFUSED, ids=str)
def test_each_refusal_has_its_reason(value: Value, cause: Cause) -> None:
    assert refusal(value).cause == cause.value


def test_a_refusal_names_type_and_place() -> None:
    told = refusal(Mapping(((Scalar("a"), plain("Plain", ("content", listed(ONE, Opaque("m:Socket", 0))))),)))

    assert (told.type, told.path) == ("m:Socket", "['a'].content[1]")


def test_a_value_nested_without_end_is_refused() -> None:
    """However deep: no recursion of the interpreter is used up."""
    for kind in ("list", "tuple", "frozenset"):
        value: Value = ONE
        for _ in range(100_000):
            value = Sequence(kind, (value,))
        assert refusal(value).cause == Cause.TOO_DEEP.value
        while isinstance(value, Sequence):  # taken apart from outside: dropping it at once would recurse
            value = value.items[0]


def test_a_named_tuple_inside_its_own_tuple_is_refused() -> None:
    """Nothing can be put into a tuple later."""
    inside = Object(f"{HERE}:Pair", Form.NAMEDTUPLE, (("one", Sequence("tuple", (Reference(0),))), ("two", ONE)))

    assert refusal(inside).cause == Cause.INSIDE_ITSELF.value


def test_what_a_program_made_inside_a_function_is_refused_by_name() -> None:
    class Inner:
        pass

    assert refusal(decode(make().value(Inner()))).cause == Cause.LOCAL.value


def test_no_code_of_a_class_runs() -> None:
    """Neither constructor nor setters, hooks or properties of the class, nor of its metaclass."""
    snapshot = make().value(Guarded.made())
    Guarded.calls.clear()

    live = Reviver(lambda module: module == __name__).value(snapshot)

    assert Guarded.calls == []
    assert object.__getattribute__(live, "__dict__") == {"a": [1]}
    assert type(live) is Guarded


def _called(name: str) -> Any:
    def method(*_: Any, **__: Any) -> Any:
        Guarded.calls.append(name)
        raise RuntimeError(name)

    return method


class _Meta(type):
    __call__ = _called("meta __call__")


class Guarded(metaclass=_Meta):
    calls: list[str] = []

    __new__ = _called("__new__")
    __init__ = _called("__init__")
    __setattr__ = _called("__setattr__")
    __getattribute__ = _called("__getattribute__")
    __setstate__ = _called("__setstate__")
    __reduce__ = __reduce_ex__ = _called("__reduce__")
    a = property(_called("a"))

    @staticmethod
    def made() -> Any:
        live = object.__new__(Guarded)
        object.__getattribute__(live, "__dict__")["a"] = [1]
        return live


def test_a_stand_in_takes_the_place_of_what_has_no_live_form() -> None:
    """It is asked once for each such value, with its place; what else refers to the value refers to the stand-in."""
    asked: list[tuple[Value, str]] = []

    def stand_in(value: Value, path: ValuePath) -> object:
        asked.append((value, str(path)))
        return f"stand-in {len(asked)}"

    gone = Object("gone:Thing", Form.PLAIN, (("inner", listed(ONE)),))
    value = listed(
        gone, Opaque("m:X", 0), Opaque("m:X", 0), Reference(1), Reference(2), Truncated("str", 9, ()), Redacted()
    )

    live = Reviver(ours, stand_in=stand_in).tree(value)

    assert live == ["stand-in 1", "stand-in 2", "stand-in 2", "stand-in 1", [1], "stand-in 3", "stand-in 4"]
    assert [path for _, path in asked] == ["[0]", "[1]", "[5]", "[6]"]


def test_paths_are_those_of_this_machine() -> None:
    """Marks at the front of a path are exchanged, in texts and in paths; a mark without a root, and any other text, stays."""
    roots = {"project": "/here/shop", "tmp": "/var/tmp"}
    value = listed(
        *map(Scalar, ("<project>/a.py", "at <tmp>/x, <tmp>", "<project>", "<project>name</project>", "<recording>/y"))
    )

    live = Reviver(ours, roots=roots).tree(listed(value, Atom("pathlib:PurePosixPath", "<project>/b")))

    assert live[0] == [
        "/here/shop/a.py",
        "at /var/tmp/x, <tmp>",
        "/here/shop",
        "<project>name</project>",
        "<recording>/y",
    ]
    assert str(live[1]) == "/here/shop/b"


def test_attributes_that_a_class_sets_beside_its_fields_come_back() -> None:
    """A dataclass may hold more than it declares: what a cached property keeps, what its own code sets."""
    lazy = Lazy(2)
    lazy.note()
    assert lazy.twice == 4

    live = Reviver(ours).value(make().value(lazy))

    assert vars(live) == {"a": 2, "noted": True, "twice": 4}


@pytest.mark.parametrize("name", [f"{module}:{name}" for module, names in EXCEPTIONS.items() for name in sorted(names)])
def test_exceptions_of_the_standard_library_need_no_permission(name: str) -> None:
    """What stands in the table is an exception, and is had under the name by which it is recorded."""
    module, _, simple = name.partition(":")
    known = getattr(importlib.import_module(module), simple, None)
    if known is None or looks.type_name(known) != name:
        pytest.skip("this Python calls it otherwise")

    assert issubclass(known, BaseException)
    assert Reviver(lambda _: False).tree(Named("class", name)) is known
