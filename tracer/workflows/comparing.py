"""Comparing: two cassettes, a cassette with a new run, two revisions."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.compare.compare import compare
from tracer.compare.result import Comparison, Kind, Severity
from tracer.errors import ComparisonError, ConfigError, RecordingError
from tracer.model import NoiseRule
from tracer.review.acceptances import load
from tracer.review.settle import settle
from tracer.storage.reader import open_cassette
from tracer.storage.store import accepted_path, read_side
from tracer.workflows import common, pending
from tracer.workflows.recording import Take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tracer.compare.result import Finding
    from tracer.config import Config


def diff(
    old: Path, new: Path, *, config: Config | None = None, progress: Callable[[int, int], None] | None = None
) -> Comparison:
    """Compare two cassettes under the rules that either holds and those of the settings, without what was accepted beside the old one.

    Raises:
        CassetteError: one of them cannot be read.
        ReviewError: the accepted changes beside the old one cannot be read.
    """
    user = tuple(
        NoiseRule(rule.callable, rule.kind, rule.path, source="user") for rule in (config or common.settings()).ignore
    )
    with open_cassette(old) as before, open_cassette(new) as after:
        learned = (*before.recording.noise, *after.recording.noise)
        rules = tuple(dict.fromkeys((*learned, *user)))
        found = compare(before, after, old_name=str(old), new_name=str(new), rules=rules, progress=progress)
    accepted = accepted_path(old)
    return settle(found, load(accepted), common.today(), accepted.name)


def diff_rerun(
    old: Path,
    command: Sequence[str] | None,
    boundaries: Sequence[str] | None = None,
    *,
    rerun_recorded: bool = False,
    level: Severity | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Run a command with the boundaries of a cassette and compare. Findings from `level` on leave the new recording waiting beside it.

    Without a command, the one that local state or the settings know for it. One known only from what lies beside
    the cassette may come from a stranger, and is run only with `rerun_recorded`.

    Raises:
        ConfigError: no command is known.
        RecordingError: the command cannot be started or captured no call.
        CassetteError: the cassette cannot be read.
    """
    with open_cassette(old) as cassette:
        recording = cassette.recording
    config = common.settings(boundaries or recording.boundaries)
    config = replace(config, granularity=recording.granularity)
    folder = None
    if not command:
        command, folder = _known_command(old, config, rerun_recorded)
    load(accepted_path(old))  # what cannot be read is told before anything is run
    with _recorded(command, config, folder=folder) as (new, notes):
        comparison = diff(old, new, config=config, progress=progress)
        waits = pending.settle_run(old, new, comparison, level or Severity(config.fail_on), config)
        return _with_notes(comparison, (*notes, *waits), new_name="this run")


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
            _recorded(command, common.settings(boundaries, folder / here), folder=folder / here, first=True) as (
                old,
                before,
            ),
            _recorded(command, config, folder=Path.cwd(), first=True) as (new, after),
        ):
            notes = (*(f"At {revision}: {note}" for note in before), *after)
            comparison = diff(old, new, config=config, progress=progress)
            return _with_notes(comparison, notes, new_name="working tree", old_name=revision)


def findings_against(comparison: Comparison, level: Severity, mode: str) -> tuple[Finding, ...]:
    """Return the findings that make a cassette inside a test fail. In mode `new_episodes` added calls are welcome."""
    found = comparison.at_or_above(level)
    return tuple(finding for finding in found if mode != "new_episodes" or finding.kind is not Kind.CALL_ADDED)


def _known_command(old: Path, config: Config, rerun_recorded: bool) -> tuple[tuple[str, ...], Path | None]:
    remembered = common.remembered_command(config, old)
    if remembered is not None:
        return remembered
    if config.command:
        return config.command, config.root
    beside = read_side(old).get("command")
    if isinstance(beside, list) and all(isinstance(word, str) for word in beside) and beside:
        if rerun_recorded:
            return tuple(beside), None
        raise ConfigError(
            f"run again what {str(old)!r} recorded",
            f"the command {' '.join(beside)!r} is known only from a file beside it",
            "Give it after two dashes, or allow it with --rerun-recorded.",
        )
    raise ConfigError(
        f"run again what {str(old)!r} recorded",
        "no command is known for it here",
        "Give a second cassette, or the command after two dashes.",
    )


@contextmanager
def _recorded(
    command: Sequence[str], config: Config, *, folder: Path | None = None, first: bool = False
) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Record a command into a cassette that goes away afterwards. `first` puts its folder first on the path of modules."""
    with tempfile.TemporaryDirectory(prefix="tracer-diff-") as scratch:
        target = Path(scratch) / "new.cassette"
        with Take(command, target, config, folder=folder, output_to_stderr=True) as take:
            with _python_path(folder if first else None):
                take.run()
            summary = take.close()
        if not summary.stored:
            reason = summary.notes[-1].rstrip(".") if summary.notes else "it captured no call"
            raise RecordingError(f"compare with a run of {command[0]!r}", reason)
        failed = (f"The command exited with {summary.exit_code}.",) if summary.exit_code else ()
        yield target, failed


@contextmanager
def _python_path(folder: Path | None) -> Iterator[None]:
    """Let modules below `folder` be found before those an editable installation of the project points to."""
    if folder is None:
        yield
        return
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


def _with_notes(
    comparison: Comparison, notes: Sequence[str], *, new_name: str, old_name: str | None = None
) -> Comparison:
    """Return a comparison with further notes, and names that mean something to the reader in place of scratch files."""
    return replace(
        comparison,
        notes=(*comparison.notes, *notes),
        old=replace(comparison.old, cassette=old_name or comparison.old.cassette),
        new=replace(comparison.new, cassette=new_name),
    )


def write_report(path: Path, text: str) -> None:
    """Write a report to a file.

    Raises:
        ComparisonError: the file cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ComparisonError(f"write the report {str(path)!r}", error.strerror or str(error)) from error
