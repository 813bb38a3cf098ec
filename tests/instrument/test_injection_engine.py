"""Attaching to live functions, and undoing it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from tracer.instrument.injection.engine import InjectionEngine
from tracer.instrument.probe import Probe

if TYPE_CHECKING:
    import types


class Watching:
    """A probe for every code object, and the names of those entered."""

    def __init__(self) -> None:
        self.entered: list[str] = []

    def probe_of(self, code: types.CodeType) -> Probe:
        def entered() -> None:
            self.entered.append(sys._getframe(1).f_code.co_name)

        def never(*_: Any) -> None:
            raise AssertionError

        return Probe(entered, never, never, never, never, never)


def make_functions() -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    exec("def outer(x):\n    '''doc'''\n    def inner(): return x\n    return inner\ndef other(): return 1", namespace)
    return namespace


def test_a_live_function_and_the_closures_it_makes_are_watched() -> None:
    functions, watching, engine = make_functions(), Watching(), InjectionEngine()
    outer = functions["outer"]
    early = outer(1)
    original = outer.__code__
    assert engine.attach_function(outer, watching.probe_of)
    assert outer(2)() == 2
    assert early() == 1
    assert watching.entered == ["outer", "inner"]
    assert engine.original(outer.__code__) is original
    assert outer.__doc__ == "doc"


def test_a_closure_made_before_shares_the_code_of_later_ones() -> None:
    functions, watching, engine = make_functions(), Watching(), InjectionEngine()
    early = functions["outer"](1)
    engine.attach_function(functions["outer"], watching.probe_of)
    engine.attach_function(early, watching.probe_of)
    assert early.__code__ is functions["outer"](2).__code__


def test_attaching_twice_watches_once() -> None:
    functions, watching, engine = make_functions(), Watching(), InjectionEngine()
    assert engine.attach_function(functions["other"], watching.probe_of)
    assert engine.attach_function(functions["other"], watching.probe_of)
    functions["other"]()
    assert watching.entered == ["other"]


def test_a_code_without_probe_is_left_as_it_is() -> None:
    functions, engine = make_functions(), InjectionEngine()
    code = functions["other"].__code__
    assert engine.attach_function(functions["other"], lambda _: None)
    assert functions["other"].__code__ is code


@pytest.mark.parametrize("thing", [len, int, [].append, 3])
def test_what_is_no_python_function_is_refused(thing: object) -> None:
    assert not InjectionEngine().attach_function(thing, Watching().probe_of)


def test_detach_restores_functions_and_closures_made_meanwhile() -> None:
    functions, watching, engine = make_functions(), Watching(), InjectionEngine()
    code = functions["outer"].__code__
    engine.attach_function(functions["outer"], watching.probe_of)
    made = functions["outer"](3)
    assert engine.detach() == ()
    assert functions["outer"].__code__ is code
    assert made.__code__ in code.co_consts
    assert functions["outer"](4)() == 4
    assert made() == 3
    assert watching.entered == ["outer"]


def test_detach_restores_functions_of_a_module_executed_rewritten() -> None:
    watching, engine = Watching(), InjectionEngine()
    code = compile("def f(): return 1\nclass C:\n    def m(self): return 2", "module", "exec")
    namespace: dict[str, Any] = {}
    exec(engine.attach_module(code, lambda one: watching.probe_of(one) if one.co_name in "fm" else None), namespace)
    assert (namespace["f"](), namespace["C"]().m()) == (1, 2)
    assert engine.detach() == ()
    assert namespace["f"].__code__ in code.co_consts
    assert (namespace["f"](), namespace["C"]().m()) == (1, 2)
    assert watching.entered == ["f", "m"]


def test_detach_tells_what_somebody_else_changed_again() -> None:
    functions, engine = make_functions(), InjectionEngine()
    engine.attach_function(functions["outer"], Watching().probe_of)
    engine.attach_function(functions["other"], Watching().probe_of)
    functions["outer"].__code__ = functions["outer"].__code__.replace(co_name="renamed")
    functions["other"].__code__ = (lambda: "another").__code__
    (sentence,) = engine.detach()
    assert "outer" in sentence
    assert functions["other"]() == "another"


def test_a_generator_under_way_goes_on_after_detach() -> None:
    namespace: dict[str, Any] = {}
    exec("def g():\n    yield 1\n    yield 2", namespace)
    engine = InjectionEngine()
    engine.attach_function(namespace["g"], Watching().probe_of)
    running = namespace["g"]()
    assert next(running) == 1
    engine.detach()
    assert list(running) == [2]


def test_equal_code_of_two_modules_keeps_two_probes() -> None:
    """Code objects compare equal without their file names."""
    engine = InjectionEngine()
    seen: list[str] = []
    codes = [compile("def f(): return 1", name, "exec") for name in ("one.py", "two.py")]
    assert codes[0].co_consts[0] == codes[1].co_consts[0]

    def probe_of(code: types.CodeType) -> Probe | None:
        def entered() -> None:
            seen.append(code.co_filename)

        return Probe(entered, *[lambda *_: None] * 5) if code.co_name == "f" else None

    for code in codes:
        namespace: dict[str, Any] = {}
        exec(engine.attach_module(code, probe_of), namespace)
        namespace["f"]()
    assert seen == ["one.py", "two.py"]


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="3.11 has no block stack")
def test_blocks_nested_as_deeply_as_python_allows_are_refused() -> None:
    source = "def f():\n"
    for depth in range(1, 20):
        source += " " * depth + "try:\n"
    source += " " * 20 + "return 1\n"
    for depth in range(19, 0, -1):
        source += " " * depth + "finally: pass\n"
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    engine = InjectionEngine()
    assert not engine.attach_function(namespace["f"], Watching().probe_of)
    assert "too deeply" in engine.unwatched[0][1]
    assert namespace["f"]() == 1


def test_an_error_in_a_hook_behaves_as_one_in_the_function() -> None:
    """What Python raises when it cannot call a hook (RecursionError) goes through the function's own handlers."""

    def fail(*_: Any) -> None:
        raise RecursionError

    namespace: dict[str, Any] = {}
    exec("def f():\n    try:\n        yield 1\n    except RecursionError:\n        yield 'caught'", namespace)
    probe = Probe(lambda: 1, lambda *_: 1, fail, lambda *_: None, fail, lambda *_: None)
    InjectionEngine().attach_function(
        namespace["f"],
        lambda _: Probe(
            probe.entered,
            probe.began,
            probe.returned,
            probe.raised,
            lambda _, item: fail() if item == 1 else None,
            probe.resumed,
        ),
    )
    assert next(namespace["f"]()) == "caught"
