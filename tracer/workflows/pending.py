"""Recordings that wait for a decision beside their baseline: left by a red run, removed by a green one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.errors import CassetteError
from tracer.storage import store
from tracer.storage.regular import write_new

if TYPE_CHECKING:
    from pathlib import Path

    from tracer.compare.result import Comparison, Severity
    from tracer.config import Config


def settle_run(old: Path, new: Path, comparison: Comparison, level: Severity, config: Config) -> tuple[str, ...]:
    """Leave a new recording beside its baseline after a red run, or remove the one of an earlier run after a green one.

    A run is red with findings from `level` on; one that failed or was filtered removes nothing. Returns notes: failing to keep it is
    no failure of the comparison.
    """
    if store.baseline_of(old) != old:
        return ()
    run = store.read_side(new)
    try:
        if comparison.at_or_above(level):
            ignore(old, config)
            store.copy_into_place(new, store.pending_path(old))
            store.write_side(store.pending_path(old), run)
        elif not run.get("exit") and not comparison.left_out:
            store.drop_pending(old)
    except (CassetteError, OSError) as error:
        return (f"The new recording could not be kept for review: {error}",)
    return ()


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
        write_new(folder / ".gitignore", "".join(f"{pattern}\n" for pattern in store.IGNORED))
    except OSError:
        return
