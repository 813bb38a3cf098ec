"""Comparing: two cassettes, a cassette with a new run, two revisions."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.compare.compare import compare
from tracer.compare.noise import learn
from tracer.compare.result import Comparison, Kind, Severity
from tracer.errors import ComparisonError, ConfigError, RecordingError
from tracer.report.sentences import counted
from tracer.rules import Rule
from tracer.storage.reader import open_cassette
from tracer.storage.store import read_side
from tracer.workflows import common
from tracer.workflows.comparators import load_comparators, not_applied
from tracer.workflows.recording import Take
from tracer.workflows.repeating import Repeated, repeat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tracer.compare.result import Finding
    from tracer.config import Config


def diff(
    old: Path,
    new: Path,
    *,
    config: Config | None = None,
    rules: Sequence[Rule] = (),
    allow_imports: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Compare two cassettes under the rules that either holds, those of the settings and `rules`.

    The functions that rules name are called only with `allow_imports`: finding them runs code of the user's.

    Raises:
        CassetteError: one of them cannot be read.
        ConfigError: one of `rules` is none; with `allow_imports`, one names no function.
        ComparisonError: a function that a rule names raised an exception.
    """
    for rule in rules:
        if not isinstance(rule, Rule):
            raise ConfigError("use the rules", f"{rule!r} is no rule", "Make each with tracer.Rule(...).")
    user = (*_of_settings(config or common.settings()), *rules)
    comparators = load_comparators(user) if allow_imports else {}
    with open_cassette(old) as before, open_cassette(new) as after:
        comparison = compare(
            before,
            after,
            old_name=str(old),
            new_name=str(new),
            rules=(*after.recording.noise, *user),
            comparators=comparators,
            progress=progress,
        )
    return comparison if allow_imports else replace(comparison, notes=(*comparison.notes, *not_applied(user)))


def _of_settings(config: Config) -> tuple[Rule, ...]:
    return (*config.ignore, *config.rules)


def diff_rerun(
    old: Path,
    command: Sequence[str] | None,
    boundaries: Sequence[str] | None = None,
    *,
    rerun_recorded: bool = False,
    confirm: Severity | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Run a command with the boundaries of a cassette and compare.

    Without a command, the one that local state or the settings know for it. One known only from what lies beside
    the cassette may come from a stranger, and is run only with `rerun_recorded`. Where something at or above `confirm` changed, the
    command runs once more, and what differs between its two runs is no change.

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
        command, folder = known_command(old, config, rerun_recorded)
    with _recorded(_Side(tuple(command), config, folder)) as new:
        comparison = _diff_with(old, new, confirm, progress)
        return _with_notes(comparison, new.notes, new_name="this run")


def diff_revision(
    revision: str,
    command: Sequence[str],
    boundaries: Sequence[str] | None = None,
    *,
    confirm: Severity | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Record a command at a git revision, in a worktree of its own, and here; compare the two, `confirm` as in `diff_rerun`.

    Raises:
        ConfigError: no command was given.
        ComparisonError: git knows no such revision, or this is no repository.
        RecordingError: one of the runs captured no call.
    """
    if not command:
        raise ConfigError("compare with a revision", "no command was given", "Put it after two dashes: -- pytest")
    config = common.settings(boundaries)
    with _worktree(revision) as (folder, top):
        there = folder / Path.cwd().resolve().relative_to(top)
        with (
            _recorded(_Side(tuple(command), common.settings(boundaries, there), there, first=True)) as old,
            _recorded(_Side(tuple(command), config, Path.cwd(), first=True)) as new,
        ):
            notes = (*(f"At {revision}: {note}" for note in old.notes), *new.notes)
            comparison = _diff_with(old.cassette, new, confirm, progress)
            return _with_notes(comparison, notes, new_name="working tree", old_name=revision)


def _diff_with(
    old: Path, new: _Recorded, confirm: Severity | None, progress: Callable[[int, int], None] | None
) -> Comparison:
    """Compare a cassette with a run; where something at or above `confirm` changed, run once more and tell chance from change."""
    config = new.side.config
    comparison = diff(old, new.cassette, config=config, progress=progress)
    if confirm is None or not comparison.at_or_above(confirm):
        return comparison
    with open_cassette(old) as cassette:
        known = (*cassette.recording.noise, *_of_settings(config))
    with new.side.in_place():
        repeated = repeat(new.cassette, new.exit_code, [new.side.take], rules=known)
    rules = learn(repeated.seen, confirming=True)
    if rules:
        comparison = diff(old, new.cassette, config=config, rules=rules, progress=progress)
    return replace(comparison, notes=(*comparison.notes, *_about_confirming(repeated, rules)))


def _about_confirming(repeated: Repeated, rules: tuple[Rule, ...]) -> tuple[str, ...]:
    """Say what running the new side once more has shown."""
    if not repeated.runs:
        return (*repeated.notes, "So what is told may hold differences that come by chance.")
    if not repeated.seen:
        return ("The new side ran a second time and behaved the same.",)
    if not rules:
        return repeated.warnings
    return (
        *repeated.warnings,
        f"The new side ran a second time: what differed between its two runs, at {counted(len(rules), 'place')}, is hidden.",
    )


def findings_against(comparison: Comparison, level: Severity, mode: str) -> tuple[Finding, ...]:
    """Return the findings that make a cassette inside a test fail. In mode `new_episodes` added calls are welcome."""
    found = comparison.at_or_above(level)
    return tuple(finding for finding in found if mode != "new_episodes" or finding.kind is not Kind.CALL_ADDED)


def known_command(old: Path, config: Config, rerun_recorded: bool) -> tuple[tuple[str, ...], Path | None]:
    """Return the command that made a cassette, and the folder to run it in.

    Raises:
        ConfigError: none is known, or only from what lies beside the cassette, and `rerun_recorded` does not allow it.
    """
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


@dataclass(frozen=True, slots=True)
class _Side:
    """A command to be recorded: where, under which settings; `first` puts its folder first on the path of modules."""

    command: tuple[str, ...]
    config: Config
    folder: Path | None = None
    first: bool = False

    def take(self, target: Path) -> Take:
        """Return one run of it."""
        return Take(self.command, target, self.config, folder=self.folder, output_to_stderr=True)

    def in_place(self) -> AbstractContextManager[None]:
        """Return what has to be around its runs."""
        return _python_path(self.folder if self.first else None)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A side that was recorded, and what is to be told of it."""

    side: _Side
    cassette: Path
    exit_code: int

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be told of the run."""
        return (f"The command exited with {self.exit_code}.",) if self.exit_code else ()


@contextmanager
def _recorded(side: _Side) -> Iterator[_Recorded]:
    """Record a side into a cassette that goes away afterwards."""
    with tempfile.TemporaryDirectory(prefix="tracer-diff-") as scratch:
        target = Path(scratch) / "new.cassette"
        with side.take(target) as take:
            with side.in_place():
                take.run()
            summary = take.close()
        if not summary.stored:
            reason = summary.notes[-1].rstrip(".") if summary.notes else "it captured no call"
            raise RecordingError(f"compare with a run of {side.command[0]!r}", reason)
        yield _Recorded(side, target, summary.exit_code)


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
