"""What an export wrote and what it left out, in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.report.safe import plain
from tracer.report.sentences import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def render_exported(
    files: Sequence[Path], callables: int, cases: int, of_callables: int, left_out: Sequence[tuple[str, int]]
) -> str:
    """Return the summary of exported tests: how many there are, where, and why others are not."""
    written = f"{counted(cases, 'case')} of {counted(callables, 'callable')} in {counted(len(files), 'file')}"
    lines = [f"{written}; {of_callables:,} callables were called:"]
    lines += [f"  {plain(str(path))}" for path in files]
    if left_out:
        total = sum(count for _, count in left_out)
        lines.append(f"{counted(total, 'kind')} of outcome left out:")
        lines += [f"  {count:>5}  {reason}" for reason, count in left_out]
    return "".join(f"{line}\n" for line in lines)
