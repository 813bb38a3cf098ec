"""What stands in front of one call site: the test, the hooks and the copy of the call, in the bytecode of CPython 3.11 to 3.13.

Stack pictures in comments grow to the right; `S` is what a method load leaves: NULL or a value.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument.injection.assembly import Handler, Instruction, in_place_of
from tracer.instrument.injection.inject_311 import after_call, call_as_method, unless_none
from tracer.instrument.injection.opcodes import OPCODE

if TYPE_CHECKING:
    from tracer.instrument.injection.assembly import Position
    from tracer.instrument.injection.sites import Site
    from tracer.instrument.injection.sites_311 import Instrumenter

NULL_FIRST: Final = sys.version_info < (3, 13)
"""Whether the NULL of a call lies below what is called, and not above it."""


@dataclass(slots=True, eq=False)
class CallSite:
    """A call site: its instructions, and the heights of the slots that matter.

    `base` is the lowest slot that the call consumes; `looked_at` are the slots whose kinds decide; `arguments` those that are told of;
    `receiver` may hold the receiver or NULL (3.13); `results` is how many values the call leaves.
    """

    unit: list[Instruction]
    depth: int
    base: int
    looked_at: tuple[int, ...]
    arguments: range | tuple[int, ...]
    noun: Site
    receiver: int | None = None
    results: int = 1


class Steps:
    """Emits instructions in front of one site, whose own values lie up to `depth` on the stack."""

    __slots__ = ("depth", "handler", "made", "owner", "position")

    def __init__(self, owner: Instrumenter, first: Instruction, last: Instruction, depth: int) -> None:
        self.owner = owner
        self.position: Position = last.position
        self.handler = first.handler
        self.depth = depth
        self.made: list[Instruction] = []

    def _add(self, name: str, argument: int = 0) -> None:
        self.made.append(Instruction(OPCODE[name], argument, self.position, handler=self.handler))

    def _constant(self, name: str) -> None:
        self._add("LOAD_CONST", self.owner.shared[name])

    def _copy(self, height: int, pushed: int) -> None:
        """Copy the slot at a height while `pushed` values lie above the site's own."""
        self._add("COPY", self.depth + pushed - height)

    def _function(self, name: str) -> None:
        """Push a builtin function that is about to be called in a form that the interpreter specialises."""
        if NULL_FIRST:
            self._add("PUSH_NULL")
        self._constant(name)
        if not NULL_FIRST:
            self._add("PUSH_NULL")

    def _as_method(self, count: int) -> None:
        for one in call_as_method(count, self.position):
            one.handler = self.handler
            self.made.append(one)

    def _jump(self, name: str, target: Instruction | None) -> None:
        self.made.append(Instruction(OPCODE[name], 0, self.position, target, self.handler))


class Emitter(Steps):
    """Puts the test, the hooks and the copy of the call in front of one site."""

    __slots__ = ("after", "ends", "site")

    def __init__(self, owner: Instrumenter, site: CallSite, following: Instruction | None) -> None:
        super().__init__(owner, site.unit[0], site.unit[-1], site.depth)
        self.site = site
        self.ends = after_call(self.position)
        for one in self.ends:
            one.handler = self.handler
        self.after = following

    def emit(self) -> list[Instruction]:
        """Return what takes the place of the site's instructions."""
        site, owner = self.site, self.owner
        fast = [replace(one) for one in site.unit]
        drop = Instruction(OPCODE["POP_TOP"], 0, self.position, handler=self.handler)
        self._test(fast[0])
        self._begin()
        # ..., token
        self._add("COPY", 1)
        self.made.append(replace(unless_none(drop, self.position), handler=self.handler))
        for size in range(site.depth - site.base + 1, 1, -1):
            self._add("SWAP", size)
        # token, ...
        covered = Handler(owner.raising(site.base, self.handler), site.base + 1, lasti=True)
        # Where a Python function that was called raises, 3.13 looks for the handler of the instruction before the call.
        self.made[-1].handler = covered
        self.made += [replace(one, handler=covered) for one in site.unit]
        self._end()
        self._jump("JUMP_FORWARD", self.after)
        owner.most = max(owner.most, len(site.arguments))
        sequence = in_place_of(site.unit[0], self.made)
        sequence[0].handler, sequence[0].position = self.handler, self.position
        return [*sequence, drop, *fast, *self.ends]

    def _test(self, fast: Instruction) -> None:
        """Jump to `fast` where what is called is of no interest."""
        *others, last = self.site.looked_at
        begin = Instruction(OPCODE["NOP"], 0, self.position, handler=self.handler)
        for height in others:
            self._kind(height)
            self._jump("POP_JUMP_FORWARD_IF_FALSE" if sys.version_info < (3, 12) else "POP_JUMP_IF_FALSE", begin)
        self._kind(last)
        name = "POP_JUMP_FORWARD_IF_TRUE" if sys.version_info < (3, 12) else "POP_JUMP_IF_TRUE"
        self._jump(name, fast)
        if not self.site.noun.operator:
            self._object(last, name, fast, begin)
        if others or not self.site.noun.operator:
            self.made.append(begin)

    def _object(self, height: int, jump: str, fast: Instruction, begin: Instruction) -> None:
        """Jump to `fast` where a slot's value is a callable of no interest, to `begin` where its kind may hash by code of the host."""
        pop = Instruction(OPCODE["POP_TOP"], 0, self.position, handler=self.handler)
        self._function("type")
        self._copy(height, 2)
        self._as_method(1)
        for name in ("type", "function", "descriptor"):
            self._add("COPY", 1)
            self._constant(name)
            self._add("IS_OP", 0)
            self._jump(jump, pop)
        self._add("POP_TOP")
        self._jump("JUMP_FORWARD", begin)
        self.made.append(pop)
        self._function("plain")
        self._copy(height, 2)
        self._as_method(1)
        self._jump(jump, fast)

    def _kind(self, height: int) -> None:
        """Push whether the type of a slot's value is a kind of no interest."""
        ask = call_as_method(1, self.position)
        for one in ask:
            one.handler = self.handler
        self._function("kinds")
        self._function("type")
        self._copy(height, 4)
        self._as_method(1)
        self._function("type")
        self._add("COPY", 3)
        self._as_method(1)
        # its type, the type of that
        self._constant("type")
        self._add("IS_OP", 0)
        self._jump("POP_JUMP_FORWARD_IF_TRUE" if sys.version_info < (3, 12) else "POP_JUMP_IF_TRUE", ask[0])
        self._constant("id")
        self._add("SWAP", 2)
        self._as_method(0)
        self.made += ask

    def _begin(self) -> None:
        """Call the hook; its token is left on top."""
        site = self.site
        received = site.receiver is not None
        self._constant("received" if received else "begin")
        self._add("LOAD_CONST", self.owner.constant(site.noun))
        self._copy(site.looked_at[0], 2)
        for pushed, height in enumerate(site.arguments):
            self._copy(height, 3 + pushed)
        self._add("BUILD_TUPLE", len(site.arguments))
        # hook, site, called, arguments
        if received:
            self._receiver()
        self._as_method(3 if received else 2)
        if received:
            self._receiver_back()

    def _receiver(self) -> None:
        """Push a tuple of what lies in the receiver's slot, empty for NULL, and leave that tuple in the slot.

        A call is the one instruction that takes NULL as well as a value.
        """
        down = self.site.depth + 4 - self._receiver_height()
        self._add("SWAP", down)
        # ..., S
        self._constant("gather")
        self._add("SWAP", 2)
        self._as_method(0)
        self._add("SWAP", down)
        self._add("COPY", down)

    def _receiver_back(self) -> None:
        """Put the receiver or NULL back into its slot; the token is on top before and after."""
        down = self.site.depth + 1 - self._receiver_height()
        back = Instruction(OPCODE["SWAP"], down, self.position, handler=self.handler)
        empty = Instruction(OPCODE["POP_TOP"], 0, self.position, handler=self.handler)
        self._add("SWAP", down)
        self._add("COPY", 1)
        self._add("TO_BOOL")
        self._jump("POP_JUMP_IF_FALSE", empty)
        self._add("UNPACK_SEQUENCE", 1)
        self._jump("JUMP_FORWARD", back)
        self.made.append(empty)
        self._add("PUSH_NULL")
        self.made.append(back)

    def _receiver_height(self) -> int:
        assert self.site.receiver is not None
        return self.site.receiver

    def _end(self) -> None:
        """Tell of the result, if there is one, and drop the token."""
        if self.site.results:
            # token, result
            self._constant("returned")
            self._add("COPY", 3)
            self._add("COPY", 3)
            self._as_method(1)
            self._add("POP_TOP")
            self._add("SWAP", 2)
        else:
            self._constant("returned")
            self._add("COPY", 2)
            self._add("LOAD_CONST", self.owner.constant(None))
            self._as_method(1)
            self._add("POP_TOP")
        self._add("POP_TOP")


def gather(*values: Any) -> tuple[Any, ...]:
    """Return what it is called with."""
    return values
