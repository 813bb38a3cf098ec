"""The positions of instructions in a code object, copied and written: entries of 3.11 and later, lines of 3.10."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

Position: TypeAlias = "tuple[int | None, int | None, int | None, int | None]"
"""First line, last line, first column, last column, as `CodeType.co_positions` gives them."""

NOWHERE: Position = (None, None, None, None)

_MAX_ENTRY: Final = 8  # code units one location entry can speak for
_ONE_LINE, _NO_COLUMNS, _LONG, _NO_LOCATION = 10, 13, 14, 15  # kinds of location entries
_ENTRIES: Final = re.compile(rb"[\x80-\xff][\x00-\x7f]*")  # only an entry's first byte has its highest bit set


def positions_of(code: CodeType) -> list[Position]:
    """Return the position of each code unit."""
    if sys.version_info >= (3, 11):
        return list(code.co_positions())
    return [(line, line, None, None) for start, end, line in code.co_lines() for _ in range(start, end, 2)]


class _Entries:
    """Writes a `co_linetable` of 3.11 and later, copying what it can of the one of `code`.

    An entry tells its line by the distance from that of the last entry with a line, so of entries that are copied together only
    the first one may have to be written anew.
    """

    def __init__(self, code: CodeType) -> None:
        self.positions = positions_of(code)
        self._entries: list[bytes] = _ENTRIES.findall(code.co_linetable)
        self._ends = list(accumulate([(entry[0] & 7) + 1 for entry in self._entries]))
        self._line = code.co_firstlineno
        self._written: list[bytes] = []

    def copy(self, begin: int, end: int) -> None:
        """Go on with the positions that the code units from `begin` to `end` had."""
        if begin == end:
            return
        ends = self._ends
        first, last = bisect_right(ends, begin), bisect_left(ends, end)
        entries = self._entries[first : last + 1]
        if ends[last] != end:
            entries[-1] = _shortened(entries[-1], ends[last] - end)
        before = ends[first - 1] if first else 0
        if before != begin:
            entries[0] = _shortened(entries[0], begin - before)
        self._join(begin, first, entries)
        self._written += entries
        self._line = self._last_line(begin, end)

    def _join(self, begin: int, first: int, entries: list[bytes]) -> None:
        """Let the first of `entries` that has a line tell its distance from where the table stands."""
        unit = begin
        for index, entry in enumerate(entries):
            position = self.positions[unit]
            if position[0] is not None:
                entries[index] = _moved(entry, position[0] - self._line, position)
                return
            unit = self._ends[first + index]

    def _last_line(self, begin: int, end: int) -> int:
        while end > begin:
            end -= 1
            line = self.positions[end][0]
            if line is not None:
                return line
        return self._line

    def write(self, units: int, position: Position) -> None:
        """Go on with one position for some code units."""
        line, end_line, column, end_column = position
        if line is None or end_line is None:
            self._written.append(_nowhere(units))
            return
        if units:
            self._written.append(_span(units, line - self._line, end_line - line, column, end_column))
            self._line = line

    def table(self) -> bytes:
        """Return what was written."""
        return b"".join(self._written)


def _shortened(entry: bytes, units: int) -> bytes:
    return bytes((entry[0] - units,)) + entry[1:]


def _moved(entry: bytes, distance: int, position: Position) -> bytes:
    """Return an entry telling a line at this distance from the one before."""
    line, end_line, column, end_column = position
    if _distance(entry) == distance or line is None or end_line is None:
        return entry
    return _entry(entry[0] & 7, distance, end_line - line, column, end_column)


def _distance(entry: bytes) -> int:
    kind = entry[0] >> 3 & 15
    if kind < _ONE_LINE:
        return 0
    if kind < _NO_COLUMNS:
        return kind - _ONE_LINE
    value = 0
    for place, byte in enumerate(entry[1:]):
        value |= (byte & 0x3F) << 6 * place
        if not byte & 0x40:
            break
    return -(value >> 1) if value & 1 else value >> 1


@lru_cache(maxsize=4096)
def _span(units: int, lines: int, more_lines: int, column: int | None, end_column: int | None) -> bytes:
    """Return the entries of some code units that stand at one position, `lines` below the one before."""
    table = b""
    while units > 0:
        table += _entry(min(units, _MAX_ENTRY) - 1, lines, more_lines, column, end_column)
        lines = 0
        units -= _MAX_ENTRY
    return table


@lru_cache(maxsize=256)
def _nowhere(units: int) -> bytes:
    lengths = (min(units - done, _MAX_ENTRY) - 1 for done in range(0, units, _MAX_ENTRY))
    return bytes(0x80 | _NO_LOCATION << 3 | length for length in lengths)


def _entry(length: int, lines: int, more_lines: int, column: int | None, end_column: int | None) -> bytes:
    """Return one entry in its shortest form; `length` is one less than the code units it speaks for."""
    if column is not None and end_column is not None:
        return _packed(length, lines, more_lines, column, end_column)
    if column is None and end_column is None and not more_lines:
        return bytes((0x80 | _NO_COLUMNS << 3 | length,)) + _signed(lines)
    return _long(length, lines, more_lines, -1 if column is None else column, -1 if end_column is None else end_column)


def _packed(length: int, lines: int, more_lines: int, column: int, end_column: int) -> bytes:
    if not more_lines:
        width = end_column - column
        if not lines and column < 80 and 0 <= width < 16:  # noqa: PLR2004  # ten kinds of eight columns, four bits
            return bytes((0x80 | column >> 3 << 3 | length, (column & 7) << 4 | width))
        if 0 <= lines < 3 and column < 128 and end_column < 128:  # noqa: PLR2004  # three kinds, seven bits
            return bytes((0x80 | _ONE_LINE + lines << 3 | length, column, end_column))
    return _long(length, lines, more_lines, column, end_column)


def _long(length: int, lines: int, more_lines: int, column: int, end_column: int) -> bytes:
    start = bytes((0x80 | _LONG << 3 | length,))
    return start + _signed(lines) + _varint(more_lines) + _varint(column + 1) + _varint(end_column + 1)


def _signed(value: int) -> bytes:
    return _varint(-value << 1 | 1 if value < 0 else value << 1)


def _varint(value: int) -> bytes:
    packed = bytearray()
    while value > 0x3F:  # noqa: PLR2004  # six bits a byte
        packed.append(value & 0x3F | 0x40)
        value >>= 6
    packed.append(value)
    return bytes(packed)


class _Lines:
    """Writes a `co_linetable` of 3.10, with the lines of what is copied from `code`."""

    def __init__(self, code: CodeType) -> None:
        self.positions = positions_of(code)
        self._first = code.co_firstlineno
        self._spans = list(code.co_lines())
        self._ends = [end // 2 for _, end, _ in self._spans]
        self._written: list[tuple[int, int | None]] = []

    def copy(self, begin: int, end: int) -> None:
        """Go on with the lines that the code units from `begin` to `end` had."""
        index = bisect_right(self._ends, begin)
        while begin < end:
            upto = min(self._ends[index], end)
            self._written.append((upto - begin, self._spans[index][2]))
            begin, index = upto, index + 1

    def write(self, units: int, position: Position) -> None:
        """Go on with one line for some code units."""
        self._written.append((units, position[0]))

    def table(self) -> bytes:
        """Return what was written."""
        table = bytearray()
        previous = self._first
        for line, units in self._runs():
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

    def _runs(self) -> Iterator[tuple[int | None, int]]:
        units = 0
        current: int | None = None
        for size, line in self._written:
            if line != current and units:
                yield current, units
                units = 0
            current = line
            units += size
        if units:
            yield current, units


Writer = _Entries if sys.version_info >= (3, 11) else _Lines
"""What writes the table of positions of this Python."""
