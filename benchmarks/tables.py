"""Tables of figures, and the one place where they are kept: between two marks of a page of docs/."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "cost.md"


def machine() -> str:
    """Return one sentence about the machine, its Python, and how busy it was."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists() and (found := re.search(r"model name\s*: (.+)", info.read_text())):
        cpu = found[1].strip()
    cores, waiting = os.cpu_count(), os.getloadavg()[0]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return (
        f"{python}, {platform.system()} on {cpu}, {cores} cores, {waiting:.0f} processes running or waiting for them."
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def publish(section: str, text: str, page: Path = PAGE) -> None:
    """Put text, and the machine it was measured on, between the marks of a section of the page.

    Raises:
        SystemExit: the page has no such marks.
    """
    written = page.read_text()
    begin, end = f"<!-- measured: {section} -->\n", f"<!-- end: {section} -->"
    before, found, rest = written.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        sys.exit(f"{page} has no {begin.strip()} ... {end}")
    page.write_text(f"{before}{begin}{text}\n\n{machine()}\n{end}{after}")
