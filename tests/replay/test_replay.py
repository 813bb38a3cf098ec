"""Recorded calls made again: from the shell, in real processes, on code that changed and on code that did not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers import REPOSITORY, Project, clean_environment
from tracer.cli.command_line import run
from tracer.storage.reader import open_cassette
from tracer.storage.store import write_cassette

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KINDS = """
    import asyncio
    import functools
    from dataclasses import dataclass

    _MISSING = object()
    count = 0

    def plain(a, b=2, *rest, named=None, **options):
        options["seen"] = True
        return [a, b, *rest, named, sorted(options)]

    def changing(items):
        items.append(len(items))

    def failing(text):
        raise ValueError(text, len(text))

    def sentinel(value=_MISSING):
        return value is _MISSING

    class Unset:
        pass

    class Kind(tuple):
        parent = None

    UNSET, ROOT = Unset(), Kind()
    LEAF = ROOT.leaf = Kind(("leaf",))
    LEAF.parent = ROOT

    def identical(value, kinds):
        return value is UNSET, kinds[0] is LEAF and kinds[1] is ROOT, kinds[2] is LEAF

    def doubled(function):
        @functools.wraps(function)
        def wrapper(*args):
            return 2 * function(*args)
        return wrapper

    @doubled
    def decorated(x):
        return x + 1

    @functools.lru_cache(maxsize=None)
    def cached(x):
        return x * x

    def talking(first):
        try:
            got = yield first
            while got != "stop":
                got = yield [got]
        except KeyError as error:
            yield str(error)
        return "end"

    def endless():
        n = 0
        while True:
            yield n
            n += 1

    async def waiting(x):
        await asyncio.sleep(0)
        return x + 1

    async def ticking(n):
        for each in range(n):
            await asyncio.sleep(0)
            yield each

    def in_loop():
        return asyncio.get_running_loop() is not None

    @dataclass
    class Point:
        x: int
        y: int = 0

        def moved(self, dx):
            return Point(self.x + dx, self.y)

        def move(self, dx):
            self.x += dx

        @classmethod
        def at(cls, x):
            return cls(x)

        @staticmethod
        def origin():
            return Point(0)

        @property
        def sum(self):
            return self.x + self.y

        @sum.setter
        def sum(self, value):
            self.x = value - self.y

        def __add__(self, other):
            return Point(self.x + other.x, self.y + other.y)

    def counting():
        global count
        count += 1
        return count

    def nested(x):
        from app import inner
        return inner.step(x) + 1
"""

DRIVE = """
    import asyncio
    from app import kinds

    def main():
        kinds.plain(1, 3, 4, named="n", other=1)
        kinds.plain(1)
        kinds.changing([1, 2])
        try:
            kinds.failing("no")
        except ValueError:
            pass
        kinds.sentinel()
        kinds.identical(kinds.UNSET, [kinds.LEAF, kinds.ROOT, kinds.Kind(("other",))])
        kinds.decorated(1)
        kinds.cached(3)
        talk = kinds.talking("a")
        next(talk), talk.send("b"), talk.throw(KeyError("k"))
        list(talk)
        numbers = kinds.endless()
        next(numbers), next(numbers)
        numbers.close()
        point = kinds.Point(1)
        point.move(2)
        point.moved(3)
        kinds.Point.at(5), kinds.Point.origin()
        point.sum = point.sum + 1
        point + point
        kinds.nested(1)

        async def all_of_it():
            await kinds.waiting(1)
            [each async for each in kinds.ticking(2)]
            kinds.in_loop()

        asyncio.run(all_of_it())

    main()
"""

FILES: Mapping[str, str] = {
    "app/__init__.py": "",
    "app/kinds.py": KINDS,
    "app/inner.py": "def step(x):\n    return x * 10\n",
    "tests/__init__.py": "",
    "tests/drive.py": DRIVE,
    "pyproject.toml": "",
}


def recorded(project: Project, *module: str) -> Project:
    """Record a module of a project into `run.cassette` and return the project."""
    done = project.tracer("record", "-o", "run.cassette", "--", sys.executable, "-m", *module)
    assert done.exit == 0, done.stderr
    return project


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return recorded(Project(tmp_path_factory.mktemp("app"), FILES), "tests.drive")


def replayed(project: Project, *options: str, exit_code: int | None = None) -> dict[str, Any]:
    """Replay `run.cassette` and return the report."""
    done = project.tracer("replay", "run.cassette", "--format", "json", *options)
    assert done.exit in {0, 1} if exit_code is None else done.exit == exit_code, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def kinds_of(report: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Return callable, kind and role of each finding at or above `changed`."""
    return {
        (each["callable"], each["kind"], each["role"])
        for each in report["findings"]
        if each["severity"] in {"breaking", "changed"}
    }


def changed(project: Project, file: str, before: str, after: str) -> Project:
    """Return the project with a text in one of its files replaced."""
    text = project.files[file]
    assert text is not None
    assert before in text
    return project.with_files({file: text.replace(before, after)})


def test_on_unchanged_code_every_kind_of_callable_comes_out_as_recorded(app: Project) -> None:
    report = replayed(app, exit_code=0)

    assert report["verdict"] == "same"
    assert report["replay"]["replayed"] == report["replay"]["calls"] > 20
    assert report["replay"]["skipped"] == []
    assert report["replay"]["by_chance"] == 0


CHANGES = (
    ("return [a, b,", "return [b, a,", ("app.kinds:plain", "returned-value")),
    ('options["seen"] = True', 'options["met"] = True', ("app.kinds:plain", "argument-after")),
    ("items.append(len(items))", "items.append(0)", ("app.kinds:changing", "argument-after")),
    ("raise ValueError(text, len(text))", "raise TypeError(text)", ("app.kinds:failing", "exception-type")),
    ("return value is _MISSING", "return value", ("app.kinds:sentinel", "returned-type")),
    ("return value is UNSET, ", "return value is ROOT, ", ("app.kinds:identical", "returned-value")),
    ("return 2 * function", "return 3 * function", ("app.kinds:decorated", "returned-value")),
    ("return x * x", "return x + x", ("app.kinds:cached", "returned-value")),
    ("got = yield [got]", "got = yield (got, got)", ("app.kinds:talking", "yielded")),
    ("yield str(error)", "yield repr(error)", ("app.kinds:talking", "yielded")),
    ("        n += 1\n", "        n += 2\n", ("app.kinds:endless", "yielded")),
    ("return x + 1\n\n    async", "return x - 1\n\n    async", ("app.kinds:waiting", "returned-value")),
    ("yield each", "yield -each", ("app.kinds:ticking", "yielded")),
    ("return asyncio.get_running_loop() is not None", "return 0", ("app.kinds:in_loop", "returned-type")),
    (
        "return Point(self.x + dx, self.y)",
        "return Point(self.x - dx, self.y)",
        ("app.kinds:Point.moved", "returned-value"),
    ),
    ("self.x += dx", "self.x -= dx", ("app.kinds:Point.move", "argument-after")),
    ("return cls(x)", "return cls(x + 1)", ("app.kinds:Point.at", "returned-value")),
    ("return Point(0)", "return Point(1)", ("app.kinds:Point.origin", "returned-value")),
    ("self.x = value - self.y", "self.x = -value", ("app.kinds:Point.sum#2", "argument-after")),
    ("return self.x + self.y", "return self.x * self.y", ("app.kinds:Point.sum", "returned-value")),
    ("self.y + other.y)", "self.y - other.y - 1)", ("app.kinds:Point.__add__", "returned-value")),
    ("def decorated(x)", "def decorated(x, y=0)", ("app.kinds:decorated", "returned-value")),
)
"""A text, what takes its place, and which callable shows it by which kind of finding."""


@pytest.fixture(scope="module")
def changed_report(app: Project) -> dict[str, Any]:
    """What a replay says of a module in which every callable changed."""
    for before, after, _ in CHANGES:
        app = changed(app, "app/kinds.py", before, after)
    return replayed(app, "--only", "app.kinds", exit_code=1)


@pytest.mark.parametrize(("before", "after", "found"), CHANGES)
def test_a_change_is_found_where_it_was_made(
    changed_report: dict[str, Any], before: str, after: str, found: tuple[str, str]
) -> None:
    assert found in {(name, kind) for name, kind, _ in kinds_of(changed_report)}


def test_nothing_else_is_said_to_have_changed(changed_report: dict[str, Any]) -> None:
    assert {name for name, _, _ in kinds_of(changed_report)} == {name for _, _, (name, _) in CHANGES}


def test_what_follows_from_a_change_is_its_effect(app: Project) -> None:
    report = replayed(changed(app, "app/inner.py", "x * 10", "x * 11"), exit_code=1)

    assert kinds_of(report) == {
        ("app.inner:step", "returned-value", "origin"),
        ("app.kinds:nested", "returned-value", "effect"),
    }


def test_what_is_passed_on_otherwise_is_told_where_it_is_passed(app: Project) -> None:
    report = replayed(changed(app, "app/kinds.py", "inner.step(x) + 1", "inner.step(x + 1) - 9"), exit_code=1)

    origin, *_ = report["findings"]
    assert (origin["callable"], origin["kind"], origin["role"]) == ("app.inner:step", "argument-passed", "origin")
    assert origin["made_by"] == "app.kinds:nested"
    assert {role for _, _, role in kinds_of(report) - {("app.inner:step", "argument-passed", "origin")}} == {"effect"}


def test_only_the_calls_that_were_asked_for_are_made(app: Project) -> None:
    report = replayed(changed(app, "app/inner.py", "x * 10", "x * 11"), "--only", "app.kinds:Point", exit_code=0)

    assert {each["component"] for each in report["replay"]["components"]} == {"app.kinds"}
    assert report["replay"]["calls"] < 12


def test_a_module_that_cannot_be_imported_makes_each_call_into_it_raise_that(app: Project) -> None:
    broken = changed(app, "app/inner.py", "def step", "import nothing_of_that_name\ndef step")
    report = replayed(broken, exit_code=1)

    assert ("app.inner:step", "raised", "origin") in kinds_of(report)
    assert any("Couldn't import app.inner: ModuleNotFoundError" in note for note in report["notes"])


def test_a_module_that_is_gone_leaves_callables_that_are_missing(app: Project) -> None:
    report = replayed(app.with_files({"app/inner.py": None}), exit_code=1)

    assert ("app.inner:step", "callable-missing", "origin") in kinds_of(report)
    assert "there is no such callable any more" in {each["reason"] for each in report["replay"]["skipped"]}


DANGER = """
    import os
    import time

    def hangs(x):
        return x

    def dies(x):
        return x

    def eats(x):
        return x

    def forks(x):
        return x

    def prints(x):
        print("noise" * 10)
        os.write(1, b"noise")
        return x

    def chance(x):
        return x

    def depends(x):
        return MODE + str(x)

    MODE = "plain"
"""


@pytest.fixture(scope="module")
def danger(tmp_path_factory: pytest.TempPathFactory) -> Project:
    drive = """
        from risky import danger

        danger.MODE = "special"
        for each in range(3):
            danger.hangs(each), danger.dies(each), danger.eats(each), danger.prints(each), danger.chance(each)
            danger.forks(each)
            danger.depends(each)
    """
    files = {"risky/__init__.py": "", "risky/danger.py": DANGER, "tests/__init__.py": "", "tests/drive.py": drive}
    return recorded(Project(tmp_path_factory.mktemp("risky"), {**files, "pyproject.toml": ""}), "tests.drive")


def test_a_call_that_hangs_dies_or_eats_memory_is_a_finding_and_the_rest_goes_on(danger: Project) -> None:
    worse = {
        "def hangs(x):\n": "def hangs(x):\n        if x == 1: time.sleep(600)\n",
        "def dies(x):\n": "def dies(x):\n        if x == 1: os._exit(7)\n        if x == 2: os.kill(os.getpid(), 11)\n",
        "def eats(x):\n": "def eats(x):\n        if x == 1: bytearray(2 << 30)\n",
        "def chance(x):\n": "def chance(x):\n        return os.getpid() + time.time_ns()\n",
        "def forks(x):\n": "def forks(x):\n        if os.fork() == 0: return 'the child'\n        os.wait()\n",
    }
    project = danger
    for before, after in worse.items():
        project = changed(project, "risky/danger.py", before, after)
    done = project.tracer("replay", "run.cassette", "--timeout", "0.7", "--memory", "1", "--format", "json")
    report = json.loads(done.stdout)
    after_by_name = {each["callable"].partition(":")[2]: each["after"] for each in report["findings"]}

    assert done.exit == 1, done.stderr
    assert after_by_name["hangs"] == "ReplayTimedOut(args=('no outcome within the time for one call',))"
    assert after_by_name["dies"].startswith("ReplayEndedProcess(args=(")
    assert after_by_name["eats"].startswith("MemoryError(")
    assert "prints" not in after_by_name
    assert "forks" not in after_by_name, "what a child goes on with is no outcome of the call"
    assert "chance" not in after_by_name
    assert report["replay"]["by_chance"] == 3
    assert report["replay"]["replayed"] == 21


def test_what_depends_on_more_than_arguments_is_learned_and_not_told_again(danger: Project) -> None:
    first = replayed(danger, exit_code=1)
    learned = replayed(danger, "--learn", exit_code=0)
    again = replayed(danger, exit_code=0)

    assert {name for name, _, _ in kinds_of(first)} == {"risky.danger:depends"}
    assert learned["replay"]["skipped"] == again["replay"]["skipped"]
    assert again["replay"]["skipped"] == [
        {"reason": "more than its arguments decides, as was learned", "type": "", "count": 3}
    ]


def test_a_cassette_of_another_project_imports_nothing_and_is_refused_with_the_reason(
    app: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mark = tmp_path_factory.mktemp("mark") / "imported"
    module = f"open({str(mark)!r}, 'w').close()\ndef plain(*a, **k): return a\n"
    elsewhere = Project(
        tmp_path_factory.mktemp("other"), {"pyproject.toml": "", "lib/app/kinds.py": module, "lib/app/__init__.py": ""}
    )
    elsewhere.write()
    cassette = str(app.folder / "run.cassette")
    search = {"PYTHONPATH": str(elsewhere.folder / "lib")}
    done = elsewhere.tracer("replay", cassette, env=search)

    assert done.exit == 2
    assert "its module may not be imported" in done.stderr
    assert "--boundary" in done.stderr
    assert not mark.exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--workers", "0"], "0 workers make no call"),
        (["--only", "a:b:c"], "use pattern"),
        (["--allow-import", "no/path"], "use boundary"),
        (["--python", "/nowhere/python"], "start '/nowhere/python'"),
        (["--format", "nothing"], "format"),
        (["--only", "app.nothing"], "it holds no call that was asked for"),
    ],
)
def test_bad_input_ends_with_2_and_one_sentence(
    app: Project,
    options: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(app.folder)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))

    assert run(["replay", "run.cassette", *options]) == 2
    assert told in capsys.readouterr().err


def test_a_damaged_cassette_is_told_as_such(
    app: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (app.folder / "run.cassette").read_bytes()
    (app.folder / "half.cassette").write_bytes(whole[: len(whole) // 2])
    monkeypatch.chdir(app.folder)

    assert run(["replay", "half.cassette"]) == 2
    assert "half.cassette" in capsys.readouterr().err


def test_a_recording_of_another_python_is_told_and_replayed(app: Project) -> None:
    with open_cassette(app.folder / "run.cassette") as cassette:
        lanes = {lane.name: tuple(cassette.calls(lane.name)) for lane in cassette.lanes}
        write_cassette(app.folder / "older.cassette", replace(cassette.recording, python="3.9"), lanes)
    app.write()
    done = app.tracer("replay", "older.cassette", "--format", "json", "--only", "app.kinds:plain")
    report = json.loads(done.stdout)

    assert done.exit == 0, done.stderr
    assert report["replay"]["replayed"] == 2
    assert any("recorded with Python 3.9" in note for note in report["notes"])


def test_the_python_that_recorded_runs_the_code_also_where_path_names_another(tmp_path: Path) -> None:
    files = {
        "app.py": "import only_there\n\ndef double(x):\n    return only_there.two * x\n",
        "drive.py": "import app\napp.double(4)\n",
        "there/only_there.py": "two = 2\n",
        "bin/python": f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{tmp_path}/there" exec "{sys.executable}" "$@"\n',
        "pyproject.toml": "",
    }
    project = Project(tmp_path, files)
    project.write()
    (tmp_path / "bin/python").chmod(0o755)
    search = {"PATH": f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}"}
    done = project.tracer("record", "-o", "run.cassette", "--", "python", "drive.py", env=search)
    assert done.exit == 0, done.stderr

    report = replayed(project, exit_code=0)

    assert report["replay"]["replayed"] == 1


def test_a_callable_that_moved_to_another_module_is_called_there(app: Project) -> None:
    moved = changed(app, "app/kinds.py", "from app import inner", "from app import deeper as inner")
    moved = moved.with_files({"app/inner.py": None, "app/deeper.py": "def step(x):\n    return x * 12\n"})
    report = replayed(moved, exit_code=1)

    assert ("app.deeper:step", "returned-value", "origin") in kinds_of(report)
    assert report["replay"]["skipped"] == []
    app.with_files({"app/deeper.py": None}).write()


def test_isolated_a_component_is_answered_from_the_recording(app: Project) -> None:
    inner = changed(app, "app/inner.py", "x * 10", "x * 11")
    alone = replayed(inner, "--isolated", exit_code=1)
    otherwise = changed(app, "app/kinds.py", "inner.step(x) + 1", "inner.step(x + 1) + 1")
    passed_on = replayed(otherwise, "--isolated", "--only", "app.kinds:nested", exit_code=1)
    unchanged = replayed(app, "--isolated", exit_code=0)

    assert kinds_of(alone) == {("app.inner:step", "returned-value", "origin")}
    assert kinds_of(passed_on) == {("app.kinds:nested", "raised", "origin")}
    assert "CallNotRecorded" in passed_on["findings"][0]["after"]
    assert unchanged["replay"]["replayed"] == unchanged["replay"]["calls"]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_a_replay_ends_its_processes(danger: Project, ending: signal.Signals) -> None:
    """While a call hangs; what the call has started itself is gone too, and the folders of both where they can be."""
    temporary = danger.folder / "temporary"
    temporary.mkdir(exist_ok=True)
    mark = danger.folder / f"pids-{ending.name}"
    hangs = (
        "def hangs(x):\n        child = os.fork()\n        if child:\n"
        f"            open({str(mark)!r}, 'w').write(f'{{os.getpid()}} {{child}}.')\n        time.sleep(600)\n"
    )
    changed(danger, "risky/danger.py", "def hangs(x):\n", hangs).write()
    options = ("--only", "risky.danger:hangs", "--timeout", "600")
    command = [sys.executable, "-m", "tracer", "replay", "run.cassette", *options]
    env = {**clean_environment(), "TMPDIR": str(temporary)}
    with subprocess.Popen(command, cwd=danger.folder, env=env, stderr=subprocess.PIPE) as process:
        while not (mark.exists() and mark.read_text().endswith(".")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(ending)
        process.communicate(timeout=60)

    danger.write()
    assert process.returncode == (-ending if ending is signal.SIGKILL else 128 + ending)
    assert ending is signal.SIGKILL or not [*temporary.iterdir()]
    for number in mark.read_text().rstrip(".").split():
        assert gone(int(number))


def gone(process: int) -> bool:
    """Wait until there is no such process, or nothing of it but what its parent has not asked for."""
    for _ in range(200):
        try:
            os.kill(process, 0)
            state = subprocess.run(
                ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
            )
        except ProcessLookupError:
            return True
        if not state.stdout.strip() or state.stdout.startswith("Z"):
            return True
        time.sleep(0.05)
    return False
