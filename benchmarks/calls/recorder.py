"""A recorder of the two components of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer.recording.child import open_recorder
from tracer.recording.settings import Settings
from tracer.select.selection import Selection

if TYPE_CHECKING:
    from pathlib import Path


def make_recorder(folder: Path, names: tuple[str, ...] = ("library", "caller"), detail: str = "sampled") -> Any:
    """Return a recorder of these modules as components, which keeps its journal in `folder`."""
    part = folder / "part"
    part.mkdir()
    selection = Selection(root=str(folder.resolve()), names=names)
    project = str(folder.resolve())
    return open_recorder(Settings(folder=str(part), selection=selection.to_json(), project=project, detail=detail))
