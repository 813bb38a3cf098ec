"""What is a callable, what it is called, what is known of it."""

from __future__ import annotations

import gc
import importlib
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import clean_environment
from tests.instrument.watching import Watch, write
from tracer.instrument.codehash import code_hash
from tracer.instrument.discovery import function_codes
from tracer.instrument.signatures import default_text, parameters_of_function, shortened
from tracer.model import CallableKind, Flow

if TYPE_CHECKING:
    from pathlib import Path
    from types import FunctionType

ODD = '''
    import functools
    from typing import overload

    def plain(a, /, b=1, *c, d, e="x", **f):
        """Doc."""
        def inner():
            return [lambda: i for i in range(a)]
        return inner

    class Outer:
        limit = [n for n in range(3)]

        def __init__(self, a): self.a = a
        def method(self): return 1
        @classmethod
        def made(cls): return cls(1)
        @staticmethod
        def helper(a): return a
        @property
        def size(self): return 1
        @size.setter
        def size(self, value): pass
        @functools.cached_property
        def slow(self): return 2
        def __eq__(self, other): return True
        def __hash__(self): return 1
        async def later(self): return 1
        async def stream(self): yield 1
        class Inner:
            def deep(self): yield 1

    first, second = lambda: 1, lambda: 2

    @overload
    def loaded(a: int) -> int: ...
    @overload
    def loaded(a: str) -> str: ...
    def loaded(a): return a

    def again(): return 1
    kept = again
    def again(): return 2
'''


@pytest.fixture(params=["imported", "loaded before"])
def odd(request: pytest.FixtureRequest, modules: Path) -> Any:
    """The odd module watched: instrumented as it is imported, or afterwards."""
    write(modules, {"odd.py": dedent(ODD)})
    if request.param == "loaded before":
        importlib.import_module("odd")
    with Watch("odd") as watch:
        module = importlib.import_module("odd")
        yield watch, module, request.param


def test_callables_are_named_where_they_are_defined_and_know_their_kind(odd: Any) -> None:
    """Both ways of instrumenting find the same kinds; comprehensions and class bodies are no callables."""
    watch, _, _ = odd

    found = {noun.name: (noun.kind, noun.flow, noun.bound) for noun in watch.instrumentation.callables()}

    assert {name: kind for name, kind in found.items() if "Outer" in name} == {
        "odd:Outer.__init__": (CallableKind.CONSTRUCTOR, Flow.CALL, True),
        "odd:Outer.method": (CallableKind.METHOD, Flow.CALL, True),
        "odd:Outer.made": (CallableKind.CLASS_METHOD, Flow.CALL, True),
        "odd:Outer.helper": (CallableKind.STATIC_METHOD, Flow.CALL, False),
        "odd:Outer.size": (CallableKind.PROPERTY, Flow.CALL, True),
        "odd:Outer.size#2": (CallableKind.PROPERTY, Flow.CALL, True),
        "odd:Outer.slow": (CallableKind.PROPERTY, Flow.CALL, True),
        "odd:Outer.__eq__": (CallableKind.DUNDER, Flow.CALL, True),
        "odd:Outer.__hash__": (CallableKind.DUNDER, Flow.CALL, True),
        "odd:Outer.later": (CallableKind.METHOD, Flow.COROUTINE, True),
        "odd:Outer.stream": (CallableKind.METHOD, Flow.ASYNC_GENERATOR, True),
        "odd:Outer.Inner.deep": (CallableKind.METHOD, Flow.GENERATOR, True),
    }
    assert found["odd:plain"] == (CallableKind.FUNCTION, Flow.CALL, False)
    assert found["odd:plain.<locals>.inner"] == (CallableKind.FUNCTION, Flow.CALL, False)
    assert not any(name.endswith(("comp>", "genexpr>", "<module>", "Outer")) for name in found)


def test_of_several_codes_of_one_name_the_bound_one_keeps_it(odd: Any) -> None:
    """Overloads and redefinitions are numbered, the function callers get is not."""
    watch, module, _ = odd

    module.loaded(1)
    module.again()
    module.kept()
    module.first()
    module.second()

    assert watch.names == ["odd:loaded", "odd:again", "odd:again#2", "odd:<lambda>", "odd:<lambda>#2"]


def test_parameters_come_with_kinds_and_default_texts(odd: Any) -> None:
    """In the order of `inspect.signature`."""
    watch, _, _ = odd

    parameters = [(p.name, p.kind.value, p.default) for p in watch.callable("odd:plain").parameters]

    assert parameters == [
        ("a", "positional-only", None),
        ("b", "positional-or-keyword", "1"),
        ("c", "var-positional", None),
        ("d", "keyword-only", None),
        ("e", "keyword-only", "'x'"),
        ("f", "var-keyword", None),
    ]


def test_methods_called_at_unpredictable_moments_are_counted_apart(odd: Any) -> None:
    """`__hash__` is known to be left out, `__eq__` is recorded."""
    watch, module, _ = odd
    outer = module.Outer(1)

    assert outer in {outer: 1}
    assert outer == 1

    assert watch.left_out == ["odd:Outer.__hash__"] * 2
    assert watch.names == ["odd:Outer.__init__", "odd:Outer.__eq__"]


def test_excluded_callables_are_left_alone(modules: Path) -> None:
    """Neither watched nor listed."""
    write(modules, {"disc_some.py": "def f(): pass\ndef g(): pass\n"})

    with Watch("disc_some", excluded=["disc_some:f"]) as watch:
        module = importlib.import_module("disc_some")
        module.f()
        module.g()
        assert [noun.name for noun in watch.instrumentation.callables()] == ["disc_some:g"]

    assert watch.names == ["disc_some:g"]


def compiled(text: str, filename: str = "a.py") -> Any:
    """Return the code of the first function of a text."""
    return next(function_codes(compile(dedent(text), filename, "exec")))[0]


def test_a_code_hash_stays_where_only_place_or_docstring_changed() -> None:
    """Lines, files, comments and docstrings do not enter, inner functions' included."""
    one = compiled(
        "def f(a):\n    x = {1, 'b', 2.5}\n    class C:\n        def m(self): return 1\n    return a in {'p', 'q'}, C"
    )
    two = compiled(
        """


        # Moved.
        def f(a):
            '''Documented.'''
            x = {1, 'b', 2.5}
            class C:
                def m(self):
                    'Too.'
                    return 1
            return a in {'p', 'q'}, C
        """,
        "b.py",
    )

    assert code_hash(one) == code_hash(two)


@pytest.mark.parametrize(
    "changed",
    ["def f(a): return a + 2", "def f(a): return a - 1", "def f(b): return b + 1", "def f(a, *b): return a + 1",
     "def f(a): return a + True", "def f(a): return a + 1.0", "async def f(a): return a + 1", "def f(a): return g(a) + 1"],
)  # fmt: skip
def test_a_code_hash_changes_with_what_the_code_does(changed: str) -> None:
    """Constants are told apart by type and value."""
    assert code_hash(compiled(changed)) != code_hash(compiled("def f(a): return a + 1"))


def test_a_code_hash_tells_constants_beyond_the_256th_apart() -> None:
    """They are loaded with a longer instruction."""
    body = "".join(f"    x = {number}.5\n" for number in range(300))

    assert code_hash(compiled("def f():\n" + body)) == code_hash(compiled("\ndef f():\n" + body))
    assert code_hash(compiled("def f():\n" + body)) != code_hash(compiled("def f():\n" + body.replace("299", "-1")))


def test_the_hash_of_a_set_constant_does_not_depend_on_the_hash_seed() -> None:
    """Sets of strings are ordered by content."""
    text = (
        "from tracer.instrument.codehash import code_hash as h; print(h((lambda a: a in {'x','y','z','w'}).__code__))"
    )

    found = {
        subprocess.run(
            [sys.executable, "-c", text],
            env={**clean_environment(), "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(found) == 1


def test_reach_names_the_inner_callables_of_the_component(modules: Path) -> None:
    """Through functions, methods and constructors, over modules of one component, not beyond it."""
    write(
        modules,
        {
            "disc_far.py": "def outside(): return 0\n",
            "disc_pkg/__init__.py": "",
            "disc_pkg/a.py": """
            from disc_far import outside
            from disc_pkg.b import Rate
            def total(x): return _net(x) + outside()
            def _net(x): return Rate(x).value()
            def unrelated(): return 1
            """,
            "disc_pkg/b.py": """
            class Rate:
                def __init__(self, x): self.x = x
                def value(self): return _round(self.x)
            def _round(x): return x
            """,
        },
    )

    with Watch("disc_pkg", component="disc_pkg") as watch:
        module = importlib.import_module("disc_pkg.a")
        reach = watch.callable("disc_pkg.a:total").reach
        rounding = importlib.import_module("disc_pkg.b")._round

    assert [name for name, _ in reach] == [
        "disc_pkg.a:_net", "disc_pkg.b:Rate.__init__", "disc_pkg.b:Rate.value", "disc_pkg.b:_round",
    ]  # fmt: skip
    assert reach[-1][1] == code_hash(rounding.__code__)
    assert module.total(1) == 1


class Hostile:
    def __repr__(self) -> str:
        raise AssertionError("called")

    __str__ = __repr__


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"), (True, "True"), (1.5, "1.5"), ("a", "'a'"), (b"a", "b'a'"), ((1, "b"), "(1, 'b')"), ((1,), "(1,)"),
        (..., "Ellipsis"), (frozenset({"b", "a"}), "frozenset({'a', 'b'})"), ([], "<list>"), ({}, "<dict>"),
        (10**400, "<int>"), ((1,) * 99, "(1, 1, 1, 1, 1, 1, 1, 1, …)"), (len, "<builtin_function_or_method>"), (int, "<type>"),
    ],
)  # fmt: skip
def test_defaults_that_are_constants_have_a_text_others_their_type(value: object, text: str) -> None:
    """Nothing that could hold an address or change while it is watched is rendered."""
    assert default_text(value) == text


@given(st.recursive(st.none() | st.integers() | st.text() | st.builds(Hostile), lambda inner: st.tuples(inner, inner)))
def test_default_texts_are_bounded_and_run_nothing(value: object) -> None:
    """Whatever the default is."""
    assert 0 < len(default_text(value)) <= 1_024
    assert 0 < len(shortened(default_text(value))) <= 80


def test_defaults_of_a_live_function_belong_to_its_last_parameters() -> None:
    """As the language has it."""

    def sample(a: int, b: int = 2, *, c: int, d: int = 4) -> None: ...

    function: FunctionType = sample  # type: ignore[assignment] # a def is one
    assert [(p.name, p.default) for p in parameters_of_function(function, function.__code__)] == [
        ("a", None), ("b", "2"), ("c", None), ("d", "4"),
    ]  # fmt: skip


LAMBDAS = """
    one, other = (lambda: 1), (lambda: 2)
    listed = [lambda i=i: i for i in range(2)]
    class Kind:
        first, second = (lambda self: 3), (lambda self: 4)
        table = {n: (lambda: 5) for n in "a"}
    def make():
        return [lambda: 6, lambda: 7], [lambda: 8 for _ in range(1)], {lambda: 9 for _ in range(1)}, tuple((lambda: 10) for _ in "a")
"""


@pytest.mark.parametrize("when", ["imported", "loaded before"])
def test_lambdas_have_names_of_their_own_that_no_version_of_python_changes(modules: Path, when: str) -> None:
    """Several on one line or in one function are numbered; comprehensions, which newer Pythons inline, are no part of a name."""
    write(modules, {"for_lambdas.py": LAMBDAS})
    if when == "loaded before":
        gc.disable()  # Python 3.10 tells no columns
        try:
            importlib.import_module("for_lambdas")
        finally:
            gc.enable()

    with Watch("for_lambdas") as watch:
        module = importlib.import_module("for_lambdas")
        kind = module.Kind()
        (six, seven), (eight,), nine, (ten,) = module.make()
        called = [module.one, module.other, *module.listed, kind.first, kind.second, kind.table["a"]]
        returned = [function() for function in [*called, six, seven, eight, *nine, ten]]

    made = "make.<locals>"
    names = [
        "<lambda>",
        "<lambda>#2",
        "<lambda>#3",
        "<lambda>#3",
        "Kind.<lambda>",
        "Kind.<lambda>#2",
        "Kind.<lambda>#3",
    ]
    names += [f"{made}.<lambda>{number}" for number in ("", "#2", "#3", "#4")] + [f"{made}.<genexpr>.<lambda>"]
    assert returned == [1, 2, 0, 1, 3, 4, 5, 6, 7, 8, 9, 10]
    assert watch.names == ["for_lambdas:make", *(f"for_lambdas:{name}" for name in names)]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="columns are known since Python 3.11")
def test_lambdas_on_a_line_are_numbered_by_its_columns_whenever_garbage_was_collected(modules: Path) -> None:
    """Functions found in memory come in an order that collections change."""
    write(modules, {"on_a_line.py": "import gc\none, _, other = (lambda: [1]), gc.collect(), (lambda: [2])"})
    module = importlib.import_module("on_a_line")

    with Watch("on_a_line") as watch:
        module.one()
        module.other()

    assert watch.names == ["on_a_line:<lambda>", "on_a_line:<lambda>#2"]
