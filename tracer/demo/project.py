"""Puts a copy of the demo shop into a folder, and changes it there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from tracer.demo.refactoring import EDITS
from tracer.errors import TracerError

SHOP: Final = Path(__file__).parent / "shop"


def prepare(folder: Path) -> None:
    """Copy the shop into `folder`, where `python -m shop` then runs it.

    Raises:
        TracerError: there is a `shop` in that folder already; it is left as it is.
    """
    try:
        shutil.copytree(SHOP, folder / SHOP.name, ignore=shutil.ignore_patterns("__pycache__"))
    except FileExistsError as error:
        action, cause = f"copy the demo shop into {str(folder)!r}", "a shop stands there already"
        raise TracerError(action, cause, "Name an empty folder.") from error


def apply_change(folder: Path) -> None:
    """Apply the refactoring to the shop that `prepare` put into `folder`.

    Raises:
        TracerError: the shop there is not as `prepare` left it; nothing of it was changed.
    """
    texts: dict[Path, str] = {}
    for edit in EDITS:
        path = folder / SHOP.name / edit.file
        text = texts.get(path) or path.read_text(encoding="utf-8")
        if text.count(edit.before) != 1:
            raise TracerError(f"change the demo shop in {str(folder)!r}", f"{edit.file} was edited", "Start over.")
        texts[path] = text.replace(edit.before, edit.after)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
