"""Each module has one role: watched, caller, or looked through."""

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.errors import SelectionError
from tracer.select.selection import Selection


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a package, an environment, tests of every layout, and a script."""
    folder = tmp_path.resolve() / "project"
    for file in (
        "app.py",
        "shop/__init__.py",
        "shop/__main__.py",
        "shop/cart.py",
        "shop/testing.py",
        "shop/test/__init__.py",
        "shop/test/client.py",
        "shop/tests/__init__.py",
        "shop/tests/helpers.py",
        "shop/sub/__init__.py",
        "shop/sub/deep.py",
        "tests/test_cart.py",
        "tests/builders.py",
        "testing/tools.py",
        "docs/conf.py",
        "build/lib/shop/cart.py",
        "env/pyvenv.cfg",
        "env/bin/serve",
        "env/src/thing.py",
        "env/lib/python3.12/json/__init__.py",
        ".venv/lib/python3.12/site-packages/numpy/__init__.py",
    ):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("")
    return folder


def select(root: Path, **settings: object) -> Selection:
    return Selection(root=str(root), names=("shop",), unwatched=("docs",), foreign=("build",), **settings)  # type: ignore[arg-type]  # keyword by keyword they are right


def roles(selection: Selection, module: str, file: Path | str | None) -> tuple[str | None, str | None]:
    spelled = str(file) if file else None
    return selection.component_of(module, spelled), selection.caller_of(module, spelled)


@pytest.mark.parametrize(
    ("module", "file", "expected"),
    [
        ("shop", "shop/__init__.py", ("shop", "shop")),
        ("shop.cart", "shop/cart.py", ("shop.cart", "shop.cart")),
        ("shop.testing", "shop/testing.py", ("shop.testing", "shop.testing")),
        ("shop.test.client", "shop/test/client.py", ("shop.test.client", "shop.test.client")),
        ("shop.tests.helpers", "shop/tests/helpers.py", (None, "shop.tests.helpers")),
        ("test_cart", "tests/test_cart.py", (None, "test_cart")),
        ("builders", "tests/builders.py", (None, "builders")),
        ("tools", "testing/tools.py", (None, "tools")),
        ("conftest", "conftest.py", (None, "conftest")),
        ("cart_test", "shop/cart_test.py", (None, "cart_test")),
        ("shop.tests", "shop/tests.py", (None, "shop.tests")),
        ("conf", "docs/conf.py", (None, "conf")),
        ("app", "app.py", ("app", "app")),
        ("__main__", "app.py", ("app", "app")),
        ("__mp_main__", "app.py", ("app", "app")),
        ("__main__", "shop/__main__.py", ("shop.__main__", "shop.__main__")),
        ("__main__", "env/bin/serve", (None, None)),
        ("thing", "env/src/thing.py", (None, None)),
        ("shop.cart", "shop/cart.cpython-312-x86_64-linux-gnu.so", ("shop.cart", "shop.cart")),
        ("numpy", ".venv/lib/python3.12/site-packages/numpy/__init__.py", (None, None)),
        ("json", "env/lib/python3.12/json/__init__.py", (None, None)),
        ("other", "build/lib/other.py", (None, None)),
        ("tracer.model", "tracer/model.py", (None, None)),
    ],
)
def test_without_boundaries_the_project_s_modules_are_watched(
    root: Path, module: str, file: str, expected: tuple[str | None, str | None]
) -> None:
    assert roles(select(root), module, root / file) == expected


@pytest.mark.parametrize(
    ("module", "file", "expected"),
    [
        ("shop", "shop/__init__.py", "shop"),
        ("shop.cart", "shop/cart.py", "shop"),
        ("shop.sub", "shop/sub/__init__.py", "shop.sub"),
        ("shop.sub.deep", "shop/sub/deep.py", "shop.sub"),
        ("__main__", "shop/__main__.py", "shop"),
        ("app", "app.py", "app"),
    ],
)
def test_by_package_a_component_is_the_package_a_module_lies_in(
    root: Path, module: str, file: str, expected: str
) -> None:
    assert select(root, granularity="package").component_of(module, str(root / file)) == expected


def test_modules_outside_the_project_are_looked_through(root: Path) -> None:
    selection = select(root)

    assert roles(selection, "json", json.__file__) == (None, None)
    assert roles(selection, "pytest", pytest.__file__) == (None, None)
    assert roles(selection, "sys", None) == (None, None)
    assert roles(selection, "__main__", None) == (None, None)


def test_only_the_longest_named_boundary_is_watched_and_the_rest_of_the_project_calls(root: Path) -> None:
    selection = select(root, boundaries=("shop", "shop.sub"))

    assert roles(selection, "shop.cart", root / "shop/cart.py") == ("shop", "shop")
    assert roles(selection, "shop.sub.deep", root / "shop/sub/deep.py") == ("shop.sub", "shop.sub")
    assert roles(selection, "shopping", root / "shopping.py") == (None, "shopping")
    assert roles(selection, "__main__", root / "app.py") == (None, "app")
    assert roles(selection, "test_cart", root / "tests/test_cart.py") == (None, "test_cart")
    assert roles(selection, "json", json.__file__) == (None, None)


def test_tests_below_a_boundary_are_callers_of_it(root: Path) -> None:
    selection = select(root, boundaries=("shop", "numpy"))

    assert roles(selection, "shop.tests.helpers", root / "shop/tests/helpers.py") == (None, "shop.tests.helpers")
    assert selection.component_of("numpy.tests.test_lib", "/lib/site-packages/numpy/tests/test_lib.py") is None
    assert selection.component_of("numpy.testing", "/lib/site-packages/numpy/testing/__init__.py") == "numpy"


def test_a_boundary_that_is_exactly_a_module_named_like_a_test_is_watched(root: Path) -> None:
    """A product module may be called ab_test; whoever names it means it."""
    selection = select(root, boundaries=("ab_test",))

    assert selection.component_of("ab_test", str(root / "ab_test.py")) == "ab_test"


def test_a_boundary_may_be_another_package_an_extension_or_the_script(root: Path) -> None:
    selection = select(root, boundaries=("numpy", "_json", "app"))

    assert roles(selection, "numpy.linalg", "/lib/site-packages/numpy/linalg/__init__.py") == ("numpy", "numpy")
    assert roles(selection, "_json", None) == ("_json", "_json")
    assert roles(selection, "__main__", root / "app.py") == ("app", "app")
    assert roles(selection, "scipy", "/lib/site-packages/scipy/__init__.py") == (None, None)


def test_an_installed_copy_of_the_project_counts_as_the_project(root: Path) -> None:
    selection = select(root)

    assert selection.component_of("shop.cart", "/lib/site-packages/shop/cart.py") == "shop.cart"
    assert selection.component_of("shop.cart", "<string>") == "shop.cart"
    assert selection.component_of("shop.cart", None) == "shop.cart"
    assert roles(selection, "shop.tests.helpers", "/lib/site-packages/shop/tests/helpers.py") == (
        None,
        "shop.tests.helpers",
    )


def test_a_project_folder_named_like_a_standard_module_does_not_make_that_module_the_project_s(root: Path) -> None:
    selection = Selection(root=str(root), names=("json",))

    assert selection.component_of("json", json.__file__) is None
    assert selection.component_of("json", str(root / "json/__init__.py")) == "json"


def test_a_package_of_the_project_may_be_called_testing(root: Path) -> None:
    selection = Selection(root=str(root), names=("testing",))

    assert selection.component_of("testing.tools", str(root / "testing/tools.py")) == "testing.tools"


def test_a_link_counts_by_where_it_lies_and_by_where_it_leads(root: Path, tmp_path: Path) -> None:
    installed = tmp_path / "site-packages"
    installed.mkdir()
    (installed / "cart.py").symlink_to(root / "shop/cart.py")
    (root / "linked.py").symlink_to(tmp_path / "elsewhere.py")
    (tmp_path / "elsewhere.py").write_text("")
    (tmp_path / "alias").symlink_to(root)
    selection = select(root)

    assert selection.component_of("cart", str(installed / "cart.py")) == "cart"
    assert selection.component_of("linked", str(root / "linked.py")) == "linked"
    assert selection.component_of("app", str(tmp_path / "alias/app.py")) == "app"


def test_a_relative_file_is_read_from_the_folder_the_run_began_in(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(root)
    selection = select(root)
    monkeypatch.chdir(tmp_path)

    assert selection.component_of("__main__", "app.py") == "app"


def test_a_script_outside_the_project_joins_it_alone(root: Path, tmp_path: Path) -> None:
    script = tmp_path.resolve() / "tool.py"
    script.write_text("")
    selection = select(root, script=str(script))

    assert roles(selection, "__main__", script) == ("tool", "tool")
    assert roles(selection, "beside", script.with_name("beside.py")) == (None, None)


def test_patterns_choose_among_callables(root: Path) -> None:
    selection = select(root, include=("shop",), exclude=("*:*.__repr__",))

    assert selection.wanted("shop.cart:Cart.add")
    assert not selection.wanted("shop.cart:Cart.__repr__")
    assert not selection.wanted("app:main")


@pytest.mark.parametrize("settings", [{"boundaries": ("shop/cart",)}, {"include": ("a:b:c",)}, {"exclude": ("",)}])
def test_what_cannot_be_read_is_refused_at_once(root: Path, settings: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(SelectionError):
        select(root, **settings)


def test_boundaries_that_matched_no_module_are_named(root: Path) -> None:
    selection = select(root, boundaries=("shop.cart", "shop.pricing", "sho"))

    assert selection.unmatched(["shop", "shop.cart", "shopping"]) == ("shop.pricing", "sho")
    assert select(root).unmatched([]) == ()


def test_a_selection_travels_as_plain_data(root: Path) -> None:
    selection = select(root, boundaries=("shop",), include=("shop.*",), granularity="package")
    selection.component_of("shop", None)

    assert Selection.from_json(json.loads(json.dumps(selection.to_json()))) == selection


def test_a_selection_in_a_folder_that_is_gone_still_works(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert select(root).component_of("__main__", "app.py") == "app"


def test_a_host_that_forbids_looking_at_files_does_not_forbid_it_to_the_selection(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some do while an event loop runs, and go by what the functions of `os.path` call."""

    def forbidden(*_: object) -> None:
        raise RuntimeError

    selection = select(root)
    for module, name in ((os.path, "abspath"), (os.path, "islink"), (os, "lstat"), (os, "stat"), (os, "readlink")):
        monkeypatch.setattr(module, name, forbidden)

    assert selection.component_of("shop.cart", f"{root}/shop/cart.py") == "shop.cart"


def test_tracer_itself_has_no_role_even_where_it_is_the_project() -> None:
    folder = Path(sys.modules["tracer"].__file__ or "").parent
    selection = Selection(root=str(folder.parent), names=("tracer",), boundaries=("tracer",))

    assert roles(selection, "tracer.model", folder / "model.py") == (None, None)


PARTS = st.sampled_from(["shop", "sub", "cart", "tests", "test", "testing", "test_cart", "docs", "numpy", "json"])
NAMES = st.lists(PARTS, min_size=1, max_size=4).map(".".join)


@given(name=NAMES, boundaries=st.sets(NAMES, max_size=3), folder=st.sampled_from(["/project/", "/lib/site-packages/"]))
def test_a_watched_module_calls_by_its_component_and_only_named_boundaries_are_watched(
    name: str, boundaries: set[str], folder: str
) -> None:
    selection = Selection(root="/project", names=("shop",), boundaries=tuple(sorted(boundaries)), unwatched=("docs",))
    component, caller = roles(selection, name, f"{folder}{name.replace('.', '/')}.py")

    assert component is None or component == caller
    if boundaries and component is not None:
        assert component in boundaries
        assert name == component or name.startswith(component + ".")
    if caller is None:
        assert not folder.startswith("/project")
    if "tests" in name.split(".")[1:] and name not in boundaries:
        assert component is None
