"""Recording a block of this process, and what becomes of it: a first cassette, a comparison, a recording that waits."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from tracer.compare.result import Comparison, Kind
from tracer.errors import CassetteNotFound, RecordingError
from tracer.recording.child import open_recorder
from tracer.report.text import render_text
from tracer.review.acceptances import load
from tracer.storage.compact import compact
from tracer.storage.reader import open_cassette
from tracer.storage.store import accepted_path, drop_pending, move_into_place, pending_path, side_path, write_side
from tracer.workflows import common
from tracer.workflows import pending as waiting
from tracer.workflows.ambient import play_from, told_of_playing, with_ambient
from tracer.workflows.doubts import doubts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.config import Config


class Session:
    """One block of this process being recorded, from construction to `close`.

    Reads of the surroundings that the cassette `ambient_from` holds are played back. After `close` `told` says what became of them, and `doubts`
    what makes the recording say less than it seems to.
    """

    def __init__(self, cassette: Path, config: Config, *, block: bool, ambient_from: Path | None = None) -> None:
        self.told: tuple[str, ...] = ()
        self.doubts: tuple[str, ...] = ()
        self._block = block
        self._pending = pending_path(cassette)
        self._cassette, self._config = cassette, config
        self._part, _ = common.open_part(cassette)
        self._selection = common.select(config, Path.cwd())
        try:
            playing = play_from(ambient_from, self._part) if ambient_from is not None else None
            settings = common.make_settings(
                config,
                self._selection,
                self._part,
                ambient_from=playing.file.resolve() if playing is not None else None,
            )
            self._recorder = open_recorder(settings, scoped=True)
            self._recorder.start()
        except BaseException:
            shutil.rmtree(self._part, ignore_errors=True)
            raise
        self._pid = os.getpid()
        self._calls = 0

    @property
    def calls(self) -> int:
        """How many calls were captured."""
        return self._calls

    @property
    def forked(self) -> bool:
        """Whether this is a child of the process that began the block: the recording is then the parent's."""
        return os.getpid() != self._pid

    def close(self) -> Path:
        """Stop recording and close what was recorded into the file that waits beside the cassette; return that file."""
        self._recorder.stop()
        try:
            self.told = told_of_playing(self._part)
            closed = compact(self._part, self._pending, block=self._block)
            self._calls = closed.calls
            self.doubts = tuple(doubts(self._selection, self._recorder.instrumentation.report, closed))
            side_path(self._pending).unlink(missing_ok=True)
        finally:
            shutil.rmtree(self._part, ignore_errors=True)
        return self._pending

    def abandon(self) -> None:
        """Stop recording after the block failed, keeping what can be kept. Raises nothing: the block's own exception goes on."""
        with suppress(Exception):
            self._recorder.stop()
        if not self.forked:
            with suppress(Exception):
                self.close()
                write_side(self._pending, {"failed": True})
                self.ignore_pending()

    def ignore_pending(self) -> None:
        """Let git ignore the recording that stays beside the cassette."""
        waiting.ignore(self._cassette, self._config)

    def nothing_captured(self) -> RecordingError:
        """Return the error for a block in which nothing crossed."""
        self._pending.unlink(missing_ok=True)
        report = self._recorder.instrumentation.report
        boundaries = ", ".join(self._selection.boundaries) or "the modules of the project"
        callables = sum(component.callables for component in report.components)
        return RecordingError(
            "record the block",
            f"no call crossed into {boundaries} ({callables} callables were watched)",
            "Name what the block calls in boundaries=[...].",
        )


def open_session(
    cassette: Path,
    boundaries: Sequence[str] | None,
    *,
    block: bool = False,
    detail: str | None = None,
    detail_calls: int | None = None,
    timings: bool = False,
    ambient: Sequence[str] | None = None,
    ambient_from: Path | None = None,
) -> Session:
    """Start to record what the running thread or task calls, for a cassette; `block` says that later runs are compared with it.

    `detail` says how much of values is looked at, `detail_calls` how many calls of a callable are kept in detail in each lane, 0 for all.
    `timings` says that the time of each call is taken as well, as it is where the settings say so. `ambient` are the kinds of reads of the
    surroundings to record, None for those of the settings; those of the cassette `ambient_from` are played back.

    Raises:
        TracerError: the settings are wrong or the folder cannot be written.
    """
    settings = common.settings(boundaries, detail=detail, detail_calls=detail_calls, timings=timings)
    config = with_ambient(settings, ambient, ambient_from)
    # By which seed texts are hashed was settled when this process began.
    kinds = tuple(kind for kind in config.ambient if kind != "hash")
    return Session(cassette, replace(config, ambient=kinds), block=block, ambient_from=ambient_from)


def check_accepted(cassette: Path) -> None:
    """Make sure that what was accepted beside a cassette can be read, before anything is run.

    Raises:
        ReviewError: it cannot.
    """
    load(accepted_path(cassette))


def require(cassette: Path) -> None:
    """Make sure that a cassette is there and can be read.

    Raises:
        CassetteError: it is not.
    """
    if not cassette.exists():
        action = f"compare with {str(cassette)!r}"
        raise CassetteNotFound(action, "it was never recorded, and mode 'none' does not", "Record it in mode 'once'.")
    open_cassette(cassette).close()


def keep(pending: Path, cassette: Path) -> None:
    """Make what waits the cassette."""
    move_into_place(pending, cassette)


def settle_equal(comparison: Comparison, pending: Path, cassette: Path, mode: str) -> None:
    """Remove a recording that waits for nothing; in mode `new_episodes` one with added calls becomes the cassette."""
    if mode == "new_episodes" and any(finding.kind is Kind.CALL_ADDED for finding in comparison.findings):
        move_into_place(pending, cassette)
    else:
        drop_pending(cassette)


def failure_text(comparison: Comparison, cassette: Path, pending: Path) -> str:
    """Return what a failing test shows: the findings, and where both recordings are."""
    report = render_text(comparison, 100, color=False)
    shown = quote(os.path.relpath(cassette) if cassette.is_relative_to(Path.cwd()) else str(cassette))
    return f"behaviour changed since {cassette} was recorded\n\n{report}\nThe new recording waits in {pending}: `tracer review {shown}` goes through its changes."
