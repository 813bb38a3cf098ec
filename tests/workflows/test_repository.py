"""Revisions by their names, and worktrees of which nothing is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.workflows.checkouts import FLAT, NEW_TAX
from tracer.errors import ComparisonError
from tracer.workflows.repository import find_repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers import Project


@pytest.fixture
def history(project: Project) -> tuple[Project, dict[str, str]]:
    """Two commits on main, and one on a branch that left it after the first; the branch is checked out."""
    commits = {"first": project.with_files(FLAT).commit("first")}
    project.run("git", "tag", "v1")
    commits["main"] = project.with_files({"shop/tax.py": NEW_TAX}).commit("second")
    project.run("git", "checkout", "-q", "-b", "topic", "v1")
    commits["topic"] = project.with_files({"shop/more.py": ""}).commit("topic")
    return project, commits


def refusal(folder: Path, revision: str) -> str:
    with pytest.raises(ComparisonError) as caught:
        find_repository(folder).commit(revision)
    return str(caught.value)


def test_a_revision_is_any_name_git_knows_and_three_dots_are_where_branches_parted(
    history: tuple[Project, dict[str, str]],
) -> None:
    project, commits = history
    repository = find_repository(project.folder / "shop")

    assert repository.top == project.folder
    for name, commit in {
        "HEAD": "topic",
        "topic~1": "first",
        "main": "main",
        "v1": "first",
        commits["main"][:9]: "main",
        "main...": "first",
        "main...topic": "first",
        "...main": "first",
    }.items():
        assert repository.commit(name) == commits[commit], name


def test_what_names_no_commit_is_told(history: tuple[Project, dict[str, str]], tmp_path: Path) -> None:
    project, _ = history
    (tmp_path / "none").mkdir()
    project.run("git", "checkout", "-q", "--orphan", "alone")
    project.run("git", "commit", "-q", "-m", "alone")

    assert refusal(project.folder, "nowhere") == (
        "Couldn't compare with 'nowhere': git knows no such revision. Check its spelling."
    )
    assert "git knows no such revision" in refusal(project.folder, "--all")
    assert "git knows no such revision" in refusal(project.folder, "main:shop/tax.py")
    assert "it names a range. Name one revision; v1... is where this branch left it." in refusal(
        project.folder, "v1..main"
    )
    assert "have no commit in common here" in refusal(project.folder, "main...")
    assert "not a git repository" in refusal(tmp_path / "none", "HEAD")
    assert "must be run in a work tree" in refusal(project.folder / ".git", "HEAD")


def test_a_shallow_clone_says_what_to_do(history: tuple[Project, dict[str, str]], tmp_path: Path) -> None:
    project, _ = history
    clone = tmp_path / "clone"
    project.run("git", "clone", "-q", "--depth", "1", f"file://{project.folder}", str(clone))

    assert "This clone is shallow: `git fetch --unshallow` brings the rest." in refusal(clone, "HEAD~1")


def test_a_linked_worktree_has_a_head_of_its_own(history: tuple[Project, dict[str, str]], tmp_path: Path) -> None:
    project, commits = history
    linked = tmp_path / "linked"
    project.run("git", "worktree", "add", "-q", "--detach", str(linked), "main")
    repository = find_repository(linked)

    with repository.worktree(repository.commit("HEAD")) as tree:
        assert tree.joinpath("shop", "tax.py").read_text("utf-8") == NEW_TAX

    assert repository.commit("HEAD") == commits["main"]
    assert project.run("git", "worktree", "list").stdout.count("\n") == 2


def test_nothing_is_left_of_a_worktree_whatever_happened_in_it(
    history: tuple[Project, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, commits = history
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    hook = project.folder / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ran\n", encoding="utf-8")
    hook.chmod(0o755)
    repository = find_repository(project.folder)

    with pytest.raises(ZeroDivisionError), repository.worktree(commits["main"]) as tree:  # noqa: PT012
        assert tree.name == project.folder.name
        assert tree.joinpath("shop", "tax.py").read_text("utf-8") == NEW_TAX
        assert not (tree / "ran").exists()
        (tree / "made").mkdir()
        (tree / "made" / "file").write_text("", encoding="utf-8")
        (tree / "made").chmod(0o500)
        raise ZeroDivisionError
    with repository.worktree(commits["main"]) as tree:
        tree.rename(tree.parent / "elsewhere")

    assert project.run("git", "worktree", "list").stdout.count("\n") == 1
    assert list(tmp_path.glob("tracer-base-*")) == []


def test_a_commit_that_cannot_be_checked_out_is_told(history: tuple[Project, dict[str, str]]) -> None:
    project, _ = history

    with pytest.raises(ComparisonError, match="Couldn't check out 0000000"):  # noqa: SIM117
        with find_repository(project.folder).worktree("0" * 40):
            pass

    assert project.run("git", "worktree", "list").stdout.count("\n") == 1


def test_without_git_there_is_nothing_to_compare_with(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write()
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ComparisonError, match="git is not installed"):
        find_repository(project.folder)
