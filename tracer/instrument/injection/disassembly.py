"""Code objects taken apart into instructions. Jumps and exception handlers refer to instructions, so more can be inserted anywhere."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from tracer.instrument.injection.locations import NOWHERE, positions_of
from tracer.instrument.injection.opcodes import (
    ABSOLUTE_JUMPS,
    BACKWARD_JUMPS,
    CACHES,
    EXTENDED_ARG,
    JUMPS,
    OPCODE,
)
from tracer.instrument.injection.tables import parse_exception_table
from tracer.instrument.probe import Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

    from tracer.instrument.injection.locations import Position

RUN: Final = -1
"""The opcode of an `Instruction` that stands for several."""


@dataclass(slots=True, eq=False)
class Instruction:
    """One instruction, or a run of them that nothing leads into or out of but over its ends.

    opcode: `RUN` where it is a run.
    argument: a jump's is chosen when the code is assembled.
    position: a run's is that of its first instruction, unless it was copied, then each keeps its own.
    target: where it jumps.
    handler: what catches an exception it raises (3.11 and later).
    raw: the bytes of a run.
    unit, units: the place and the size, in code units, that it had in the code it was parsed from; a size of 0 where it is new.
    start, size: the place and the size that it is given when it is assembled.
    """

    opcode: int
    argument: int = 0
    position: Position = NOWHERE
    target: Instruction | None = None
    handler: Handler | None = None
    raw: bytes = b""
    unit: int = 0
    units: int = 0
    start: int = 0
    size: int = 0

    def become(self, other: Instruction) -> None:
        """Take another one's place, so that jumps to this one lead to what that one does. Position and handler stay."""
        self.opcode, self.argument, self.target, self.raw = other.opcode, other.argument, other.target, other.raw
        self.units = 0


def in_place_of(instruction: Instruction, sequence: list[Instruction]) -> list[Instruction]:
    """Return `sequence` with its first element put into `instruction`, so that jumps to that one lead to it."""
    instruction.become(sequence[0])
    return [instruction, *sequence[1:]]


def ready(raw: bytes, position: Position, handler: Handler | None = None) -> Instruction:
    """Return the run of instructions that these bytes are."""
    return Instruction(RUN, 0, position, None, handler, raw)


@dataclass(slots=True, eq=False)
class Handler:
    """Where an exception goes on: to `target`, with the stack cut to `depth`, the raising offset pushed if `lasti`."""

    target: Instruction
    depth: int
    lasti: bool


def suspends(code: CodeType) -> bool:
    """Whether a function of this code may wait before it ends."""
    return bool(code.co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR))


def parse(code: CodeType) -> list[Instruction]:
    """Take a code object apart, each instruction by itself."""
    positions = positions_of(code)
    parsed: list[Instruction] = []
    raw = code.co_code
    start = unit = argument = 0
    end = len(raw) // 2
    while unit < end:
        opcode = raw[2 * unit]
        argument = argument << 8 | raw[2 * unit + 1]
        unit += 1
        if opcode == EXTENDED_ARG:
            continue
        position = positions[unit - 1]
        unit += CACHES[opcode]
        parsed.append(Instruction(opcode, argument, position, unit=start, units=unit - start))
        start, argument = unit, 0
    _connect(code, parsed)
    return parsed


def parse_runs(code: CodeType, apart: re.Pattern[bytes]) -> list[Instruction]:
    """Take a code object apart into as few pieces as can be.

    By itself stands what jumps and what `apart` (see `any_of`) names; what lies between, as far as nothing leads there, is a run.
    """
    raw = code.co_code
    positions = positions_of(code)
    alone = _instructions_apart(raw, apart, positions)
    cuts = sorted(_cuts(code, alone.values(), len(raw) // 2))
    if cuts[0] or cuts[-1] * 2 != len(raw):
        raise Unsupported("a jump or handler leads out of it")
    parsed: list[Instruction] = []
    for start, end in pairwise(cuts):
        piece = alone.get(start)
        if piece is None:
            piece = Instruction(RUN, 0, positions[start], None, None, raw[2 * start : 2 * end], start, end - start)
        parsed.append(piece)
    _connect(code, parsed)
    return parsed


def _cuts(code: CodeType, alone: Iterable[Instruction], end: int) -> set[int]:
    """Return the code units at which a piece begins or ends."""
    cuts = {0, end}
    for instruction in alone:
        cuts.add(instruction.unit)
        cuts.add(instruction.unit + instruction.units)
        if instruction.opcode in JUMPS:
            cuts.add(_jump_target(instruction))
    if sys.version_info >= (3, 11) and code.co_exceptiontable:
        for start, stop, target, _, _ in parse_exception_table(code.co_exceptiontable):
            cuts.update((start, stop, target))
    return cuts


@lru_cache(maxsize=8)
def any_of(*opcodes: str) -> re.Pattern[bytes]:
    """Return what finds these, as far as this Python has them, and all that jump, among the opcodes of some code."""
    numbers = {OPCODE[name] for name in opcodes if name in OPCODE} | JUMPS
    return re.compile(b"[" + b"".join(re.escape(bytes((number,))) for number in numbers if number < len(CACHES)) + b"]")


def _instructions_apart(raw: bytes, apart: re.Pattern[bytes], positions: list[Position]) -> dict[int, Instruction]:
    """Return what `apart` finds, by where it starts. Inline caches are no opcode: they are zero in `co_code`."""
    opcodes = raw[::2]
    found: dict[int, Instruction] = {}
    for match in apart.finditer(opcodes):
        start = unit = match.start()
        opcode, argument, shift = opcodes[unit], raw[2 * unit + 1], 8
        while start and opcodes[start - 1] == EXTENDED_ARG:
            start -= 1
            argument |= raw[2 * start + 1] << shift
            shift += 8
        size = unit + 1 + CACHES[opcode] - start
        found[start] = Instruction(opcode, argument, positions[unit], unit=start, units=size)
    return found


def _connect(code: CodeType, parsed: list[Instruction]) -> None:
    """Find the instructions that jumps lead to, and give each its handler."""
    at = {instruction.unit: instruction for instruction in parsed}
    end = 0
    for instruction in parsed:
        if instruction.unit != end:
            raise Unsupported(f"something leads into the instruction before code unit {instruction.unit}")
        end += instruction.units
        if instruction.opcode in JUMPS:
            instruction.target = _instruction_at(at, _jump_target(instruction))
    if sys.version_info >= (3, 11) and code.co_exceptiontable:
        _connect_handlers(code.co_exceptiontable, parsed, at)


def _jump_target(jump: Instruction) -> int:
    if jump.opcode in ABSOLUTE_JUMPS:
        return jump.argument
    after = jump.unit + jump.units
    return after - jump.argument if jump.opcode in BACKWARD_JUMPS else after + jump.argument


def _instruction_at(at: dict[int, Instruction], unit: int) -> Instruction:
    try:
        return at[unit]
    except KeyError:
        raise Unsupported(f"nothing starts at code unit {unit}, where a jump or handler leads") from None


def _connect_handlers(table: bytes, parsed: list[Instruction], at: dict[int, Instruction]) -> None:
    starts = [instruction.unit for instruction in parsed]
    for start, end, target, depth, lasti in parse_exception_table(table):
        handler = Handler(_instruction_at(at, target), depth, lasti)
        for instruction in parsed[bisect_left(starts, start) : bisect_left(starts, end)]:
            instruction.handler = handler
