"""The program's own account of its crossings: a line before each and one after it, written past every buffer."""

from __future__ import annotations

import os

_FILE = os.open(os.environ["FAULTS_WITNESS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)


# The defaults hold what is needed when the names of this module are gone.
def before(number: int, write=os.write, file=_FILE) -> None:
    """Say that the crossing begins."""
    write(file, b"B %d\n" % number)


def after(number: int, write=os.write, file=_FILE) -> None:
    """Say that the crossing has ended."""
    write(file, b"E %d\n" % number)
