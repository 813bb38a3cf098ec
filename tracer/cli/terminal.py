"""What a stream can show, and writing to one whose reader may go away."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO


def width(stream: TextIO) -> int:
    """Return the columns of a terminal; 100 for anything else."""
    return shutil.get_terminal_size((100, 24)).columns if stream.isatty() else 100


def color(stream: TextIO) -> bool:
    """Whether the stream is a terminal that shows colours and whose user wants them (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def say(text: str) -> bool:
    """Write to standard output; False where nobody reads it any more, as after `| head`. What it cannot spell is escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still in the buffer goes nowhere, without a second error when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True
