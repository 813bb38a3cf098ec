"""What a stream can show."""

from __future__ import annotations

import os
import shutil
from typing import TextIO


def width(stream: TextIO) -> int:
    """Return the columns of a terminal; 100 for anything else."""
    return shutil.get_terminal_size((100, 24)).columns if stream.isatty() else 100


def color(stream: TextIO) -> bool:
    """Whether the stream is a terminal that shows colours and whose user wants them (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
