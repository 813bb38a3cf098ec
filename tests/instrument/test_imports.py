"""Modules are seen as they are imported, and importing goes on as if nobody looked."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import pkgutil
import subprocess
import sys
import threading
import traceback
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import clean_environment
from tests.instrument.watching import Watch, write


def test_a_function_is_watched_from_its_first_activation(modules: Path) -> None:
    """Calls made while the module still runs are seen."""
    write(modules, {"imp_first.py": "def f(a):\n    return a\nVALUE = f(7)\n"})

    with Watch("imp_first") as watch:
        importlib.import_module("imp_first")

    assert watch.calls == [("imp_first:f", (7,))]


def test_the_loader_of_a_watched_module_is_the_one_it_always_was(modules: Path) -> None:
    """Class, attributes, source and spec of a loader are after the import what they are without tracer."""
    text = "def f():\n    'Doc.'\n"
    write(modules, {"imp_loader.py": text, "imp_plain.py": text})
    plain = importlib.import_module("imp_plain")

    with Watch("imp_loader"):
        module = importlib.import_module("imp_loader")
        loader: Any = module.__loader__

        assert type(loader) is importlib.machinery.SourceFileLoader
        assert vars(loader).keys() == vars(plain.__loader__).keys()
        assert module.__spec__ is not None
        assert module.__spec__.loader is loader
        assert type(module.__spec__) is type(plain.__spec__)
        assert loader.get_source("imp_loader") == text
        assert loader.get_data(str(module.__file__)).decode() == text
        assert inspect.getsource(module.f) == text
        assert not hasattr(module, "tracer")


def test_a_spec_that_is_only_looked_up_is_unhooked_at_the_end(modules: Path) -> None:
    """`importlib.util.find_spec` answers as ever; its loader keeps nothing of ours after stop."""
    write(modules, {"imp_looked.py": "def f(): pass\n"})

    with Watch("imp_looked"):
        spec = importlib.util.find_spec("imp_looked")
        assert spec is not None
        assert type(spec.loader) is importlib.machinery.SourceFileLoader
        assert "imp_looked" not in sys.modules

    assert vars(spec.loader).keys() == {"name", "path"}


def test_bytecode_files_are_written_untouched(modules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cached bytecode of a watched module is that of an unwatched one."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    write(modules, {"imp_cached.py": "def f(): return 1\n"})

    with Watch("imp_cached"):
        cached = Path(importlib.import_module("imp_cached").__cached__)
    watched = cached.read_bytes()
    del sys.modules["imp_cached"]
    cached.unlink()
    importlib.import_module("imp_cached")

    assert cached.read_bytes() == watched


def test_an_import_that_raises_leaves_nothing_behind_and_looks_the_same(modules: Path) -> None:
    """The exception, its traceback and the interpreter's state are those of an import without tracer."""
    write(modules, {"imp_broken.py": "def f(): raise ValueError('no')\nf()\n"})

    def attempt() -> list[tuple[str, str]]:
        with pytest.raises(ValueError, match="no") as caught:
            importlib.import_module("imp_broken")
        return [(frame.filename, frame.name) for frame in traceback.extract_tb(caught.value.__traceback__)]

    plain = attempt()
    with Watch("imp_broken") as watch:
        watched = attempt()
        report = watch.instrumentation.report
        assert watch.instrumentation.callables() == ()

    assert [frame for frame in watched if "importlib" not in frame[0]] == [
        frame for frame in plain if "importlib" not in frame[0]
    ]
    assert report.failed_imports == ("imp_broken",)
    assert "imp_broken" not in sys.modules


def test_the_traceback_of_a_failing_import_statement_shows_no_frame_of_the_machinery(modules: Path) -> None:
    """The interpreter cuts importlib's frames out of it; tracer's goes with them."""
    write(modules, {"imp_trace.py": "1 / 0\n", "imp_syntax.py": "def :\n"})

    with Watch("imp_trace", "imp_syntax"):
        with pytest.raises(ZeroDivisionError) as caught:
            import imp_trace  # type: ignore[import-not-found] # noqa: F401 - written above
        with pytest.raises(SyntaxError) as wrong:
            import imp_syntax  # type: ignore[import-not-found] # noqa: F401 - written above

    assert [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)][1:] == ["<module>"]
    assert len(traceback.extract_tb(wrong.value.__traceback__)) == 1


def test_a_warning_of_a_module_points_at_the_import_statement(modules: Path) -> None:
    """`stacklevel=2` at module level means the importer."""
    write(modules, {"imp_warns.py": "import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\n"})

    with Watch("imp_warns"), warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        import imp_warns  # type: ignore[import-not-found] # noqa: F401 - written above

    assert [warning.filename for warning in seen] == [__file__]


def test_a_reloaded_module_is_watched_again(modules: Path) -> None:
    """Reloading gives new functions, under the old names."""
    write(modules, {"imp_again.py": "def f(): return 1\n"})

    with Watch("imp_again") as watch:
        module = importlib.import_module("imp_again")
        module.f()
        write(modules, {"imp_again.py": "def f(): return 2\ndef g(): return 3\n"})
        importlib.invalidate_caches()
        assert importlib.reload(module) is module
        assert (module.f(), module.g()) == (2, 3)
        names = [noun.name for noun in watch.instrumentation.callables()]

    assert watch.names == ["imp_again:f", "imp_again:f", "imp_again:g"]
    assert names == ["imp_again:f", "imp_again:g"]


def test_circular_imports_work_and_are_watched(modules: Path) -> None:
    """Both modules of a circle are watched, each name where it is defined."""
    write(
        modules,
        {
            "imp_circle/__init__.py": "",
            "imp_circle/one.py": "from imp_circle import two\ndef f(): return two.g()\n",
            "imp_circle/two.py": "import imp_circle.one as one\ndef g(): return hasattr(one, 'f')\n",
        },
    )

    with Watch("imp_circle") as watch:
        assert importlib.import_module("imp_circle.one").f() is True

    assert watch.names == ["imp_circle.one:f", "imp_circle.two:g"]


def test_modules_of_a_namespace_package_are_watched(modules: Path) -> None:
    """A package without a file of its own stays a namespace package."""
    write(modules, {"imp_space/inner.py": "def f(): return 1\n"})

    with Watch("imp_space") as watch:
        importlib.import_module("imp_space.inner").f()
        package = importlib.import_module("imp_space")
        assert [found.name for found in pkgutil.iter_modules(package.__path__)] == ["inner"]

    assert watch.names == ["imp_space.inner:f"]


def test_modules_in_a_zip_file_are_watched(modules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One loader serves a whole zip file; only watched modules of it are touched, and it ends as it began."""
    archive = modules / "packed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("imp_zip_a.py", "def f(): return 1\n")
        packed.writestr("imp_zip_b.py", "def f(): return 2\n")
    monkeypatch.syspath_prepend(str(archive))

    with Watch("imp_zip_a") as watch:
        a, b = importlib.import_module("imp_zip_a"), importlib.import_module("imp_zip_b")
        assert (a.f(), b.f()) == (1, 2)
        loader: Any = a.__loader__
        assert not {"get_code", "exec_module"} & vars(loader).keys()

    assert watch.names == ["imp_zip_a:f"]


def test_a_lazily_loaded_module_stays_asleep_and_is_watched_when_it_wakes(modules: Path) -> None:
    """Neither looking it up nor sweeping loads it."""
    write(modules, {"imp_lazy.py": "def f(): return 1\n"})

    with Watch("imp_lazy") as watch:
        spec = importlib.util.find_spec("imp_lazy")
        assert spec is not None
        assert spec.loader is not None
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules["imp_lazy"] = module
        spec.loader.exec_module(module)
        watch.instrumentation.sweep()
        assert "f" not in object.__getattribute__(module, "__dict__")
        assert module.f() == 1

    assert watch.names == ["imp_lazy:f"]


class _Compiles(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads a module as pytest's rewriter does: it executes code that no `get_code` gives."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self) if name == "imp_compiled" else None

    def exec_module(self, module: Any) -> None:
        exec(compile("hooks = []\nhooks.append(lambda: 1)\ndef f(): return 2\n", "imp_compiled", "exec"), vars(module))


def test_a_module_whose_loader_has_no_code_is_swept_after_it_ran(
    modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its functions are watched from then on, those only a registry holds included."""
    monkeypatch.setattr(sys, "meta_path", [_Compiles(), *sys.meta_path])

    with Watch("imp_compiled") as watch:
        module = importlib.import_module("imp_compiled")
        assert (module.f(), module.hooks[0]()) == (2, 1)

    assert watch.names == ["imp_compiled:f", "imp_compiled:<lambda>"]
    del sys.modules["imp_compiled"]


def test_a_finder_put_in_front_later_hides_a_module_until_the_next_sweep(
    modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sweep` finds what was loaded behind our back."""
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))

    with Watch("imp_compiled") as watch:
        sys.meta_path.insert(0, _Compiles())
        module = importlib.import_module("imp_compiled")
        module.f()
        watch.instrumentation.sweep()
        module.f()

    assert watch.names == ["imp_compiled:f"]
    del sys.modules["imp_compiled"]


def test_threads_that_import_at_once_all_get_watched_modules(modules: Path) -> None:
    """Twenty modules, four threads, every call seen."""
    write(modules, {f"imp_many/m{i}.py": f"def f(): return {i}\n" for i in range(20)})

    def load(start: int) -> None:
        for i in range(20):
            importlib.import_module(f"imp_many.m{(start + i) % 20}")

    with Watch("imp_many") as watch:
        threads = [threading.Thread(target=load, args=(start,)) for start in range(0, 20, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for i in range(20):
            sys.modules[f"imp_many.m{i}"].f()

    assert sorted(watch.names) == sorted(f"imp_many.m{i}:f" for i in range(20))


def test_a_module_run_with_dash_m_is_watched_under_its_own_name(modules: Path) -> None:
    """`python -m` asks the loader for its code and runs that; its functions are watched."""
    write(
        modules,
        {
            "imp_main.py": "def f(): return 5\nif __name__ == '__main__':\n    f()\n",
            "run.py": """
            import runpy
            from tests.instrument.watching import Watch
            with Watch("imp_main") as watch:
                runpy.run_module("imp_main", run_name="__main__")
            print(watch.names)
            """,
        },
    )

    done = subprocess.run(
        [sys.executable, "run.py"], cwd=modules, env=clean_environment(), capture_output=True, text=True, check=False
    )

    assert (done.stdout.strip(), done.stderr) == ("['imp_main:f']", "")


class _Loads(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds some modules and runs their code itself, as pytest does for those whose asserts it rewrites."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        del target
        found = importlib.machinery.PathFinder.find_spec(name, path) if name in self._names else None
        if found is None or found.origin is None:
            return None
        return importlib.util.spec_from_file_location(name, found.origin, loader=self)

    def exec_module(self, module: Any) -> None:
        file = module.__spec__.origin
        exec(compile(Path(file).read_text(encoding="utf-8"), file, "exec", dont_inherit=True), vars(module))


def test_a_finder_that_comes_to_stand_in_front_hides_no_module_for_long(modules: Path) -> None:
    """What it loaded unseen is watched from the next import that we do see, and what it loads later from the start."""
    text = "def f(): return 1\n"
    write(modules, {"imp_front.py": text, "imp_late.py": text, "imp_other.py": ""})
    before = list(sys.meta_path)

    with Watch("imp_front", "imp_late") as watch:
        sys.meta_path.insert(0, front := _Loads("imp_front", "imp_late"))
        first = importlib.import_module("imp_front")
        importlib.import_module("imp_other")
        first.f()
        importlib.import_module("imp_late").f()
        sys.meta_path.remove(front)

    assert watch.names == ["imp_front:f", "imp_late:f"]
    assert sys.meta_path == before


def test_two_that_watch_at_once_let_one_another_stand_in_front(modules: Path) -> None:
    """Neither asks the other in turn without end, and both see what a finder that overtook them loads."""
    text = "def f(): return 1\n"
    write(modules, {"imp_inner.py": text, "imp_outer.py": text, "imp_between.py": ""})
    before = list(sys.meta_path)

    with Watch("imp_inner") as inner, Watch("imp_outer") as outer:
        sys.meta_path.insert(0, front := _Loads("imp_inner", "imp_outer"))
        importlib.import_module("imp_between")
        importlib.import_module("imp_inner").f()
        importlib.import_module("imp_outer").f()
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("imp_nowhere")
        sys.meta_path.remove(front)

    assert (inner.names, outer.names) == (["imp_inner:f"], ["imp_outer:f"])
    assert sys.meta_path == before


@pytest.mark.parametrize("first", [0, 1], ids=["the outer one ends first", "the inner one ends first"])
@pytest.mark.parametrize("within", [False, True], ids=["after the import", "within it"])
def test_two_that_watch_one_module_are_both_told_of_it_and_leave_nothing(
    modules: Path, first: int, *, within: bool
) -> None:
    """In whatever order they end, also while the module runs. A closed recording keeps nothing, so what hooks hear later is no matter."""
    write(
        modules,
        {
            "imp_shared.py": "import imp_ending\ndef f(): return 1\nf()\nimp_ending.end()\ndef g(): return f()\n",
            "imp_ending.py": "END = []\ndef end():\n    while END: END.pop()()\n",
        },
    )
    ending = importlib.import_module("imp_ending")
    plain = importlib.import_module("imp_shared")
    del sys.modules["imp_shared"]
    watches = [Watch("imp_shared"), Watch("imp_shared")]
    for watch in watches:
        watch.instrumentation.start()
    ends, stays = watches[first], watches[1 - first]
    if within:
        ending.END.append(ends.__exit__)
    module = importlib.import_module("imp_shared")

    called = ["imp_shared:f"]
    if not within:
        module.g()
        called += ["imp_shared:g", "imp_shared:f"]
        assert ends.names == called
        ends.__exit__()
    module.g()
    assert stays.names == [*called, "imp_shared:g", "imp_shared:f"]
    stays.__exit__()
    module.g()
    assert stays.names == [*called, "imp_shared:g", "imp_shared:f"]
    assert vars(module.__loader__).keys() == vars(plain.__loader__).keys()
    assert module.f.__code__ == plain.f.__code__


def test_a_finder_that_insists_on_being_first_wins(modules: Path) -> None:
    """We don't fill the list with ourselves; imports go on."""
    write(modules, {f"imp_insist{i}.py": "" for i in range(20)})

    with Watch("imp_nothing"):
        front = _Loads()
        length = len(sys.meta_path)
        for i in range(20):
            sys.meta_path.insert(0, front)
            importlib.import_module(f"imp_insist{i}")
            sys.meta_path.remove(front)
        assert len(sys.meta_path) <= length + 3
