"""Makes recorded text safe to show.

Whoever wrote a cassette chose the texts inside it: names, values, lanes. Nothing of them reaches a terminal,
a log or a page before `plain` has turned what could steer it into visible text.
"""

from __future__ import annotations


def plain(text: str) -> str:
    r"""Return the text on one line, with every character that does not print written out (`\x1b`, `\u202e`).

    These are the control and format characters, lone surrogates, unassigned and private ones, and all separators but the space.
    """
    return text if text.isprintable() else "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def clip(text: str, width: int) -> str:
    """Return at most `width` characters of the text, the last one an ellipsis where some were left out."""
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"


def squeeze(text: str, width: int) -> str:
    """Return at most `width` characters of the text, an ellipsis in its middle where some were left out; the end counts most."""
    if len(text) <= width:
        return text
    start = max(width // 3, 1)
    return f"{text[:start]}…{text[len(text) - max(width - start - 1, 0) :]}"
