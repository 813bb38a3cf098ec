"""Instructions put together into a code object.

Emitting chooses the shortest arguments by growing them until nothing changes. What stays as it was is copied, as bytes, with
its positions. Formats: Python/assemble.c, Objects/locations.md and Objects/exception_handling_notes.txt of CPython 3.11 and
later, Objects/lnotab_notes.txt of 3.10.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING

from tracer.instrument.injection import pickled
from tracer.instrument.injection.disassembly import (
    RUN,
    Handler,
    Instruction,
    any_of,
    in_place_of,
    parse,
    parse_runs,
    ready,
    suspends,
)
from tracer.instrument.injection.locations import NOWHERE, Position, Writer
from tracer.instrument.injection.opcodes import ABSOLUTE_JUMPS, BACKWARD_JUMPS, CACHES, EXTENDED_ARG, JUMPS
from tracer.instrument.injection.tables import emit_exception_table
from tracer.instrument.probe import Unsupported

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType


def assemble(
    code: CodeType, instructions: Sequence[Instruction], constants: tuple[object, ...], slack: int
) -> CodeType:
    """Return `code` with other instructions and constants (its own first), and room for `slack` more values on its stack.

    Instructions that were parsed must be of this code, or of one with the same bytecode and positions.

    Raises:
        Unsupported: an instruction would not fit.
    """
    own = len(code.co_consts)
    constants = (*constants[:own], *map(pickled.constant, constants[own:]))
    end = _lay_out(instructions)
    raw = _emit(instructions)
    stacksize = code.co_stacksize + slack
    locations = _emit_locations(code, instructions)
    if sys.version_info >= (3, 11):
        return code.replace(
            co_code=raw,
            co_consts=constants,
            co_stacksize=stacksize,
            co_linetable=locations,
            co_exceptiontable=_emit_handlers(instructions, end),
        )
    return code.replace(co_code=raw, co_consts=constants, co_stacksize=stacksize, co_linetable=locations)


def run_of(sequence: Sequence[Instruction]) -> bytes:
    """Return the bytes of a sequence as they are wherever it stands: its jumps are relative and stay inside or lead to its end."""
    end = Instruction(RUN)
    for instruction in sequence:
        if instruction.opcode in JUMPS and instruction.target is None:
            instruction.target = end
    _lay_out([*sequence, end])
    return _emit(sequence)


def _emit(instructions: Sequence[Instruction]) -> bytes:
    return b"".join(
        [instruction.raw or _encoded(instruction.opcode, instruction.argument) for instruction in instructions]
    )


@lru_cache(maxsize=4096)
def _encoded(opcode: int, argument: int) -> bytes:
    raw = bytearray()
    for shift in range(8 * (_width(argument) - 1), 0, -8):
        raw += bytes((EXTENDED_ARG, argument >> shift & 0xFF))
    raw += bytes((opcode, argument & 0xFF))
    raw += bytes(2 * CACHES[opcode])
    return bytes(raw)


def _width(argument: int) -> int:
    return 1 if argument < 0x100 else 2 if argument < 0x10000 else 3 if argument < 0x1000000 else 4  # noqa: PLR2004  # bytes


def _lay_out(instructions: Sequence[Instruction]) -> int:
    """Give each instruction its place and size and each jump its argument; return the size of all, in code units."""
    jumps: list[tuple[Instruction, Instruction]] = []
    for instruction in instructions:
        if instruction.opcode == RUN:
            instruction.size = len(instruction.raw) // 2
            continue
        target = instruction.target
        if target is None:
            instruction.size = _width(instruction.argument) + CACHES[instruction.opcode]
        else:
            instruction.size = 1 + CACHES[instruction.opcode]
            jumps.append((instruction, target))
    while True:
        unit = 0
        for instruction in instructions:
            instruction.start = unit
            unit += instruction.size
        grew = False
        for jump, target in jumps:
            jump.argument = argument = _jump_argument(jump, target)
            size = _width(argument) + CACHES[jump.opcode]
            if size > jump.size:
                jump.size = size
                grew = True
        if not grew:
            return unit


def _jump_argument(jump: Instruction, target: Instruction) -> int:
    if jump.opcode in ABSOLUTE_JUMPS:
        return target.start
    forward = target.start - jump.start - jump.size
    argument = -forward if jump.opcode in BACKWARD_JUMPS else forward
    if argument < 0:
        raise Unsupported("a jump would have to change its direction")
    return argument


def _emit_locations(code: CodeType, instructions: Sequence[Instruction]) -> bytes:
    """Copy the positions of neighbours that stayed neighbours in one go, and write those of all that is new."""
    writer = Writer(code)
    positions = writer.positions
    begin = end = 0
    for instruction in instructions:
        unit, size = instruction.unit, instruction.size
        if size == instruction.units and instruction.position == positions[unit]:
            if unit != end:
                writer.copy(begin, end)
                begin = unit
            end = unit + size
        else:
            writer.copy(begin, end)
            begin = end
            writer.write(size, instruction.position)
    writer.copy(begin, end)
    return writer.table()


def _emit_handlers(instructions: Sequence[Instruction], end: int) -> bytes:
    entries: list[tuple[int, int, int, int, bool]] = []
    current: Handler | None = None
    began = 0
    for instruction in instructions:
        handler = instruction.handler
        if handler is current:
            continue
        if current is not None:
            entries.append((began, instruction.start, current.target.start, current.depth, current.lasti))
        current, began = handler, instruction.start
    if current is not None:
        entries.append((began, end, current.target.start, current.depth, current.lasti))
    return emit_exception_table(entries)


__all__ = [
    "NOWHERE",
    "RUN",
    "Handler",
    "Instruction",
    "Position",
    "any_of",
    "assemble",
    "in_place_of",
    "parse",
    "parse_runs",
    "ready",
    "run_of",
    "suspends",
]
