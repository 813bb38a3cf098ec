"""Git: which repository this is, what a revision names, and a worktree that goes away whatever happens."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracer.errors import ComparisonError
from tracer.workflows.stopping import undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ACTION: Final = "compare with a revision"
_OF_A_REPOSITORY: Final = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"}
)
"""What git tells its hooks of the repository they run for: it would lead what runs in a worktree back there."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository: the real path of the working tree that is meant, and the folder of git's that belongs to it."""

    top: Path
    data: Path

    def commit(self, revision: str) -> str:
        """Return the commit that a revision names; for `main...` (or `main...topic`) the one where the two parted.

        Raises:
            ComparisonError: git knows no such revision, it is a range, or the two have no commit in common.
        """
        left, dots, right = revision.partition("...")
        if dots:
            return self._merge_base(revision, self._commit(left or "HEAD"), self._commit(right or "HEAD"))
        if ".." in revision:
            raise ComparisonError(
                f"compare with {revision!r}",
                "it names a range",
                f"Name one revision; {left.partition('..')[0] or 'main'}... is where this branch left it.",
            )
        return self._commit(revision)

    def _commit(self, revision: str) -> str:
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        try:
            return self._git(*words).strip()
        except subprocess.CalledProcessError as error:
            raise ComparisonError(
                f"compare with {revision!r}", "git knows no such revision", self._if_shallow("Check its spelling.")
            ) from error

    def _merge_base(self, revision: str, left: str, right: str) -> str:
        try:
            return self._git("merge-base", left, right).strip()
        except subprocess.CalledProcessError as error:
            raise ComparisonError(
                f"compare with {revision!r}", "the two have no commit in common here", self._if_shallow("")
            ) from error

    def _if_shallow(self, else_: str) -> str:
        shallow = self._git("rev-parse", "--is-shallow-repository").strip() == "true"
        return "This clone is shallow: `git fetch --unshallow` brings the rest." if shallow else else_

    @contextmanager
    def worktree(self, commit: str) -> Iterator[Path]:
        """Check a commit out into a temporary folder called as the working tree; nothing is left of it afterwards.

        Raises:
            ComparisonError: git cannot, or there is no room.
        """
        scratch = _temporary_folder()
        folder = scratch / (self.top.name or "base")
        try:
            # Hooks are for those who change branches: they may be slow, and write where the user works.
            words = (
                "-c",
                f"core.hooksPath={os.devnull}",
                "worktree",
                "add",
                "--quiet",
                "--detach",
                str(folder),
                commit,
            )
            try:
                self._git(*words)
            except subprocess.CalledProcessError as error:
                raise ComparisonError(f"check out {commit[:12]}", _reason(error)) from error
            yield folder
        finally:
            with undisturbed():
                _delete(scratch)
                with suppress(subprocess.CalledProcessError):  # never came to be
                    self._git("worktree", "remove", "--force", "--force", str(folder))

    def _git(self, *words: str) -> str:
        return _git(f"--git-dir={self.data}", *words, folder=self.top, environ=clean_environment())


def find_repository(folder: Path) -> Repository:
    """Return the repository that a folder lies in.

    Raises:
        ComparisonError: it lies in none, or git is not installed.
    """
    try:
        top, data = _git("rev-parse", "--show-toplevel", "--absolute-git-dir", folder=folder).splitlines()
    except subprocess.CalledProcessError as error:
        raise ComparisonError(_ACTION, _reason(error)) from error
    return Repository(Path(top).resolve(), Path(data))


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what names a repository."""
    return {name: value for name, value in os.environ.items() if name not in _OF_A_REPOSITORY}


def _temporary_folder() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="tracer-base-")).resolve()
    except OSError as error:
        raise ComparisonError(_ACTION, f"no temporary folder can be made: {error.strerror or error}") from error


def _delete(folder: Path) -> None:
    """Delete a folder, also what a program left there that may not be deleted."""

    def allow(function: Callable[[str], object], path: str, _error: object) -> None:
        with suppress(OSError):
            for each in (Path(path).parent, Path(path)):
                each.chmod(0o700)
            function(path)

    shutil.rmtree(folder, onerror=allow)
    shutil.rmtree(folder, ignore_errors=True)


def _git(*words: str, folder: Path, environ: dict[str, str] | None = None) -> str:
    command = ["git", *words]
    try:
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=True)  # noqa: S603
    except FileNotFoundError as error:
        raise ComparisonError(_ACTION, "git is not installed") from error
    except OSError as error:
        raise ComparisonError(_ACTION, f"git cannot be run: {error.strerror or error}") from error
    return str(done.stdout)


def _reason(error: subprocess.CalledProcessError) -> str:
    """Return what git said: its line of why, else its last one."""
    said: str = error.stderr
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    fatal = [line.removeprefix("fatal: ") for line in lines if line.startswith("fatal: ")]
    return (fatal or lines or [f"git ended with {error.returncode}"])[-1]
