"""Recordings that no test used: found by the lists that test runs leave, whatever was filtered, sharded or run in parallel."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from tests.helpers import Completed, Project
from tracer.cli import command_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {
    "pyproject.toml": "[tool.tracer]\nboundaries = ['shop.tax']\n[tool.pytest.ini_options]\naddopts = ['-p', 'tracer.pytest_plugin']\n",
    "shop/__init__.py": "",
    "shop/tax.py": "def vat(amount): return amount * 2\n",
    "shop/cart.py": "from shop import tax\ndef total(price): return tax.vat(price)\n",
    "app.py": "from shop import cart\ncart.total(1)\n",
    "tests/test_a.py": """
        import pytest
        from shop import cart

        @pytest.mark.tracer
        def test_one(): cart.total(1)

        @pytest.mark.tracer
        def test_two(): cart.total(2)
        """,
    "tests/test_b.py": """
        import tracer
        from shop import cart

        def test_named():
            with tracer.cassette("named"):
                cart.total(3)

        def test_fixture(tracer_cassette):
            with tracer_cassette():
                cart.total(4)
            with tracer_cassette("second"):
                cart.total(5)
        """,
}
GONE = {"tests/test_a.py": FILES["tests/test_a.py"].replace("test_two", "test_new")}
ALL = {
    "named",
    "run",
    "tests/test_a/test_one",
    "tests/test_a/test_two",
    "tests/test_b/test_fixture",
    "tests/test_b/test_fixture.second",
}
TWO = "cassettes/tests/test_a/test_two.cassette"


def run(suite: Project, *words: str) -> Completed:
    # Without the plugins that happen to be installed, which take longer to load than all of this takes to run.
    return suite.run(
        "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *words, env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    )


def names(suite: Project) -> set[str]:
    folder = suite.folder / "cassettes"
    return {path.relative_to(folder).as_posix().removesuffix(".cassette") for path in folder.rglob("*.cassette")}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite whose tests recorded their cassettes, one recorded by a command beside them; then a test was renamed."""
    suite = Project(tmp_path_factory.mktemp("prune") / "project").with_files(FILES)
    assert suite.tracer("record", "--", sys.executable, "app.py").exit == 0
    done = run(suite)
    assert done.exit == 0, done.stdout
    assert "unused" not in done.stdout
    assert names(suite) == ALL
    return suite.folder


@pytest.fixture
def suite(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The same in a folder of this test's own, which is the working folder."""
    shutil.copytree(recorded, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return Project(tmp_path / "project").with_files({**FILES, **GONE})


@pytest.fixture
def tracer(capsys: pytest.CaptureFixture[str]) -> Callable[..., Completed]:
    """Runs command lines in this process, among the files as they are."""

    def command(*words: str) -> Completed:
        capsys.readouterr()
        code = command_line.run(words)
        return Completed(code, *capsys.readouterr())

    return command


def refused(done: Completed) -> str:
    assert (done.exit, done.stdout) == (2, "")
    assert done.stderr.startswith("tracer: Couldn't tell which cassettes are unused: ")
    assert done.stderr.count("\n") == 1
    return done.stderr.partition("unused: ")[2]


def test_after_all_tests_ran_what_none_used_is_told_listed_and_deleted_with_what_lies_beside_it(
    suite: Project, tracer: Callable[..., Completed]
) -> None:
    for suffix in (".pending", ".side.json", ".accepted.toml", ".pending.side.json", ".bak"):
        (suite.folder / (TWO + suffix)).write_text("x", "utf-8")
    (suite.folder / "cassettes/tests/test_a/notes.txt").write_text("mine", "utf-8")

    whole = run(suite)
    listed = tracer("list")
    dry = tracer("prune", "--dry-run")
    before = names(suite)
    pruned = tracer("prune")
    again = tracer("prune")

    assert "1 unused cassette: `tracer prune` deletes what no test used\nunused: " + TWO in whole.stdout
    assert [line.split()[0] for line in listed.stdout.splitlines() if "unused" in line] == [
        "tests/test_a/test_two.cassette"
    ]
    assert (dry.exit, dry.stdout) == (0, f"unused: {TWO}\n1 unused cassette would be deleted.\n")
    assert before == ALL | {"tests/test_a/test_new"}
    assert (pruned.exit, pruned.stdout) == (0, f"deleted: {TWO}\n1 unused cassette deleted.\n")
    assert names(suite) == before - {"tests/test_a/test_two"}
    assert {path.name for path in (suite.folder / "cassettes/tests/test_a").iterdir()} == {
        "test_one.cassette",
        "test_new.cassette",
        "test_two.cassette.bak",
        "notes.txt",
    }
    assert again.stdout == "No cassette is unused.\n"
    assert suite.run("git", "init", "-q").exit == 0
    assert suite.run("git", "check-ignore", ".tracer/usage/x").exit == 0


def test_a_filtered_run_prunes_nothing_until_others_complete_it(
    suite: Project, tracer: Callable[..., Completed]
) -> None:
    shutil.rmtree(suite.folder / ".tracer")
    unknown = tracer("prune")
    one = run(suite, "-k", "new or named")
    filtered = tracer("prune")
    two = run(suite, "-k", "not new and not named")
    complete = tracer("prune", "--dry-run")

    assert "unused" not in one.stdout + two.stdout
    assert refused(unknown).startswith("no test run is known. Run all tests")
    assert refused(filtered).startswith("the test runs that are known were filtered (-k new or named). Run all tests")
    assert complete.stdout.splitlines()[:-1] == [f"unused: {TWO}"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("tests/test_a.py::test_one",), "only tests/test_a.py::test_one"),
        (("--ignore=tests/test_b.py", "--deselect=tests/test_a.py::test_one"), "--ignore"),
    ],
)
def test_each_way_to_leave_tests_out_is_one(
    suite: Project, tracer: Callable[..., Completed], words: tuple[str, ...], why: str
) -> None:
    shutil.rmtree(suite.folder / ".tracer")
    done = run(suite, *words)

    assert done.exit == 0, done.stdout
    assert "unused" not in done.stdout
    assert f"were filtered ({why}" in refused(tracer("prune"))
    assert names(suite) >= ALL


def test_a_run_that_failed_stopped_or_could_not_collect_prunes_nothing(
    suite: Project, tracer: Callable[..., Completed]
) -> None:
    shutil.rmtree(suite.folder / ".tracer")
    failing = suite.with_files({"tests/test_a.py": GONE["tests/test_a.py"].replace("cart.total(1)", "assert 0")})
    stopped = run(failing, "-x")
    after_stop = tracer("prune")
    failed = run(failing)
    after_failure = tracer("prune")
    shutil.rmtree(suite.folder / ".tracer")
    broken = suite.with_files({"tests/test_a.py": "import nothing_of_that_name\n"})
    run(broken, "--continue-on-collection-errors")
    after_error = tracer("prune")

    assert "unused" not in stopped.stdout + failed.stdout
    assert "stopping after 1 failures" in refused(after_stop)
    assert refused(after_failure)
    assert "tests/test_a.py could not be collected" in refused(after_error)
    assert names(suite) >= ALL


def test_workers_of_xdist_tell_together_what_a_single_process_tells(
    suite: Project, tracer: Callable[..., Completed]
) -> None:
    done = run(suite, "-p", "xdist", "-n2")
    lists = sorted(path.name.partition("-")[2] for path in (suite.folder / ".tracer/usage").iterdir())
    pruned = tracer("prune", "--dry-run")

    assert "1 unused cassette" in done.stdout
    assert lists == ["gw0.usage.json", "gw1.usage.json"]
    assert pruned.stdout.splitlines()[:-1] == [f"unused: {TWO}"]


def test_lists_of_shards_are_judged_together_and_none_alone(
    suite: Project, tracer: Callable[..., Completed], tmp_path: Path
) -> None:
    shards = tmp_path / "shards"
    lists = []
    for number, path in ((1, "tests/test_a.py"), (2, "tests/test_b.py")):
        shutil.rmtree(suite.folder / ".tracer", ignore_errors=True)
        done = run(suite, f"--tracer-shard={number}/2", path)
        assert done.exit == 0, done.stdout
        assert "unused" not in done.stdout
        shutil.copytree(suite.folder / ".tracer/usage", shards / str(number))
        lists += [str(found) for found in (shards / str(number)).iterdir()]
    shutil.rmtree(suite.folder / ".tracer")

    alone = tracer("prune", lists[0])
    folder = tracer("prune", str(shards), "--dry-run")
    files = tracer("prune", *lists, "cassettes")
    wrong = run(suite, "--tracer-shard=3")

    assert refused(alone)
    assert folder.stdout.splitlines()[:-1] == [f"unused: {TWO}"]
    assert files.stdout.splitlines()[:-1] == [f"deleted: {TWO}"]
    assert wrong.exit == 4
    assert "write it as 1/3" in wrong.stderr


def test_lists_of_tests_that_are_others_now_are_refused(suite: Project, tracer: Callable[..., Completed]) -> None:
    run(suite)
    edited = suite.with_files({"tests/test_b.py": FILES["tests/test_b.py"] + "\n"})
    edited.write()
    changed = tracer("prune")
    deleted = suite.with_files({"tests/test_b.py": None})
    deleted.write()
    missing = tracer("prune")

    assert "tests/test_b.py is not what it was when the tests ran. Run all tests again." in refused(changed)
    assert "tests/test_b.py is not what it was" in refused(missing)


def test_what_skipped_tests_and_children_use_is_used(suite: Project, tracer: Callable[..., Completed]) -> None:
    """A skipped test used in its last run what it will use again; a test may start the program that uses a cassette."""
    children = {
        "child.py": "import tracer\nfrom shop import cart\nwith tracer.cassette('child'): cart.total(7)\n",
        "tests/test_c.py": "import subprocess, sys\ndef test_child(): subprocess.run([sys.executable, 'child.py'], check=True)\n",
    }
    first = run(suite.with_files({**FILES, **children}))
    skipping = suite.with_files(
        {
            **children,
            "tests/test_a.py": "import pytest\npytest.skip('not here', allow_module_level=True)\n",
            "tests/test_b.py": """
                import pytest
                pytestmark = pytest.mark.skip
                def test_named(): pass
                def test_fixture(): pass
                """,
        }
    )
    second, third = run(skipping), run(skipping)
    pruned = tracer("prune", "--dry-run")

    assert (first.exit, second.exit, third.exit) == (0, 0, 0), first.stdout + third.stdout
    assert names(suite) == ALL | {"child"}
    assert "unused" not in second.stdout + third.stdout
    assert (pruned.exit, pruned.stdout) == (0, "No cassette is unused.\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": 1}',
        '{"format": 1, "run": 3}',
        '{"format": 1, "run": "x", "shard": "1/x"}',
        "[" * 100_000,
    ],
)
def test_what_is_no_usage_list_is_said_so(suite: Project, tracer: Callable[..., Completed], text: str) -> None:
    path = suite.folder / "x.usage.json"
    path.write_text(text, "utf-8")

    done = tracer("prune", "x.usage.json")

    assert (done.exit, done.stdout) == (2, "")
    assert "Couldn't read the usage list 'x.usage.json': it is no usage list." in done.stderr


def test_a_list_can_only_name_cassettes_of_the_folder(suite: Project, tracer: Callable[..., Completed]) -> None:
    run(suite)
    (path,) = (suite.folder / ".tracer/usage").iterdir()
    content = json.loads(path.read_text("utf-8"))
    outside = suite.folder.parent / "outside.cassette"
    shutil.copy(suite.folder / TWO, outside)
    content["present"] += ["../outside.cassette", "pyproject.toml", "cassettes/run.cassette"]
    path.write_text(json.dumps(content), "utf-8")

    done = tracer("prune")

    assert done.stdout.splitlines()[:-1] == [f"deleted: {TWO}"]
    assert outside.exists()
    assert "run" in names(suite)
