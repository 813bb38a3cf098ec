"""Code objects taken apart into instructions, and put together again.

Jumps and exception handlers refer to instructions, so instructions can be inserted anywhere. Emitting chooses the
shortest arguments by growing them until nothing changes. Formats: Python/assemble.c, Objects/locations.md and
Objects/exception_handling_notes.txt of CPython 3.11 and later, Objects/lnotab_notes.txt of 3.10.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tracer.instrument.injection import tables
from tracer.instrument.injection.opcodes import (
    ABSOLUTE_JUMPS,
    BACKWARD_JUMPS,
    CACHES,
    EXTENDED_ARG,
    JUMPS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType

Position: TypeAlias = "tuple[int | None, int | None, int | None, int | None]"
"""First line, last line, first column, last column, as `CodeType.co_positions` gives them."""

NOWHERE: Position = (None, None, None, None)


class Unsupported(Exception):
    """This code object cannot be rewritten safely. The message says why."""


@dataclass(slots=True, eq=False)
class Instruction:
    """One instruction. `target` is where it jumps, `handler` what catches an exception it raises (3.11 and later)."""

    opcode: int
    argument: int = 0
    position: Position = NOWHERE
    target: Instruction | None = None
    handler: Handler | None = None


@dataclass(slots=True, eq=False)
class Handler:
    """Where an exception goes on: to `target`, with the stack cut to `depth`, the raising offset pushed if `lasti`."""

    target: Instruction
    depth: int
    lasti: bool


def parse(code: CodeType) -> list[Instruction]:
    """Take a code object apart."""
    positions = _positions(code)
    instructions: list[Instruction] = []
    at: dict[int, Instruction] = {}
    jumps: list[tuple[Instruction, int]] = []
    raw = code.co_code
    start = unit = argument = 0
    end = len(raw) // 2
    while unit < end:
        opcode = raw[2 * unit]
        argument = argument << 8 | raw[2 * unit + 1]
        unit += 1
        if opcode == EXTENDED_ARG:
            continue
        instruction = Instruction(opcode, argument, positions[unit - 1])
        unit += CACHES[opcode]
        if opcode in JUMPS:
            jumps.append((instruction, _jump_target(opcode, argument, unit)))
        at[start] = instruction
        instructions.append(instruction)
        start, argument = unit, 0
    for instruction, destination in jumps:
        instruction.target = _instruction_at(at, destination)
    if sys.version_info >= (3, 11):
        _parse_handlers(code.co_exceptiontable, at)
    return instructions


def _positions(code: CodeType) -> list[Position]:
    if sys.version_info >= (3, 11):
        return list(code.co_positions())
    return [(line, line, None, None) for start, end, line in code.co_lines() for _ in range(start, end, 2)]


def _jump_target(opcode: int, argument: int, after: int) -> int:
    if opcode in ABSOLUTE_JUMPS:
        return argument
    return after - argument if opcode in BACKWARD_JUMPS else after + argument


def _instruction_at(at: dict[int, Instruction], unit: int) -> Instruction:
    try:
        return at[unit]
    except KeyError:
        raise Unsupported(f"nothing starts at code unit {unit}, where a jump or handler leads") from None


def _parse_handlers(table: bytes, at: dict[int, Instruction]) -> None:
    for start, end, target, depth, lasti in tables.parse_exception_table(table):
        handler = Handler(_instruction_at(at, target), depth, lasti)
        for unit in range(start, end):
            if unit in at:
                at[unit].handler = handler


def assemble(
    code: CodeType, instructions: Sequence[Instruction], constants: tuple[object, ...], slack: int
) -> CodeType:
    """Return `code` with other instructions and constants, and room for `slack` more values on its stack.

    Raises:
        Unsupported: an instruction would not fit.
    """
    arguments, starts = _lay_out(instructions)
    raw = bytearray()
    for instruction, argument in zip(instructions, arguments, strict=True):
        for shift in range(8 * (_width(argument) - 1), 0, -8):
            raw += bytes((EXTENDED_ARG, argument >> shift & 0xFF))
        raw += bytes((instruction.opcode, argument & 0xFF))
        raw += bytes(2 * CACHES[instruction.opcode])
    spans = [
        (starts[id(instruction)], after, instruction.position)
        for instruction, after in zip(
            instructions, [*(starts[id(later)] for later in instructions[1:]), len(raw) // 2], strict=True
        )
    ]
    stacksize = code.co_stacksize + slack
    if sys.version_info >= (3, 11):
        return code.replace(
            co_code=bytes(raw),
            co_consts=constants,
            co_stacksize=stacksize,
            co_linetable=tables.emit_locations(code.co_firstlineno, spans),
            co_exceptiontable=_emit_handlers(instructions, starts, len(raw) // 2),
        )
    return code.replace(
        co_code=bytes(raw),
        co_consts=constants,
        co_stacksize=stacksize,
        co_linetable=tables.emit_lines(code.co_firstlineno, spans),
    )


def _width(argument: int) -> int:
    return 1 if argument < 0x100 else 2 if argument < 0x10000 else 3 if argument < 0x1000000 else 4  # noqa: PLR2004  # bytes


def _lay_out(instructions: Sequence[Instruction]) -> tuple[list[int], dict[int, int]]:
    """Return the final argument of each instruction and the code unit at which it starts, by id."""
    arguments = [0 if instruction.target is not None else instruction.argument for instruction in instructions]
    widths = [_width(argument) for argument in arguments]
    while True:
        starts: dict[int, int] = {}
        unit = 0
        for instruction, width in zip(instructions, widths, strict=True):
            starts[id(instruction)] = unit
            unit += width + CACHES[instruction.opcode]
        grew = False
        for index, instruction in enumerate(instructions):
            if instruction.target is None:
                continue
            after = starts[id(instruction)] + widths[index] + CACHES[instruction.opcode]
            arguments[index] = argument = _jump_argument(instruction.opcode, starts[id(instruction.target)], after)
            if _width(argument) > widths[index]:
                widths[index] = _width(argument)
                grew = True
        if not grew:
            return arguments, starts


def _jump_argument(opcode: int, target: int, after: int) -> int:
    if opcode in ABSOLUTE_JUMPS:
        return target
    argument = after - target if opcode in BACKWARD_JUMPS else target - after
    if argument < 0:
        raise Unsupported("a jump would have to change its direction")
    return argument


def _emit_handlers(instructions: Sequence[Instruction], starts: dict[int, int], end: int) -> bytes:
    entries: list[tuple[int, int, int, int, bool]] = []
    current: Handler | None = None
    began = 0
    for instruction in (*instructions, None):
        handler = instruction.handler if instruction is not None else None
        if handler is current:
            continue
        unit = starts[id(instruction)] if instruction is not None else end
        if current is not None:
            entries.append((began, unit, starts[id(current.target)], current.depth, current.lasti))
        current, began = handler, unit
    return tables.emit_exception_table(entries)
