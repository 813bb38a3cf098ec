"""The recording that waits becomes the baseline, which hands on the rules it has learned."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tracer.errors import CassetteNotFound
from tracer.storage import reader
from tracer.storage.rewrite import write_rules
from tracer.storage.store import accepted_path, drop_pending, move_into_place, pending_path, side_path

if TYPE_CHECKING:
    from pathlib import Path

    from tracer.rules import Rule


def adopt(cassette: Path) -> None:
    """Make the waiting recording the baseline, in one step.

    What the baseline had learned of noise stays known; changes that were accepted one by one are part of the new one, so that
    their file goes. What waits is checked to its last block before.

    Raises:
        CassetteError: nothing waits, it is not whole, the baseline cannot be read, or the folder cannot be written; then all is as it was.
    """
    pending = pending_path(cassette)
    reader.verify(pending)
    try:
        with reader.open_cassette(cassette) as baseline:
            _learn(pending, baseline.recording.noise)
    except CassetteNotFound:
        pass  # it becomes the first one
    move_into_place(pending, cassette)
    with suppress(FileNotFoundError):
        side_path(pending).replace(side_path(cassette))
    drop_pending(cassette)
    accepted_path(cassette).unlink(missing_ok=True)


def _learn(path: Path, rules: tuple[Rule, ...]) -> None:
    """Add rules to a cassette, which is replaced in one step; its calls are copied as they are."""
    with reader.open_cassette(path) as known:
        told = tuple(dict.fromkeys((*known.recording.noise, *rules)))
        if told != known.recording.noise:
            write_rules(path, told)
