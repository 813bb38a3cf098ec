"""Comparing a cassette with a new run of a command."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.ambient import AMBIENT_KINDS, CHOICES
from tracer.compare.result import Severity
from tracer.encoding.hiding import HIDDEN
from tracer.errors import ConfigError, RecordingError
from tracer.review.acceptances import load
from tracer.storage.reader import open_cassette
from tracer.storage.store import accepted_path, read_side
from tracer.workflows import common, pending
from tracer.workflows.ambient import told_of_playing
from tracer.workflows.comparing import with_notes
from tracer.workflows.confirming import diff_take
from tracer.workflows.mirror import at
from tracer.workflows.places import named
from tracer.workflows.recording import Take
from tracer.workflows.terms import PLAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.compare.result import Comparison
    from tracer.config import Config
    from tracer.model import Recording
    from tracer.workflows.places import Place
    from tracer.workflows.terms import Terms


def diff_rerun(
    old: Place,
    command: Sequence[str] | None,
    boundaries: Sequence[str] | None = None,
    *,
    rerun_recorded: bool = False,
    ambient: Sequence[str] | None = None,
    terms: Terms = PLAIN,
) -> Comparison:
    """Run a command with the boundaries of a cassette and compare. Where that is red, the new recording waits beside the cassette.

    The reads of the surroundings that the cassette holds are played back, with `ambient` only those of these kinds.

    Without a command, the one that local state or the settings know for it. One known only from what lies beside
    the cassette may come from a stranger, and is run only with `rerun_recorded`.

    Raises:
        ConfigError: no command is known, or the cassette holds no reads of a kind that is asked for.
        RecordingError: the command cannot be started or captured no call.
        CassetteError: the cassette cannot be read.
        ReviewError: the accepted changes beside the cassette cannot be read.
    """
    with at(old) as path:
        found = _diff_rerun(old, path, command, boundaries, rerun_recorded=rerun_recorded, ambient=ambient, terms=terms)
        notes = tuple(named(note, path, old) for note in found.notes)
        return replace(found, old=replace(found.old, cassette=str(old)), notes=notes)


def _diff_rerun(
    place: Place,
    old: Path,
    command: Sequence[str] | None,
    boundaries: Sequence[str] | None,
    *,
    rerun_recorded: bool,
    ambient: Sequence[str] | None,
    terms: Terms,
) -> Comparison:
    """Run a command and compare with the cassette at `old`, which stands for `place`."""
    with open_cassette(old) as cassette:
        recording = cassette.recording
    config = replace(common.settings_of(recording, boundaries), ambient=_kinds(old, recording, ambient))
    folder = None
    if not command:
        command, folder = known_command(old, config, rerun_recorded, place)
    load(accepted_path(old))  # what cannot be read is told before anything is run
    with tempfile.TemporaryDirectory(prefix="tracer-diff-") as scratch:
        new = Path(scratch) / "new.cassette"
        played = old if config.ambient else None
        take = Take(command, new, config, folder=folder, output_to_stderr=True, ambient_from=played)
        told = _record(take)
        comparison = diff_take(old, take, terms)
        failed = (f"The command exited with {take.exit_code}.",) if take.exit_code else ()
        waits = pending.settle_run(old, take.target, comparison, terms.failing or Severity(config.fail_on), config)
        return with_notes(comparison, (*failed, *told, *waits), new_name="this run")


def _kinds(old: Path, recording: Recording, ambient: Sequence[str] | None) -> tuple[str, ...]:
    """Return the kinds of reads to record and play back: those of the cassette, as far as they are asked for."""
    missing = [kind for kind in ambient or () if kind not in recording.ambient]
    if missing and (recording.ambient == () or set(ambient or ()) != set(AMBIENT_KINDS)):
        raise ConfigError(
            f"give a run the surroundings that {str(old)!r} recorded",
            f"it holds no reads of {' and '.join(missing)}",
            "Record it with --ambient.",
        )
    return tuple(kind for kind in CHOICES if kind in recording.ambient and (ambient is None or kind in ambient))


def _record(take: Take) -> tuple[str, ...]:
    """Record a take; return what is to be told of the surroundings it was given."""
    with take:
        take.run()
        told = told_of_playing(take.part)
        summary = take.close()
    if not summary.stored:
        reason = summary.notes[-1].rstrip(".") if summary.notes else "it captured no call"
        raise RecordingError(f"compare with a run of {take.command[0]!r}", reason)
    return told


def known_command(
    old: Path, config: Config, rerun_recorded: bool, place: Place | None = None
) -> tuple[tuple[str, ...], Path | None]:
    """Return the command that made a cassette, which may stand for one at another place, and the folder to run it in.

    Raises:
        ConfigError: none is known, or only from what lies beside the cassette, and `rerun_recorded` does not allow it.
    """
    remembered = common.remembered_command(config, place or old)
    if remembered is not None:
        return remembered
    if config.command:
        return config.command, config.root
    beside = read_side(old).get("command")
    if isinstance(beside, list) and all(isinstance(word, str) and HIDDEN not in word for word in beside) and beside:
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
