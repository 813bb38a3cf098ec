"""Recordings that wait for a decision beside their baseline: left by a red run, removed by a green one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer.errors import CassetteError
from tracer.storage import store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tracer.compare.result import Comparison
    from tracer.config import Config


def settle_run(old: Path, new: Path, comparison: Comparison, *, red: bool, run: Mapping[str, Any]) -> tuple[str, ...]:
    """Leave a new recording beside its baseline after a red run, or remove the one of an earlier run after a green one.

    `run` is what is known of the new one: its command and exit code. Returns notes. A run that failed or was filtered removes nothing.
    """
    if store.baseline_of(old) != old:
        return ()
    try:
        if red:
            leave(old, new, run)
        elif not run.get("exit") and not comparison.left_out:
            store.drop_pending(old)
    except (CassetteError, OSError) as error:
        return (f"The new recording could not be kept for review: {error}",)
    return ()


def leave(cassette: Path, closed: Path, run: Mapping[str, Any]) -> None:
    """Let a copy of a closed recording wait beside its baseline, in place of an older one.

    Raises:
        CassetteError: the folder cannot be written.
    """
    pending = store.pending_path(cassette)
    store.copy_into_place(closed, pending)
    store.write_side(pending, run)


def doubt(cassette: Path) -> str:
    """Return why what waits beside a cassette may lack something; empty where its run ended well."""
    run = store.read_side(store.pending_path(cassette))
    if run.get("failed"):
        return "an exception left the block that was recorded"
    code = run.get("exit")
    return f"the command that was recorded exited with {code}" if isinstance(code, int) and code else ""


def ignore(cassette: Path, config: Config) -> None:
    """Let git ignore what waits in the cassette folder. Failing to is no failure."""
    folder = config.cassette_folder
    if not cassette.absolute().is_relative_to(folder.absolute()):
        return
    try:
        with (folder / ".gitignore").open("x", encoding="utf-8") as stream:
            stream.write("".join(f"{pattern}\n" for pattern in store.IGNORED))
    except OSError:
        return
