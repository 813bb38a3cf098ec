"""How many values lie on the stack before each instruction, found by following every path."""

from __future__ import annotations

import dis
from typing import TYPE_CHECKING

from tracer.instrument.injection.opcodes import ENDS, HAS_ARGUMENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.instrument.injection.assembly import Instruction


def stack_depths(instructions: Sequence[Instruction]) -> dict[int, int]:
    """Return the depth before each reachable instruction, by id, the first one starting at 0."""
    following = {id(one): after for one, after in zip(instructions, instructions[1:], strict=False)}
    depths: dict[int, int] = {}
    todo = [(instructions[0], 0)]
    while todo:
        instruction, depth = todo.pop()
        if id(instruction) in depths:
            continue
        depths[id(instruction)] = depth
        handler = instruction.handler
        if handler is not None:
            todo.append((handler.target, handler.depth + handler.lasti + 1))
        if instruction.target is not None:
            todo.append((instruction.target, depth + _effect(instruction, jump=True)))
        after = following.get(id(instruction))
        if instruction.opcode not in ENDS and after is not None:
            todo.append((after, depth + _effect(instruction, jump=False)))
    return depths


def _effect(instruction: Instruction, *, jump: bool) -> int:
    argument = instruction.argument if instruction.opcode >= HAS_ARGUMENT else None
    return dis.stack_effect(instruction.opcode, argument, jump=jump)
