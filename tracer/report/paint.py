"""Lines of styled segments to text. Only here rich is touched, and only when something is painted."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Segment: TypeAlias = "tuple[str, str]"
"""Text and the rich style to paint it with. The text is shown as it stands: it has gone through `plain`."""
Line: TypeAlias = "list[Segment]"
"""Segments side by side. The first of several is the margin: what wraps is indented by its width."""


def paint(lines: Iterable[Line], width: int, color: bool) -> str:
    """Return the lines as text, wrapped to `width` columns; with escape sequences only where `color` is wanted."""
    from rich.console import Console  # noqa: PLC0415  (rich is imported by those who want text, not by other formats)
    from rich.text import Text  # noqa: PLC0415

    console = Console(
        file=StringIO(),
        width=width,
        color_system="standard" if color else None,
        force_terminal=color,
        no_color=not color,
        legacy_windows=False,
    )
    for line in lines:
        lead, body = (line[0], line[1:]) if len(line) > 1 else (("", ""), line)
        margin = lead
        for row in Text.assemble(*body).wrap(console, width - len(lead[0])):
            painted = Text.assemble(margin, row)
            painted.rstrip()
            console.print(painted, soft_wrap=True)
            margin = (" " * len(lead[0]), "")
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()
