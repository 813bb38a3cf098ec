"""Makes recorded text safe to show.

Whoever wrote a cassette chose the texts inside it: names, values, lanes. Nothing of them reaches a terminal,
a log or a page before `plain` has turned what could steer it into visible text.
"""

from __future__ import annotations

import re
import unicodedata

_PRINTABLE_ASCII = re.compile(r"[ -~]*")
_STEERING = frozenset(
    {
        "Cc",  # control characters: terminal escapes, line breaks
        "Cf",  # invisible format characters: direction overrides, joiners
        "Cs",  # lone surrogates, which no stream can encode
        "Cn",  # unassigned, with the noncharacters that XML forbids
        "Co",  # private use: what a font draws for it, nobody knows
        "Zl",
        "Zp",
    },
)


def plain(text: str) -> str:
    r"""Return the text on one line, with every character that steers a terminal written out (`\x1b`, `\u202e`)."""
    if _PRINTABLE_ASCII.fullmatch(text):
        return text
    return "".join(ascii(char)[1:-1] if unicodedata.category(char) in _STEERING else char for char in text)


def clip(text: str, width: int) -> str:
    """Return at most `width` characters of the text, the last one an ellipsis where some were left out."""
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"
