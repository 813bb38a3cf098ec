"""Something takes the place of what code calls and reads from, and nothing else about the code changes."""

from __future__ import annotations

import os
import sys
from functools import partial
from types import BuiltinFunctionType, MethodType
from typing import Any

import pytest

from tests.instrument.test_injection_bytecode import MODULES, STDLIB, codes_of, silent_probe, verify
from tracer.instrument.injection.engine import InjectionEngine
from tracer.instrument.injection.sites import SiteHooks, Swap

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 14), reason="no bytecode is rewritten there")


def never(*_: Any) -> None:
    """Do nothing."""


def hooks_with(swap: Swap, *, told: bool = False) -> SiteHooks:
    return SiteHooks(set(), set(), never, never, never, never, told=told, swap=swap)


def nothing_known() -> Swap:
    return Swap(set(), (MethodType, partial), type(os.environ), frozenset({"get"}), lambda called: called)


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("name", MODULES)
def test_code_that_looks_for_swaps_keeps_its_stack_balanced(name: str, told: bool) -> None:
    path = STDLIB / f"{name}.py"
    if not path.is_file():
        pytest.skip("not in this Python")
    if told and sys.version_info < (3, 11):
        pytest.skip(
            "what follows the paths here knows no handlers of call sites before 3.11; programs run through them in test_callsites"
        )
    code = compile(path.read_text("utf-8"), str(path), "exec", dont_inherit=True)
    engine = InjectionEngine()

    watched = engine.attach_module(code, silent_probe, hooks_with(nothing_known(), told=told))

    assert engine.untold == ()
    for original, rewritten in zip(codes_of(code), codes_of(watched), strict=True):
        verify(rewritten)
        assert engine.original(rewritten) is original


def seven(*arguments: Any, **named: Any) -> tuple[Any, ...]:
    """Return 7 and what it is called with."""
    return (7, *arguments, *named.items())


def test_what_is_called_is_swapped_at_every_form_of_call() -> None:
    """Plain, with keywords, spread, with many arguments, as a method of an instance, nested, in loops and handlers."""

    def called(*_: Any, **__: Any) -> int:
        return 1

    class Holder:
        bound = called

        def __init__(self) -> None:
            self.kept = called

    def run(many: int) -> list[Any]:
        found: list[Any] = [called(), called(1, b=2), called(*[1, 2], c=3), called(1, 2, 3, 4, 5, 6, 7, 8, 9)]
        held = Holder()
        found += [held.kept(4), called(called(1)), [called(number) for number in range(many)]]
        try:
            found.append(called(len("abc")) or 0)
            raise ValueError(called("in"))
        except ValueError as error:
            found.append(error.args)
        return found

    def place(value: Any) -> Any:
        return seven if value is called else value

    bare = run(2)
    engine = InjectionEngine()
    swap = Swap({called}, (MethodType, partial), type(os.environ), frozenset({"get"}), place)
    assert engine.attach_function(run, lambda _: None, hooks_with(swap))
    swapped = run(2)
    engine.detach()

    assert swapped == [
        (7,),
        (7, 1, ("b", 2)),
        (7, 1, 2, ("c", 3)),
        (7, 1, 2, 3, 4, 5, 6, 7, 8, 9),
        (7, 4),
        (7, (7, 1)),
        [(7, 0), (7, 1)],
        (7, 3),
        ((7, "in"),),
    ]
    assert run(2) == bare == [1, 1, 1, 1, 1, 1, [1, 1], 1, (1,)]


def test_a_mapping_is_swapped_wherever_it_is_read() -> None:
    """Subscripts, `in`, loops, `|`, `{**...}`, builtins and methods; what is written goes to the mapping itself."""

    class Table(dict):  # type: ignore[type-arg]
        pass

    real = Table(a=1)
    other = Table(b=2)

    def run(table: Any) -> list[Any]:
        table["written"] = 3
        del table["written"]
        read = [table.get("b"), "a" in table, "b" not in table, list(table), {**table}, [key for key in table]]
        read += [len(table), sorted(table), table | {"c": 3}, dict(table), dict(table.copy())]
        for key in table:
            read.append(table[key])
        return read

    def place(value: Any) -> Any:
        if type(value) is MethodType or type(value) is BuiltinFunctionType:
            return getattr(other, value.__name__) if value.__self__ is real else value
        return other if value is real else value

    engine = InjectionEngine()
    engine.attach_function(
        run,
        lambda _: None,
        hooks_with(Swap(set(), (MethodType, BuiltinFunctionType), Table, frozenset({"get", "copy"}), place)),
    )
    swapped = run(real)
    engine.detach()

    assert swapped == [2, False, False, ["b"], {"b": 2}, ["b"], 1, ["b"], {"b": 2, "c": 3}, {"b": 2}, {"b": 2}, 2]
    assert real == {"a": 1}
