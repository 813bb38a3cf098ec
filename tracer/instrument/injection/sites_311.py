"""Call sites that tell of the calls they make, in the bytecode of CPython 3.11, 3.12 and 3.13.

Before a call stands a test of what is called, which runs no Python code; only where it is not ruled out are the hooks called. The call
itself is made by a copy of the original instruction in the same frame, so whatever is called sees the same caller. The token
lies below the call on the value stack. Stack pictures in comments grow to the right.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from itertools import pairwise
from types import BuiltinFunctionType, MethodDescriptorType
from typing import TYPE_CHECKING

from tracer.instrument.injection.assembly import NOWHERE, Handler, Instruction, assemble, parse
from tracer.instrument.injection.emit_311 import NULL_FIRST, CallSite, Emitter, gather
from tracer.instrument.injection.inject_311 import call_as_method, index_of_start
from tracer.instrument.injection.opcodes import OPCODE
from tracer.instrument.injection.operators import operator_of
from tracer.instrument.injection.pickled import Exchange
from tracer.instrument.injection.sites import BUILTIN, NULL, Site, method_load, operands_read, places
from tracer.instrument.injection.swap_311 import Swapping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import CodeType

    from tracer.instrument.injection.sites import Place, SiteHooks

_CALL = OPCODE.get("CALL", -1)
_SPREAD = OPCODE["CALL_FUNCTION_EX"]
_WITH_NAMES = OPCODE.get("CALL_KW", -1)
_NAMES = OPCODE.get("KW_NAMES", -1)
_BEFORE_CALL = OPCODE.get("PRECALL", -1)
_SLACK = 8  # the token, and a hook with its arguments other than those copied


def instrument(code: CodeType, hooks: SiteHooks) -> CodeType:
    """Return `code` telling `hooks` of its calls and operators; itself where it has neither."""
    return Instrumenter(code, hooks).instrument()


@dataclass(slots=True, eq=False)
class Instrumenter:
    """Instruments the call sites of one code object; holds what they share: constants, and handlers of exceptions."""

    code: CodeType
    hooks: SiteHooks
    instructions: list[Instruction] = field(default_factory=list)
    constants: list[object] = field(default_factory=list)
    shared: dict[str, int] = field(default_factory=dict)
    handlers: dict[tuple[int, int], Instruction] = field(default_factory=dict)
    appended: list[Instruction] = field(default_factory=list)
    decorating: set[int] = field(default_factory=set)
    most: int = 0

    def instrument(self) -> CodeType:
        """Return the code object made."""
        self.instructions = parse(self.code)
        start = 1 + index_of_start(self.instructions)
        self._state_methods()
        body = self.instructions[start:]
        known = places(body, self.code.co_names, self.hooks.named)
        self.decorating = _decorating(body)
        hooks = self.hooks
        # Methods, because a set cannot be among the constants of a code object that is to be hashable.
        kinds, plain = hooks.kinds.__contains__, hooks.plain.__contains__
        shared: dict[str, object] = {
            "id": id,
            "type": type,
            "function": BuiltinFunctionType,
            "descriptor": MethodDescriptorType,
            "kinds": kinds,
            "plain": plain,
            "begin": hooks.begin,
            "received": hooks.received,
            "returned": hooks.returned,
            "raised": hooks.raised,
            "gather": gather,
        }
        if hooks.swap is not None:
            shared |= {"swapped": hooks.swap.known.__contains__, "place": Exchange(hooks.swap.place)}
        self.constants = [*self.code.co_consts, *shared.values()]
        self.shared = {name: len(self.code.co_consts) + index for index, name in enumerate(shared)}
        made = self._body(body, known)
        if len(made) == len(body):
            return self.code
        instructions = [*self.instructions[:start], *made, *self.appended]
        return assemble(self.code, instructions, tuple(self.constants), self.most + _SLACK)

    def _state_methods(self) -> None:
        """Turn method loads into plain ones where a receiver on the stack could not be told from something called.

        That is where what is asked may be a builtin function, whose own attributes are all dunders, and behind `super()`.
        """
        stated: list[Instruction] = []
        for one in self.instructions:
            stated.append(one)
            name = method_load(one, self.code.co_names)
            if name is None or not self._is_stated(one, name):
                continue
            if sys.version_info >= (3, 12):
                one.argument &= ~1
            else:
                one.opcode = OPCODE["LOAD_ATTR"]
            for opcode, argument in ((OPCODE["PUSH_NULL"], 0), (OPCODE["SWAP"], 2))[: 1 + NULL_FIRST]:
                stated.append(Instruction(opcode, argument, one.position, handler=one.handler))
        self.instructions = stated

    def _is_stated(self, load: Instruction, name: str) -> bool:
        if not NULL_FIRST:  # what is called lies below its receiver, and is all that a swap looks at
            return self.hooks.swap is not None and name in self.hooks.swap.methods
        return name.startswith("__") or load.opcode == OPCODE.get("LOAD_SUPER_ATTR")

    def _body(self, body: list[Instruction], known: Mapping[int, Place]) -> list[Instruction]:
        made: list[Instruction] = []
        after_constant = _after_constants(body)
        index = 0
        while index < len(body):
            unit = _unit(body, index)
            index += len(unit)
            place = known.get(id(unit[0]))
            if place is None:
                made += unit
                continue
            site = self._site(unit, place)
            if site is not None and len(site.looked_at) > 1 and id(unit[0]) in after_constant:
                site.looked_at = site.looked_at[:-1]
            following = body[index] if index < len(body) else None
            told = unit if site is None or not self.hooks.told else Emitter(self, site, following).emit()
            made += self._swapped(unit, told, place, site)
        return made

    def _swapped(
        self, unit: list[Instruction], told: list[Instruction], place: Place, site: CallSite | None
    ) -> list[Instruction]:
        """Return what a site has become, with what looks for something to take a place in front."""
        if self.hooks.swap is None:
            return told
        called = site is not None and not site.noun.operator
        heights: tuple[int, ...]
        if site is not None and called:
            heights = site.looked_at
        elif unit[-1].opcode == _CALL and unit[-1].argument and self._is_of_builtin(place, unit[-1].argument):
            heights = (place.depth - unit[-1].argument,)
        else:
            heights = tuple(place.depth - each for each in operands_read(unit[-1]))
        if not heights:
            return told
        swapping = Swapping(self, unit[0], unit[-1], place.depth)
        return swapping.in_front_of(told, heights, self.hooks.swap, called=called)

    def _is_of_builtin(self, place: Place, count: int) -> bool:
        base = place.depth - count - 2
        return place.tag(base if NULL_FIRST else base + 1) == BUILTIN

    def _site(self, unit: list[Instruction], place: Place) -> CallSite | None:
        last = unit[-1]
        if last.opcode in {_CALL, _WITH_NAMES}:
            return self._call(unit, place, last.argument)
        if last.opcode == _SPREAD:
            base = place.depth - 3 - (last.argument & 1)
            return CallSite(
                unit, place.depth, base, (base + NULL_FIRST,), range(base + 2, place.depth), Site(spread=True)
            )
        found = operator_of(last)
        if found is None:
            return None
        base = place.depth - found.operands
        looked_at = tuple(base + each for each in found.receivers)
        arguments = tuple(base + each for each in found.arguments)
        return CallSite(unit, place.depth, base, looked_at, arguments, found.site, results=found.results)

    def _call(self, unit: list[Instruction], place: Place, count: int) -> CallSite | None:
        """A call's slots are `NULL, called` or `method, receiver` (3.13: `called, NULL`, too), then its arguments.

        What a decorator decorates lies where a receiver would.
        """
        base = place.depth - count - 2
        tag = place.tag(base if NULL_FIRST else base + 1)
        if tag is None and id(unit[0]) in self.decorating:
            return CallSite(unit, place.depth, base, (base,), (base + 1,), Site())
        if tag is None or tag == BUILTIN:
            return None  # a builtin by its name, or what a comprehension, the end of a `with` or an assertion calls
        keywords = self._keywords(unit)
        site = Site(tag if NULL_FIRST else "", keywords)
        receiver = None if NULL_FIRST or tag == NULL else base + 1
        arguments = range(base + 2, place.depth)
        return CallSite(unit, place.depth, base, (base + NULL_FIRST,), arguments, site, receiver)

    def _keywords(self, unit: list[Instruction]) -> tuple[str, ...]:
        if len(unit) == 1 or unit[0].opcode == _BEFORE_CALL:
            return ()
        keywords: tuple[str, ...] = self.code.co_consts[unit[0].argument]
        return keywords

    def constant(self, value: object) -> int:
        """Add a constant and return its index."""
        self.constants.append(value)
        return len(self.constants) - 1

    def raising(self, depth: int, handler: Handler | None) -> Instruction:
        """Return the start of the handler for a call above a token at that depth: `[token, offset, error]`."""
        key = (depth, id(handler))
        found = self.handlers.get(key)
        if found is None:
            block = [
                Instruction(OPCODE["LOAD_CONST"], self.shared["raised"]),
                Instruction(OPCODE["COPY"], 4),
                Instruction(OPCODE["COPY"], 3),
                *call_as_method(1, NOWHERE),
                Instruction(OPCODE["POP_TOP"]),
                Instruction(OPCODE["RERAISE"], 1),
            ]
            for instruction in block:
                instruction.handler = handler
            self.appended += block
            found = self.handlers[key] = block[0]
        return found


def _after_constants(body: Sequence[Instruction]) -> set[int]:
    """Return the instructions, by id, before which the value on top is always a constant: no watched type can be its own."""
    targets = {id(one.target) for one in body}
    constant = OPCODE["LOAD_CONST"]
    return {id(after) for one, after in pairwise(body) if one.opcode == constant and id(after) not in targets}


def _decorating(body: Sequence[Instruction]) -> set[int]:
    """Return the instructions, by id, at which calls of decorators begin: those of nothing that are no comprehension's and no assertion's."""
    iterated = {OPCODE["GET_ITER"], OPCODE["GET_AITER"], OPCODE["GET_AWAITABLE"]}
    found = set()
    for index in range(1, len(body)):
        unit = _unit(body, index)
        after = index + len(unit)
        if (
            unit[-1].opcode == _CALL
            and unit[-1].argument == 0
            and body[index - 1].opcode not in iterated
            and not (after < len(body) and body[after].opcode == OPCODE["RAISE_VARARGS"])
        ):
            found.add(id(unit[0]))
    return found


def _unit(body: Sequence[Instruction], index: int) -> list[Instruction]:
    """Return the instructions from `index` on that make one call together."""
    size = 1
    if body[index].opcode == _NAMES:
        size += 1
    if body[index + size - 1].opcode == _BEFORE_CALL:
        size += 1
    if index + 1 < len(body) and body[index + 1].opcode == _WITH_NAMES:
        size = 2
    return list(body[index : index + size])
