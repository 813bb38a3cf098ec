"""Scalars as Python literals, spelled as ruff and black spell them. Whatever does not print is escaped by `repr`."""

from __future__ import annotations

import keyword
import unicodedata
from typing import Final

_LONGEST_DECIMAL: Final = 4_000  # digits; `int` refuses a text of more than 4,300


def literal(value: float | str | bytes | None) -> str:
    """Return the literal of an exact scalar, which gives an equal one when it is read."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bytes):
        return "b" + _double_quoted(repr(value)[1:])
    if isinstance(value, float):
        return number(value)
    if isinstance(value, int) and value.bit_length() > 3 * _LONGEST_DECIMAL:
        return f"{'-' if value < 0 else ''}0x{abs(value):X}"
    return repr(value)


def quoted(text: str) -> str:
    """Return the literal of a text."""
    return _double_quoted(repr(text))


def number(value: float) -> str:
    """Return what gives a float, bit for bit but for the payload of a nan."""
    if value != value:  # noqa: PLR0124  (nan)
        return 'float("nan")'
    if value in (float("inf"), float("-inf")):
        return f'float("{value!r}")'
    return repr(value).replace("e+", "e")


def is_name(text: str) -> bool:
    """Say whether a text is a name as a program may write it, which means to the parser what it shows."""
    return text.isidentifier() and not keyword.iskeyword(text) and unicodedata.normalize("NFKC", text) == text


def is_dotted(text: str) -> bool:
    """Say whether a text is names with dots between them."""
    return all(map(is_name, text.split(".")))


def _double_quoted(shown: str) -> str:
    """Put a literal into double quotes, unless that takes more escapes."""
    inside = shown[1:-1]
    if shown[0] == '"':
        return shown
    doubles, singles = inside.count('"'), inside.count("'")  # each of the latter is escaped
    if doubles > singles:
        return shown
    return '"' + inside.replace("\\'", "'").replace('"', '\\"') + '"'
