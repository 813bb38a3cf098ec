"""What is injected into the bytecode of CPython 3.11, 3.12 and 3.13.

A call with at least one argument is compiled as a method call (callable, first argument, the rest): the same layout in
all three. Stack pictures in comments grow to the right.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import lru_cache
from inspect import CO_ASYNC_GENERATOR, CO_GENERATOR
from typing import TYPE_CHECKING, Any

from tracer.instrument.injection import pickled
from tracer.instrument.injection.assembly import (
    NOWHERE,
    Handler,
    Instruction,
    any_of,
    assemble,
    parse,
    parse_runs,
    ready,
    run_of,
    suspends,
)
from tracer.instrument.injection.depth import stack_depths
from tracer.instrument.injection.opcodes import OPCODE, RETURN_NAMES, RETURNS
from tracer.instrument.injection.parameters import parameter_slots
from tracer.instrument.probe import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import CodeType

    from tracer.instrument.injection.assembly import Position

_SLACK = 7  # the token, a raising offset, an exception, and a hook with its two arguments
_RESUMES_AFTER = 3  # the bits of RESUME's argument that say where it stands
_AT_START, _AFTER_YIELD, _AFTER_DELEGATED_YIELD = 0, 1, 2
_WRAPS_ASYNC_ITEM = 4  # CALL_INTRINSIC_1's argument
_STOPS_TO_RUNTIME_ERROR = 3  # CALL_INTRINSIC_1's argument
_IN_CLOSED_BLOCK = 4  # a bit of RESUME's argument: nothing but the PEP 479 handler is around it
_ONE_BYTE = 0x100


def inject(code: CodeType, hooks: Mapping[str, Callable[..., Any]]) -> CodeType:
    """Return `code` calling `hooks`, which has "yielded" and "resumed" only where items are to be seen."""
    constants = {name: len(code.co_consts) + index for index, name in enumerate(hooks)}
    injector = _Injector(code, constants)
    instructions = injector.inject()
    slack = max(_SLACK, len(parameter_slots(code)) + 4)
    return assemble(code, instructions, (*code.co_consts, *pickled.constants(hooks)), slack)


@dataclass(slots=True)
class _Injector:
    code: CodeType
    constants: Mapping[str, int]

    def inject(self) -> list[Instruction]:
        # What suspends is followed instruction by instruction, for the depth of its stack.
        follows = suspends(self.code)
        instructions = parse(self.code) if follows else parse_runs(self.code, any_of("RESUME", *RETURN_NAMES))
        start = 1 + index_of_start(instructions)
        head, body = instructions[:start], instructions[start:]
        depths = stack_depths(body) if "yielded" in self.constants else {}
        appended = _keep_handlers_of_head(head) if follows else []
        for handler in {id(one.handler): one.handler for one in body if one.handler is not None}.values():
            handler.depth += 1
        watched = self._body(body, depths)
        raising = ready(_raising(self.constants["raised"]), NOWHERE)
        cover = Handler(raising, 1, lasti=True)
        for instruction in watched:
            if instruction.handler is None:
                instruction.handler = cover
        return [*head, self._prefix(body[0]), *watched, raising, *appended]

    def _prefix(self, first: Instruction) -> Instruction:
        line = first.position[0]
        raw = _prefix(self.constants["entered"], self.constants["began"], tuple(self._loads()))
        return ready(raw, (line, line, None, None))

    def _loads(self) -> Iterable[tuple[str, int]]:
        cells = self.code.co_cellvars
        for slot in parameter_slots(self.code):
            yield "LOAD_DEREF" if cells and self.code.co_varnames[slot] in cells else "LOAD_FAST", slot

    def _body(self, body: list[Instruction], depths: Mapping[int, int]) -> list[Instruction]:
        watched: list[Instruction] = []
        for index, instruction in enumerate(body):
            if instruction.opcode in RETURNS:
                watched += self._returning(instruction)
            elif instruction.opcode == OPCODE["YIELD_VALUE"]:
                self._before_yield(watched, instruction, body[index + 1], depths)
            elif instruction.opcode == OPCODE["RESUME"]:
                watched += self._resuming(instruction, depths)
            else:
                watched.append(instruction)
        return watched

    def _returning(self, instruction: Instruction) -> list[Instruction]:
        """Turn `[token, value] RETURN_VALUE` into a call of the hook, and drop the token."""
        returning = ready(_returning(self.constants["returned"]), instruction.position, instruction.handler)
        if instruction.opcode != OPCODE["RETURN_VALUE"]:
            instruction.opcode = OPCODE["LOAD_CONST"]
            return [instruction, returning]
        instruction.become(returning)
        return [instruction]

    def _watch(self, hook: str, depth: int, position: Position, handler: Handler | None) -> Instruction:
        return ready(_watching(self.constants[hook], depth), position, handler)

    def _before_yield(
        self, watched: list[Instruction], instruction: Instruction, resume: Instruction, depths: Mapping[int, int]
    ) -> None:
        """Append `instruction`, a YIELD_VALUE, and before it (and what wraps an async item) a call of the hook."""
        place = resume.argument & _RESUMES_AFTER
        depth = depths.get(id(instruction))
        if sys.version_info[:2] == (3, 12):
            instruction.argument += 1  # how many handlers are around it: 1 lets close() skip running the generator
        if depth is None or not self._hands_out(place):
            watched.append(instruction)
            return
        if place == _AFTER_DELEGATED_YIELD and sys.version_info < (3, 12):
            self._before_delegated_yield(watched, instruction, depth)
            return
        if self.code.co_flags & CO_ASYNC_GENERATOR:
            wrap = watched.pop()
            if not _wraps_async_item(wrap):
                raise Unsupported("an async generator yields an item that was not wrapped")
            following = [wrap, instruction]
        else:
            following = [instruction]
        first = following[0]
        moved = replace(first)
        first.become(self._watch("yielded", depth, first.position, first.handler))
        watched += [first, moved, *following[1:]]

    def _before_delegated_yield(self, watched: list[Instruction], instruction: Instruction, depth: int) -> None:
        """Report an item of `yield from` where throw() looks for a SEND right before the YIELD_VALUE (3.11).

        It steps back one instruction and takes that one's one-byte argument as a jump, so a second SEND, over which
        control jumps, stands there. Where another engine has put one there, its jump is kept.
        """
        send = watched[-1]
        if send.opcode != OPCODE["SEND"]:
            raise Unsupported("a delegated item is not sent for")
        position, handler = instruction.position, instruction.handler
        before = watched[-2]
        if before.opcode == OPCODE["JUMP_FORWARD"] and before.target is instruction:
            over = replace(before)
            before.become(self._watch("yielded", depth, position, handler))
            watched[-1:] = [over, send, instruction]
            return
        over = Instruction(OPCODE["JUMP_FORWARD"], 0, position, instruction, handler)
        found_by_throw = replace(send)
        watched += [self._watch("yielded", depth, position, handler), over, found_by_throw, instruction]

    def _resuming(self, resume: Instruction, depths: Mapping[int, int]) -> list[Instruction]:
        place = resume.argument & _RESUMES_AFTER
        if sys.version_info >= (3, 13):
            resume.argument &= ~_IN_CLOSED_BLOCK  # else close() would not run the generator, nor the hook
        depth = depths.get(id(resume))
        if depth is None or not self._hands_out(place):
            return [resume]
        return [resume, self._watch("resumed", depth, resume.position, resume.handler)]

    def _hands_out(self, place: int) -> bool:
        """Whether what stands before a RESUME of this kind hands an item to the caller, and is no await."""
        if self.code.co_flags & CO_GENERATOR:
            return place in {_AFTER_YIELD, _AFTER_DELEGATED_YIELD}
        return bool(self.code.co_flags & CO_ASYNC_GENERATOR) and place == _AFTER_YIELD


def index_of_start(instructions: list[Instruction]) -> int:
    """Return the index of the RESUME before which a frame is being set up."""
    for index, instruction in enumerate(instructions):
        if instruction.opcode == OPCODE["RESUME"] and instruction.argument & _RESUMES_AFTER == _AT_START:
            return index
    raise Unsupported("it has no RESUME at its start")


def _keep_handlers_of_head(head: list[Instruction]) -> list[Instruction]:
    """Give what runs before the token is there its own copy of the PEP 479 handler (3.12 and later)."""
    handlers = {id(one.handler): one.handler for one in head if one.handler is not None}
    if not handlers:
        return []
    copy = [Instruction(OPCODE["CALL_INTRINSIC_1"], _STOPS_TO_RUNTIME_ERROR), Instruction(OPCODE["RERAISE"], 1)]
    for handler in handlers.values():
        if handler.depth or (handler.target.opcode, handler.target.argument) != (copy[0].opcode, copy[0].argument):
            raise Unsupported("an unknown handler covers its start")
    kept = Handler(copy[0], 0, lasti=True)
    for instruction in head:
        if instruction.handler is not None:
            instruction.handler = kept
    return copy


def _wraps_async_item(instruction: Instruction) -> bool:
    if sys.version_info < (3, 12):
        return instruction.opcode == OPCODE["ASYNC_GEN_WRAP"]
    return (instruction.opcode, instruction.argument) == (OPCODE["CALL_INTRINSIC_1"], _WRAPS_ASYNC_ITEM)


# What is injected, as bytes: the same in many functions. Nothing is called where the token is None.


@lru_cache(maxsize=4096)
def _prefix(entered: int, began: int, loads: tuple[tuple[str, int], ...]) -> bytes:
    """Leave what `began` returns for the ticket of `entered` and the arguments, or None, on the empty stack."""
    return run_of(
        [
            *_call_without_arguments(entered),
            Instruction(OPCODE["COPY"], 1),
            unless_none(),
            # ticket
            Instruction(OPCODE["LOAD_CONST"], began),
            Instruction(OPCODE["SWAP"], 2),
            *(Instruction(OPCODE[name], slot) for name, slot in loads),
            Instruction(OPCODE["BUILD_LIST"], len(loads)),
            *call_as_method(1),
            *after_call(),
        ]
    )


@lru_cache(maxsize=1024)
def _returning(hook: int) -> bytes:
    """Turn `[token, value] RETURN_VALUE` into a call of the hook, and drop the token."""
    drop = Instruction(OPCODE["SWAP"], 2)
    return run_of([*_watch(hook, 1, drop), drop, Instruction(OPCODE["POP_TOP"]), Instruction(OPCODE["RETURN_VALUE"])])


@lru_cache(maxsize=1024)
def _raising(hook: int) -> bytes:
    """Handle what leaves the function: `[token, offset, error]`."""
    again = Instruction(OPCODE["RERAISE"], 1)
    return run_of([*_watch(hook, 2, again), again])


@lru_cache(maxsize=1024)
def _watching(hook: int, depth: int) -> bytes:
    return run_of(_watch(hook, depth))


def _watch(hook: int, depth: int, then: Instruction | None = None) -> list[Instruction]:
    """Call a hook with the token, `depth` below the top of the stack, and the value on top, which stays there.

    `then` is the instruction that comes next.
    """
    return [
        Instruction(OPCODE["COPY"], depth + 1),
        unless_none(then),
        Instruction(OPCODE["LOAD_CONST"], hook),
        Instruction(OPCODE["COPY"], depth + 2),
        Instruction(OPCODE["COPY"], 3),
        *call_as_method(1),
        Instruction(OPCODE["POP_TOP"]),
    ]


def unless_none(target: Instruction | None = None, position: Position = NOWHERE) -> Instruction:
    """Return a jump that is taken where the value on top, which it consumes, is None."""
    name = "POP_JUMP_FORWARD_IF_NONE" if sys.version_info < (3, 12) else "POP_JUMP_IF_NONE"
    return Instruction(OPCODE[name], 0, position, target)


def _call_without_arguments(constant: int) -> list[Instruction]:
    load = Instruction(OPCODE["LOAD_CONST"], constant)
    null = Instruction(OPCODE["PUSH_NULL"])
    return [*([load, null] if sys.version_info >= (3, 13) else [null, load]), *call_as_method(0)]


def call_as_method(count: int, position: Position = NOWHERE) -> list[Instruction]:
    """Return what calls the callable that lies below one argument and `count` more."""
    call = Instruction(OPCODE["CALL"], count, position)
    return [call] if sys.version_info >= (3, 12) else [Instruction(OPCODE["PRECALL"], count, position), call]


def after_call(position: Position = NOWHERE) -> list[Instruction]:
    """Return what keeps trace functions from being told of a line twice where a jump leads right behind a call.

    3.12 compares the line with that of the call's last inline cache, which has none.
    """
    return [Instruction(OPCODE["NOP"], 0, position)] if sys.version_info[:2] == (3, 12) else []
