"""What is injected into the bytecode of CPython 3.10.

A block pushed at the start keeps the token at the bottom of the value stack. There is no COPY: the token is brought
to the top by turning the stack. Stack pictures in comments grow to the right.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from inspect import CO_GENERATOR
from typing import TYPE_CHECKING, Any

from tracer.instrument.injection import pickled
from tracer.instrument.injection.assembly import (
    NOWHERE,
    Instruction,
    any_of,
    assemble,
    in_place_of,
    parse,
    parse_runs,
    ready,
    run_of,
    suspends,
)
from tracer.instrument.injection.delegate import delegation, strip
from tracer.instrument.injection.depth import BLOCK_SETUPS, block_depths, stack_depths
from tracer.instrument.injection.opcodes import OPCODE
from tracer.instrument.injection.parameters import parameter_slots
from tracer.instrument.probe import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import CodeType

    from tracer.instrument.injection.assembly import Position

_SLACK = 16  # the token, an exception's six values, and a hook with its arguments
MAX_BLOCKS = 20  # CO_MAXBLOCKS; the interpreter aborts beyond
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
    return assemble(code, instructions, (*code.co_consts, *pickled.constants(values)), slack)


@dataclass(slots=True)
class _Injector:
    code: CodeType
    constants: Mapping[str, int]
    handlers: list[Instruction] = field(default_factory=list)

    def inject(self) -> list[Instruction]:
        self._refuse_deep_blocks()
        # What suspends is followed instruction by instruction, for the depth of its stack.
        follows = suspends(self.code)
        instructions = parse(self.code) if follows else parse_runs(self.code, any_of("RETURN_VALUE"))
        start = int(instructions[0].opcode == OPCODE["GEN_START"])
        head, body = instructions[:start], instructions[start:]
        depths = stack_depths(body) if "yielded" in self.constants else {}
        first = body[0]
        position = first.position
        watched = self._body(body, depths)
        raising = self._raising()
        block = Instruction(OPCODE["SETUP_FINALLY"], 0, position, raising[0])
        return [*head, *self._prefix(block, position), block, *watched, *raising, *self.handlers]

    def _refuse_deep_blocks(self) -> None:
        opcodes = self.code.co_code[::2]
        if sum(opcodes.count(opcode) for opcode in BLOCK_SETUPS) <= MAX_BLOCKS - _OUR_BLOCKS:
            return
        if max(block_depths(parse(self.code)).values()) > MAX_BLOCKS - _OUR_BLOCKS:
            raise Unsupported("its blocks are nested too deeply for one more")

    def _prefix(self, block: Instruction, position: Position) -> list[Instruction]:
        none = self.constants["none"]
        return [
            ready(_entering(self.constants["entered"], none), position),
            _jump_if_true(block, position),
            # ticket
            ready(_beginning(self.constants["began"], tuple(self._loads())), position),
        ]

    def _loads(self) -> Iterable[tuple[str, int]]:
        cells = self.code.co_cellvars
        for slot in parameter_slots(self.code):
            name = self.code.co_varnames[slot]
            yield ("LOAD_DEREF", cells.index(name)) if name in cells else ("LOAD_FAST", slot)

    def _body(self, body: list[Instruction], depths: Mapping[int, int]) -> list[Instruction]:
        watched: list[Instruction] = []
        delegating = False
        for instruction in body:
            depth = depths.get(id(instruction))
            if instruction.opcode == OPCODE["RETURN_VALUE"]:
                watched += self._returning(instruction)
            elif instruction.opcode == OPCODE["YIELD_VALUE"] and depth is not None:
                watched += self._yielding(instruction, depth)
            elif self._delegates(instruction) and depth is not None:
                watched += self._delegating(instruction, depth)
                delegating = True
            elif instruction.opcode == OPCODE["YIELD_FROM"] and delegating:
                watched += [instruction, Instruction(OPCODE["POP_BLOCK"], 0, instruction.position)]
                delegating = False  # what follows may be an await
            else:
                watched.append(instruction)
        return watched

    def _delegates(self, instruction: Instruction) -> bool:
        return "delegate" in self.constants and instruction.opcode == OPCODE["GET_YIELD_FROM_ITER"]

    def _watch(self, hook: str, depth: int, position: Position, then: str = "") -> list[Instruction]:
        """Call a hook with the token, `depth` below the top of the stack, and the value on top, which stays there.

        Nothing is called where the token is None. The names of instructions without argument that come next may follow in `then`.
        """
        drop = ready(_plain(f"POP_TOP {then}"), position)
        return [
            ready(_token_asked(depth, self.constants["none"]), position),
            _jump_if_true(drop, position),
            # value, token
            ready(_called(self.constants[hook]), position),
            drop,
        ]

    def _returning(self, instruction: Instruction) -> list[Instruction]:
        call = self._watch("returned", 1, instruction.position, "POP_BLOCK ROT_TWO POP_TOP RETURN_VALUE")
        return in_place_of(instruction, call)

    def _yielding(self, instruction: Instruction, depth: int) -> list[Instruction]:
        moved = replace(instruction)
        before = self._watch("yielded", depth, instruction.position)
        after = self._watch("resumed", depth, instruction.position)
        return [*in_place_of(instruction, before), moved, *after]

    def _delegating(self, instruction: Instruction, depth: int) -> list[Instruction]:
        """After GET_YIELD_FROM_ITER: wrap the iterator, and open the block that cleans tracebacks."""
        position = instruction.position
        block = Instruction(OPCODE["SETUP_FINALLY"], 0, position, self._cleaning())
        drop = ready(_plain("POP_TOP"), position)
        return [
            instruction,
            # iterator
            ready(_token_asked(depth, self.constants["none"]), position),
            _jump_if_true(drop, position),
            # iterator, token
            ready(_delegated(self.constants["delegate"]), position),
            Instruction(OPCODE["JUMP_FORWARD"], 0, position, block),
            drop,
            block,
        ]

    def _cleaning(self) -> Instruction:
        if not self.handlers:
            self.handlers.append(ready(_stripping(self.constants["strip"]), NOWHERE))
        return self.handlers[0]

    def _raising(self) -> list[Instruction]:
        return [
            ready(run_of(copy_error()), NOWHERE),
            *self._watch("raised", _BELOW_ERROR, NOWHERE),
            ready(_plain("POP_TOP"), NOWHERE),
            Instruction(OPCODE["RERAISE"], 1),
        ]


def _jump_if_true(target: Instruction, position: Position) -> Instruction:
    return Instruction(OPCODE["POP_JUMP_IF_TRUE"], 0, position, target)


# What is injected between jumps, as bytes: the same in many functions.


@lru_cache(maxsize=64)
def _plain(names: str) -> bytes:
    return run_of([Instruction(OPCODE[name]) for name in names.split()])


@lru_cache(maxsize=1024)
def _entering(entered: int, none: int) -> bytes:
    return run_of([_load(entered), Instruction(OPCODE["CALL_FUNCTION"], 0), *_is_none(none)])


@lru_cache(maxsize=4096)
def _beginning(began: int, loads: tuple[tuple[str, int], ...]) -> bytes:
    return run_of(
        [
            _load(began),
            Instruction(OPCODE["ROT_TWO"]),
            *(Instruction(OPCODE[name], index) for name, index in loads),
            Instruction(OPCODE["BUILD_LIST"], len(loads)),
            Instruction(OPCODE["CALL_FUNCTION"], 2),
        ]
    )


@lru_cache(maxsize=1024)
def _token_asked(depth: int, none: int) -> bytes:
    """Copy the token, `depth` below the top, to the top, and above it whether it is None."""
    return run_of([*token_on_top(depth), *_is_none(none)])


@lru_cache(maxsize=1024)
def _called(hook: int) -> bytes:
    """Turn `[value, token]` into `[value, result]`."""
    return run_of(
        [
            Instruction(OPCODE["ROT_TWO"]),
            Instruction(OPCODE["DUP_TOP"]),
            Instruction(OPCODE["ROT_THREE"]),
            _load(hook),
            Instruction(OPCODE["ROT_THREE"]),
            # value, hook, token, value
            Instruction(OPCODE["CALL_FUNCTION"], 2),
        ]
    )


@lru_cache(maxsize=1024)
def _delegated(delegate: int) -> bytes:
    return run_of([_load(delegate), Instruction(OPCODE["ROT_THREE"]), Instruction(OPCODE["CALL_FUNCTION"], 2)])


@lru_cache(maxsize=1024)
def _stripping(strip: int) -> bytes:
    return run_of(
        [
            *copy_error(),
            _load(strip),
            Instruction(OPCODE["ROT_TWO"]),
            Instruction(OPCODE["CALL_FUNCTION"], 1),
            Instruction(OPCODE["POP_TOP"]),
            Instruction(OPCODE["RERAISE"], 1),
        ]
    )


def _load(constant: int) -> Instruction:
    return Instruction(OPCODE["LOAD_CONST"], constant)


def _is_none(none: int) -> list[Instruction]:
    """Say whether the value on top is None; it stays there, below the answer."""
    return [Instruction(OPCODE["DUP_TOP"]), _load(none), Instruction(OPCODE["IS_OP"])]


def copy_error() -> list[Instruction]:
    """At the start of a handler, `traceback, error, type`: copy the error to the top."""
    return [Instruction(OPCODE["DUP_TOP_TWO"]), Instruction(OPCODE["POP_TOP"])]


def token_on_top(depth: int, position: Position = NOWHERE) -> list[Instruction]:
    """Copy the value that is `depth` below the top to the top."""
    if depth == 0:
        return [Instruction(OPCODE["DUP_TOP"], 0, position)]
    if depth == 1:
        return [Instruction(OPCODE["DUP_TOP_TWO"], 0, position), Instruction(OPCODE["POP_TOP"], 0, position)]
    return [
        *(rotation(depth + 1, position) for _ in range(depth)),
        Instruction(OPCODE["DUP_TOP"], 0, position),
        rotation(depth + 2, position),
    ]


def rotation(count: int, position: Position = NOWHERE) -> Instruction:
    """Return the instruction that brings the value on top below the `count` - 1 values under it."""
    name = _ROTATIONS.get(count)
    return Instruction(OPCODE[name], 0, position) if name else Instruction(OPCODE["ROT_N"], count, position)
