"""Calls into C extensions are seen where they are made, and nobody can tell."""

from __future__ import annotations

import array
import gc
import importlib
import importlib.machinery
import sys
import traceback
import types
import warnings
import weakref
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.instrument.watching import Watch, write
from tracer.instrument.extensions import holds_extension
from tracer.instrument.probe import UNFIT, USED_UP

if TYPE_CHECKING:
    from pathlib import Path
    from types import CodeType, FrameType, ModuleType

CALLS = """
    import array
    from array import array as make
    MODULE = make("i", [1])
    class Body:
        made = make("i", [2])
    class Mine(make):
        def __new__(cls, *rest):
            return super().__new__(cls, *rest)
        def append(self, value):
            super().append(value + 1)
    def run():
        found = make("i")
        found.append(1)
        add = found.append
        add(2)
        make.append(found, 3)
        found.extend(*[[4]])
        found.insert(*(0,), *[9])
        (lambda: found.pop())()
        [found.count(each) for each in (1, 2)]
        def inner():
            return getattr(found, "index")(1)
        return inner(), found.tolist()
    def mine():
        made = Mine("i", [1])
        made.append(2)
        return made.tolist()
"""
OPERATORS = """
    from array import array
    def run():
        a = array("i", [1, 2, 3])
        a[0] = 5
        del a[2]
        total = a + a
        a += a
        a[0:1] = array("i", [7])
        return [a[1], a[0:2].tolist(), 5 in a, 5 not in a, a == total, 2 * a == a, total.tolist(), len([]) * array("i"), a + array("i")]
"""


def load(modules: Path, name: str, text: str) -> ModuleType:
    write(modules, {f"{name}.py": text})
    return importlib.import_module(name)


@pytest.mark.parametrize("when", ["before", "during"])
def test_every_way_to_call_is_seen(modules: Path, when: str) -> None:
    """Methods bound, unbound and held in variables, spread arguments, lambdas, comprehensions, nested functions, `super()`."""
    if when == "before":
        load(modules, "site_ways", CALLS)

    with Watch("array", callers="site_") as watch:
        module = load(modules, "site_ways", CALLS)
        del watch.calls[:]
        assert module.run() == (1, [9, 1, 2, 3])
        ran = watch.names
        del watch.calls[:]
        assert module.mine() == [1, 3]

    method = "array:array.{}".format
    assert ran == [
        "array:array", *map(method, ["append", "append", "append", "extend", "insert", "pop", "count", "count", "index", "tolist"]),
    ]  # fmt: skip
    assert watch.names == [method("__new__"), method("append"), method("tolist")]


def test_bodies_of_modules_and_classes_are_seen_as_they_are_imported(modules: Path) -> None:
    """Their code is instrumented before it runs."""
    with Watch("array", callers="site_") as watch:
        load(modules, "site_bodies", CALLS)

    assert watch.calls == [("array:array", (("i", [1]), {})), ("array:array", (("i", [2]), {}))]


def test_arguments_go_by_the_names_the_callable_tells(modules: Path) -> None:
    """A method's receiver comes first; what tells no signature keeps positions and keywords; a constructor's outcome is the object."""
    text = """
        import zlib
        def run():
            packer = zlib.compressobj(level=1)
            return packer.compress(b"a") + packer.flush(zlib.Z_FINISH), type(packer)
    """
    with Watch("zlib", callers="site_") as watch:
        packed, kind = load(modules, "site_named", text).run()
        flush = watch.callable(f"zlib:{kind.__qualname__}.flush")
        crc32 = watch.callable("zlib:crc32")

    (opened, arguments), (compress, (receiver, data)), _ = watch.calls
    assert (opened, arguments[0]) == ("zlib:compressobj", 1)
    assert (compress, type(receiver), data) == (f"zlib:{kind.__qualname__}.compress", kind, b"a")
    assert watch.outcomes[0][1] is receiver
    assert [parameter.name for parameter in flush.parameters] == ["self", "mode"]
    assert flush.bound
    assert [parameter.name for parameter in crc32.parameters] == ["data", "value"]
    assert packed


def test_functions_in_registries_are_seen_and_keep_their_place(modules: Path) -> None:
    """No name is bound to anything else, wherever the function is kept."""
    text = """
        import zlib
        from zlib import adler32
        TABLE = {"crc": zlib.crc32}
        def run(sum=zlib.crc32): return TABLE["crc"](b"a"), sum(b"b", 1), adler32(b"c")
    """
    bare = sys.modules["zlib"].crc32
    with Watch("zlib", callers="site_") as watch:
        module = load(modules, "site_registry", text)
        module.run()
        assert sys.modules["zlib"].crc32 is bare

    assert watch.names == ["zlib:crc32", "zlib:crc32", "zlib:adler32"]


@pytest.mark.parametrize(
    "how", ["from zlib import crc32 as len", "from for_star import *", "import zlib; len = zlib.crc32"]
)
@pytest.mark.parametrize("when", ["before", "during"])
def test_a_builtin_name_that_stands_for_something_else_is_seen(modules: Path, how: str, when: str) -> None:
    """Calls of builtins by their name are not looked at, unless the module gives the name another meaning."""
    write(modules, {"for_star.py": "from zlib import crc32 as len\n"})
    text = f"{how}\ndef run(): return len(b'a'), abs(-1)\n"
    if when == "before":
        load(modules, "site_shadow", text)

    with Watch("zlib", callers="site_") as watch:
        assert load(modules, "site_shadow", text).run() == (0xE8B7BE43, 1)

    assert watch.names == ["zlib:crc32"]


def test_trace_functions_see_the_same_lines(modules: Path) -> None:
    """Debuggers and coverage: every call, line, exception and return, in order."""
    text = """
        from array import array
        def other(*rest, **named): return rest
        def run():
            made = [other(1,
                          key=2), array("i", [1])
                    .count(1), other(*(1,))]
            for index in range(2):
                made.append(index) if index else other(
                    index)
            try:
                array("i").pop(
                    5)
            except IndexError as error:
                made += [str(error)]
            with open("/dev/null") as file:
                file.read()
            return made[0:1] + [each for each in made[1:] if other(each)]
    """

    def events(name: str) -> list[tuple[str, str, int]]:
        module = load(modules, name, text)
        seen: list[tuple[str, str, int]] = []

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            if frame.f_code.co_filename != module.__file__:
                return None
            seen.append((event, frame.f_code.co_name, frame.f_lineno))
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            module.run()
        finally:
            sys.settrace(before)
        return seen

    expected = events("site_untold")
    with Watch("array", callers="site_") as watch:
        assert events("site_told") == expected

    assert len(watch.calls) == 4


def test_operators_and_subscripts_are_seen(modules: Path) -> None:
    """As calls of their special methods, reflected where the other operand has it, slices and `not in` included."""
    expected = load(modules, "site_plain", OPERATORS).run()

    with Watch("array", callers="site_") as watch:
        assert load(modules, "site_operators", OPERATORS).run() == expected

    seen = [name.rpartition(".")[2] for name in watch.names if "__" in name]
    assert seen == [
        "__setitem__", "__delitem__", "__add__", "__iadd__", "__setitem__", "__getitem__", "__getitem__", "__contains__",
        "__contains__", "__eq__", "__rmul__", "__eq__", "__rmul__", "__add__",
    ]  # fmt: skip
    assert [value for name, value in watch.outcomes if name.endswith("__contains__")] == [True, True]
    assert [arguments[1] for name, arguments in watch.calls if name.endswith("__getitem__")] == [1, slice(0, 2)]


@pytest.mark.parametrize("when", ["before", "between", "during"])
@pytest.mark.parametrize("text", [CALLS, OPERATORS], ids=["calls", "operators"])
def test_those_who_watch_at_once_are_told_the_same(modules: Path, text: str, when: str) -> None:
    """As one who watches alone, wherever the module is imported: what one has made of its code the next is told of, too."""

    def told(*watches: Watch) -> list[list[str]]:
        sys.modules.pop("site_shared", None)
        if when == "before":
            load(modules, "site_shared", text)
        with ExitStack() as stack:
            for index, watch in enumerate(watches):
                if index == 1 and when == "between":
                    load(modules, "site_shared", text)
                stack.enter_context(watch)
            module = importlib.import_module("site_shared")
            for watch in watches:
                del watch.calls[:], watch.outcomes[:]
            module.run()
            getattr(module, "mine", list)()
        return [[*map(repr, watch.calls), *map(repr, watch.outcomes)] for watch in watches]

    write(modules, {"site_shared.py": text})
    (alone,) = told(Watch("array", callers="site_"))
    assert len(alone) > 20
    assert told(*[Watch("array", callers="site_") for _ in range(3)]) == [alone] * 3


def test_an_exception_is_recorded_and_passes_unchanged(modules: Path) -> None:
    """The same object, the same traceback."""
    text = """
        from array import array
        def run():
            return array("i").pop(
                3
            )
    """

    def failure(name: str) -> tuple[IndexError, str]:
        with pytest.raises(IndexError) as caught:
            load(modules, name, text).run()
        shown = traceback.format_exception(caught.type, caught.value, caught.tb)
        return caught.value, "".join(shown).replace(name, "NAME")

    _, untraced = failure("site_fails")
    with Watch("array", callers="site_") as watch:
        error, traced = failure("site_failed")

    assert watch.outcomes[-1] == ("array:array.pop", error)
    assert traced == untraced


def test_an_exception_goes_on_to_the_handlers_around_the_call(modules: Path) -> None:
    """`finally`, `except`, `with`, loops and generators see it as ever."""
    text = """
        from array import array
        from contextlib import suppress
        def items():
            a = array("i", [1])
            try:
                yield a.pop(7)
            except IndexError as error:
                yield str(error)
            finally:
                yield "finally"
        def run():
            out = list(items())
            for index in (5, 0):
                with suppress(IndexError):
                    out.append(array("i", [1]).pop(index))
            return out
    """
    expected = load(modules, "site_unhandled", text).run()

    with Watch("array", callers="site_") as watch:
        assert load(modules, "site_handled", text).run() == expected

    raised = [isinstance(value, IndexError) for name, value in watch.outcomes if name.endswith("pop")]
    assert raised == [True, True, False]


def test_what_is_called_sees_the_same_frames(modules: Path) -> None:
    """Callbacks of C code, `locals()`, `super()` without arguments and the place of a warning."""
    text = """
        import sys, warnings
        from array import array
        class Base:
            def me(self): return sys._getframe(1).f_code.co_name
        class Child(Base):
            def me(self): return super().me()
        class Index:
            def __index__(self):
                self.seen = sys._getframe(1).f_code.co_name
                return 0
        def run():
            index = Index()
            array("i", [1]).pop(index)
            warnings.warn("here", UserWarning)
            return index.seen, Child().me(), sorted(locals()), sys._getframe().f_code.co_name
    """

    def outcome(name: str) -> tuple[Any, int]:
        module = load(modules, name, text)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            return module.run(), caught[0].lineno

    expected = outcome("site_unseen")
    with Watch("array", callers="site_") as watch:
        assert outcome("site_seen") == expected

    assert expected[0][:2] == ("run", "me")
    assert "array:array.pop" in watch.names


def test_types_and_objects_stay_exactly_what_they_are(modules: Path) -> None:
    """C code checks for them."""
    with Watch("array", callers="site_"):
        module = load(modules, "site_exact", "from array import array\ndef run(): return array('i', [1])\n")
        assert module.array is array.array
        assert type(module.run()) is array.array
        assert memoryview(module.run()).tolist() == [1]


def test_odd_callables_and_types_are_left_alone(modules: Path) -> None:
    """Unhashable callables, metaclasses that hash by code of their own, attributes that answer to everything."""
    text = """
        from array import array
        class Meta(type):
            def __hash__(cls): raise AssertionError
            def __eq__(cls, other): raise AssertionError
        class Odd(metaclass=Meta):
            __hash__ = None
            def __call__(self, x): return x
            def __getattr__(self, name): raise AssertionError(name)
            def method(self, x): return x
            __class__ = property(lambda self: 1 / 0)
        def run():
            odd = Odd()
            return odd(1), odd.method(2), type(odd) is Odd, array("i", [3])[0]
    """
    with Watch("array", callers="site_") as watch:
        module = load(modules, "site_odd", text)
        assert [module.run() for _ in range(3)] == [(1, 2, True, 3)] * 3

    assert watch.names == ["array:array", "array:array.__getitem__"] * 3


def test_classes_of_the_host_are_not_kept_alive(modules: Path) -> None:
    """What was judged is remembered only for as long as it lives."""
    text = """
        from array import array
        def run():
            class Local:
                def method(self): return array("i")
            for _ in range(3): Local().method()
            return Local
    """
    with Watch("array", callers="site_") as watch:
        kept = weakref.ref(load(modules, "site_local", text).run())
        gc.collect()
        assert kept() is None

    assert watch.names == ["array:array"] * 3


def test_undoing_gives_every_function_its_code_back(modules: Path) -> None:
    """Closures made meanwhile too; what is still running tells nothing any more."""
    text = """
        from array import array
        def make():
            def inner(): return array("i", [1])
            return inner
        def items():
            while True:
                yield array("i", [1])
    """
    module = load(modules, "site_undone", text)
    before = module.make.__code__

    with Watch("array", callers="site_") as watch:
        assert module.make.__code__ is not before
        inner, items = module.make(), module.items()
        inner()
        next(items)

    next(items)
    inner()
    assert module.make.__code__ is before
    assert inner.__code__ in before.co_consts
    assert watch.names == ["array:array"] * 2


def test_callers_are_left_alone_while_no_extension_is_watched(modules: Path) -> None:
    """They change when the first one turns up."""
    write(modules, {"for_python.py": "def f(): pass\n", "site_idle.py": "def run(x): return x()\n"})
    module = importlib.import_module("site_idle")
    before = module.run.__code__

    with Watch("for_python", callers="site_"):
        importlib.import_module("for_python")
        assert module.run.__code__ is before
    with Watch("array", callers="site_"):
        assert module.run.__code__ is not before


def test_instrumented_code_can_be_hashed(modules: Path) -> None:
    """Template engines and caches do so."""
    with Watch("array", callers="site_"):
        module = load(modules, "site_hashed", "def run(x): return [each.upper() for each in x]\n")
        assert isinstance(hash(module.run.__code__), int)
        assert module.run(["a"]) == ["A"]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("array", True),
        ("msgpack", True),
        ("msgpack._cmsgpack", True),
        ("email", False),
        ("json.decoder", False),
        ("nowhere", False),
    ],
)
def test_extensions_are_known_before_they_are_imported(prefix: str, expected: bool) -> None:
    """By the files of a package."""
    assert holds_extension(prefix) is expected


def test_extensions_are_found_near_the_top_of_packages_with_much_data_in_folders_named(tmp_path: Path) -> None:
    """Where `sys.path` does not lead yet; what lies deeper than some thousand files is not waited for."""
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    for name, place in (("near", "core"), ("far", "z/z/z")):
        package = tmp_path / name
        for at in range(60):
            (package / f"data{at}" / "more").mkdir(parents=True)
            for number in range(40):
                (package / f"data{at}" / "more" / f"{number}.txt").touch()
        (package / place).mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / place / f"fast{suffix}").touch()
    assert holds_extension("near", [str(tmp_path)])
    assert not holds_extension("far", [str(tmp_path)])
    assert not holds_extension("near")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_a_witness_counts_the_same_calls(modules: Path) -> None:
    """`sys.monitoring` sees every explicit call of a module; those into the extension are the ones recorded."""
    text = CALLS + "\n    def witnessed(): return [run() for _ in range(20)]\n"
    seen = 0

    def called(code: CodeType, offset: int, function: Any, argument: Any) -> None:
        nonlocal seen
        owner = getattr(function, "__objclass__", None) or type(getattr(function, "__self__", None))
        seen += function is array.array or owner is array.array

    plain = load(modules, "site_witness", text)
    monitoring = sys.monitoring  # type: ignore[attr-defined,unused-ignore]  # this Python may be older
    monitoring.use_tool_id(4, "witness")
    monitoring.register_callback(4, monitoring.events.CALL, called)
    monitoring.set_events(4, monitoring.events.CALL)
    try:
        plain.witnessed()
    finally:
        monitoring.set_events(4, 0)
        monitoring.free_tool_id(4)
    with Watch("array", callers="site_") as watch:
        plain.witnessed()

    assert seen == len(watch.calls) == 11 * 20


def test_decorators_are_seen(modules: Path) -> None:
    """Of functions and of classes, one above the other; what they raise passes."""
    text = """
        from array import array
        def run(passed):
            found = array("i", [3])
            @found.count
            class Class: pass
            @found.count
            @found.__contains__
            def function(): pass
            try:
                @found.append
                def refused(): pass
            except TypeError:
                assert not any(each for each in passed)
                return Class + function
        """
    with Watch("array", callers="site_") as watch:
        assert load(modules, "site_decorators", text).run([0]) == 0

    counted = ["array:array.count", "array:array.__contains__", "array:array.count"]
    assert watch.names == ["array:array", *counted, "array:array.append"]


def test_a_call_whose_arguments_cannot_be_told_is_counted_as_lost(modules: Path) -> None:
    """An iterator is not used up by looking at it, and what the callable will refuse is no secret."""
    text = """
        from array import array
        def run():
            found = array("i")
            found.extend(*iter([[1, 2]]))
            try:
                found.append()
            except TypeError:
                return found.tolist()
        """
    with Watch("array", callers="site_") as watch:
        assert load(modules, "site_lost", text).run() == [1, 2]

    assert watch.lost == [("array:array.extend", USED_UP), ("array:array.append", UNFIT)]
    assert watch.names == ["array:array", "array:array.tolist"]


def test_bound_methods_compiled_by_cython_are_seen_though_they_look_like_those_in_python(modules: Path) -> None:
    """Whether a type with such methods is known before the first bound method is called or after."""
    text = """
        from collections import UserDict
        def run():
            plain = UserDict().keys
            plain()
            from msgpack import Packer
            pack = Packer().pack
            return pack(1) + pack(2)
        """
    with Watch("msgpack", callers="site_") as watch:
        assert load(modules, "site_bound", text).run() == b"\x01\x02"

    assert watch.names.count("msgpack._cmsgpack:Packer.pack") == 2


def test_functions_of_a_type_that_another_extension_made_are_seen(modules: Path) -> None:
    """Numpy makes the type of functions that other extensions hold; those of its own that are called beside them are no one's."""
    numpy = pytest.importorskip("numpy")
    extension = types.ModuleType("site_less_ext")
    vars(extension).update(double=numpy.frompyfunc(lambda x: 2 * x, 1, 1), add=numpy.add)
    text = """
        import numpy, site_less_ext
        def run():
            double = site_less_ext.double
            return numpy.add(1, site_less_ext.double(2)) + double(3) + site_less_ext.add(1, 1)
        """
    sys.modules["site_less_ext"] = extension
    try:
        with Watch("site_less_ext", callers="site_") as watch:
            assert load(modules, "site_functions", text).run() == 13
    finally:
        del sys.modules["site_less_ext"]

    assert watch.names == ["site_less_ext:double"] * 2


def test_an_object_that_is_called_is_the_receiver_of_its_call(modules: Path) -> None:
    """Whatever it is called with, nothing too."""
    text = """
        from operator import itemgetter
        def run():
            first = itemgetter(0)
            try:
                first()
            except TypeError:
                return first, first("ab")
        """
    with Watch("operator", callers="site_") as watch:
        first, value = load(modules, "site_called", text).run()

    assert value == "a"
    calls = [arguments for name, arguments in watch.calls if name.endswith(".__call__")]
    assert calls == [(first, (), {}), (first, ("ab",), {})]
