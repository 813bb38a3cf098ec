"""Comparing the working tree with a git revision: the same command recorded at both."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.errors import ComparisonError, ConfigError
from tracer.workflows import common
from tracer.workflows.comparing import diff, recorded, with_notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tracer.compare.result import Comparison


def diff_revision(
    revision: str,
    command: Sequence[str],
    boundaries: Sequence[str] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Record a command at a git revision, in a worktree of its own, and here; compare the two.

    Raises:
        ConfigError: no command was given.
        ComparisonError: git knows no such revision, or this is no repository.
        RecordingError: one of the runs captured no call.
    """
    if not command:
        raise ConfigError("compare with a revision", "no command was given", "Put it after two dashes: -- pytest")
    config = common.settings(boundaries)
    with _worktree(revision) as (folder, top):
        here = Path.cwd().resolve().relative_to(top)
        with (
            _first_on_path(folder / here),
            recorded(command, common.settings(boundaries, folder / here), folder=folder / here) as (old, before),
            _first_on_path(Path.cwd()),
            recorded(command, config, folder=Path.cwd()) as (new, after),
        ):
            notes = (*(f"At {revision}: {note}" for note in before), *after)
            comparison = diff(old, new, config=config, progress=progress)
            return with_notes(comparison, notes, new_name="working tree", old_name=revision)


@contextmanager
def _first_on_path(folder: Path) -> Iterator[None]:
    """Let modules below `folder` be found before those an editable installation of the project points to."""
    before = os.environ.get("PYTHONPATH")
    parts = [str(folder / "src"), str(folder), *([before] if before else [])]
    os.environ["PYTHONPATH"] = os.pathsep.join(parts)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("PYTHONPATH", None)
        else:
            os.environ["PYTHONPATH"] = before


@contextmanager
def _worktree(revision: str) -> Iterator[tuple[Path, Path]]:
    """Check a revision out into a folder that goes away afterwards; give that folder and the repository's own."""
    top = Path(_git("rev-parse", "--show-toplevel").strip()).resolve()
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
    with tempfile.TemporaryDirectory(prefix="tracer-base-") as scratch:
        folder = Path(scratch).resolve() / top.name
        _git("worktree", "add", "--quiet", "--detach", str(folder), commit)
        try:
            yield folder, top
        finally:
            _git("worktree", "remove", "--force", str(folder))


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=True)  # noqa: S603, S607
    except FileNotFoundError as error:
        raise ComparisonError("compare with a revision", "git is not installed") from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().splitlines()[-1] if error.stderr.strip() else "git knows no such revision"
        raise ComparisonError("compare with a revision", reason) from error
    return done.stdout
