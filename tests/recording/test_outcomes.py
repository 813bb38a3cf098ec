"""What is kept of a call: every kind of callable and of outcome, from one recording of a real program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.helpers import Project
from tests.recording.recordings import calls, lines, record, text
from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = {
    "pyproject.toml": "",
    "zoo/__init__.py": "",
    "zoo/marks.py": """
        import functools

        def timed(function):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                return function(*args, **kwargs)
            return wrapper
        """,
    "zoo/kinds.py": """
        import contextlib, functools
        from zoo.marks import timed

        def plain(a, /, b, *rest, c=3, **more): return (a, b)
        def fails(x): raise ValueError(f"no {x}")
        def grows(into, item): into.append(item)
        def count(n):
            got = yield 0
            for i in range(1, n):
                got = yield (i, got)
            return n
        def stubborn():
            try:
                yield 1
            except KeyError:
                yield "caught"
            try:
                yield "over"
            except KeyError:
                pass
            yield "again"
        async def fetch(x): return x * 2
        async def ticks(n):
            for i in range(n):
                yield i
        def outer(x): return inner(x) + 1
        def inner(x): return x

        @timed
        def vat(amount): return amount * 2

        @timed
        async def later(amount): return amount

        @functools.lru_cache
        def cached(x): return -x

        @contextlib.contextmanager
        def opened(name):
            yield name.upper()

        square = lambda x: x * x
        double = functools.partial(plain, 2)

        class Shape:
            def __init__(self, side): self.side = side
            def area(self): return self.side ** 2
            @property
            def width(self): return self.side
            @width.setter
            def width(self, value): self.side = value
            @classmethod
            def unit(cls): return cls(1)
            @staticmethod
            def sides(): return 4
            def __add__(self, other): return Shape(self.side + other.side)
            def __call__(self, times): return self.side * times
            def __enter__(self): return self
            def __exit__(self, *_): return False
            def move(self): self.side += 1
        """,
    "app.py": """
        import asyncio
        from zoo.kinds import *
        from zoo import kinds

        plain(1, 2, 3, c=4, d=5)
        try: fails("way")
        except ValueError: pass
        try: plain()
        except TypeError: pass
        box = []
        grows(box, 1)
        counter = count(3); next(counter); counter.send("hi"); list(counter)
        closed = count(9); next(closed); closed.close()
        patient = stubborn(); next(patient); patient.throw(KeyError("k")); next(patient); patient.throw(KeyError("q")); list(patient)
        never = count(2)
        async def main():
            await fetch(4)
            return [x async for x in ticks(2)], await later(5)
        asyncio.run(main())
        outer(7)
        vat(21)
        cached(3); cached(3)
        with opened("door"): pass
        square(3)
        double(5)
        shape = Shape(2)
        shape.area(); shape.width; shape.width = 5; Shape.unit(); Shape.sides()
        shape + shape; shape(3); shape.move()
        with shape: pass
        held = count(5); next(held)
        """,
}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("zoo") / "project").with_files(FILES)
    record(project, "python", "app.py")
    return project


@pytest.fixture(scope="module")
def of(zoo: Project) -> Callable[[str], list[str]]:
    return lambda name: calls(zoo, f"zoo.kinds:{name}")


EXPECTED = {
    "plain": [
        "zoo.kinds:plain(a=1, b=2, *rest=(3,), c=4, **more={'d': 5}) -> (1, 2)",
        "zoo.kinds:plain(a=2, b=5, *rest=(), c=3, **more={}) -> (2, 5)",  # through the partial
    ],
    "fails": ["zoo.kinds:fails(x='way') !! ValueError('no way')"],
    "grows": ["zoo.kinds:grows(into=[], item=1) -> None", "~ into: [1]"],
    "count": [
        *("zoo.kinds:count(n=3) -> 3", "yields 0", "is sent 'hi'", "yields (1, 'hi')", "yields (2, None)"),
        *("zoo.kinds:count(n=9) -> (unfinished)", "yields 0"),  # closed
        *("zoo.kinds:count(n=5) -> (unfinished)", "yields 0"),  # still held when the program ended
    ],
    "stubborn": [
        "zoo.kinds:stubborn() -> None",
        "yields 1",
        "is thrown KeyError('k')",
        "yields 'caught'",
        "yields 'over'",
        "is thrown None",
        "yields 'again'",
    ],
    "fetch": ["zoo.kinds:fetch(x=4) -> 8"],
    "ticks": ["zoo.kinds:ticks(n=2) -> None", "yields 0", "yields 1"],
    "outer": ["zoo.kinds:outer(x=7) -> 8"],
    "inner": [],  # called inside its own component
    "vat*": ["zoo.kinds:vat(*args=(21,), **kwargs={}) -> 42"],
    "later*": [
        "zoo.kinds:later(*args=(5,), **kwargs={}) -> <builtins.coroutine>",
        "zoo.kinds:later.__wrapped__(amount=5) -> 5",  # runs when the name's own call has ended
    ],
    "cached": ["zoo.kinds:cached(x=3) -> -3"] * 2,
    "opened": ["zoo.kinds:opened(name='door') -> None", "yields 'DOOR'"],
    "<lambda>": ["zoo.kinds:<lambda>(x=3) -> 9"],
    "Shape.__init__": ["zoo.kinds:Shape.__init__(self=Shape(), side=2) -> None", "~ self: Shape(side=2)"],
    "Shape.area": ["zoo.kinds:Shape.area(self=Shape(side=2)) -> 4"],
    "Shape.width*": [
        *("zoo.kinds:Shape.width(self=Shape(side=2)) -> 2",),
        *("zoo.kinds:Shape.width#2(self=Shape(side=2), value=5) -> None", "~ self: Shape(side=5)"),
    ],
    "Shape.unit": ["zoo.kinds:Shape.unit(cls=<class zoo.kinds:Shape>) -> Shape(side=1)"],
    "Shape.sides": ["zoo.kinds:Shape.sides() -> 4"],
    "Shape.move": ["zoo.kinds:Shape.move(self=Shape(side=5)) -> None", "~ self: Shape(side=6)"],
    "Shape.__add__": ["zoo.kinds:Shape.__add__(self=Shape(side=5), other=<same as #0>) -> Shape(side=10)"],
    "Shape.__call__": ["zoo.kinds:Shape.__call__(self=Shape(side=5), times=3) -> 15"],
    "Shape.__enter__": ["zoo.kinds:Shape.__enter__(self=Shape(side=6)) -> Shape(side=6)"],
    "Shape.__exit__": ["zoo.kinds:Shape.__exit__(self=Shape(side=6), *_=(None, None, None)) -> False"],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_call_is_kept_as_its_caller_saw_it(of: Callable[[str], list[str]], name: str) -> None:
    assert of(name) == EXPECTED[name]


def test_a_decorator_is_called_while_its_module_is_imported(zoo: Project) -> None:
    """What a name is wrapped in has no name of its own: the function that goes in bears the decorated one."""
    found = lines(zoo, "zoo.marks:*")

    assert found[0] == "lane import zoo.kinds"
    assert [line.partition("(")[0] for line in found[1:]] == ["zoo.kinds -> zoo.marks:timed"] * 2


def test_nothing_else_is_kept_and_what_could_not_be_seen_is_counted(zoo: Project) -> None:
    names = {line.partition("(")[0].partition(":")[2] for line in calls(zoo, "zoo.kinds:*") if line.startswith("zoo")}

    assert names == {name.rstrip("*") for name in EXPECTED if EXPECTED[name]} | {"later.__wrapped__", "Shape.width#2"}
    assert [line for line in text(zoo).splitlines() if line.startswith("lost")] == [
        "lost 1 of *: opaque builtins:coroutine"
    ]


SCRIPT = {
    "pyproject.toml": "",
    "shop/__init__.py": "",
    "shop/core.py": """
        HANDLERS = []
        def register(handler):
            HANDLERS.append(handler)
            return handler
        def run(value): return [handler(value) for handler in HANDLERS]
        class Base:
            def go(self): return self.step(1)
        """,
    "script.py": """
        from shop.core import Base, register, run
        @register
        def double(x, by=2): return x * by
        class Mine(Base):
            def step(self, n): return n + 5
        def inside(): return double(1)
        def main():
            inside()
            return run(3), Mine().go()
        if __name__ == "__main__":
            main()
        """,
}


@pytest.mark.parametrize(
    ("command", "name"),
    [(("script.py",), "script"), (("-m", "shop"), "shop.__main__"), (("-m", "shop.tool"), "shop.tool")],
)
def test_a_script_that_runs_is_a_component_that_others_call_back(
    project: Project, command: tuple[str, ...], name: str
) -> None:
    script = SCRIPT["script.py"]
    project = project.with_files({**SCRIPT, "shop/__main__.py": script, "shop/tool.py": script})

    record(project, "python", *command)

    assert [line for line in lines(project) if line.startswith("shop.core ->")] == [
        f"shop.core -> {name}:double(x=3, by=2) -> 6",
        f"shop.core -> {name}:Mine.step(self=Mine(), n=1) -> 6",
    ]
    with open_cassette(project.folder / "run.cassette") as cassette:
        found = [watched for watched in cassette.recording.callables if watched.component == name]
    assert [watched.name for watched in found] == [
        f"{name}:{each}" for each in ("Mine.step", "double", "inside", "main")
    ]
    assert [parameter.default for parameter in found[1].parameters] == [None, "2"]
