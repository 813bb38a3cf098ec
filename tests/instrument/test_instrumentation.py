"""Whatever refers to a function, its calls are seen, under the name of where it is defined or bound; and undone without a trace."""

from __future__ import annotations

import asyncio
import copy
import doctest
import gc
import importlib
import inspect
import pickle
import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from tests.instrument.watching import Watch, write
from tracer.instrument.monitoring import MonitoringEngine
from tracer.model import CallableKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHOP = {
    "shop_ins/__init__.py": "",
    "shop_ins/util.py": """
        import functools
        def logged(fn):
            @functools.wraps(fn)
            def wrapper(*args, **kwargs):
                return fn(*args, **kwargs)
            return wrapper
        def bare(fn):
            def inner(*args):
                return fn(*args)
            return inner
    """,
    "shop_ins/tax.py": '''
        import abc, enum, functools, typing
        from dataclasses import dataclass
        from shop_ins.util import bare, logged

        def plain(a, b=2):
            """Add.

            >>> plain(1)
            3
            """
            return a + b

        HANDLERS = {"plain": plain}
        PARTIAL = functools.partial(plain, 1)
        def uses(f=plain): return f(5)
        def adder(n):
            def add(x): return x + n
            return add
        PLUS = adder(1)
        SQUARE = lambda x: x * x
        _hidden = [[plain]]

        @logged
        def vat(price): return price / 10
        @bare
        @logged
        def duty(price): return price / 20

        class Base(abc.ABC):
            @abc.abstractmethod
            def area(self): ...
            def twice(self): return 2 * self.area()

        class Meta(type):
            def __call__(cls, *args): return super().__call__(*args)
            def __getattribute__(cls, name):
                if name == "secret": raise AssertionError
                return super().__getattribute__(name)

        class Cart(Base, metaclass=type("Both", (Meta, abc.ABCMeta), {})):
            def __init__(self, side): self.side = side
            def area(self): return self.side ** 2
            @property
            def half(self): return self.side / 2
            @classmethod
            def unit(cls): return cls(1)
            @staticmethod
            def cm(x): return x * 100
            @logged
            def scaled(self, by): return self.side * by

        @dataclass(order=True)
        class Line:
            name: str
            count: int = 1

        class Point(typing.NamedTuple):
            x: int
            def norm(self): return abs(self.x)

        class Colour(enum.Enum):
            RED = 1
            def upper(self): return self.name
            @classmethod
            def _missing_(cls, value): return cls.RED

        class Shape(typing.Protocol):
            def draw(self) -> int: return 0

        class Drawn(Shape): pass

        async def later(x): return x
        def items(n): yield from range(n)
    ''',
}


def engines() -> list[Any]:
    return [None, MonitoringEngine] if sys.version_info >= (3, 12) else [None]


@pytest.fixture(params=engines(), ids=lambda engine: "default" if engine is None else "monitoring")
def engine(request: pytest.FixtureRequest) -> Any:
    """Each mechanism there is for this Python."""
    return request.param and request.param()


@pytest.fixture(params=["before", "during"])
def shop(request: pytest.FixtureRequest, modules: Path, engine: Any) -> Iterator[tuple[Watch, Any]]:
    """The shop watched: imported before tracer starts, or while it watches."""
    write(modules, SHOP)
    if request.param == "before":
        importlib.import_module("shop_ins.tax")
    watch = Watch("shop_ins", engine=engine)
    with watch:
        module = importlib.import_module("shop_ins.tax")
        watch.calls.clear()
        watch.components.clear()
        yield watch, module


def test_every_reference_to_a_function_leads_to_it(shop: tuple[Watch, Any]) -> None:
    """A registry, a partial, a default, a list in a list, a name imported earlier."""
    watch, tax = shop
    earlier = tax.plain

    assert tax.HANDLERS["plain"](1) == tax.PARTIAL() == tax._hidden[0][0](1) == earlier(1) == 3
    assert tax.uses() == 7

    assert watch.names == ["shop_ins.tax:plain"] * 4 + ["shop_ins.tax:uses", "shop_ins.tax:plain"]


def test_closures_and_lambdas_are_watched(shop: tuple[Watch, Any]) -> None:
    """Those made before, and those made later; a closure bound to a name goes by where its code is."""
    watch, tax = shop

    assert (tax.PLUS(1), tax.adder(2)(1), tax.SQUARE(3)) == (2, 3, 9)

    add = "shop_ins.tax:adder.<locals>.add"
    assert watch.names == [add, "shop_ins.tax:adder", add, "shop_ins.tax:<lambda>"]


def test_a_decorated_function_goes_by_the_name_it_is_bound_to(shop: tuple[Watch, Any]) -> None:
    """Each of a decorator's wrappers is told apart, in the component it is bound in; what it wraps is named by the way to it."""
    watch, tax = shop

    assert (tax.vat(10), tax.duty(20), tax.Cart(2).scaled(3)) == (1, 1, 6)

    names = [name.removeprefix("shop_ins.tax:") for name in watch.names]
    assert names == [
        "vat", "vat.__wrapped__",
        "duty", "duty.__wrapped__", "duty.__wrapped__.__wrapped__",
        "Meta.__call__", "Cart.__init__", "Cart.scaled", "Cart.scaled.__wrapped__",
    ]  # fmt: skip
    assert set(watch.components) == {"shop_ins.tax"}
    assert [p.name for p in watch.callable("shop_ins.tax:vat").parameters] == ["args", "kwargs"]
    assert watch.callable("shop_ins.tax:Cart.scaled").kind is CallableKind.METHOD


def test_methods_of_every_kind_are_watched(shop: tuple[Watch, Any]) -> None:
    """Through a metaclass, an abstract base, descriptors, enums, named tuples and protocols."""
    watch, tax = shop

    cart = tax.Cart.unit()
    assert (cart.twice(), cart.half, tax.Cart.cm(1)) == (2, 0.5, 100)
    assert (tax.Point(-1).norm(), tax.Colour.RED.upper(), tax.Colour(9), tax.Drawn().draw()) == (
        1,
        "RED",
        tax.Colour.RED,
        0,
    )

    names = [name.removeprefix("shop_ins.tax:") for name in watch.names]
    assert [name for name in names if name != "Meta.__getattribute__"] == [
        "Cart.unit", "Meta.__call__", "Cart.__init__", "Base.twice", "Cart.area", "Cart.half", "Cart.cm",
        "Point.__new__", "Point.norm", "Colour.upper", "Colour._missing_", "Shape.draw",
    ]  # fmt: skip


def test_methods_made_from_text_are_watched_by_the_name_they_got(shop: tuple[Watch, Any]) -> None:
    """A dataclass writes its methods itself; a default is a default."""
    watch, tax = shop

    assert tax.Line("a") < tax.Line("b")
    assert repr(tax.Line("a")) == "Line(name='a', count=1)"

    line = "shop_ins.tax:Line."
    assert watch.names == [line + "__init__", line + "__init__", line + "__lt__", line + "__init__", line + "__repr__"]
    assert [p.default for p in watch.callable(line + "__init__").parameters] == [None, None, "1"]


def test_attrs_classes_and_pydantic_models_are_watched(modules: Path, engine: Any) -> None:
    """What attrs generates goes by its class; a validator is a plain function of the module."""
    text = """
    import attrs, pydantic
    @attrs.define
    class Item:
        price: int = attrs.field(default=3)
        def total(self): return self.price
    class Model(pydantic.BaseModel):
        price: int
        @pydantic.field_validator("price")
        @classmethod
        def positive(cls, value): return abs(value)
        def total(self): return self.price
    """
    write(modules, {"ins_models.py": text})

    with Watch("ins_models", engine=engine) as watch:
        module = importlib.import_module("ins_models")
        watch.calls.clear()
        assert module.Item(2).total() == module.Model(price=-2).total() == 2
        assert module.Item(2) == module.Item(2)

    assert [name.removeprefix("ins_models:") for name in watch.names] == [
        "Item.__init__", "Item.total", "Model.positive", "Model.total", "Item.__init__", "Item.__init__", "Item.__eq__",
    ]  # fmt: skip


def test_coroutines_and_generators_are_watched(shop: tuple[Watch, Any]) -> None:
    """At their first resumption."""
    watch, tax = shop

    assert asyncio.run(tax.later(1)) == 1
    assert list(tax.items(2)) == [0, 1]

    assert watch.names == ["shop_ins.tax:later", "shop_ins.tax:items"]


def test_functions_methods_and_instances_pickle_and_copy_as_ever(shop: tuple[Watch, Any]) -> None:
    """By name, giving the very same functions back."""
    _, tax = shop
    cart = tax.Cart(3)

    for function in (tax.plain, tax.vat, tax.Cart.unit, tax.Cart.cm):
        assert pickle.loads(pickle.dumps(function)) == function
        assert copy.deepcopy(function) == function
    assert pickle.loads(pickle.dumps(cart.area))() == 9
    assert pickle.loads(pickle.dumps(tax.Line("a", 2))) == tax.Line("a", 2)


def test_introspection_shows_what_it_always_showed(shop: tuple[Watch, Any]) -> None:
    """Signatures, source, docstrings and doctests."""
    _, tax = shop

    assert str(inspect.signature(tax.plain)) == "(a, b=2)"
    assert str(inspect.signature(tax.vat)) == "(price)"
    assert inspect.getsource(tax.uses) == "def uses(f=plain): return f(5)\n"
    assert [test.name for test in doctest.DocTestFinder().find(tax) if test.examples] == ["shop_ins.tax.plain"]
    assert doctest.testmod(tax).failed == 0


def test_a_name_imported_from_its_home_is_not_named_again(modules: Path, engine: Any) -> None:
    """Not even when the importing module comes first in the interpreter's list."""
    write(
        modules,
        {**SHOP, "shop_ins/front.py": "from shop_ins.tax import plain, vat\nfrom shop_ins import util\nalso = vat\n"},
    )
    importlib.import_module("shop_ins.front")
    sys.modules["shop_ins.tax"] = sys.modules.pop("shop_ins.tax")

    with Watch("shop_ins", engine=engine) as watch:
        front = sys.modules["shop_ins.front"]
        front.vat(1)
        names = [noun.name for noun in watch.instrumentation.callables()]

    assert watch.names == ["shop_ins.tax:vat", "shop_ins.tax:vat.__wrapped__"]
    assert not any(name.startswith("shop_ins.front") for name in names)


def snapshot(modules: list[ModuleType]) -> dict[str, Any]:
    """Return all that instrumenting could leave a trace in."""
    found: dict[str, Any] = {"meta_path": list(sys.meta_path), "hooks": list(sys.path_hooks)}
    for module in modules:
        found[module.__name__] = dict(vars(module))
        found[module.__name__ + " loader"] = dict(vars(module.__loader__))
        found[module.__name__ + " classes"] = {
            name: dict(vars(value)) for name, value in vars(module).items() if isinstance(value, type)
        }
        found[module.__name__ + " codes"] = {
            id(f): (f.__code__, f.__code__.co_code, f.__defaults__, f.__dict__)
            for f in gc.get_objects()
            if type(f) is FunctionType and f.__globals__ is vars(module)
        }
    return found


def test_undoing_leaves_the_interpreter_as_it_was(modules: Path, engine: Any) -> None:
    """Modules, classes, functions, codes, loaders and finders are what they were."""
    write(modules, SHOP)
    tax = importlib.import_module("shop_ins.tax")
    before = snapshot([tax, sys.modules["shop_ins.util"]])

    with Watch("shop_ins", engine=engine) as watch:
        tax.vat(1)
        assert watch.calls

    after = snapshot([tax, sys.modules["shop_ins.util"]])
    assert after == before
    tax.vat(1)
    assert len(watch.calls) == 2


def test_what_was_imported_while_watching_is_silent_after_it(shop: tuple[Watch, Any]) -> None:
    """Functions kept by somebody call no probe any more."""
    watch, tax = shop
    kept = [tax.plain, tax.PLUS, tax.vat]

    watch.instrumentation.stop()
    for function in kept:
        function(1)

    assert watch.calls == []


def test_modules_that_are_not_watched_are_not_touched(modules: Path) -> None:
    """Codes, loader and report know nothing of tracer."""
    write(modules, {"ins_other.py": "def f(): return 1\n"})
    plain = importlib.import_module("ins_other")
    code = plain.f.__code__

    with Watch("ins_watched_only") as watch:
        assert plain.f.__code__ is code
        assert watch.instrumentation.report.components == ()


def test_the_report_counts_modules_and_callables(shop: tuple[Watch, Any]) -> None:
    """Per component."""
    watch, _ = shop

    counts = {part.component: (part.modules, part.callables) for part in watch.instrumentation.report.components}

    assert counts["shop_ins.util"] == (1, 4)
    assert counts["shop_ins.tax"][1] > 25


def test_a_fault_of_tracer_is_counted_and_does_not_reach_the_host(modules: Path) -> None:
    """The module is imported as if nobody watched."""
    write(modules, {"ins_fault.py": "def f(): return 1\n"})
    watch = Watch("ins_fault")
    watch.instrumentation._catalogue._make_probe = lambda *_: 1 / 0  # type: ignore[assignment] # the fault

    watch.instrumentation.start()
    try:
        assert importlib.import_module("ins_fault").f() == 1
    finally:
        watch.instrumentation.stop()

    assert "ZeroDivisionError" in watch.instrumentation.report.own_failures[0]
