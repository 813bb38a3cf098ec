"""Finds the Pythons that benchmarks make environments with."""

from __future__ import annotations

import shutil
from pathlib import Path


def interpreter(version: str) -> Path:
    """Return a Python of that version: one of pyenv's, else the first on PATH.

    Raises:
        LookupError: there is none.
    """
    versions = Path.home() / ".pyenv" / "versions"
    for candidate in sorted(versions.glob(f"{version}*/bin/python")):
        return candidate
    found = shutil.which(f"python{version}")
    if found is None:
        message = f"no Python {version} on this machine"
        raise LookupError(message)
    return Path(found)
