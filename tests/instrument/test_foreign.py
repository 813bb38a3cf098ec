"""Callables without Python code are watched where they are bound, and nobody can tell."""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
import pickle
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers import clean_environment
from tests.instrument.watching import Watch, write
from tracer.instrument.probe import Probe
from tracer.model import CallableKind

if TYPE_CHECKING:
    from pathlib import Path

    from tracer.instrument.discovery import CallableCode
    from tracer.model import Callable

CACHED = """
    import functools
    @functools.lru_cache(maxsize=None)
    def rate(country, kind="full"): return len(country)
    def inside(): return rate("abc")
    REGISTRY = [rate]
"""


@pytest.mark.parametrize("when", ["before", "during"])
def test_a_cached_function_is_watched_hits_included(modules: Path, when: str) -> None:
    """The cache has the name, the function inside it the way to it; both references by name are seen."""
    write(modules, {"for_cached.py": CACHED, "for_user.py": "from for_cached import rate\n"})
    if when == "before":
        importlib.import_module("for_user")

    with Watch("for_cached") as watch:
        module, user = importlib.import_module("for_cached"), importlib.import_module("for_user")
        assert (module.rate("ab"), module.rate("ab"), user.rate("ab", kind="half")) == (2, 2, 2)
        assert module.rate.cache_info().hits == 1
        noun = watch.callable("for_cached:rate")

    inner = "for_cached:rate.__wrapped__"
    assert watch.calls == [
        ("for_cached:rate", ("ab", "full")), (inner, ("ab", "full")),
        ("for_cached:rate", ("ab", "full")),
        ("for_cached:rate", ("ab", "half")), (inner, ("ab", "half")),
    ]  # fmt: skip
    assert noun.kind is CallableKind.FOREIGN
    assert noun.code == ""
    assert [(p.name, p.default) for p in noun.parameters] == [("country", None), ("kind", "'full'")]


def test_a_default_that_is_watched_is_told_as_what_it_is(modules: Path) -> None:
    """Whether it was wrapped before the function that holds it was made is the order of imports, and no part of a signature."""
    user = "from for_default import rate\ndef price(by=rate, *, also=(rate, 1)): return by\n"
    write(modules, {"for_default.py": CACHED, "for_default_user.py": user})

    with Watch("for_default", "for_default_user") as watch:
        importlib.import_module("for_default_user")
        noun = watch.callable("for_default_user:price")

    cached = "<functools._lru_cache_wrapper>"
    assert [parameter.default for parameter in noun.parameters] == [cached, f"({cached}, 1)"]


def test_functions_whose_name_came_to_lead_to_a_callable_without_code_are_numbered(modules: Path) -> None:
    """The name is that of what it leads to, whichever was there first; neither is taken for the other."""
    source = """
        import functools, math
        HELD = []
        def rate(country): return 1
        HELD.append(rate)
        def rate(country): return 2
        HELD.append(rate)
        rate = functools.partial(math.pow, 2)
    """
    write(modules, {"for_shared.py": source})
    with Watch("for_shared") as watch:
        module = importlib.import_module("for_shared")
        assert (module.rate(3), [held("a") for held in module.HELD]) == (8.0, [1, 2])
        kinds = {name: watch.callable(f"for_shared:{name}").kind for name in ("rate", "rate#2", "rate#3")}

    assert watch.names == ["for_shared:rate", "for_shared:rate#2", "for_shared:rate#3"]
    assert kinds == {
        "rate": CallableKind.FOREIGN,
        "rate#2": CallableKind.FUNCTION,
        "rate#3": CallableKind.FUNCTION,
    }


def test_undoing_puts_the_bare_objects_back_everywhere(modules: Path) -> None:
    """In the module itself and where it was imported by name."""
    write(modules, {"for_back.py": CACHED, "for_back_user.py": "from for_back import rate as mine\n"})
    module, user = importlib.import_module("for_back"), importlib.import_module("for_back_user")
    bare, names = module.rate, list(vars(module))

    with Watch("for_back"):
        assert module.rate is not bare
        assert module.rate is user.mine

    assert module.rate is bare
    assert user.mine is bare
    assert module.REGISTRY == [bare]
    assert list(vars(module)) == names


def test_a_name_bound_anew_meanwhile_is_left_and_told(modules: Path) -> None:
    """What somebody else put there is not ours to undo."""
    write(modules, {"for_anew.py": CACHED})
    watch = Watch("for_anew")
    watch.instrumentation.start()
    module = importlib.import_module("for_anew")
    mine = vars(module)["rate"] = lambda country: 0

    left = watch.instrumentation.stop()

    assert module.rate is mine
    assert left == ("for_anew:rate was bound to something else after it was instrumented",)


def test_a_reload_binds_a_name_anew_in_the_ordinary_way(modules: Path) -> None:
    """The new cache is watched in the place of the old one, and undoing has nothing to tell."""
    write(modules, {"for_reload.py": CACHED})
    watch = Watch("for_reload")
    watch.instrumentation.start()
    module = importlib.import_module("for_reload")
    module.rate("a")
    importlib.reload(module)
    module.rate("b")

    left = watch.instrumentation.stop()

    assert left == ()
    assert type(module.rate) is functools._lru_cache_wrapper
    assert watch.names == ["for_reload:rate", "for_reload:rate.__wrapped__"] * 2


def test_a_wrapped_callable_looks_pickles_and_copies_like_the_bare_one(modules: Path) -> None:
    """Attributes, equality, hash, signature, name, text, the function inside, pickling by name, copies."""
    write(modules, {"for_alike.py": CACHED})
    module = importlib.import_module("for_alike")
    bare = module.rate

    with Watch("for_alike"):
        wrapped = module.rate
        assert isinstance(wrapped, functools._lru_cache_wrapper)
        assert (wrapped == bare, hash(wrapped) == hash(bare)) == (True, True)
        assert wrapped.__wrapped__ is not None
        assert wrapped.__wrapped__ is bare.__wrapped__
        assert (wrapped.__name__, repr(wrapped)) == ("rate", repr(bare))
        assert inspect.signature(wrapped) == inspect.signature(bare)
        assert pickle.loads(pickle.dumps(wrapped)) is wrapped
        assert copy.copy(wrapped) is wrapped
        assert copy.deepcopy({"a": wrapped})["a"] is wrapped
        stored = pickle.dumps(wrapped)

    assert pickle.loads(stored) is bare


def test_an_exception_of_a_foreign_callable_passes_and_is_seen(modules: Path) -> None:
    """A call that does not fit the signature runs nothing and is no call."""
    write(modules, {"for_raises.py": CACHED})

    with Watch("for_raises") as watch:
        module = importlib.import_module("for_raises")
        with pytest.raises(TypeError, match="len"):
            module.rate(1)
        with pytest.raises(TypeError, match="missing"):
            module.rate()

    assert watch.names == ["for_raises:rate", "for_raises:rate.__wrapped__"]
    assert [type(outcome) for _, outcome in watch.outcomes] == [TypeError, TypeError]


def test_partials_of_what_is_not_python_are_watched(modules: Path) -> None:
    """One of a Python function is not: that function is."""
    text = (
        "import functools\ndef f(a): return a\nhexed = functools.partial(int, base=16)\nown = functools.partial(f, 1)\n"
    )
    write(modules, {"for_partial.py": text})

    with Watch("for_partial") as watch:
        module = importlib.import_module("for_partial")
        assert (module.hexed("ff"), module.own()) == (255, 1)
        assert pickle.loads(pickle.dumps(module.hexed))("10") == 16

    assert watch.names == ["for_partial:hexed", "for_partial:f"]


def test_functions_of_an_extension_module_are_watched_its_types_listed() -> None:
    """A real C module; the modules of the standard library that hold its functions keep the bare ones."""
    text = """
    import zlib
    from tests.instrument.watching import Watch
    import gzip
    mine = zlib.crc32
    bare, decompressor = zlib.crc32, zlib.decompressobj
    with Watch("zlib", "_bz2") as watch:
        import _bz2
        assert zlib.crc32(b"abc") == mine(b"abc") == bare(b"abc", 0)
        data = gzip.compress(b"abc")
        assert gzip.decompress(data) == b"abc"
        found = {noun.name: noun for noun in watch.instrumentation.callables()}
        print(mine is zlib.crc32, watch.calls[0], [p.name for p in found["zlib:crc32"].parameters])
        print([entry for entry in watch.instrumentation.report.unreachable if entry[0].endswith("BZ2Compressor.flush")])
        print(type(_bz2.BZ2Compressor) is type, issubclass(zlib.error, Exception))
    print(zlib.crc32 is bare)
    """
    done = subprocess.run(
        [sys.executable, "-c", inspect.cleandoc(text)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "True ('zlib:crc32', (b'abc', 0)) ['data', 'value']",
        "[('_bz2:BZ2Compressor.flush', 'method of a C type')]",
        "True True",
        "True",
    ]


def test_a_foreign_frame_belongs_to_the_module_of_its_callable() -> None:
    """So that what it calls back is called from there, and its own caller stands one frame up."""
    seen: list[tuple[str, str]] = []
    watch = Watch("zlib")
    probe = watch._make_probe

    def spying(noun: Callable, code: CallableCode) -> Probe:
        made = probe(noun, code)

        def entered() -> Any:
            frame = sys._getframe(1)
            assert frame.f_back is not None
            seen.append((frame.f_globals["__name__"], frame.f_back.f_code.co_name))
            return made.entered()

        return Probe(entered, made.began, made.returned, made.raised, made.yielded, made.resumed, made.entered_at)

    watch.instrumentation._foreign._make_probe = spying
    with watch:
        zlib.crc32(b"")

    assert seen == [("zlib", test_a_foreign_frame_belongs_to_the_module_of_its_callable.__name__)]


def test_objects_whose_type_c_code_checks_stay_and_are_listed(modules: Path) -> None:
    """The ufuncs of numpy, in numpy; a module that only imports one is not their home."""
    pytest.importorskip("numpy")
    umath = importlib.import_module("numpy._core.umath")
    write(modules, {"for_ufunc.py": "from numpy import add\n"})

    with Watch("for_ufunc", "numpy._core.umath") as watch:
        module = importlib.import_module("for_ufunc")
        assert type(module.add).__name__ == type(umath.add).__name__ == "ufunc"
        listed = dict(watch.instrumentation.report.unreachable)

    assert listed["numpy._core.umath:add"] == "C code checks for its type, numpy.ufunc"
    assert not any(name.startswith("for_ufunc") for name in listed)


def test_wrapt_loads_only_when_a_foreign_callable_is_watched(modules: Path) -> None:
    """Python functions do without it."""
    write(modules, {"for_none.py": "def f(): return 1\n", "for_some.py": CACHED})
    text = """
    import sys
    sys.path.insert(0, ".")
    from tests.instrument.watching import Watch
    with Watch("for_none", "for_some"):
        import for_none
        print("wrapt" in sys.modules)
        import for_some
        print("wrapt" in sys.modules)
    """
    done = subprocess.run(
        [sys.executable, "-c", inspect.cleandoc(text)],
        cwd=modules,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.split(), done.stderr) == (["False", "True"], "")
