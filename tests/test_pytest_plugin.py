"""Cassettes inside tests: the fixture, the marker, the option and the summary, in real pytest runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.recording.recordings import calls
from tracer.pytest_cassettes import cassette_name
from tracer.workflows import cassette_path

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers import Completed, Project

FILES = {
    "pyproject.toml": "[tool.tracer]\nboundaries = ['shop.tax']\n[tool.pytest.ini_options]\naddopts = ['--strict-markers', '-p', 'tracer.pytest_plugin']\n",
    "shop/__init__.py": "",
    "shop/tax.py": "RATE = 2\ndef vat(amount): return amount * RATE\n",
    "shop/cart.py": "from shop import tax\ndef total(*prices): return sum(tax.vat(price) for price in prices)\nasync def later(x): return tax.vat(x)\n",
    "conftest.py": """
        import asyncio, inspect, pytest
        @pytest.hookimpl(tryfirst=True)
        def pytest_pyfunc_call(pyfuncitem):
            if inspect.iscoroutinefunction(pyfuncitem.obj):
                asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}))
                return True
        """,
    "tests/test_cart.py": """
        import unittest, pytest
        from shop import cart

        def test_fixture(tracer_cassette):
            with tracer_cassette():
                cart.total(1)
            with tracer_cassette("second"):
                cart.total(2)

        @pytest.mark.tracer
        @pytest.mark.parametrize("word", ["a/b", "a-b", "A-b", "../up"])
        def test_words(word): cart.total(len(word))

        @pytest.mark.tracer("named", mode="once")
        @pytest.mark.parametrize("n", [1, 2])
        def test_named(n): cart.total(n)

        @pytest.mark.tracer(boundaries=["shop.cart"])
        async def test_async(): await cart.later(3)

        class TestIt:
            @pytest.mark.tracer
            def test_method(self): cart.total(4)

        class Case(unittest.TestCase):
            @pytest.mark.tracer
            def test_case(self): cart.total(5)

        def test_plain(): cart.total(6)
        """,
}
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider")


@pytest.fixture
def suite(project: Project) -> Project:
    return project.with_files(FILES)


def run(suite: Project, *words: str) -> Completed:
    # Without the plugins that happen to be installed, which take longer to load than all of this takes to run.
    return suite.run("python", *PYTEST, *words, env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder / "cassettes").as_posix() for path in folder.glob("cassettes/**/*.cassette"))


def test_tests_record_first_and_compare_then_and_fail_where_behaviour_changed(suite: Project) -> None:
    """In workers of xdist as without. Cassettes of no test are named where all tests ran."""
    first, second = run(suite, "-p", "xdist", "-n2"), run(suite)
    recorded = names(suite.folder)
    changed = suite.with_files({"shop/tax.py": "RATE = 3\ndef vat(amount): return amount * RATE\n"})
    third = run(changed)
    renamed = changed.with_files(
        {"tests/test_cart.py": FILES["tests/test_cart.py"].replace("test_fixture", "test_new")}
    )
    again = run(renamed, "--tracer-mode=all")
    after = run(renamed, "--tracer-mode=none", "-k", "named or method")

    assert (first.exit, second.exit, third.exit, again.exit, after.exit) == (0, 0, 1, 0, 0), again.stdout
    assert "11 cassettes: 11 recorded" in first.stdout
    assert "11 cassettes: 11 compared" in second.stdout
    assert "10 failed, 1 passed" in third.stdout
    assert "BehaviourChanged" in third.stdout
    assert "10 cassettes: 10 changed" in third.stdout  # the first one failed its test before the second was opened
    assert "11 cassettes: 2 recorded, 9 recorded again" in again.stdout
    assert "3 cassettes: 3 compared" in after.stdout
    assert len(recorded) == len({name.lower() for name in recorded}) == 11
    assert {"tests/test_cart/test_fixture.cassette", "tests/test_cart/test_fixture.second.cassette"} <= set(recorded)
    assert {name.rpartition("/")[0] for name in recorded} == {"", "tests/test_cart"}
    assert calls(suite, name="cassettes/tests/test_cart/test_async") == ["shop.cart:later(x=3) -> 9"]
    assert [line for line in again.stdout.splitlines() if line.startswith("unused")] == [
        "unused: cassettes/tests/test_cart/test_fixture.cassette",
        "unused: cassettes/tests/test_cart/test_fixture.second.cassette",
    ]
    assert "unused" not in after.stdout + second.stdout


def test_where_it_is_not_used_it_loads_nothing_and_says_nothing(project: Project) -> None:
    project = project.with_files(
        {
            "test_quiet.py": """
                import json, sys
                def test_quiet():
                    print(json.dumps(sorted(name for name in sys.modules if name.partition(".")[0] in
                          ("tracer", "msgpack", "wrapt", "deepdiff", "typer", "rich"))))
                """
        }
    )

    done = project.run("python", *PYTEST, "-p", "tracer.pytest_plugin", "-s")
    off = project.run("python", *PYTEST, "-p", "no:tracer.pytest_plugin", "--tracer-mode=none")

    assert json.loads(done.stdout.splitlines()[0]) == [
        "tracer",
        "tracer.errors",
        "tracer.pytest_cassettes",
        "tracer.pytest_plugin",
        "tracer.version",
    ]
    assert " cassettes: " not in done.stdout
    assert off.exit == 4
    assert "--tracer-mode" in off.stderr


def test_a_wrong_mode_names_the_valid_ones(suite: Project) -> None:
    done = run(suite, "--tracer-mode=sometimes")

    assert done.exit == 4
    assert all(mode in done.stderr for mode in ("none", "once", "new_episodes", "all", "off"))


def test_names_of_parametrised_tests_are_safe_and_distinct(tmp_path: Path) -> None:
    ids = ["a/b", "a-b", "A-b", "a b", "", "..", "../..", "con", "é", "x" * 300, "x" * 301, "a]", "a::b", "\\x00"]

    files = [cassette_path(cassette_name(f"tests/test_a.py::test_x[{id_}]"), tmp_path) for id_ in ids]

    assert len({str(path).lower() for path in files}) == len(ids)
    assert {path.parent for path in files} == {tmp_path / "tests" / "test_a"}
    assert all(len(path.name) < 200 for path in files)
    assert cassette_name("tests/test_a.py::TestB::test_c") == "tests/test_a/TestB.test_c"
