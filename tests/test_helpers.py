"""The test project does what tests rely on."""

from pathlib import Path

import pytest

from tests.conftest import traces_of_tracer
from tests.helpers import Project


def test_a_change_gives_a_new_project_in_the_same_folder(project: Project) -> None:
    changed = project.with_files({"app.py": "print(1)"})

    assert project.files == {}
    assert changed.run("python", "app.py").stdout == "1\n"
    assert changed.with_files({"app.py": "print(2)"}).run("python", "app.py").stdout == "2\n"


def test_a_file_without_text_is_removed(project: Project) -> None:
    project.with_files({"a/b.py": ""}).with_files({"a/b.py": None, "c.py": ""}).write()

    assert [path.name for path in project.folder.rglob("*.py")] == ["c.py"]


def test_the_inner_program_sees_nothing_of_the_outer_test_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRACER_PURE", raising=False)  # handed on, so that it holds for a whole run of the tests
    for name in ("TRACER_MODE", "PYTEST_ADDOPTS", "COVERAGE_PROCESS_START", "PYTHONHASHSEED"):
        monkeypatch.setenv(name, "1")
    seen = "'TRACER', 'PYTEST', 'COV', 'PYTHONH'"
    script = f"import os; print(sorted(n for n, set in os.environ.items() if n.startswith(({seen})) and set[0] != '-'))"

    assert project.run("python", "-c", script).stdout == "[]\n"
    assert project.run("python", "-c", script, env={"TRACER_MODE": "all"}).stdout == "['TRACER_MODE']\n"


def test_exit_code_and_both_streams_come_back(project: Project) -> None:
    done = project.run("python", "-c", "import sys; print('out'); sys.exit('err')")

    assert (done.exit, done.stdout, done.stderr) == (1, "out\n", "err\n")


def test_each_commit_has_a_revision(project: Project) -> None:
    first = project.with_files({"a.py": "1"}).commit("one")
    second = project.with_files({"a.py": "2"}).commit("two")

    assert first != second
    assert project.run("git", "show", f"{first}:a.py").stdout == "1"


def test_the_checkout_is_what_a_project_imports(project: Project) -> None:
    shown = project.run("python", "-c", "import tracer; print(tracer.__file__)").stdout.strip()

    assert Path(shown).parent.parent == Path(__file__).parent.parent


def test_the_guard_sees_a_finder_of_tracer_s(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = type("Finder", (), {"__module__": "tracer.instrument.imports"})
    with monkeypatch.context() as patched:
        patched.setattr("sys.meta_path", [finder(), finder])

        assert len(traces_of_tracer()) == 2
    assert traces_of_tracer() == []
