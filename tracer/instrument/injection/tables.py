"""The packed tables of a code object: exception handlers and positions (3.11 and later), lines (3.10)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Span: TypeAlias = "tuple[int, int, tuple[int | None, int | None, int | None, int | None]]"
"""First code unit, the one after the last, and the position of what stands there."""

_MAX_ENTRY = 8  # code units one location entry can speak for
_ONE_LINE, _NO_COLUMNS, _LONG, _NO_LOCATION = 10, 13, 14, 15  # kinds of location entries


def parse_exception_table(table: bytes) -> Iterator[tuple[int, int, int, int, bool]]:
    """Yield (start, end, target, depth, lasti) of each entry, in code units."""
    values = _big_endian_varints(table)
    for start in values:
        length, target, depth_and_lasti = next(values), next(values), next(values)
        yield start, start + length, target, depth_and_lasti >> 1, bool(depth_and_lasti & 1)


def _big_endian_varints(table: bytes) -> Iterator[int]:
    value = 0
    for byte in table:
        value = value << 6 | byte & 0x3F
        if not byte & 0x40:
            yield value
            value = 0


def emit_exception_table(entries: Iterable[tuple[int, int, int, int, bool]]) -> bytes:
    """Pack entries as `parse_exception_table` yields them, in rising order."""
    table = bytearray()
    for start, end, target, depth, lasti in entries:
        first = len(table)
        for value in (start, end - start, target, depth << 1 | lasti):
            for shift in (24, 18, 12, 6):
                if value >> shift:
                    table.append(value >> shift & 0x3F | 0x40)
            table.append(value & 0x3F)
        table[first] |= 0x80
    return bytes(table)


def emit_locations(first_line: int, spans: Iterable[Span]) -> bytes:
    """Pack positions into a `co_linetable` of 3.11 and later."""
    table = bytearray()
    line = first_line
    for start, end, position in spans:
        size = end - start
        while size > 0:
            table += _location(line, position, min(size, _MAX_ENTRY) - 1)
            line = line if position[0] is None else position[0]
            size -= _MAX_ENTRY
    return bytes(table)


def _location(
    previous_line: int, position: tuple[int | None, int | None, int | None, int | None], length: int
) -> bytes:
    """Return one entry in its shortest form; `length` is one less than the code units it speaks for."""
    line, end_line, column, end_column = position
    if line is None:
        return bytes((0x80 | _NO_LOCATION << 3 | length,))
    if end_line is None or column is None or end_column is None:
        return _entry(_NO_COLUMNS, length, line - previous_line)
    return _entry(_LONG, length, line - previous_line, end_line - line, column, end_column)


@lru_cache(maxsize=16_384)
def _entry(kind: int, length: int, lines: int, more_lines: int = 0, column: int = 0, end_column: int = 0) -> bytes:
    if kind == _LONG and not more_lines:
        width = end_column - column
        if not lines and column < 80 and 0 <= width < 16:  # noqa: PLR2004  # ten kinds of eight columns, four bits
            return bytes((0x80 | column >> 3 << 3 | length, (column & 7) << 4 | width))
        if 0 <= lines < 3 and column < 128 and end_column < 128:  # noqa: PLR2004  # three kinds, seven bits
            return bytes((0x80 | _ONE_LINE + lines << 3 | length, column, end_column))
    start = bytes((0x80 | kind << 3 | length,)) + _varint(-lines << 1 | 1 if lines < 0 else lines << 1)
    if kind == _NO_COLUMNS:
        return start
    return start + _varint(more_lines) + _varint(column + 1) + _varint(end_column + 1)


def _varint(value: int) -> bytes:
    packed = bytearray()
    while value > 0x3F:  # noqa: PLR2004  # six bits a byte
        packed.append(value & 0x3F | 0x40)
        value >>= 6
    packed.append(value)
    return bytes(packed)


def emit_lines(first_line: int, spans: Iterable[Span]) -> bytes:
    """Pack lines into a `co_linetable` of 3.10."""
    table = bytearray()
    previous = first_line
    for line, units in _runs_of_lines(spans):
        delta = -128 if line is None else line - previous
        if line is not None:
            previous = line
            while not -128 < delta < 128:  # noqa: PLR2004  # one signed byte
                step = 127 if delta > 0 else -127
                table += bytes((0, step & 0xFF))
                delta -= step
        size = 2 * units
        while size > 254:  # noqa: PLR2004  # the largest even byte
            table += bytes((254, delta & 0xFF))
            delta = -128 if line is None else 0
            size -= 254
        table += bytes((size, delta & 0xFF))
    return bytes(table)


def _runs_of_lines(spans: Iterable[Span]) -> Iterator[tuple[int | None, int]]:
    units = 0
    current: int | None = None
    for start, end, (line, *_) in spans:
        if line != current and units:
            yield current, units
            units = 0
        current = line
        units += end - start
    if units:
        yield current, units
