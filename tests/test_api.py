"""`tracer.cassette`, `tracer.record` and `tracer.diff` in programs that use them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import tracer
from tests.recording.recordings import calls, lanes
from tracer.model import Loss
from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from tests.helpers import Project

SHOP = {
    "pyproject.toml": "",
    "shop/__init__.py": "",
    "shop/tax.py": "RATE = 2\ndef vat(amount): return amount * RATE\n",
    "shop/cart.py": """
        import asyncio
        from shop import tax
        def total(*prices): return sum(tax.vat(price) for price in prices)
        async def later(price):
            await asyncio.sleep(0)
            return tax.vat(price)
        """,
}
CHECKS = """
    import sys, threading
    from shop import tax
    HOOKS, CODE = list(sys.meta_path), tax.vat.__code__
    def check():
        assert sys.meta_path == HOOKS, sys.meta_path
        assert tax.vat.__code__ is CODE
        assert threading.enumerate() == [threading.main_thread()]
    """


@pytest.fixture
def shop(project: Project) -> Project:
    return project.with_files({**SHOP, "checks.py": CHECKS})


def run(shop: Project, program: str, **env: str) -> str:
    done = shop.with_files({"program.py": program}).run("python", "program.py", env=env)
    assert done.exit == 0, done.stderr
    return done.stdout


BEHAVES = """
    import tracer
    from checks import check
    from shop import cart
    with tracer.cassette("checkout", boundaries=["shop.tax"]) as cassette:
        cart.total(1, 2)
    print(cassette.comparison and cassette.comparison.verdict.value)
    check()
    """


def test_the_first_run_records_and_later_ones_compare_and_raise(shop: Project) -> None:
    first, second = run(shop, BEHAVES), run(shop, BEHAVES)
    baseline = (shop.folder / "cassettes/checkout.cassette").read_bytes()
    changed = shop.with_files({"shop/tax.py": "RATE = 3\ndef vat(amount): return amount * RATE\n"})
    third = changed.with_files({"program.py": BEHAVES}).run("python", "program.py")

    assert (first, second) == ("None\n", "same\n")
    assert third.exit == 1
    assert "tracer.errors.BehaviourChanged: behaviour changed since" in third.stderr
    assert "shop.tax:vat" in third.stderr
    assert (shop.folder / "cassettes/checkout.cassette").read_bytes() == baseline
    assert calls(shop, name="cassettes/checkout") == ["shop.tax:vat(amount=1) -> 2", "shop.tax:vat(amount=2) -> 4"]
    assert calls(shop, name="cassettes/checkout.cassette.pending"[: -len(".cassette.pending")]) == calls(
        shop, name="cassettes/checkout"
    )
    assert (shop.folder / "cassettes/checkout.cassette.pending").exists()
    assert run(shop, BEHAVES) == "same\n"
    assert not (shop.folder / "cassettes/checkout.cassette.pending").exists()


def test_the_modes(shop: Project) -> None:
    program = """
        import sys, tracer
        from checks import check
        from shop import cart, tax
        tax.RATE, prices = int(sys.argv[1]) if len(sys.argv) > 1 else 2, [1]
        def outcome(mode, *prices, rate=2, **more):
            tax.RATE = rate
            try:
                with tracer.cassette("modes", mode=mode, boundaries=["shop.tax"], **more) as cassette:
                    cart.total(*prices)
            except (AssertionError, tracer.TracerError) as error:
                return type(error).__name__
            finally:
                check()
            return cassette.comparison and cassette.comparison.verdict.value
        assert outcome("none", 1) == "CassetteNotFound"
        assert outcome("off", 1) is None
        assert outcome("once", 1) is None
        assert outcome("none", 1) == "same"
        assert outcome("once", 1, rate=3) == "BehaviourChanged"
        assert outcome("once", 1, rate=3, fail_on="breaking") == "changed"
        assert outcome("off", 1, rate=3) is None
        assert outcome("new_episodes", 1, 5) == "compatible"
        assert outcome("once", 1, 5) == "same"
        assert outcome("new_episodes", 1, 5, rate=3) == "BehaviourChanged"
        assert outcome("all", 1, rate=3) is None
        assert outcome(None, 1, rate=3) == "same"
        assert outcome("once") == "RecordingError"
        try: tracer.cassette("x", mode="sometimes").__enter__()
        except tracer.ConfigError as error: print(error)
        try: tracer.cassette("x", mode="once", fail_on="grave").__enter__()
        except tracer.ConfigError as error: print(error)
        """

    told = run(shop, program).splitlines()

    assert told == [
        "Couldn't open the cassette: 'sometimes' is no mode. Use one of: none, once, new_episodes, all, off.",
        "Couldn't use the fail-on level: 'grave' is no severity. Use one of: breaking, changed, compatible, internal, noise.",
    ]
    env = shop.with_files({"program.py": BEHAVES}).run("python", "program.py", env={"TRACER_MODE": "none"})
    assert "CassetteNotFound" in env.stderr
    env = shop.with_files({"program.py": BEHAVES}).run("python", "program.py", env={"TRACER_MODE": "never"})
    assert "'never'" in env.stderr
    assert "'new_episodes'" in env.stderr


def test_every_way_to_stand_around_code(shop: Project) -> None:
    program = """
        import asyncio, tracer, unittest
        from checks import check
        from shop import cart
        around = {"boundaries": ["shop.tax"]}

        @tracer.cassette("plain", **around)
        def plain(x):
            "Doc."
            return cart.total(x)

        @tracer.cassette("coroutine", **around)
        async def coroutine(x): return await cart.later(x)

        @tracer.cassette("generator", **around)
        def generator(x):
            got = yield cart.total(x)
            yield cart.total(got)
            return "end"

        @tracer.cassette("asyncgen", **around)
        async def asyncgen(x):
            try:
                yield await cart.later(x)
            except KeyError:
                yield await cart.later(7)

        class Case(unittest.TestCase):
            @tracer.cassette("case", **around)
            def test_it(self): self.assertEqual(cart.total(4), 8)

        async def block():
            async with tracer.cassette("block", **around):
                return await asyncio.gather(cart.later(1), cart.later(2))

        async def drive():
            items = asyncgen(3)
            first = await items.__anext__()
            return [first, await items.athrow(KeyError("k")), [item async for item in items]]

        def drain():
            items = generator(5)
            return [next(items), items.send(6), list(items)]

        def everything():
            assert (plain(1), plain.__name__, plain.__doc__) == (2, "plain", "Doc.")
            assert asyncio.run(coroutine(2)) == 4
            assert asyncio.iscoroutinefunction(coroutine)
            assert drain() == [10, 12, []]
            assert asyncio.run(drive()) == [6, 14, []]
            assert asyncio.run(block()) == [2, 4]
            assert unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(Case)).wasSuccessful()
            check()
        everything()
        everything()
        with tracer.record("run.cassette", boundaries=["shop.tax"]): cart.total(9)
        comparison = tracer.diff("run.cassette", "cassettes/plain.cassette")
        print(comparison.verdict.value, {finding.callable for finding in comparison.findings}, comparison.summary.compared)
        print(tracer.diff("run.cassette", "cassettes/plain.cassette", level="shape").verdict.value)
        """

    assert run(shop, program) == "changed {'shop.tax:vat'} 1\nsame\n"
    found = {path.stem: len(calls(shop, name=f"cassettes/{path.stem}")) for path in shop.folder.glob("cassettes/*")}
    assert found == {"plain": 1, "coroutine": 1, "generator": 2, "asyncgen": 2, "case": 1, "block": 2}
    assert calls(shop) == ["shop.tax:vat(amount=9) -> 18"]


def test_an_exception_passes_untouched_and_the_baseline_stays(shop: Project) -> None:
    program = """
        import os, sys, tracer
        from checks import check
        from shop import cart
        def attempt(around, *prices, fail=True):
            try:
                with around:
                    cart.total(*prices)
                    if fail: raise LookupError("mine")
            except LookupError as error:
                frames, trace = [], error.__traceback__
                while trace: frames.append(trace.tb_frame.f_code.co_name); trace = trace.tb_next
                assert (frames, error.__context__) == (["attempt"], None), frames
            check()
        for around in (lambda: tracer.cassette("a", boundaries=["shop.tax"]), lambda: tracer.record("r.cassette", boundaries=["shop.tax"])):
            attempt(around(), 1)
            attempt(around(), 1, fail=False)
            attempt(around(), 1, 2)
            attempt(around())
        with tracer.record("moved.cassette", boundaries=["shop.tax"]):
            os.mkdir("elsewhere"); os.chdir("elsewhere")
            cart.total(1)
        os.chdir("..")
        with tracer.record("forked.cassette", boundaries=["shop.tax"]):
            cart.total(1)
            pid = os.fork()
            if not pid: cart.total(2)
        if not pid: os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        try:
            with tracer.record("file/x.cassette"): pass
        except tracer.RecordingError as error: print(error)
        """
    told = run(shop.with_files({"file": ""}), program)

    assert (
        told
        == "Couldn't record into 'FOLDER/file/x.cassette': Not a directory. Name another file with -o.\n".replace(
            "FOLDER", str(shop.folder)
        )
    )
    for name in ("cassettes/a", "r", "moved"):
        assert calls(shop, name=name) == ["shop.tax:vat(amount=1) -> 2"]
    assert calls(shop, name="forked")[0] == "shop.tax:vat(amount=1) -> 2"
    assert not list(shop.folder.rglob("*.part*"))


def test_cassettes_open_at_once_do_not_mix(shop: Project) -> None:
    program = """
        import asyncio, threading, tracer
        from concurrent.futures import ThreadPoolExecutor
        from checks import check
        from shop import cart
        barrier = threading.Barrier(3)

        def in_thread(n):
            with tracer.record(f"thread{n}.cassette", boundaries=["shop.tax"]):
                for step in range(20):
                    barrier.wait()
                    cart.total(n * 100 + step)
                helper = threading.Thread(target=cart.total, args=(n * 100 + 99,))
                helper.start(); helper.join()

        async def in_task(n):
            async with tracer.record(f"task{n}.cassette", boundaries=["shop.tax"]):
                for step in range(5):
                    await cart.later(n * 100 + step)
                await asyncio.gather(asyncio.to_thread(cart.total, n * 100 + 50), cart.later(n * 100 + 60))

        async def tasks():
            await asyncio.gather(*(in_task(n) for n in range(3)), cart.later(-1))

        threads = [threading.Thread(target=in_thread, args=(n,)) for n in range(3)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        asyncio.run(tasks())
        check()

        with tracer.record("outer.cassette", boundaries=["shop.tax"]):
            cart.total(1)
            with tracer.record("inner.cassette", boundaries=["shop.tax"]):
                cart.total(2)
            cart.total(3)
        cart.total(4)
        check()
        """
    run(shop, program)

    def arguments(name: str) -> list[int]:
        return sorted(int(call.partition("amount=")[2].partition(")")[0]) for call in calls(shop, name=name))

    for n in range(3):
        assert arguments(f"thread{n}") == [*range(n * 100, n * 100 + 20), n * 100 + 99]
        assert arguments(f"task{n}") == [*range(n * 100, n * 100 + 5), n * 100 + 50, n * 100 + 60]
        assert list(lanes(shop.folder / f"thread{n}.cassette")) == ["main", "main > thread program:in_thread#0"]
    assert arguments("outer") == [1, 2, 3]
    assert arguments("inner") == [2]


@pytest.mark.parametrize("importing", ["before", "between", "inside"])
def test_a_cassette_inside_others_holds_what_it_would_alone(project: Project, importing: str) -> None:
    """Whether the modules come before all, before the inner one or in it: calls, also into C, and all that is known of callables, as the hash of their code."""
    program = f"""
        import sys, tracer
        def work():
            import stock
            print(stock.total(3), stock.later()(4), list(stock.each(2)), stock.BIN)
        if "{importing}" == "before": import stock
        if len(sys.argv) > 1:
            with tracer.record("outer.cassette", boundaries=["stock", "array"]):
                if "{importing}" == "between": import stock
                with tracer.record("middle.cassette", boundaries=["stock"]):
                    with tracer.record("inner.cassette", boundaries=["stock", "array"]):
                        work()
                    work()
        else:
            if "{importing}" == "between": import stock
            with tracer.record("alone.cassette", boundaries=["stock", "array"]):
                work()
        import stock
        print(sorted(vars(stock.__loader__)))
        """
    stock = """
        import array
        BIN = array.array("i", [1])
        BIN.append(2)
        def total(number):
            return sum(map(later(), BIN)) + number + BIN.count(2)
        def later():
            return lambda number: number + BIN.index(1)
        def each(number):
            yield from range(number)
        """
    shop = project.with_files({"stock.py": stock, "program.py": program})
    bare = shop.run("python", "-c", "import stock; print(sorted(vars(stock.__loader__)))").stdout
    alone, nested = (shop.run("python", "program.py", *more) for more in ((), ("nested",)))
    assert (alone.exit, nested.exit) == (0, 0), alone.stderr + nested.stderr
    assert alone.stdout.splitlines()[-1] == nested.stdout.splitlines()[-1] == bare.strip()

    cassettes = {}
    for name in ("alone", "outer", "middle", "inner"):
        with open_cassette(shop.folder / f"{name}.cassette") as cassette:
            cassettes[name] = {each.name: each for each in cassette.recording.callables}
    assert cassettes["alone"] == cassettes["inner"] == cassettes["outer"]
    assert cassettes["middle"] == {name: each for name, each in cassettes["alone"].items() if each.component == "stock"}
    assert calls(shop, name="inner") == calls(shop, name="alone")
    assert len(calls(shop, name="outer")) > len(calls(shop, name="inner")) > len(cassettes["middle"])


def test_behaviour_changed_is_an_assertion_that_carries_the_comparison() -> None:
    error = tracer.BehaviourChanged("a comparison", "a report")

    assert isinstance(error, AssertionError)
    assert not isinstance(error, tracer.TracerError)
    assert (error.comparison, str(error)) == ("a comparison", "a report")


CHILDREN = """
    import multiprocessing, os, subprocess, sys
    import tracer
    from shop.tax import vat
    BEFORE = dict(os.environ)
    CODE = "import os; from shop.tax import vat; vat(5); print('TRACER_SETTINGS' in os.environ)"

    def main():
        with tracer.record("run.cassette", boundaries=["shop"]):
            for number, method in enumerate(("fork", "spawn", "forkserver")):
                process = multiprocessing.get_context(method).Process(target=vat, args=(number,))
                process.start(); process.join()
                assert dict(os.environ) == BEFORE
            subprocess.run([sys.executable, "-c", CODE], check=True)
            subprocess.run([sys.executable, "-c", CODE], check=True, env=BEFORE)
            vat("own")
        subprocess.run([sys.executable, "-c", CODE], check=True)
        assert dict(os.environ) == BEFORE

    if __name__ == "__main__":
        main()
    """


def test_children_started_inside_a_block_record_too_and_the_environment_stays(shop: Project) -> None:
    """One that is given an environment of its own does not, and is counted by where it was started."""
    told = run(shop, CHILDREN)

    path = shop.folder / "run.cassette"
    assert told.split() == ["True", "False", "False"]
    assert lanes(path) == {"main": 1, **{f"main > process program:main#{n}": 1 for n in range(4)}}
    with open_cassette(path) as cassette:
        assert cassette.recording.losses == (Loss("*", "child process not recorded, started in program:main", 1),)


RULED = """
    import sys, tracer
    from shop import cart
    RULES = {
        "none": [],
        "tolerance": [tracer.Rule("shop.tax:vat", path="return", absolute=0.5)],
        "comparator": [tracer.Rule(path="return", compare="program:near")],
        "absent": [tracer.Rule(path="return", compare="program:nowhere")],
        "wrong": ["return"],
    }
    CALLED = []
    def near(old, new):
        CALLED.append((old, new))
        return abs(old - new) < 1
    if __name__ == "__main__":
        sys.modules["program"] = sys.modules["__main__"]
        for name, rules in RULES.items():
            cassette = tracer.cassette("ruled", boundaries=["shop.tax"], rules=rules)
            try:
                with cassette:
                    cart.total(1, 2)
            except (tracer.BehaviourChanged, tracer.ConfigError) as error:
                print(name, type(error).__name__, str(error).splitlines()[0])
            else:
                found = cassette.comparison
                print(name, found and (found.verdict.value, found.summary.hidden_as_noise))
        for allowed in (False, True) if cassette.path.with_name("ruled.cassette.pending").exists() else ():
            CALLED.clear()
            found = tracer.diff(
                cassette.path, cassette.path.with_name("ruled.cassette.pending"), rules=RULES["comparator"], allow_imports=allowed
            )
            print(allowed, len(found.findings), CALLED, [note.split(":")[0] for note in found.notes])
    """


def test_rules_of_a_block_say_what_is_equal_and_functions_are_called_only_where_allowed(shop: Project) -> None:
    changed = shop.with_files({"shop/tax.py": "RATE = 2.25\ndef vat(amount): return amount * RATE\n"})
    before = shop.with_files({"shop/tax.py": "RATE = 2.0\ndef vat(amount): return amount * RATE\n"})
    first, second = run(before, RULED), run(changed, RULED)

    assert first.splitlines()[0] == "none None"
    assert second.splitlines() == [
        f"none BehaviourChanged behaviour changed since {shop.folder / 'cassettes' / 'ruled.cassette'} was recorded",
        "tolerance ('noise', 2)",
        "comparator ('noise', 2)",
        (
            "absent ConfigError Couldn't use the comparator 'program:nowhere': module '__main__' has no attribute 'nowhere'. "
            "Name a function as in 'package.module:function'."
        ),
        "wrong ConfigError Couldn't use the rules: 'return' is no rule. Make each with tracer.Rule(...).",
        "False 1 [] ['A rule was not applied']",
        "True 0 [(2.0, 2.25), (4.0, 4.5)] []",
    ]


def test_the_shell_calls_no_function_and_says_so(shop: Project) -> None:
    settings = '[[tool.tracer.rules]]\npath = "return"\ncompare = "evil:near"\n'
    shop = shop.with_files(
        {
            "pyproject.toml": settings,
            "evil.py": "raise SystemExit(7)",
            "app.py": "from shop import cart\ncart.total(1)\n",
        }
    )
    for name in "ab":
        assert shop.tracer("record", "-o", f"{name}.cassette", "--", sys.executable, "app.py").exit == 0
    done = shop.tracer("diff", "a.cassette", "b.cassette")

    assert done.exit == 0
    assert "A rule was not applied: 'evil:near'" in " ".join(done.stdout.split())


def test_a_marked_test_and_the_settings_have_rules_too(shop: Project) -> None:
    test = """
        import pytest, tracer
        from shop import cart

        @pytest.mark.tracer(rules=[tracer.Rule(path="return", relative=0.2)])
        def test_marked(): cart.total(1)

        @pytest.mark.tracer
        def test_by_settings(): cart.total(10)
        """
    settings = '[tool.tracer]\nboundaries = ["shop.tax"]\n[[tool.tracer.rules]]\nregex = "[34]0"\n'
    before = shop.with_files({"test_cart.py": test, "pyproject.toml": settings})
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tracer.pytest_plugin")
    env = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    rates = {
        rate: before.with_files({"shop/tax.py": f"def vat(amount): return amount * {rate}\n"}) for rate in (3, 4, 5)
    }
    first, second, third = (rates[rate].run("python", *words, env=env) for rate in (3, 4, 5))

    assert (first.exit, second.exit, third.exit) == (0, 1, 1), first.stdout
    assert "FAILED test_cart.py::test_marked" in second.stdout
    assert "1 failed, 1 passed" in second.stdout
    assert "2 failed" in third.stdout
