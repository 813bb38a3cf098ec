"""What is injected into the bytecode of CPython 3.10.

A block pushed at the start keeps the token at the bottom of the value stack. There is no COPY: the token is brought
to the top by turning the stack. Stack pictures in comments grow to the right.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from inspect import CO_GENERATOR
from typing import TYPE_CHECKING, Any

from tracer.instrument.injection.assembly import NOWHERE, Instruction, Unsupported, assemble, parse
from tracer.instrument.injection.delegate import delegation, strip
from tracer.instrument.injection.depth import block_depths, stack_depths
from tracer.instrument.injection.opcodes import OPCODE
from tracer.instrument.injection.parameters import parameter_slots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import CodeType

    from tracer.instrument.injection.assembly import Position

_SLACK = 16  # the token, an exception's six values, and a hook with its arguments
_MAX_BLOCKS = 20  # CO_MAXBLOCKS; the interpreter aborts beyond
_OUR_BLOCKS = 2  # around the whole body, and around a YIELD_FROM
_BELOW_ERROR = 7  # values a handler has above the token, the exception copied on top counted
_ROTATIONS = {2: "ROT_TWO", 3: "ROT_THREE", 4: "ROT_FOUR"}


def inject(code: CodeType, hooks: Mapping[str, Callable[..., Any]]) -> CodeType:
    """Return `code` calling `hooks`, which has "yielded" and "resumed" only where items are to be seen."""
    values: dict[str, object] = {**hooks, "none": None}
    if code.co_flags & CO_GENERATOR:
        values["delegate"] = delegation(hooks["yielded"], hooks["resumed"])
        values["strip"] = strip
    constants = {name: len(code.co_consts) + index for index, name in enumerate(values)}
    instructions = _Injector(code, constants).inject()
    slack = max(_SLACK, len(parameter_slots(code)) + 4)
    return assemble(code, instructions, (*code.co_consts, *values.values()), slack)


@dataclass(slots=True)
class _Injector:
    code: CodeType
    constants: Mapping[str, int]
    handlers: list[Instruction] = field(default_factory=list)

    def inject(self) -> list[Instruction]:
        instructions = parse(self.code)
        if max(block_depths(instructions).values()) > _MAX_BLOCKS - _OUR_BLOCKS:
            raise Unsupported("its blocks are nested too deeply for one more")
        start = int(instructions[0].opcode == OPCODE["GEN_START"])
        head, body = instructions[:start], instructions[start:]
        depths = stack_depths(body) if "yielded" in self.constants else {}
        first = body[0]
        position = first.position
        watched = self._body(body, depths)
        raising = self._raising()
        block = Instruction(OPCODE["SETUP_FINALLY"], 0, position, raising[0])
        return [*head, *self._prefix(block, position), block, *watched, *raising, *self.handlers]

    def _prefix(self, block: Instruction, position: Position) -> list[Instruction]:
        slots = parameter_slots(self.code)
        return [
            self._load("entered", position),
            Instruction(OPCODE["CALL_FUNCTION"], 0, position),
            *self._if_none(block, position),
            # ticket
            self._load("began", position),
            Instruction(OPCODE["ROT_TWO"], 0, position),
            *(Instruction(OPCODE[name], index, position) for name, index in self._loads()),
            Instruction(OPCODE["BUILD_LIST"], len(slots), position),
            Instruction(OPCODE["CALL_FUNCTION"], 2, position),
        ]

    def _loads(self) -> Iterable[tuple[str, int]]:
        cells = self.code.co_cellvars
        for slot in parameter_slots(self.code):
            name = self.code.co_varnames[slot]
            yield ("LOAD_DEREF", cells.index(name)) if name in cells else ("LOAD_FAST", slot)

    def _load(self, constant: str, position: Position) -> Instruction:
        return Instruction(OPCODE["LOAD_CONST"], self.constants[constant], position)

    def _if_none(self, target: Instruction, position: Position) -> list[Instruction]:
        """Jump where the value on top is None; it stays there."""
        return [
            Instruction(OPCODE["DUP_TOP"], 0, position),
            self._load("none", position),
            Instruction(OPCODE["IS_OP"], 0, position),
            Instruction(OPCODE["POP_JUMP_IF_TRUE"], 0, position, target),
        ]

    def _body(self, body: list[Instruction], depths: Mapping[int, int]) -> list[Instruction]:
        watched: list[Instruction] = []
        for index, instruction in enumerate(body):
            depth = depths.get(id(instruction))
            if instruction.opcode == OPCODE["RETURN_VALUE"]:
                watched += self._returning(instruction)
            elif instruction.opcode == OPCODE["YIELD_VALUE"] and depth is not None:
                watched += self._yielding(instruction, depth)
            elif self._delegates(instruction) and depth is not None:
                watched += self._delegating(instruction, depth)
            elif instruction.opcode == OPCODE["YIELD_FROM"] and index > 1 and self._delegates(body[index - 2]):
                watched += [instruction, Instruction(OPCODE["POP_BLOCK"], 0, instruction.position)]
            else:
                watched.append(instruction)
        return watched

    def _delegates(self, instruction: Instruction) -> bool:
        return "delegate" in self.constants and instruction.opcode == OPCODE["GET_YIELD_FROM_ITER"]

    def _watch(self, hook: str, depth: int, position: Position) -> list[Instruction]:
        """Call a hook with the token, `depth` below the top of the stack, and the value on top, which stays there.

        Nothing is called where the token is None.
        """
        drop = Instruction(OPCODE["POP_TOP"], 0, position)
        return [
            *_token_on_top(depth, position),
            # value, token
            *self._if_none(drop, position),
            Instruction(OPCODE["ROT_TWO"], 0, position),
            Instruction(OPCODE["DUP_TOP"], 0, position),
            Instruction(OPCODE["ROT_THREE"], 0, position),
            self._load(hook, position),
            Instruction(OPCODE["ROT_THREE"], 0, position),
            # value, hook, token, value
            Instruction(OPCODE["CALL_FUNCTION"], 2, position),
            drop,
        ]

    def _returning(self, instruction: Instruction) -> list[Instruction]:
        position = instruction.position
        call = self._watch("returned", 1, position)
        return [
            *_in_place_of(instruction, call),
            Instruction(OPCODE["POP_BLOCK"], 0, position),
            Instruction(OPCODE["ROT_TWO"], 0, position),
            Instruction(OPCODE["POP_TOP"], 0, position),
            Instruction(OPCODE["RETURN_VALUE"], 0, position),
        ]

    def _yielding(self, instruction: Instruction, depth: int) -> list[Instruction]:
        moved = replace(instruction)
        before = self._watch("yielded", depth, instruction.position)
        after = self._watch("resumed", depth, instruction.position)
        return [*_in_place_of(instruction, before), moved, *after]

    def _delegating(self, instruction: Instruction, depth: int) -> list[Instruction]:
        """After GET_YIELD_FROM_ITER: wrap the iterator, and open the block that cleans tracebacks."""
        position = instruction.position
        block = Instruction(OPCODE["SETUP_FINALLY"], 0, position, self._cleaning())
        drop = Instruction(OPCODE["POP_TOP"], 0, position)
        return [
            instruction,
            *_token_on_top(depth, position),
            # iterator, token
            *self._if_none(drop, position),
            self._load("delegate", position),
            Instruction(OPCODE["ROT_THREE"], 0, position),
            Instruction(OPCODE["CALL_FUNCTION"], 2, position),
            Instruction(OPCODE["JUMP_FORWARD"], 0, position, block),
            drop,
            block,
        ]

    def _cleaning(self) -> Instruction:
        if not self.handlers:
            self.handlers += [
                *_copy_error(),
                self._load("strip", NOWHERE),
                Instruction(OPCODE["ROT_TWO"]),
                Instruction(OPCODE["CALL_FUNCTION"], 1),
                Instruction(OPCODE["POP_TOP"]),
                Instruction(OPCODE["RERAISE"], 1),
            ]
        return self.handlers[0]

    def _raising(self) -> list[Instruction]:
        return [
            *_copy_error(),
            *self._watch("raised", _BELOW_ERROR, NOWHERE),
            Instruction(OPCODE["POP_TOP"]),
            Instruction(OPCODE["RERAISE"], 1),
        ]


def _copy_error() -> list[Instruction]:
    """At the start of a handler, `traceback, error, type`: copy the error to the top."""
    return [Instruction(OPCODE["DUP_TOP_TWO"]), Instruction(OPCODE["POP_TOP"])]


def _token_on_top(depth: int, position: Position) -> list[Instruction]:
    """Copy the value that is `depth` below the top to the top."""
    if depth == 1:
        return [Instruction(OPCODE["DUP_TOP_TWO"], 0, position), Instruction(OPCODE["POP_TOP"], 0, position)]
    return [
        *(_rotation(depth + 1, position) for _ in range(depth)),
        Instruction(OPCODE["DUP_TOP"], 0, position),
        _rotation(depth + 2, position),
    ]


def _rotation(count: int, position: Position) -> Instruction:
    name = _ROTATIONS.get(count)
    return Instruction(OPCODE[name], 0, position) if name else Instruction(OPCODE["ROT_N"], count, position)


def _in_place_of(instruction: Instruction, sequence: list[Instruction]) -> list[Instruction]:
    """Return `sequence` with its first element put into `instruction`, so that jumps to that one lead to it."""
    first = sequence[0]
    instruction.opcode, instruction.argument, instruction.target = first.opcode, first.argument, first.target
    return [instruction, *sequence[1:]]
