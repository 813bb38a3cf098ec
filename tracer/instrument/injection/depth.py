"""How many values lie on the stack before each instruction, found by following every path."""

from __future__ import annotations

import dis
from itertools import pairwise
from typing import TYPE_CHECKING

from tracer.instrument.injection.opcodes import ENDS, HAS_ARGUMENT, OPCODE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tracer.instrument.injection.assembly import Instruction


def stack_depths(instructions: Sequence[Instruction]) -> dict[int, int]:
    """Return the depth of the value stack before each reachable instruction, by id, the first one starting at 0."""
    return _follow(instructions, stack_effect)


def block_depths(instructions: Sequence[Instruction]) -> dict[int, int]:
    """Return the depth of the block stack of 3.10 before each reachable instruction, by id."""
    return _follow(instructions, _block_effect)


def _follow(instructions: Sequence[Instruction], effect: Callable[[Instruction, bool], int]) -> dict[int, int]:
    following = {id(one): after for one, after in pairwise(instructions)}
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
            todo.append((instruction.target, depth + effect(instruction, True)))
        after = following.get(id(instruction))
        if instruction.opcode not in ENDS and after is not None:
            todo.append((after, depth + effect(instruction, False)))
    return depths


def stack_effect(instruction: Instruction, jump: bool) -> int:
    """Return how many values more lie on the stack after an instruction, where it jumps or where it does not."""
    argument = instruction.argument if instruction.opcode >= HAS_ARGUMENT else None
    return dis.stack_effect(instruction.opcode, argument, jump=jump)


_BLOCK_EFFECTS = {
    OPCODE[name]: effect
    for name, effect in (
        ("SETUP_FINALLY", 1),  # where it jumps, the block of the handler under way has taken its place
        ("SETUP_WITH", 1),
        ("SETUP_ASYNC_WITH", 1),
        ("POP_BLOCK", -1),
        ("POP_EXCEPT", -1),
        ("END_ASYNC_FOR", -1),
    )
    if name in OPCODE
}

BLOCK_SETUPS = frozenset(opcode for opcode, effect in _BLOCK_EFFECTS.items() if effect > 0)
"""What pushes a block in 3.10."""


def _block_effect(instruction: Instruction, jump: bool) -> int:  # noqa: ARG001  # the same on both ways
    return _BLOCK_EFFECTS.get(instruction.opcode, 0)
