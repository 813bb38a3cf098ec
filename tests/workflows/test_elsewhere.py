"""Words and paths of a command as they are in another checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer.workflows.elsewhere import Checkout, search_path


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Two trees with a package in `src` and a script; the working tree also has an environment and a file git does not keep."""
    for name in ("here", "there"):
        (tmp_path / name / "src" / "shop").mkdir(parents=True)
        for file in ("pyproject.toml", "src/shop/__init__.py", "run.sh"):
            (tmp_path / name / file).touch()
    (tmp_path / "here" / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "here" / ".venv" / "bin" / "python").touch()
    (tmp_path / "here" / "data.txt").touch()
    return Checkout(tmp_path / "there", tmp_path / "here", tmp_path / "there", tmp_path / "here")


def test_files_of_the_working_tree_become_those_of_the_checkout_where_it_has_them(checkout: Checkout) -> None:
    here, there = checkout.top, checkout.tree
    words = (
        "python", f"{here}/run.sh", f"--rootdir={here}", f"--data={here}/data.txt", "run.sh", f"{here}2/run.sh",
        f"a={here}/src=b", "--x=",
    )  # fmt: skip

    assert checkout.words(words) == (
        "python", f"{there}/run.sh", f"--rootdir={there}", f"--data={here}/data.txt", "run.sh", f"{here}2/run.sh",
        f"a={here}/src=b", "--x=",
    )  # fmt: skip


def test_a_program_by_a_relative_path_is_the_checkouts_or_else_the_one_here(checkout: Checkout) -> None:
    assert checkout.words(["./run.sh", "x"]) == ("./run.sh", "x")
    assert checkout.words([".venv/bin/python", "run.sh"]) == (f"{checkout.here}/.venv/bin/python", "run.sh")
    (checkout.tree / ".venv" / "bin").mkdir(parents=True)
    (checkout.tree / ".venv" / "bin" / "python").touch()
    assert checkout.words([".venv/bin/python"]) == (".venv/bin/python",)
    assert checkout.words([f"{checkout.here}/.venv/bin/python"]) == (f"{checkout.tree}/.venv/bin/python",)


def test_the_modules_and_the_environment_of_the_checkout_come_first(checkout: Checkout) -> None:
    before = {"PATH": "/bin", "PYTHONPATH": f"{checkout.top}/src:/lib/own::rel", "PWD": "/", "PYTHONHOME": "/usr"}

    plain = checkout.environment(before)
    (checkout.tree / ".venv" / "bin").mkdir(parents=True)
    own = checkout.environment(before)

    assert plain["PYTHONPATH"] == f"{checkout.tree}/src:/lib/own:rel"
    assert (plain["PATH"], plain["PWD"], plain["PYTHONHOME"]) == ("/bin", str(checkout.folder), "/usr")
    assert "VIRTUAL_ENV" not in plain
    assert own["PATH"] == f"{checkout.tree}/.venv/bin:/bin"
    assert own["VIRTUAL_ENV"] == f"{checkout.tree}/.venv"
    assert "PYTHONHOME" not in own


@pytest.mark.parametrize(
    ("place", "files", "expected"),
    [
        (".", ("shop/__init__.py",), ["."]),
        ("tests", ("shop/__init__.py", "tests/a.py"), ["."]),
        (".", ("src/shop/__init__.py", "tools.py"), ["src"]),
        (".", ("app.py",), ["."]),
        (".", ("README.md",), []),
    ],
)
def test_the_path_of_modules_begins_where_the_project_has_its_own(
    tmp_path: Path, place: str, files: tuple[str, ...], expected: list[str]
) -> None:
    for file in ("pyproject.toml", *files):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()

    found = search_path({}, tmp_path / place)

    assert [str(Path(part).relative_to(tmp_path)) for part in found.split(":") if part] == expected
