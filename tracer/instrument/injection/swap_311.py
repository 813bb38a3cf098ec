"""What takes the place of a callee or an operand on the value stack, in the bytecode of CPython 3.11 to 3.13.

In front of a site stands a test that runs no Python code; where it does not rule the value out, a function is asked what to put in its
place. The site itself stays as it is. Stack pictures in comments grow to the right.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tracer.instrument.injection.assembly import Instruction, in_place_of
from tracer.instrument.injection.emit_311 import Steps
from tracer.instrument.injection.opcodes import OPCODE
from tracer.instrument.injection.sites import HASHED_BY_IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.instrument.injection.sites import Swap

_JUMP_IF: Final = "POP_JUMP_FORWARD_IF_TRUE" if sys.version_info < (3, 12) else "POP_JUMP_IF_TRUE"


class Swapping(Steps):
    """Puts the test and the exchange in front of one site, once for each slot that is looked at."""

    __slots__ = ()

    def in_front_of(
        self, unit: list[Instruction], heights: Iterable[int], swap: Swap, *, called: bool
    ) -> list[Instruction]:
        """Return a site's instructions with those that look at slots in front; `called` says that the slot is what is called."""
        for height in heights:
            self._exchange(height, swap, called=called)
        first = replace(unit[0])
        sequence = in_place_of(unit[0], self.made)
        sequence[0].handler, sequence[0].position = self.handler, self.position
        return [*sequence, first, *unit[1:]]

    def _exchange(self, height: int, swap: Swap, *, called: bool) -> None:
        ask, take, drop, done = (self._mark(name) for name in ("POP_TOP", "POP_TOP", "POP_TOP", "NOP"))
        found = self._mark("NOP")
        self._function("type")
        self._copy(height, 2)
        self._as_method(1)
        # its type
        for kind in (*swap.kinds, swap.mapping) if called else (swap.mapping,):
            self._jump_if_type(kind, take)
        if called:
            for kind in HASHED_BY_IDENTITY:
                self._jump_if_type(kind, ask)
        self._jump("JUMP_FORWARD", drop)
        if called:
            self.made.append(ask)
            self._function("swapped")
            self._copy(height, 2)
            self._as_method(1)
            self._jump(_JUMP_IF, found)
            self._jump("JUMP_FORWARD", done)
        self.made += [take, found]
        self._function("place")
        self._copy(height, 2)
        self._as_method(1)
        self._add("SWAP", self.depth + 1 - height)
        self._add("POP_TOP")
        self._jump("JUMP_FORWARD", done)
        self.made += [drop, done]

    def _jump_if_type(self, kind: type, target: Instruction) -> None:
        self._add("COPY", 1)
        self._add("LOAD_CONST", self.owner.constant(kind))
        self._add("IS_OP", 0)
        self._jump(_JUMP_IF, target)

    def _mark(self, name: str) -> Instruction:
        return Instruction(OPCODE[name], 0, self.position, handler=self.handler)
