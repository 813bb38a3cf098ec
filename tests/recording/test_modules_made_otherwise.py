"""Modules that no finder loads, that their loader compiles itself, and functions that a program makes from text are recorded as others are."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.helpers import Project, doctor
from tracer.model import Loss
from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from pathlib import Path

SHOP = """
    import math

    def price(number):
        return math.floor(number * 2)

    class Cart:
        def total(self, number):
            return number * 3
"""


def _edges(project: Project, *options: str) -> Counter[tuple[str, str]]:
    done = project.tracer("record", "-o", "run.cassette", *options, "--", sys.executable, "-m", "app")
    bare = project.run("python", "-m", "app")
    assert (bare.exit, bare.stderr) == (0, "")
    assert (done.exit, done.stdout) == (0, bare.stdout), done.stderr
    with open_cassette(project.folder / "run.cassette") as cassette:
        return Counter((call.caller, call.callable) for lane in cassette.lanes for call in cassette.calls(lane.name))


@pytest.mark.parametrize(
    ("importing", "at"),
    [
        ("import importlib.util", "importlib.util."),
        ("from importlib.util import spec_from_file_location, module_from_spec", ""),
    ],
)
def test_a_module_loaded_from_the_spec_of_a_file(tmp_path: Path, importing: str, at: str) -> None:
    """By the recipe of importlib's documentation, under a name of its own; also where that was imported by name."""
    source = f"""
        {importing}
        spec = {at}spec_from_file_location("plugin", "folder/shop.py")
        plugin = {at}module_from_spec(spec)
        spec.loader.exec_module(plugin)
        print(plugin.price(2), plugin.Cart().total(2))
    """
    project = Project(tmp_path, {"folder/shop.py": SHOP, "app.py": source})
    assert _edges(project) == {("app", "plugin:price"): 1, ("app", "plugin:Cart.total"): 1}


@pytest.mark.parametrize("options", [(), ("-b", "shop", "-b", "math")], ids=["no configuration", "call sites"])
def test_a_module_that_its_loader_compiles_itself(tmp_path: Path, options: tuple[str, ...]) -> None:
    """As pytest does to rewrite asserts. Its functions may be known to call C code before they are known to be watched."""
    source = """
        import sys
        from importlib.machinery import PathFinder
        class Compiling:
            def __init__(self, origin): self.origin = origin
            def create_module(self, spec): return None
            def exec_module(self, module):
                with open(self.origin) as file:
                    exec(compile(file.read(), self.origin, "exec"), vars(module))
        class Finder:
            def find_spec(self, name, path=None, target=None):
                if name != "shop": return None
                spec = PathFinder.find_spec(name, path, target)
                spec.loader = Compiling(spec.origin)
                return spec
        sys.meta_path.insert(0, Finder())
        import colorsys, shop
        print(shop.price(2), shop.Cart().total(2))
    """
    project = Project(tmp_path, {"shop.py": SHOP, "app.py": source})
    edges = _edges(project, *options)
    assert edges[("app", "shop:price")] == edges[("app", "shop:Cart.total")] == 1
    assert edges[("shop", "math:floor")] == bool(options)


def test_all_that_the_body_of_a_module_makes_and_calls_that_its_loader_executes_itself(tmp_path: Path) -> None:
    """In statements, in classes, handed on at once, in the functions that come later; as the body runs, which knows nothing of it."""
    source = """
        import array, hall, sys
        hall.run(lambda: 1)
        held = array.array("i", [3])
        held.append(4)
        class Held:
            hall.run(lambda: held.append(5))
            size = held.index(4)
        def late(): return hall.run(lambda: held.pop())
        def test():
            assert late() == 5
            assert sys._getframe().f_back.f_code.co_name != "test"
        above = sys._getframe(1)
        assert (above.f_code.co_name, type(above.f_locals["self"]).__name__) == ("exec_module", "AssertionRewritingHook")
    """
    files = {"hall.py": "def run(function): return function()\n", "test_held.py": source}
    project = Project(tmp_path, files)
    command = (sys.executable, "-m", "pytest", "-q", "test_held.py")
    done = project.tracer(
        "record", "-o", "run.cassette", "-b", "hall", "-b", "test_held", "-b", "array", "--", *command
    )
    assert done.exit == 0, done.stdout + done.stderr
    with open_cassette(tmp_path / "run.cassette") as cassette:
        calls = [call for lane in cassette.lanes for call in cassette.calls(lane.name)]
    assert Counter(call.callable for call in calls if call.caller == "test_held") == {
        "hall:run": 3,
        "array:array": 1,
        "array:array.append": 2,
        "array:array.index": 1,
        "array:array.pop": 1,
    }
    assert Counter(call.callable for call in calls if call.caller == "hall") == {
        "test_held:<lambda>": 1,
        "test_held:Held.<lambda>": 1,
        "test_held:late.<locals>.<lambda>": 1,
    }


def test_who_imports_an_extension_of_the_project_first_is_told_of_too(tmp_path: Path) -> None:
    """Without configuration it is looked for where the project's packages are: its call sites are needed before anybody has loaded it."""
    source = """
        import wrapt
        @wrapt.decorator
        def doubled(wrapped, instance, args, kwargs): return wrapped(*args) * 2
        @doubled
        def price(number): return number
        print(price(3))
    """
    files = {"pyproject.toml": "[tool.setuptools]\npackages = ['wrapt']\n", "app.py": source}
    edges = _edges(Project(tmp_path, files))
    called = {name for caller, name in edges if caller == "app" and name.startswith("wrapt._wrappers:")}
    assert {name.rpartition(".")[2] for name in called} == {"__call__"}


def test_who_imports_an_extension_that_was_built_in_place_first_is_told_of(tmp_path: Path) -> None:
    """Beside the project's packages, and in none of them."""
    built = importlib.util.find_spec("wrapt._wrappers")
    assert built is not None
    assert built.origin is not None
    shutil.copy(built.origin, tmp_path)
    source = """
        import _wrappers
        held = _wrappers.PartialCallableObjectProxy(max, 3)
        print(held(4), held(1, 2))
    """
    edges = _edges(Project(tmp_path, {"app.py": source}))
    assert edges[("app", "_wrappers:PartialCallableObjectProxy.__call__")] == 2


def test_the_modules_of_a_package_call_its_extension_as_components_of_their_own(tmp_path: Path) -> None:
    """Without configuration; the one that has the package's name, too."""
    files = {
        "pyproject.toml": "[tool.setuptools]\npackages = ['msgpack']\n",
        "app.py": "import io, msgpack\nmsgpack.pack([1], io.BytesIO())\nprint(msgpack.unpackb(msgpack.packb([2])))\n",
    }
    edges = _edges(Project(tmp_path, files))
    into = {(caller, name.rpartition(".")[2]): times for (caller, name), times in edges.items() if "_cmsgpack:" in name}
    assert into[("msgpack", "pack")] == 2
    assert into[("app", "_cmsgpack:unpackb")] == 1


def test_a_wrapper_made_from_text_is_what_its_name_leads_to(tmp_path: Path) -> None:
    """In a namespace of its own, as SQLAlchemy and the decorator library make them; what it wraps is told apart from it."""
    files = {
        "pyproject.toml": "",
        "making.py": """
            import functools
            def logged(function):
                text = f"def {function.__name__}(*args, **more): return target(wrapped, *args, **more)"
                space = {"target": around, "wrapped": function, "__name__": function.__module__}
                exec(text, space)
                return functools.update_wrapper(space[function.__name__], function)
            def around(function, *args, **more):
                return function(*args, **more) + 1
        """,
        "shop.py": """
            from making import logged
            @logged
            def price(number):
                return number * 2
            class Cart:
                @logged
                def total(self, number):
                    return price(number)
        """,
        "app.py": """
            from shop import Cart, price
            print(price(2), Cart().total(3), Cart.total(Cart(), 4))
        """,
    }
    assert _edges(Project(tmp_path, files)) == {
        ("shop", "making:logged"): 2,
        ("app", "shop:price"): 1,
        ("app", "shop:Cart.total"): 2,
        ("shop", "making:around"): 5,
        ("making", "shop:price.__wrapped__"): 3,
        ("making", "shop:Cart.total.__wrapped__"): 2,
    }


def test_a_function_made_from_text_calls_for_the_module_that_its_namespace_names(tmp_path: Path) -> None:
    """Though the namespace tells the name alone, and no other function of the module was met before."""
    files = {
        "late/making.py": """
            import shop
            def build():
                space = {"__name__": __name__, "shop": shop}
                exec("def made(number): return shop.price(number)", space)
                return space["made"]
            def plain(number):
                return shop.price(number)
        """,
        "shop.py": SHOP,
        "app.py": """
            import sys
            sys.path.insert(0, "late")
            from making import build, plain
            print(build()(2), plain(3))
        """,
    }
    assert _edges(Project(tmp_path, files)) == {
        ("app", "making:build"): 1,
        ("app", "making:plain"): 1,
        ("making", "shop:price"): 2,
    }


def test_of_two_files_loaded_under_one_name_the_later_definition_holds(tmp_path: Path) -> None:
    """As of a reloaded module; what the first one had alone is known still."""
    source = """
        from importlib.util import module_from_spec, spec_from_file_location
        for path in ("first.py", "second.py"):
            spec = spec_from_file_location("plugin", path)
            plugin = module_from_spec(spec)
            spec.loader.exec_module(plugin)
            print(plugin.shared(1), plugin.own())
    """
    files = {
        "first.py": "def shared(number): return number\ndef own(): return 1\ndef old(): pass\n",
        "second.py": "def shared(number, more=2): return number + more\ndef own(): return 2\ndef new(): pass\n",
        "app.py": source,
    }
    assert _edges(Project(tmp_path, files)) == {("app", "plugin:shared"): 2, ("app", "plugin:own"): 2}
    with open_cassette(tmp_path / "run.cassette") as cassette:
        known = {each.name: each for each in cassette.recording.callables}
    assert [each.name for each in known["plugin:shared"].parameters] == ["number", "more"]
    assert {"plugin:old", "plugin:new"} <= known.keys()


def test_methods_that_a_class_borrows_from_the_standard_library_are_none_of_it(tmp_path: Path) -> None:
    """Some of its modules are frozen into the interpreter, and go by another name than they say; other classes use these methods too."""
    held = """
        from collections.abc import Mapping, Sized
        class Held:
            def __getitem__(self, key): return {"a": 1}[key]
            get = Mapping.get
        class Other(Mapping):
            def __getitem__(self, key): return {"b": 2}[key]
            def __iter__(self): return iter("b")
            def __len__(self): return 1
    """
    source = "import held\nprint(held.Held().get('a'), held.Other().get('b'), held.Other().get('c', 3))\n"
    assert _edges(Project(tmp_path, {"held.py": held, "app.py": source})) == {
        ("app", "held:Held.__getitem__"): 1,
        ("app", "held:Other.__getitem__"): 2,
    }


def test_modules_that_go_by_one_name_are_told_apart_as_callers(tmp_path: Path) -> None:
    """As each folder has its `conftest`: one of the project calls as itself, one of elsewhere is looked through, whichever comes first."""
    conftest = "import shop\ndef go(number): return shop.price(number)\n"
    files = {
        "elsewhere/conftest.py": conftest,
        "project/pyproject.toml": "",
        "project/shop.py": SHOP,
        "project/conftest.py": conftest,
        "project/app.py": """
            import sys
            import conftest as own
            print(own.go(1))
            del sys.modules["conftest"]
            sys.path.insert(0, "../elsewhere")
            import conftest as other
            print(own.go(2), other.go(3), own.go(4))
        """,
    }
    project = Project(tmp_path, files)
    command = f"cd project && {sys.executable} -m tracer record -o ../run.cassette -- {sys.executable} -m app"
    done = project.run("sh", "-c", command)
    assert (done.exit, done.stdout) == (0, "2\n4 6 8\n"), done.stderr
    with open_cassette(tmp_path / "run.cassette") as cassette:
        calls = [call for lane in cassette.lanes for call in cassette.calls(lane.name)]
    assert [call.caller for call in calls if call.callable == "shop:price"] == [
        "conftest",
        "conftest",
        "app",
        "conftest",
    ]


def test_wrappers_that_are_compiled_at_their_first_call_are_recorded_in_whatever_order_and_process(
    tmp_path: Path,
) -> None:
    """Under the name of the function and a number; one that is added to a function's calls is found there."""
    files = {
        "making.py": """
            import functools
            made = []
            def lazily(function):
                @functools.wraps(function)
                def stand_in(*args, **kwargs):
                    made.append(function)
                    space = {}
                    exec(f"def compiled_{len(made)}(number, by=1): return made[{len(made) - 1}](number, by)", space)
                    stand_in.__defaults__ = (1,)
                    stand_in.__code__ = space[f"compiled_{len(made)}"].__code__.replace(co_freevars=("function", "stand_in"))
                    return stand_in(*args, **kwargs)
                return stand_in
        """,
        "late.py": """
            from making import lazily
            @lazily
            def first(number, by):
                return number + by
            @lazily
            def second(number, by):
                return number * by
        """,
        "app.py": """
            import subprocess, sys, late
            if len(sys.argv) == 1:
                print(late.first(2), late.first(3, by=4), late.second(5, 6))
                print(subprocess.check_output([sys.executable, "-m", "app", "child"], text=True))
            else:
                print(late.second(7), late.first(8))
        """,
    }
    project = Project(tmp_path, files)

    assert _edges(project) == {
        ("late", "making:lazily"): 2,
        ("app", "late:first"): 2,
        ("app", "late:first#2"): 1,
        ("app", "late:second"): 2,
        ("making", "late:first.__wrapped__"): 1,
    }
    found = doctor(project, "--", sys.executable, "-m", "app")["run"]
    assert [each for each in found["crossed"] if each["seen"] != each["kept"] + each["lost"]] == []
    assert found["hazards"] == []
    again = project.with_files({"app.py": files["app.py"].replace("first(3, by=4)", "first(3, by=5)")})
    shown = again.tracer("diff", "run.cassette", "--", sys.executable, "-m", "app").stdout
    assert "late:first#2" in shown
    assert "late:second" not in shown


def test_methods_made_for_classes_of_functions_are_recorded(tmp_path: Path) -> None:
    """By `dataclass` and attrs, each time the function is called, under the class' name; other fields are another code of that name."""
    files = {
        "models.py": """
            import collections, typing
            from dataclasses import dataclass, field, make_dataclass
            import attrs
            def made(kind):
                @dataclass(frozen=True, order=True)
                class Point:
                    x: kind
                    y: int = 0
                    def twice(self):
                        return self.x * 2
                return Point
            def wide():
                return dataclass(type("Wide", (), {"__annotations__": {"a": int}, "__module__": __name__}))
            def defined():
                @attrs.define
                class Pair:
                    a: int
                return Pair
            def tuples():
                class Typed(typing.NamedTuple):
                    a: int
                return collections.namedtuple("Plain", "a b", defaults=[7]), Typed
            def bare():
                class Shape:
                    side: int
                return Shape
        """,
        "app.py": """
            import dataclasses, models
            for number in range(150):
                Point = models.made(int)
                Point(number)
            print(Point(1) < Point(2), repr(Point(3)), Point(4).twice(), hash(Point(5)) == hash(Point(5)))
            print(models.made(str)("a", y=2), models.wide()(a=1), models.defined()(1), models.defined()(2) == 2)
            Plain, Typed = models.tuples()
            print(Plain(1), Plain(1, b=2), Plain._make([1, 2]), Typed(a=3))
            print(dataclasses.dataclass(models.bare())(1))  # which runs a function in the namespace of models
        """,
    }
    project = Project(tmp_path, files)

    edges = _edges(project)
    point, pair = "models:made.<locals>.Point", "models:defined.<locals>.Pair"
    assert edges[("app", f"{point}.__init__")] == 150 + 7
    assert edges[("app", f"{point}.__lt__")] == 1
    assert edges[("app", f"{point}.twice")] == 1
    assert edges[("app", "models:Wide.__init__")] == 1
    assert edges[("app", f"{pair}.__init__")] == 2
    assert edges[("app", "models:Plain.__new__")] == 2
    assert edges[("app", "models:Typed.__new__")] == 1
    assert edges[("app", "models:bare.<locals>.Shape.__init__")] == 1
    assert not [name for _, name in edges if "#" in name]
    found = doctor(project, "--", sys.executable, "-m", "app")["run"]
    assert [each for each in found["crossed"] if each["seen"] != each["kept"] + each["lost"]] == []


def test_what_was_imported_or_made_unseen_is_told(tmp_path: Path) -> None:
    """By a finder that came to stand in front where nothing was imported after; by code that `setattr` put into a function."""
    files = {
        "shop.py": SHOP,
        "making.py": """
            import functools
            def lazily(function):
                @functools.wraps(function)
                def stand_in(number):
                    code = eval("lambda number: number + 1").__code__.replace(co_freevars=("function", "stand_in"))
                    setattr(stand_in, "__code__", code)
                    return function(number)
                return stand_in
        """,
        "late.py": """
            from making import lazily
            @lazily
            def first(number):
                return number + 1
        """,
        "app.py": """
            import sys, late
            from importlib.machinery import PathFinder
            sys.meta_path.insert(0, PathFinder)
            import shop
            print(shop.price(2), late.first(2), late.first(3))
        """,
    }
    project = Project(tmp_path, files)
    bare = project.run("python", "-m", "app")
    done = project.tracer("record", "-o", "run.cassette", "--", sys.executable, "-m", "app")

    assert (bare.exit, bare.stderr) == (0, "")
    assert (done.exit, done.stdout) == (0, bare.stdout), done.stderr
    with open_cassette(tmp_path / "run.cassette") as cassette:
        assert (
            Loss("*", "functions put into watched modules unseen: `tracer doctor` names them", 3)
            in cassette.recording.losses
        )
    told = project.tracer("doctor", "--", sys.executable, "-m", "app").stdout
    assert all(name in told for name in ("shop:price", "shop:Cart.total", "late:first"))
