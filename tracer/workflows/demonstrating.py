"""The demo: a small shop recorded, changed in a harmless-looking way, recorded again, compared. Leaves nothing behind."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.config import Config
from tracer.demo.project import apply_change, prepare
from tracer.demo.refactoring import EDITS
from tracer.report.text import render_text
from tracer.workflows.comparing import diff
from tracer.workflows.recording import Take

if TYPE_CHECKING:
    from collections.abc import Callable


def demo(write: Callable[[str], object], width: int, color: bool) -> int:
    """Run the demo, telling its steps through `write`; return the exit code, 0 when the diff found the change."""
    with tempfile.TemporaryDirectory(prefix="tracer-demo-") as scratch:
        folder = Path(scratch)
        prepare(folder)
        write("A small shop of seven modules prints receipts: python -m shop\n")
        write("$ tracer record -o old.cassette -- python -m shop\n\n")
        old = _record(folder, "old")
        apply_change(folder)
        files = ", ".join(sorted({edit.file for edit in EDITS}))
        write(f"\nSomebody refactors {files}. The printed receipts stay the same:\n")
        write("$ tracer record -o new.cassette -- python -m shop\n\n")
        new = _record(folder, "new")
        write("\n$ tracer diff old.cassette new.cassette\n\n")
        comparison = diff(old, new, config=Config(root=folder))
        write(render_text(comparison, width, color))
        return 0 if comparison.findings else 1


def _record(folder: Path, name: str) -> Path:
    target = folder / f"{name}.cassette"
    with Take([sys.executable, "-m", "shop"], target, Config(root=folder), folder=folder) as take:
        take.run()
        take.close()
    return target
