"""Snapshots that are plain data, made live in one call of the unpacker."""

from __future__ import annotations

from typing import Any, Final, NoReturn

from tracer import wire

NOT_PLAIN: Final = object()
"""Stands for a value that is not plain data."""


class _ExtensionError(Exception):
    """A snapshot holds more than plain data."""


def plain(snapshot: bytes) -> Any:
    """Return what a snapshot of scalars, lists and dicts under text stands for, `NOT_PLAIN` for any other.

    Whatever else there is, shared references among it, is an extension; a path of another machine begins with `<`.
    """
    first = snapshot[0]
    if first < _FIXED or first in _CONSTANTS:
        return first if first < _FIXED else _CONSTANTS[first]
    if first in EXTENSIONS or b"<" in snapshot:
        return NOT_PLAIN
    try:
        if _SHORT_TEXT <= first < _NIL and len(snapshot) == first - _SHORT_TEXT + 1:
            return snapshot[1:].decode()
        return wire.unpack_own(snapshot, _refuse)
    except (_ExtensionError, ValueError):
        return NOT_PLAIN


_FIXED: Final = 0x80
"""Below it the first byte is a small number, and all there is."""
_SHORT_TEXT: Final = 0xA0
"""A short text's first byte, its size added; nothing of another kind lies between it and `_NIL`."""
_NIL: Final = 0xC0
_CONSTANTS: Final = {_NIL: None, 0xC2: False, 0xC3: True}


def _refuse(code: int, data: bytes) -> NoReturn:
    del code, data
    raise _ExtensionError


EXTENSIONS: Final = frozenset((*range(0xC7, 0xCA), *range(0xD4, 0xD9)))
"""The first bytes of msgpack's extensions: everything that is no plain value."""
