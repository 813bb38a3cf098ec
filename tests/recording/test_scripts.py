"""What a script makes is recorded from its making on, whoever runs the script: the interpreter, `runpy`, a process that multiprocessing spawns."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.helpers import Project, doctor
from tracer.instrument import script
from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import CodeType

HALL = """
    HELD = []
    def run(function, *arguments): return function(*arguments)
    def hold(function):
        HELD.append(function)
        return function
    def release(): return [function() for function in HELD]
"""
SHOW = """
    import hall
    def early(number): return number + 1
    hall.run(early, 1)
    def late(number): return number + 2
    hall.run(late, 1)
    hall.run(lambda number: number * 3, 4)
    @hall.hold
    def kept(): return 1
    class Act:
        @hall.hold
        def played(self=None): return 2
    print(hall.release())
    print([hall.run(made, 2) for made in (lambda _: 1, early)])
"""
OF_SHOW = {"early": 2, "late": 1, "<lambda>": 1, "<lambda>#2": 1, "kept": 1, "Act.played": 1}


def _called_back(project: Project, *command: str, env: Mapping[str, str] | None = None) -> Counter[str]:
    """Record a command that prints what it prints alone; return how often the hall called what."""
    done = project.tracer("record", "-o", "run.cassette", "--", *command, env=env)
    bare = project.run(*command, env=env)
    assert (done.exit, done.stdout) == (bare.exit, bare.stdout) == (0, bare.stdout), done.stderr
    with open_cassette(project.folder / "run.cassette") as cassette:
        calls = [call for lane in cassette.lanes for call in cassette.calls(lane.name)]
    return Counter(call.callable for call in calls if call.caller == "hall")


def test_functions_that_a_script_makes_once_it_has_called_others(tmp_path: Path) -> None:
    """By name, as lambdas handed on at once, through decorators that keep them, in classes."""
    project = Project(tmp_path, {"hall.py": HALL, "show.py": SHOW})
    found = _called_back(project, sys.executable, "show.py")
    assert found == {f"show:{name}": times for name, times in OF_SHOW.items()}


def test_scripts_that_a_script_runs_as_the_main_program(tmp_path: Path) -> None:
    """One after the other under one name, which is its own too; by the names of their files."""
    source = """
        import hall, runpy
        def before(): return 0
        hall.run(before)
        runpy.run_path("show.py", run_name="__main__")
        runpy.run_path("other.py", run_name="__main__")
        def after(default=5): return default
        hall.run(after)
        hall.run(before)
    """
    other = "import hall\ndef different(): return 7\nhall.run(different)\nhall.run(lambda: 8)\n"
    project = Project(tmp_path, {"hall.py": HALL, "show.py": SHOW, "other.py": other, "start.py": source})
    found = _called_back(project, sys.executable, "start.py")
    assert found == {
        **{f"show:{name}": times for name, times in OF_SHOW.items()},
        "other:different": 1,
        "other:<lambda>": 1,
        "start:before": 2,
        "start:after": 1,
    }
    with open_cassette(project.folder / "run.cassette") as cassette:
        known = {each.name: each for each in cassette.recording.callables}
    assert all(known[name].code for name in found)
    assert [parameter.default for parameter in known["start:after"].parameters] == ["5"]


def test_a_script_that_runs_twice_by_its_path(tmp_path: Path) -> None:
    """In a namespace that is taken away when it has run."""
    source = "import runpy\nfor _ in range(2): print(len(runpy.run_path('show.py', run_name='show')))\n"
    project = Project(tmp_path, {"hall.py": HALL, "show.py": SHOW, "start.py": source})
    found = _called_back(project, sys.executable, "start.py")
    assert found["show:late"] == 2
    assert found["show:kept"] == 1 + 2, "the hall holds that of the first run still"
    assert sum(found.values()) == 2 * sum(OF_SHOW.values()) + 2


def test_scripts_that_run_inside_two_recordings_are_watched_once_by_each(tmp_path: Path) -> None:
    """By their paths and as modules, whose loader hands on code that both have instrumented."""
    source = """
        import runpy, tracer
        with tracer.record("inner.cassette", boundaries=["hall", "show"]):
            runpy.run_path("show.py", run_name="__main__")
            runpy.run_module("show", run_name="__main__")
    """
    project = Project(tmp_path, {"hall.py": HALL, "show.py": SHOW, "start.py": source})
    done = project.tracer(
        "record", "-o", "outer.cassette", "-b", "hall", "-b", "show", "--", sys.executable, "start.py"
    )
    assert done.exit == 0, done.stderr
    for name in ("outer", "inner"):
        with open_cassette(tmp_path / f"{name}.cassette") as cassette:
            calls = [call for lane in cassette.lanes for call in cassette.calls(lane.name)]
        found = Counter(call.callable for call in calls if call.caller == "hall")
        assert found["show:late"] == 2, name
        assert sum(found.values()) == 2 * sum(OF_SHOW.values()) + 2, name  # the hall holds two of the first run still


def test_statements_of_a_script_that_runpy_runs_call_extensions(tmp_path: Path) -> None:
    """Methods of their types too, which those of the main program call unseen, as its summary says."""
    show = "import array\nheld = array.array('i')\nheld.append(1)\nclass Of: held.append(2)\nprint(held)\n"
    source = "import runpy\nrunpy.run_path('show.py', run_name='__main__')\n"
    project = Project(tmp_path, {"show.py": show, "start.py": source})
    times = {}
    for path in ("start.py", "show.py"):
        done = project.tracer("record", "-o", "run.cassette", "-b", "array", "--", sys.executable, path)
        assert (done.exit, done.stdout) == (0, "array('i', [1, 2])\n"), done.stderr
        with open_cassette(tmp_path / "run.cassette") as cassette:
            calls = [call for lane in cassette.lanes for call in cassette.calls(lane.name)]
        times[path] = Counter(call.callable for call in calls)
    assert times["start.py"] == {"array:array": 1, "array:array.append": 2}
    assert times["show.py"]["array:array.append"] < 2


def test_a_script_in_the_processes_that_multiprocessing_spawns(tmp_path: Path) -> None:
    """There it is run as `__mp_main__`, and copied into another namespace."""
    source = """
        import hall, multiprocessing
        hall.run(lambda: 1)
        def late(number): return hall.run(lambda: number)
        hall.run(late, 2)
        if __name__ == "__main__":
            context = multiprocessing.get_context("spawn")
            with context.Pool(1) as pool:
                print(pool.map(late, range(3)))
                pool.close()
                pool.join()
    """
    project = Project(tmp_path, {"hall.py": HALL, "start.py": source})
    found = _called_back(project, sys.executable, "start.py")
    assert found == {"start:<lambda>": 2, "start:late": 2, "start:late.<locals>.<lambda>": 2 + 3}


@pytest.mark.parametrize(
    "tool",
    [
        ("coverage", "run", "--data-file=covered"),
        ("cProfile", "-o", "profiled"),
        ("profile", "-o", "profiled"),
        ("trace", "--count", "--summary", "-C", "traced"),
    ],
    ids=lambda tool: tool[0],
)
@pytest.mark.parametrize("what", [("show.py",), ("-m", "show")], ids=["a script", "a module"])
def test_programs_that_tools_run(tmp_path: Path, tool: tuple[str, ...], what: tuple[str, ...]) -> None:
    """From their making on, as without the tool, which sees the lines it would see."""
    if tool[0] == "trace" and what[0] == "-m":
        tool = (tool[0], "--count", "--summary", "-C", "traced", "--module")
        what = what[1:]
    project = Project(tmp_path, {"hall.py": HALL, "show.py": SHOW})
    command = (sys.executable, "-m", *tool, *what)
    if tool[0] == "trace":  # its summary counts the lines of the modules that are loaded, tracer's among them
        done = project.tracer("record", "-o", "run.cassette", "--", *command)
        assert done.exit == 0, done.stderr
        with open_cassette(tmp_path / "run.cassette") as cassette:
            calls = [call for lane in cassette.lanes for call in cassette.calls(lane.name)]
        found = Counter(call.callable for call in calls if call.caller == "hall")
    else:
        found = _called_back(project, *command)
    assert found == {f"show:{name}": times for name, times in OF_SHOW.items()}
    if tool[0] == "coverage":
        report = (sys.executable, "-m", "coverage", "report", "--data-file=covered")
        recorded = project.run(*report).stdout
        project.run(*command)
        assert project.run(*report).stdout == recorded
        assert "show.py" in recorded


def test_a_script_that_something_unknown_runs_is_told_of(tmp_path: Path) -> None:
    """What it had made before its first call is not watched; the summary and the doctor say so."""
    source = (
        "exec(compile(open('show.py').read(), 'show.py', 'exec'), {'__name__': '__main__', '__file__': 'show.py'})\n"
    )
    project = Project(tmp_path, {"hall.py": HALL, "show.py": SHOW, "tool.py": source})
    done = project.tracer("record", "-o", "run.cassette", "--", sys.executable, "tool.py")
    assert "1 script that a tool ran in a way of its own" in " ".join(done.stderr.split())
    found = doctor(project, "--", sys.executable, "tool.py", code=1)
    assert [name for name, reason in found["run"]["unreachable"] if "a way of its own" in reason] == ["show"]


def test_a_program_in_a_folder_is_watched_once(tmp_path: Path) -> None:
    """Its `__main__.py` is run by `runpy` too, with a loader."""
    project = Project(tmp_path, {"hall.py": HALL, "program/__main__.py": SHOW})
    command = (sys.executable, "-c", "import runpy; runpy.run_path('program', run_name='__main__')")
    found = _called_back(project, *command)
    assert sum(found.values()) == sum(OF_SHOW.values())


PROFILE = """
    import sys
    heard = []
    def hear(frame, event, argument):
        if frame.f_globals.get("__name__") == "__main__": heard.append((event, frame.f_code.co_name))
    sys.setprofile(hear)
"""
PROFILED = """
    import sys
    def work(): return 1
    work()
    profile = sys.getprofile()
    sys.setprofile(None)
    print(profile.__name__, sys.modules["sitecustomize"].heard)
    import hall
    hall.run(work)
"""


def test_a_profile_function_of_the_environment_is_left_alone(tmp_path: Path) -> None:
    """That of a sitecustomize, which comes after ours. The functions of the script are found later then."""
    project = Project(tmp_path, {"hall.py": HALL, "start.py": PROFILED, "site/sitecustomize.py": PROFILE})
    found = _called_back(project, sys.executable, "start.py", env={"PYTHONPATH": str(tmp_path / "site")})
    assert found == {"start:work": 1}


def test_a_profile_function_from_before_hears_of_the_script_too(tmp_path: Path) -> None:
    awaiting = (
        PROFILE
        + """
    from tracer.instrument import script
    script.expect(lambda code: heard.append(code.co_name))
    """
    )
    project = Project(tmp_path, {"hall.py": HALL, "start.py": PROFILED, "site/sitecustomize.py": awaiting})
    done = project.run(sys.executable, "start.py", env={"PYTHONPATH": str(tmp_path / "site")})
    assert done.stdout.startswith("hear [('call', '<module>'), '<module>', ('call', 'work'), ('return', 'work')"), done


def _code() -> CodeType:
    return compile("def first(): return 1\nclass Second:\n    def inner(self): return 2\nkept = 3.5\n", "made", "exec")


def test_constants_are_exchanged_in_place_and_live_as_long_as_the_code() -> None:
    code, other = _code(), compile("def first(): return 100\n", "made", "exec")
    first = other.co_consts[0]
    times = sys.getrefcount(first)
    script.exchange(code, (first, *code.co_consts[1:]))
    assert sys.getrefcount(first) == times + 1
    namespace: dict[str, object] = {}
    exec(code, namespace)  # noqa: S102
    assert eval("first(), Second().inner(), kept", namespace) == (100, 2, 3.5)  # noqa: S307
    namespace.clear()
    del code
    assert sys.getrefcount(first) == times


def test_constants_of_another_number_are_refused_and_nothing_is_changed() -> None:
    code = _code()
    before = code.co_consts
    with pytest.raises(ValueError, match="exchanged"):
        script.exchange(code, (None,))
    assert all(now is then for now, then in zip(code.co_consts, before, strict=True))


@pytest.mark.parametrize("first", ["", "-", "-c", "-m"])
def test_nothing_is_awaited_where_no_script_is_run(monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    monkeypatch.setattr(sys, "argv", [first])
    before = sys.getprofile()
    script.expect(lambda _: None)
    assert sys.getprofile() is before
