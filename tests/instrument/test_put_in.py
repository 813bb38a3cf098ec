"""Code that a program puts into its functions as it runs is watched as theirs was."""

from __future__ import annotations

import importlib
import pickle
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.instrument.watching import Watch, write
from tracer.instrument.adoption import MAX_PUT_IN
from tracer.instrument.injection.pickled import Chosen
from tracer.instrument.monitoring import MonitoringEngine

if TYPE_CHECKING:
    from pathlib import Path
    from types import CodeType

    from tracer.instrument.probe import Engine

LAZY = """
    import functools

    def compiled_when_called(inner):
        @functools.wraps(inner)
        def wrapper(*args, **kwargs):
            space = {"inner": inner}
            exec(f"def {inner.__name__}_compiled(x, y=2):\\n    return inner(x, y), [n for n in (x, y)]", space)
            wrapper.__defaults__ = (2,)
            wrapper.__code__ = space[f"{inner.__name__}_compiled"].__code__.replace(co_freevars=("inner", "wrapper"))
            return wrapper(*args, **kwargs)
        wrapper.__globals__["inner"] = inner
        return wrapper

    @compiled_when_called
    def total(x, y):
        return x + y
"""
PLAIN = """
    class Box:
        pass

    def one(x): return "one", x
    def two(x): return "two", x
    def items(x): yield x
    def others(x): yield x
    def made():
        space = {}
        exec("def new(x, *more):\\n    yield x\\n    yield more", space)
        return space["new"].__code__
    def swap(owner, code):
        try:
            for _ in "a":
                owner.__code__ = code
        except ValueError as refused:
            return str(refused)
        return owner.__code__ is code
"""


@pytest.fixture
def plain(modules: Path) -> str:
    """A module whose function `swap` stores any code into anything."""
    write(modules, {"plain.py": PLAIN})
    return "plain"


@pytest.mark.parametrize("when", ["imported", "loaded before"])
def test_a_wrapper_that_is_compiled_when_it_is_first_called_is_watched_from_then_on(modules: Path, when: str) -> None:
    write(modules, {"lazy.py": LAZY})
    if when == "loaded before":
        importlib.import_module("lazy")

    with Watch("lazy") as watch:
        module = importlib.import_module("lazy")
        results = [module.total(1, 5), module.total(2), module.total(3, y=4)]
        put_in = watch.callable("lazy:total#2")

    assert results == [(6, [1, 5]), (4, [2, 2]), (7, [3, 4])]
    assert [name for name in watch.names if name == "lazy:total#2"] == ["lazy:total#2"] * 3
    assert [parameter.name for parameter in put_in.parameters] == ["x", "y"]
    assert (put_in.code, put_in.reach) == ("", ())
    assert module.total(4) == (6, [4, 2])
    assert not any(isinstance(constant, Chosen) for constant in module.compiled_when_called.__code__.co_consts)


def test_what_is_put_in_has_its_own_parameters_and_flow_and_keeps_its_number(plain: str) -> None:
    with Watch(plain) as watch:
        module = importlib.import_module(plain)
        new = module.made()
        module.swap(module.items, new)
        module.swap(module.items, new)
        items = list(module.items(1, 5))

    assert items == [1, (5,)]
    assert [call for call in watch.calls if call[0].startswith("plain:items")] == [("plain:items#2", (1, (5,)))]
    assert module.items.__code__ is new


def test_a_code_that_is_watched_already_is_recorded_under_its_own_name(plain: str) -> None:
    with Watch(plain) as watch:
        module = importlib.import_module(plain)
        same = module.swap(module.one, module.two.__code__)
        first = module.one(1)
        module.swap(module.one, module.one.__code__.replace(co_name="other"))
        second = module.one(2)

    assert (same, first, second) == (True, ("two", 1), ("two", 2))
    assert [name for name in watch.names if name != "plain:swap"] == ["plain:two", "plain:two"]


def test_a_program_that_puts_in_new_code_without_end_has_a_bounded_number_of_callables(plain: str) -> None:
    with Watch(plain) as watch:
        module = importlib.import_module(plain)
        for turn in range(MAX_PUT_IN + 20):
            module.swap(module.items, module.made())
            assert list(module.items(turn)) == [turn, ()]

    numbered = [name for name in watch.names if name.startswith("plain:items")]
    assert numbered == [f"plain:items#{number}" for number in range(2, MAX_PUT_IN + 1)]


def test_what_is_no_function_or_no_code_is_stored_as_it_is(plain: str) -> None:
    with Watch(plain):
        module = importlib.import_module(plain)
        box = module.Box()

        assert module.swap(box, 3)
        assert box.__code__ == 3
        assert module.swap(box, module.made())
        with pytest.raises(TypeError, match="__code__ must be set to a code object"):
            module.swap(module.one, 3)
        assert "free vars" in module.swap(module.one, closure_code())
        assert module.one(1) == ("one", 1)


def closure_code() -> CodeType:
    """The code of a function with a free variable."""
    kept = 1

    def inner(x: Any) -> Any:
        return x, kept

    return inner.__code__


def test_what_excluded_functions_and_code_after_the_end_are_given_is_left_alone(plain: str) -> None:
    with Watch(plain, excluded=["plain:items"]) as watch:
        module = importlib.import_module(plain)
        swap = module.swap
        assert swap(module.items, module.made())
    assert swap(module.others, module.made())

    assert list(module.others(1)) == [1, ()]
    assert not [name for name in watch.names if name.startswith("plain:items")]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_sys_monitoring_leaves_stores_alone(plain: str) -> None:
    engine: Engine = MonitoringEngine()
    with Watch(plain, engine=engine):
        module = importlib.import_module(plain)

        assert module.swap(module.items, module.made())


def test_pickled_by_value_it_stores_what_it_is_given() -> None:
    choose = pickle.loads(pickle.dumps(Chosen(print)))

    assert choose("owner", "code") == "code"
