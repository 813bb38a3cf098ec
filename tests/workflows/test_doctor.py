"""`tracer doctor` tells what was watched, what crossed as a second witness saw it, what was missed, and what stands in the way."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.helpers import Project, doctor
from tracer.recording import native

if TYPE_CHECKING:
    from pathlib import Path

PARTS = """
    import functools

    def logged(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args)
        return wrapper

    def items(count):
        for number in range(count):
            yield number

    async def later(value):
        return value

    class Box:
        def __init__(self, content):
            self.content = content

        def __eq__(self, other):
            return self.content == other.content

        @property
        def size(self):
            return len(self.content)

        @classmethod
        def empty(cls):
            return cls("")

        @staticmethod
        def of(content):
            return Box(content)

    def deep(n):
        return n and deep(n - 1)
"""
SHOP = """
    import asyncio, threading
    from parts import Box, deep, items, later, logged

    @logged
    def price(x):
        return x * 2

    @logged
    @logged
    def tax(x):
        return price(x) / 10

    def main():
        box = Box("abc")
        total = box.size + sum(items(4)) + (box == Box.empty()) + deep(20)
        thread = threading.Thread(target=deep, args=(3,))
        thread.start()
        thread.join()
        return total + tax(5) + asyncio.run(later(1)) + Box.of("x").size
"""
APP = """
    import shop
    print(shop.main(), shop.price(2))
"""
POOLS = """
    from collections import namedtuple

    Size = namedtuple("Size", "workers")

    class _WorkItem:
        def __init__(self, job):
            self.job = job

    class ProcessPoolExecutor:
        def __init__(self, size):
            self._call_queue = _WorkItem(size)
"""
OVERFLOW = """
    import _thread, sys
    from parts import Box, deep

    def depth(n=0):
        try:
            return depth(n + 1)
        except RecursionError:
            return n

    for _ in range(3):
        try:
            deep(10**6)
        except RecursionError:
            pass
        depth()
    Box.of("x").size

    def bare():
        sys._getframe()
        Box.of("y").size
        ended.release()

    ended = _thread.allocate_lock()
    ended.acquire()
    _thread.start_new_thread(bare, ())
    ended.acquire()
"""
PACKS = """
    from msgpack import Packer, Unpacker, unpackb

    def run():
        packer = Packer()
        pack = packer.pack
        data = packer.pack(1) + pack([2]) + Packer.pack(packer, "3")
        parts = Unpacker()
        parts.feed(data)
        unpackb(*iter([b"\\x01"]))
        return [unpackb(each) for each in map(pack, (1, 2))], list(parts)

    if __name__ == "__main__":
        print(run(), unpackb(b"\\x01"))
"""
CLONE = """
    import marshal, types, parts
    types.FunctionType(parts.deep.__code__, vars(parts))(2)
    try:
        marshal.dumps(parts.deep.__code__)
    except ValueError:
        pass
    parts.logged.__code__ = parts.deep.__code__.replace()
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, {"parts.py": PARTS, "shop.py": SHOP, "app.py": APP, "pyproject.toml": ""})


def test_a_second_witness_sees_exactly_the_crossings_that_were_recorded(project: Project) -> None:
    """Functions of every kind, generated methods, recursion and threads are counted alike, and once where tracer watches one for its own ends too."""
    pools = {"loky/__init__.py": "", "loky/process_executor.py": POOLS}
    main = {
        "app.py": APP
        + "    from loky.process_executor import Size, ProcessPoolExecutor\n    ProcessPoolExecutor(Size(3))\n"
    }
    run = doctor(project.with_files({**pools, **main}), "--", "python", "app.py")["run"]

    assert [each for each in run["crossed"] if each["seen"] != each["kept"] + each["lost"]] == []
    assert sum("ProcessPoolExecutor.__init__" in each["callable"] for each in run["crossed"]) == 1
    assert {each["callable"] for each in run["crossed"]} >= {
        "loky.process_executor:Size.__new__",
        "parts:Box.__eq__",
        "parts:Box.size",
        "parts:items",
        "parts:later",
        "parts:deep",
        "shop:price",
        "shop:main",
    }
    assert run["exit_code"] == 0
    assert run["processes"] == run["witnessed"] == 1


def test_functions_that_an_example_of_a_doctest_defines_are_tests(tmp_path: Path) -> None:
    """They say that they are of the module whose examples are run, which has no such function."""
    files = {
        "calls.py": "def apply(function, number): return function(number)\n",
        "shop.py": '''
            """
            >>> def half(number): return number / 2
            >>> import calls
            >>> calls.apply(half, price(2))
            3.0
            """
            def price(number): return number * 3
        ''',
        "app.py": "import calls, doctest, shop\nprint(doctest.testmod(shop), calls.apply(shop.price, 1))\n",
    }
    run = doctor(Project(tmp_path, files), "--", sys.executable, "app.py")["run"]

    assert {each["callable"]: each["seen"] for each in run["crossed"]} == {"calls:apply": 2, "shop:price": 1}
    assert all(each["seen"] == each["kept"] for each in run["crossed"])


def test_calls_of_which_only_sums_are_kept_are_kept(project: Project) -> None:
    app = """
        import parts
        for number in range(40):
            parts.Box(number)
        """
    run = doctor(project.with_files({"app.py": app, "tracer.toml": "detail_calls = 3\n"}), "--", "python", "app.py")[
        "run"
    ]

    (made,) = [each for each in run["crossed"] if each["callable"] == "parts:Box.__init__"]
    assert (made["seen"], made["kept"], made["lost"]) == (40, 40, 0)
    assert {each["component"]: each["calls"] for each in run["watched"]}["parts"] == 40


def test_a_wrapper_that_no_watched_name_is_bound_to_is_recorded_inside_itself_too(project: Project) -> None:
    """What it is called by is another module, so it is no part of the call it stands in."""
    app = """
        import parts

        @parts.logged
        def down(n):
            return n and down(n - 1)

        down(3)
        """
    found = doctor(project.with_files({"app.py": app}), "-b", "parts", "--", "python", "app.py")

    calls = {each["callable"]: (each["seen"], each["kept"]) for each in found["run"]["crossed"]}
    assert calls["parts:logged.<locals>.wrapper"] == (4, 4)


def test_crossings_that_nobody_recorded_are_named_and_turn_the_exit_code_red(project: Project) -> None:
    """A function that appears in a watched module behind the back of the recorder is not passed over in silence, nor is a child that cannot record."""
    code = """
        import subprocess, sys
        import parts
        exec('def late():\\n    return 1', vars(parts))
        parts.late()
        parts.late()
        subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)
        """
    found = doctor(project.with_files({"app.py": code}), "--", "python", "app.py", code=1)

    missed = [each for each in found["run"]["crossed"] if each["seen"] > each["kept"] + each["lost"]]

    assert [(each["callable"], each["seen"]) for each in missed] == [("parts:late", 2)]
    assert any("2 crossings" in problem for problem in found["problems"])
    assert any("1 of the Pythons that were started could not record" in problem for problem in found["problems"])
    assert [name for name, _ in found["run"]["unreachable"]] == ["parts:late"]


def test_what_the_program_does_to_watched_code_is_told_with_its_place(project: Project) -> None:
    """marshal, functions made of a watched function's code and an assigned `__code__` are named once each."""
    run = doctor(project.with_files({"app.py": CLONE}), "--", "python", "app.py")["run"]

    assert [(each["what"], each["callable"], each["place"]) for each in run["hazards"]] == [
        ("__code__ assigned", "parts:logged", "app:<module>"),
        ("function made of the code", "parts:deep", "app:<module>"),
        ("marshal.dumps", "parts:deep", "app:<module>"),
    ]


def test_what_holds_an_object_behind_its_wrapper_is_told_on_every_python(project: Project) -> None:
    """Calls through a registry, a default or a class that took it before its module had run are not recorded; a name is no such thing."""
    files = {
        "cached.py": """
            import functools

            @functools.lru_cache
            def plain(number):
                return number

            @functools.lru_cache
            def listed(number):
                return number

            HANDLERS = {"listed": listed}

            def by_default(number, handler=listed):
                return handler(number)

            class Box:
                handler = staticmethod(listed)
            """,
        "other.py": """
            from cached import plain
            """,
        "app.py": """
            import cached, other
            print(cached.plain(1), other.plain(2), cached.HANDLERS["listed"](3), cached.by_default(4), cached.Box.handler(5))
            """,
    }
    run = doctor(project.with_files(files), "--", "python", "app.py")["run"]

    held = {each["callable"]: each["count"] for each in run["hazards"] if each["what"] == "held elsewhere"}
    assert held == {"cached:listed": 3}


def test_cached_functions_of_several_modules_are_counted_where_they_are_called(project: Project) -> None:
    """Inside their module, which is no crossing, and from another one; one function plays them all."""
    cached = """
        import functools

        @functools.lru_cache
        def kept(number):
            return number

        def inside(number):
            return kept(number) + kept(number)
        """
    source = "import first, second\nprint(first.inside(1), second.inside(2), first.kept(1), second.kept(3))\n"
    files = {"first.py": cached, "second.py": cached, "app.py": source}
    run = doctor(project.with_files(files), "--", "python", "app.py")["run"]
    counted = {each["callable"]: (each["seen"], each["kept"]) for each in run["crossed"]}
    expected = {f"{module}:{name}": (1, 1) for module in ("first", "second") for name in ("inside", "kept")}
    assert counted == expected


def test_children_are_looked_at_too(project: Project) -> None:
    """A Python that the command starts has its own witness; their counts are added up."""
    child = "import subprocess, sys\nsubprocess.run([sys.executable, 'app.py'], check=True)\nimport shop\nshop.main()"
    run = doctor(project.with_files({"child.py": child}), "--", "python", "child.py")["run"]

    assert run["processes"] == run["witnessed"] == 2
    assert [each["seen"] for each in run["crossed"] if each["callable"] == "shop:main"] == [2]


def test_without_a_command_the_installation_and_the_project_are_told(project: Project) -> None:
    """Nothing is run, and a boundary that names nothing is a problem."""
    found = doctor(project)

    assert found["run"] is None
    assert found["workplace"]["modules"] == ["app", "parts", "shop"]
    assert any("'nothere'" in problem for problem in doctor(project, "-b", "nothere", code=1)["problems"])


def test_a_run_that_crossed_nothing_is_a_problem(project: Project) -> None:
    """A green answer means that something was looked at."""
    found = doctor(project.with_files({"app.py": "print(1)"}), "--", "python", "app.py", code=1)

    assert any(problem.startswith("No call crossed") for problem in found["problems"])


def test_the_text_says_the_same(project: Project) -> None:
    """Versions, what is watched, both counts and the verdict stand in the text; the command's own output goes to stderr."""
    done = project.run("python", "-m", "tracer", "doctor", "--", "python", "app.py")

    assert done.exit == 0
    assert "seen by sys.setprofile" in done.stdout
    assert done.stdout.rstrip().endswith("no problem found")
    assert "32.0" not in done.stdout


def test_a_command_that_cannot_be_started_is_one_sentence(project: Project) -> None:
    """Exit code 2, and nothing is left behind."""
    done = project.run("python", "-m", "tracer", "doctor", "--", "no-such-program")

    assert (done.exit, done.stdout) == (2, "")
    assert "no-such-program" in done.stderr


def test_the_witness_stands_where_the_stack_overflows_and_in_threads_that_nobody_announces(project: Project) -> None:
    """Crossings after that are seen as well; putting the witness into a thread looks at frames itself, and does so once."""
    deep = project.with_files({"app.py": OVERFLOW})
    run = doctor(deep, "-b", "parts", "--", "python", "app.py")["run"]

    assert [each for each in run["crossed"] if each["seen"] < each["kept"] + each["lost"]] == [] or not native.in_use()
    assert run["lapses"] == 0 or not native.in_use()
    sizes = {each["callable"]: each["seen"] for each in run["crossed"]}
    assert sizes["parts:deep"] == 3
    assert sizes["parts:Box.size"] == 2


def test_calls_into_c_are_counted_a_second_time_where_this_python_can(project: Project) -> None:
    """However they are made, with what is lost by name; before Python 3.12 they are told apart as not counted twice."""
    files = {"packs.py": PACKS, "app.py": "import packs\npacks.run()\n"}
    run = doctor(project.with_files(files), "-b", "msgpack", "--", sys.executable, "app.py")["run"]

    counts = {each["callable"].partition(":")[2]: each for each in run["crossed"] if "_cmsgpack" in each["callable"]}
    for name, calls in {"Packer": 1, "Packer.pack": 3, "Unpacker": 1, "Unpacker.feed": 1, "unpackb": 3}.items():
        assert counts[name]["kept"] + counts[name]["lost"] + counts[name]["unwitnessed"] == calls, name
    assert [name for name, _ in run["unreachable"]] == ["the script"]
    assert run["calls_seen"] == (sys.version_info >= (3, 12))
    if run["calls_seen"]:
        assert all(each["seen"] == each["kept"] + each["lost"] for each in run["crossed"])
        assert (counts["Packer.pack"]["seen"], counts["unpackb"]["seen"]) == (3, 3)


def test_what_is_thrown_away_before_it_has_begun_is_no_call(project: Project) -> None:
    """Generators, coroutines and async generators; Python 3.10 tells its profile function of them."""
    project = project.with_files(
        {
            "parts.py": """
                def items(): yield 1
                async def work(): return 2
                async def stream(): yield 3
            """,
            "app.py": """
                import asyncio, parts, warnings
                warnings.simplefilter("ignore")
                parts.items(), parts.items().close(), parts.work().close(), parts.stream()
                async def main():
                    return [each async for each in parts.stream()]
                print(list(parts.items()), asyncio.run(parts.work()), asyncio.run(main()))
            """,
        }
    )
    done = project.tracer("doctor", "--json", "-b", "parts", "--", sys.executable, "app.py")

    crossed = json.loads(done.stdout)["run"]["crossed"]
    counts = {each["callable"]: (each["seen"], each["kept"]) for each in crossed}
    assert counts == {"parts:items": (1, 1), "parts:work": (1, 1), "parts:stream": (1, 1)}
