"""What takes the place of a callee or an operand on the value stack, in the bytecode of CPython 3.10.

As in later releases (`swap_311`), with rotations where those copy and exchange. Stack pictures in comments grow to the right.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tracer.instrument.injection.assembly import Instruction, in_place_of
from tracer.instrument.injection.inject_310 import rotation, token_on_top
from tracer.instrument.injection.opcodes import OPCODE
from tracer.instrument.injection.pickled import Exchange
from tracer.instrument.injection.sites import HASHED_BY_IDENTITY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tracer.instrument.injection.locations import Position
    from tracer.instrument.injection.sites import Swap


@dataclass(slots=True, eq=False)
class Swapping:
    """Puts the test and the exchange in front of one site, before which `depth` values lie on the stack. `constant` adds one to the code's."""

    swap: Swap
    constant: Callable[[object], int]
    depth: int
    position: Position
    made: list[Instruction] = field(default_factory=list)

    def in_front_of(self, unit: list[Instruction], heights: Iterable[int], *, called: bool) -> list[Instruction]:
        """Return a site's instructions with those that look at slots in front; `called` says that the slot is what is called."""
        for height in heights:
            self._exchange(self.depth - 1 - height, called=called)
        first = replace(unit[0])
        return [*in_place_of(unit[0], self.made), first, *unit[1:]]

    def _exchange(self, below: int, *, called: bool) -> None:
        """Look at the value that lies so far below the top."""
        swap = self.swap
        ask, take, drop = (self._instruction("POP_TOP") for _ in range(3))
        found, done = self._instruction("NOP"), self._instruction("NOP")
        self.made += token_on_top(below, self.position)
        self._called(type)
        # its type
        for kind in (*swap.kinds, swap.mapping) if called else (swap.mapping,):
            self._jump_if_type(kind, take)
        if called:
            for kind in HASHED_BY_IDENTITY:
                self._jump_if_type(kind, ask)
        self._jump("JUMP_FORWARD", drop)
        if called:
            self.made += [ask, *token_on_top(below, self.position)]
            self._called(swap.known.__contains__)
            self._jump("POP_JUMP_IF_TRUE", found)
            self._jump("JUMP_FORWARD", done)
        self.made += [take, found, *token_on_top(below, self.position)]
        self._called(Exchange(swap.place))
        # old, ..., new -> new, ..., old
        self.made.append(rotation(below + 2, self.position))
        self.made += [rotation(below + 1, self.position) for _ in range(below)]
        self._add("POP_TOP")
        self._jump("JUMP_FORWARD", done)
        self.made += [drop, done]

    def _jump_if_type(self, kind: type, target: Instruction) -> None:
        self._add("DUP_TOP")
        self._add("LOAD_CONST", self.constant(kind))
        self._add("IS_OP", 0)
        self._jump("POP_JUMP_IF_TRUE", target)

    def _called(self, function: object) -> None:
        """Call a function with the value on top."""
        self._add("LOAD_CONST", self.constant(function))
        self._add("ROT_TWO")
        self._add("CALL_FUNCTION", 1)

    def _instruction(self, name: str, argument: int = 0, target: Instruction | None = None) -> Instruction:
        return Instruction(OPCODE[name], argument, self.position, target)

    def _add(self, name: str, argument: int = 0) -> None:
        self.made.append(self._instruction(name, argument))

    def _jump(self, name: str, target: Instruction) -> None:
        self.made.append(self._instruction(name, 0, target))
