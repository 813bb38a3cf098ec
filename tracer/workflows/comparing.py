"""Comparing: two cassettes, a cassette with a new run."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.compare.compare import compare
from tracer.compare.context import NOTHING, Request
from tracer.compare.result import Comparison, Kind, Severity
from tracer.config import LEVELS
from tracer.errors import ComparisonError, ConfigError, RecordingError
from tracer.model import NoiseRule
from tracer.review.acceptances import load
from tracer.review.settle import settle
from tracer.storage.reader import open_cassette
from tracer.storage.store import accepted_path, read_side
from tracer.workflows import common, pending
from tracer.workflows.context import with_context
from tracer.workflows.recording import Take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tracer.compare.compare import Level
    from tracer.compare.result import Finding
    from tracer.config import Config


def diff(
    old: Path,
    new: Path,
    *,
    config: Config | None = None,
    request: Request = NOTHING,
    level: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Compare two cassettes under the rules that either holds and those of the settings, without what was accepted beside the old one.

    Brings what the report asks for. `level` is "value" or "shape"; without it the settings decide.

    Raises:
        CassetteError: one of them cannot be read.
        ReviewError: the accepted changes beside the old one cannot be read.
        ConfigError: there is no such level.
    """
    config = config or common.settings()
    user = tuple(NoiseRule(rule.callable, rule.kind, rule.path, source="user") for rule in config.ignore)
    with open_cassette(old) as before, open_cassette(new) as after:
        learned = (*before.recording.noise, *after.recording.noise)
        rules = tuple(dict.fromkeys((*learned, *user)))
        found = compare(
            before,
            after,
            old_name=str(old),
            new_name=str(new),
            rules=rules,
            level=_level(level or config.level),
            renamed=dict(config.renamed),
            progress=progress,
        )
        accepted = accepted_path(old)
        settled = settle(found, load(accepted), common.today(), accepted.name)
        return with_context(settled, before, after, request, config)


def _level(name: str) -> Level:
    if name not in LEVELS:
        raise ConfigError("compare", f"there is no level {name!r}", f"Use one of: {', '.join(LEVELS)}.")
    return "shape" if name == "shape" else "value"


def diff_rerun(
    old: Path,
    command: Sequence[str] | None,
    boundaries: Sequence[str] | None = None,
    *,
    rerun_recorded: bool = False,
    request: Request = NOTHING,
    level: str | None = None,
    failing: Severity | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Run a command with the boundaries of a cassette and compare. Findings from `failing` on leave the new recording waiting beside it.

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
    with recorded(command, config, folder=folder) as (new, notes):
        comparison = diff(old, new, config=config, level=level, request=request, progress=progress)
        waits = pending.settle_run(old, new, comparison, failing or Severity(config.fail_on), config)
        return with_notes(comparison, (*notes, *waits), new_name="this run")


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
def recorded(
    command: Sequence[str], config: Config, *, folder: Path | None = None
) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Record a command into a cassette that goes away afterwards."""
    with tempfile.TemporaryDirectory(prefix="tracer-diff-") as scratch:
        target = Path(scratch) / "new.cassette"
        with Take(command, target, config, folder=folder, output_to_stderr=True) as take:
            take.run()
            summary = take.close()
        if not summary.stored:
            reason = summary.notes[-1].rstrip(".") if summary.notes else "it captured no call"
            raise RecordingError(f"compare with a run of {command[0]!r}", reason)
        failed = (f"The command exited with {summary.exit_code}.",) if summary.exit_code else ()
        yield target, failed


def with_notes(
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
