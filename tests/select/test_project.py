"""The project is found by looking at its files."""

from pathlib import Path

import pytest

from tracer.config import Config
from tracer.errors import SelectionError
from tracer.select.project import find_root, project_modules, script_of, select_project


def lay_out(folder: Path, *files: str, **texts: str) -> Path:
    folder = folder.resolve()
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text)
    return folder


@pytest.mark.parametrize("marker", ["pyproject.toml", "setup.py", "setup.cfg", "tracer.toml", ".git"])
def test_the_root_is_the_nearest_folder_with_a_project_file(tmp_path: Path, marker: str) -> None:
    root = lay_out(tmp_path, f"inner/{marker}", "inner/src/shop/__init__.py", "setup.py")

    assert find_root(root / "inner/src/shop") == root / "inner"
    assert find_root(root) == root


def test_a_src_layout_names_what_lies_in_src(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "src/shop/__init__.py", "src/single.py", "src/shop.egg-info/PKG-INFO", "tool/__init__.py")

    assert project_modules(root) == ("shop", "single")


def test_a_flat_layout_names_packages_and_modules_but_no_tests_tools_or_environments(tmp_path: Path) -> None:
    root = lay_out(
        tmp_path,
        "shop/__init__.py", "shop/cart.py", "single.py", "tests/__init__.py", "test/__init__.py", "docs/__init__.py",
        "examples/__init__.py", "benchmarks/__init__.py", "build/lib/shop/__init__.py", "dist/x.py", "setup.py",
        "conftest.py", "noxfile.py", "test_single.py", "single_test.py", "venv/pyvenv.cfg", "venv/__init__.py",
        "node_modules/__init__.py", ".hidden/__init__.py", "data/readme.txt", "my-script.py",
    )  # fmt: skip

    assert project_modules(root) == ("shop", "single")


def test_a_namespace_folder_names_the_packages_in_it(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "src/google/cloud/storage/__init__.py", "src/google/cloud/queue/__init__.py")

    assert project_modules(root) == ("google.cloud.queue", "google.cloud.storage")


def test_a_package_called_build_is_told_from_a_build_folder(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "build/__init__.py", "build/env.py")
    selection = select_project(Config(root=root), root)

    assert project_modules(root) == ("build",)
    assert selection.component_of("build.env", str(root / "build/env.py")) == "build.env"


def test_tasks_of_the_task_runner_are_told_from_a_module_called_tasks(tmp_path: Path) -> None:
    program, runner = lay_out(tmp_path / "a", "app.py", "tasks.py"), lay_out(tmp_path / "b", "app.py", "tasks.py")
    (program / "tasks.py").write_text("import celery\n")
    (runner / "tasks.py").write_text("from invoke import task\n")

    assert project_modules(program) == ("app", "tasks")
    assert project_modules(runner) == ("app",)
    assert select_project(Config(root=runner), runner).component_of("tasks", str(runner / "tasks.py")) is None


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("[tool.setuptools]\npackages = ['shop', 'shop.cart', 'extra']", ("extra", "shop")),
        ("[tool.setuptools]\npy-modules = ['single']", ("single",)),
        ("[tool.hatch.build.targets.wheel]\npackages = ['lib/shop']", ("shop",)),
        ("[tool.poetry]\npackages = [{include = 'shop', from = 'lib'}]", ("shop",)),
        ("[tool.poetry]\nname = 'x'", ("other",)),
        ("[tool.flit.module]\nname = 'shop'", ("shop",)),
        ("[tool.uv.build-backend]\nmodule-name = 'shop'", ("shop",)),
        ("[tool.uv.build-backend]\nmodule-name = ['shop', 'extra']", ("extra", "shop")),
        ("[tool]\nsetuptools = 3", ("other",)),
        ("this is no toml", ("other",)),
    ],
)
def test_what_the_build_declares_counts_first(tmp_path: Path, settings: str, expected: tuple[str, ...]) -> None:
    root = lay_out(tmp_path, "lib/shop/__init__.py", "other/__init__.py", pyproject=settings)
    if expected == ("other",):
        (root / "lib/shop/__init__.py").unlink()

    assert project_modules(root) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["python", "app.py", "-m", "x"], "app.py"),
        (["/usr/bin/python3.12", "-W", "error", "-Xdev", "-u", "app.py"], "app.py"),
        (["python", "--check-hash-based-pycs", "always", "app.py"], "app.py"),
        (["./app.py"], "app.py"),
        (["python", "-m", "pytest", "tests"], None),
        (["python", "-um", "pytest"], None),
        (["python", "-c", "print()"], None),
        (["python", "-"], None),
        (["python"], None),
        (["pytest", "test_app.py"], None),
        ([], None),
    ],
)
def test_the_script_is_found_in_a_command_line(command: list[str], expected: str | None) -> None:
    assert script_of(command) == (Path(expected) if expected else None)


def test_a_lone_script_brings_the_modules_beside_it(tmp_path: Path) -> None:
    there, here = lay_out(tmp_path / "there", "app.py", "helper.py"), lay_out(tmp_path / "here", "x.txt")
    selection = select_project(Config(root=here), here, ["python", "../there/app.py"])

    assert selection.component_of("__main__", str(there / "app.py")) == "app"
    assert selection.component_of("helper", str(there / "helper.py")) == "helper"


def test_inside_a_project_a_foreign_script_joins_alone(tmp_path: Path) -> None:
    there, here = lay_out(tmp_path / "there", "app.py", "helper.py"), lay_out(tmp_path / "here", "setup.py", "shop.py")
    selection = select_project(Config(root=here), here, ["python", str(there / "app.py")])

    assert selection.component_of("__main__", str(there / "app.py")) == "app"
    assert selection.component_of("helper", str(there / "helper.py")) is None
    assert selection.component_of("shop", str(here / "shop.py")) == "shop"


def test_the_settings_reach_the_selection(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "shop/__init__.py", "examples/demo.py", "setup.py")
    config = Config(root=root, boundaries=("shop",), include=("shop.*",), exclude=("shop.x",), granularity="package")
    selection = select_project(config, root)

    assert (selection.root, selection.names, selection.boundaries) == (str(root), ("shop",), ("shop",))
    assert (selection.include, selection.exclude, selection.granularity) == (("shop.*",), ("shop.x",), "package")
    assert selection.caller_of("demo", str(root / "examples/demo.py")) == "demo"


def test_examples_and_tool_files_are_callers_unless_the_build_declares_them(tmp_path: Path) -> None:
    declared = "[tool.setuptools]\npackages = ['docs']"
    plain = lay_out(tmp_path / "a", "docs/__init__.py", "shop.py", "setup.py")
    product = lay_out(tmp_path / "b", "docs/__init__.py", "setup.py", pyproject=declared)

    assert select_project(Config(root=plain), plain).component_of("docs", str(plain / "docs/__init__.py")) is None
    assert select_project(Config(root=plain), plain).component_of("setup", str(plain / "setup.py")) is None
    assert select_project(Config(root=product), product).component_of("docs", str(product / "docs/__init__.py"))


def test_a_boundary_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SelectionError, match="dotted module name"):
        select_project(Config(root=tmp_path, boundaries=("shop cart",)), tmp_path)
