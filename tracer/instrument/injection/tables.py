"""The packed table of exception handlers of a code object (3.11 and later)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


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
