"""Builds and caches the virtual environments of the upgrade cases, one per case and side."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from interpreters import interpreter

CACHE = Path(os.environ.get("UPGRADE_CASES_CACHE") or Path(tempfile.gettempdir()) / "upgrade-cases")


def pins(case: dict[str, Any], side: str) -> list[str]:
    """Return every distribution of one side ("old" or "new"), pinned."""
    return [f"{case['package']}=={case[side]}", *case.get("deps", []), *case.get(f"deps_{side}", [])]


def environment(case: dict[str, Any], side: str) -> Path:
    """Return the Python of one side's environment, built when it is missing or its pins changed."""
    wanted = pins(case, side)
    home = CACHE / f"{case['name']}-{'same' if case['old'] == case['new'] else side}"
    stamp = hashlib.sha256("\n".join([case["python"], *wanted]).encode()).hexdigest()
    mark = home / ".pins"
    python = home / "bin" / "python"
    if not (mark.exists() and mark.read_text() == stamp):
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([interpreter(case["python"]), "-m", "venv", home], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", *wanted], check=True)
        mark.write_text(stamp)
    return python
