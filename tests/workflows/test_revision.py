"""`tracer diff --base REV`: the code of the revision runs there, whatever the layout, and what cannot be done is said."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.workflows.checkouts import (
    FLAT,
    MAIN,
    NEW_TAX,
    RUN,
    below,
    changed,
    compared,
    left_over,
    make_environment,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers import Project
    from tests.workflows.checkouts import Environment

TAX = {"shop.tax:vat": ("6", "9")}
FINDER = """
    import sys
    from importlib.machinery import PathFinder
    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            return PathFinder.find_spec(name, [{source!r}]) if name == "shop" else None
    sys.meta_path.{put}Finder)
    """


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return make_environment(tmp_path_factory.mktemp("environment"))


@pytest.mark.parametrize("source", ["src", "odd"])
def test_the_code_of_the_revision_runs_though_an_editable_installation_points_here(
    project: Project, environment: Environment, source: str
) -> None:
    old = project.with_files(below(source, FLAT))
    old.commit("old")
    environment.hold({"shop.pth": f"{project.folder / source}\n"})

    done, report = compared(
        old.with_files({f"{source}/shop/tax.py": NEW_TAX}),
        "--base", "HEAD", "--boundary", "shop.tax", *RUN, env=environment.path,
    )  # fmt: skip

    assert done.exit == 1, done.stderr
    assert changed(report) == TAX
    assert (report["old"]["cassette"], report["new"]["cassette"]) == ("HEAD", "working tree")
    assert left_over(project) == []


def test_an_installed_finder_that_comes_after_the_path_is_no_obstacle(
    project: Project, environment: Environment
) -> None:
    old = project.with_files(below("src", FLAT))
    old.commit("old")
    finder = FINDER.format(source=str(project.folder / "src"), put="append(")
    environment.hold({"shop.pth": "import shop_finder\n", "shop_finder.py": finder})

    done, report = compared(old.with_files({"src/shop/tax.py": NEW_TAX}), "--base", "HEAD", *RUN, env=environment.path)

    assert (done.exit, changed(report)["shop.tax:vat"]) == (1, ("6", "9")), done.stderr


def test_a_base_run_that_imports_the_working_tree_is_refused(project: Project, environment: Environment) -> None:
    old = project.with_files(below("src", FLAT))
    old.commit("old")
    finder = FINDER.format(source=str(project.folder / "src"), put="insert(0, ")
    environment.hold({"shop.pth": "import shop_finder\n", "shop_finder.py": finder})

    done, _ = compared(old.with_files({"src/shop/tax.py": NEW_TAX}), "--base", "HEAD", *RUN, env=environment.path)

    assert (done.exit, done.stdout) == (2, "")
    assert "Couldn't compare with 'HEAD': its run imported shop from" in done.stderr
    assert "which is not that revision's. Let --setup make an environment for the revision" in done.stderr
    assert left_over(project) == []


def test_two_runs_of_one_installed_copy_are_refused(project: Project, tmp_path: Path, environment: Environment) -> None:
    old = project.with_files(FLAT)
    old.commit("old")
    finder = FINDER.format(source=str(tmp_path / "copy"), put="insert(0, ")
    environment.hold({"shop.pth": "import shop_finder\n", "shop_finder.py": finder})
    for name in ("__init__", "tax", "cart", "__main__"):
        target = tmp_path / "copy" / "shop" / f"{name}.py"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(FLAT[f"shop/{name}.py"], encoding="utf-8")

    done, _ = compared(old.with_files({"shop/tax.py": NEW_TAX}), "--base", "HEAD", *RUN, env=environment.path)

    assert done.exit == 2
    assert "both runs imported shop from" in done.stderr


def test_a_sibling_project_of_the_repository_is_the_revisions_too(project: Project, environment: Environment) -> None:
    files = {
        "one/pyproject.toml": "",
        "one/src/app.py": "from shop.cart import total\ndef run(): return total()\nif __name__ == '__main__': run()\n",
        "two/pyproject.toml": "",
        **{f"two/src/{name}": text for name, text in FLAT.items() if "/" in name},
    }
    old = project.with_files(files)
    old.commit("old")
    environment.hold({"shop.pth": f"{project.folder}/one/src\n{project.folder}/two/src\n"})
    new = old.with_files({"two/src/shop/tax.py": NEW_TAX})
    new.write()
    inner = type(new)(new.folder / "one")

    done = inner.tracer(
        "diff", "--base", "HEAD", "--boundary", "shop.tax", "--", "python", "-m", "app",
        env=environment.path,
    )  # fmt: skip

    assert done.exit == 1, done.stderr
    assert "shop.tax:vat returns another value (6 -> 9)" in done.stdout


WHERE = """
    import os, sys
    from shop.tax import vat
    def total():
        vat(os.getcwd()); vat(__file__); vat(os.environ["PWD"]); vat(sys.argv[1])
        vat(os.path.dirname(os.path.dirname(os.getcwd())) + "/other/data.txt")
        return 1
    """


def test_the_place_of_the_worktree_is_no_difference(project: Project) -> None:
    files = {name if name == "pyproject.toml" else f"apps/one/{name}": text for name, text in FLAT.items()}
    same = project.with_files({**files, "apps/one/pyproject.toml": "", "apps/one/shop/cart.py": WHERE})
    same.commit("same")
    same.folder.joinpath("apps", "one", "shop", "tax.py").write_text("def vat(amount): return [amount]\n")
    inner = type(same)(same.folder / "apps" / "one")
    inner.run("git", "commit", "-qam", "list")
    data = str(inner.folder / "shop" / "tax.py")

    done, report = compared(inner, "--base", "HEAD", "--", "python", "-m", "shop", data)

    assert (done.exit, report["verdict"]) == (0, "same"), changed(report)
    assert report["summary"]["identical"] == 6


def test_the_setup_makes_the_environment_of_the_revision(project: Project, environment: Environment) -> None:
    old = project.with_files(
        {**FLAT, "shop/cart.py": "import dep\nfrom shop.tax import vat\ndef total(): return vat(dep.VERSION)\n"}
    )
    old.commit("old")
    environment.hold({"dep.py": "VERSION = 7\n"})
    setup = (
        'test -z "$VIRTUAL_ENV" && test "$PWD" = "$TRACER_BASE" && test -f "$TRACER_WORKING_TREE/shop/tax.py" && '
        f"{environment.python} -m venv --without-pip .venv && (cd .venv/lib/python3*/site-packages && echo VERSION = 5 > dep.py) && "
        'git cat-file -e "$TRACER_BASE_COMMIT"'
    )
    active = {**environment.path, "VIRTUAL_ENV": str(environment.folder)}

    done, report = compared(old, "--base", "HEAD", "--setup", setup, *RUN, env=active)

    assert done.exit == 1, done.stderr
    assert {each["before"] for each in report["findings"]} == {"5", "10"}
    assert {each["after"] for each in report["findings"]} == {"7", "14"}
    assert left_over(project) == []


def test_a_setup_that_fails_is_told_with_its_last_words(project: Project) -> None:
    project = project.with_files(FLAT)
    project.commit("old")

    done, _ = compared(project, "--base", "HEAD", "--setup", "echo first; echo no such wheel >&2; exit 3", *RUN)

    assert (done.exit, done.stdout) == (2, "")
    assert "tracer: setup: first\ntracer: setup: no such wheel\n" in done.stderr
    assert "exited with 3. Its last lines stand above." in done.stderr
    assert left_over(project) == []


def test_a_program_given_by_a_path_from_here_is_the_same_at_the_revision(
    project: Project, environment: Environment
) -> None:
    old = project.with_files({**FLAT, ".gitignore": "/.venv\n"})
    old.commit("old")
    environment.hold({})
    (project.folder / ".venv").symlink_to(environment.folder)

    done, report = compared(
        old.with_files({"shop/tax.py": NEW_TAX}), "--base", "HEAD", "--", ".venv/bin/python", "-m", "shop"
    )

    assert (done.exit, changed(report)["shop.tax:vat"]) == (1, ("6", "9")), done.stderr


def test_without_a_command_the_settings_name_it_and_their_runs_learn_noise(project: Project) -> None:
    settings = f"command = [{sys.executable!r}, '-m', 'shop']\nruns = 2\n"
    noisy = project.with_files(
        {
            **FLAT,
            "tracer.toml": settings,
            "shop/tax.py": "import time\ndef vat(amount): return [amount, time.time_ns()]\n",
        }
    )
    noisy.commit("old")

    done, report = compared(noisy, "--base", "HEAD")

    assert (done.exit, done.stderr.count("tracer: recording")) == (0, 2), report
    assert report["summary"]["hidden_as_noise"] > 0


def test_the_settings_of_the_working_tree_hold_for_both(project: Project) -> None:
    old = project.with_files(FLAT)
    old.commit("old")
    new = old.with_files({"tracer.toml": "boundaries = ['shop.cart']\n", "shop/tax.py": NEW_TAX})

    done, report = compared(new, "--base", "HEAD", *RUN)

    assert done.exit == 1
    assert set(changed(report)) == {"shop.cart:total"}
    assert not any("boundar" in note for note in report["notes"])


def test_runs_that_cannot_be_compared_are_told_by_place(project: Project) -> None:
    broken = {**FLAT, "shop/__main__.py": "import sys\nprint('broken', file=sys.stderr)\nsys.exit(4)\n"}
    old = project.with_files(broken)
    old.commit("broken")
    fixed = old.with_files({"shop/__main__.py": MAIN})
    fixed.commit("fixed")
    half = fixed.with_files({"shop/__main__.py": MAIN + "raise SystemExit(5)\n", "sub/keep.txt": ""})

    nothing_there, _ = compared(half, "--base", "HEAD~1", *RUN)
    no_program, _ = compared(half, "--base", "HEAD", "--", "no-such-program")
    noted, report = compared(half, "--base", "HEAD", *RUN)
    inner, _ = compared(type(half)(half.folder / "sub"), "--base", "HEAD", *RUN)

    assert nothing_there.exit == 2
    assert (
        "Couldn't compare with 'HEAD~1': no call was captured at that revision and the command exited with 4."
        in nothing_there.stderr
    )
    assert (no_program.exit, "there is no 'no-such-program'" in no_program.stderr) == (2, True)
    assert (noted.exit, report["notes"]) == (0, ["The command exited with 5 in the working tree."])
    assert (inner.exit, "there is no folder 'sub' in it" in inner.stderr) == (2, True)
    assert left_over(project) == []


def test_what_git_tells_its_hooks_does_not_lead_astray(project: Project) -> None:
    old = project.with_files({**FLAT, "shop/cart.py": "import subprocess\nfrom shop.tax import vat\n"
        "def total(): return vat(subprocess.check_output(['git', 'log', '--format=%s'], text=True).split())\n"})  # fmt: skip
    old.commit("old")
    new = old.with_files({"shop/tax.py": NEW_TAX})
    new.commit("new")
    staged = new.run("git", "diff", "--cached", "--name-only").stdout
    hook = {
        "GIT_DIR": str(project.folder / ".git"),
        "GIT_INDEX_FILE": str(project.folder / ".git" / "index"),
        "GIT_PREFIX": "",
    }

    done, report = compared(new, "--base", "HEAD~1", *RUN, env=hook)

    assert done.exit == 1, done.stderr
    assert "argument-passed" in {each["kind"] for each in report["findings"]}
    assert any("new" in each["after"] or "new" in each["before"] for each in report["findings"])
    assert new.run("git", "diff", "--cached", "--name-only").stdout == staged == ""
    assert new.run("git", "status", "--porcelain").stdout == ""


def test_a_full_disk_is_one_sentence_and_leaves_nothing(project: Project) -> None:
    project = project.with_files({**FLAT, "large.txt": "x" * 100_000})
    project.commit("old")
    script = f'trap "" XFSZ; ulimit -f 8; {sys.executable} -m tracer diff --base HEAD -- {sys.executable} -m shop'
    scratch = project.folder.parent / "scratch"
    scratch.mkdir()

    done = project.run("sh", "-c", script, env={"TMPDIR": str(scratch)})

    assert (done.exit, done.stdout) == (2, ""), done.stderr
    assert "tracer: Couldn't check out" in done.stderr
    assert "defect" not in done.stderr
    assert left_over(project) == []
