"""Call sites that tell of the calls they make, in the bytecode of CPython 3.11, 3.12 and 3.13.

Before a call stands a test of what is called, which runs no Python code; only where it is not ruled out are the hooks called. The call
itself is made by a copy of the original instruction in the same frame, so whatever is called sees the same caller. The token
lies below the call on the value stack. Stack pictures in comments grow to the right; `S` is what a method load leaves: NULL or a value.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import BuiltinFunctionType, MethodDescriptorType
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument.injection.assembly import NOWHERE, Handler, Instruction, assemble, parse
from tracer.instrument.injection.inject_311 import after_call, call_as_method, in_place_of, index_of_start, unless_none
from tracer.instrument.injection.opcodes import OPCODE
from tracer.instrument.injection.operators import operator_of
from tracer.instrument.injection.sites import BUILTIN, NULL, Site, method_load, places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import CodeType

    from tracer.instrument.injection.assembly import Position
    from tracer.instrument.injection.sites import Place, SiteHooks

_NULL_FIRST: Final = sys.version_info < (3, 13)
_CALL = OPCODE["CALL"]
_SPREAD = OPCODE["CALL_FUNCTION_EX"]
_WITH_NAMES = OPCODE.get("CALL_KW", -1)
_NAMES = OPCODE.get("KW_NAMES", -1)
_BEFORE_CALL = OPCODE.get("PRECALL", -1)
_SLACK = 8  # the token, and a hook with its arguments other than those copied


def instrument(code: CodeType, hooks: SiteHooks) -> CodeType:
    """Return `code` telling `hooks` of its calls and operators; itself where it has neither."""
    return _Instrumenter(code, hooks).instrument()


@dataclass(slots=True, eq=False)
class _Site:
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


@dataclass(slots=True, eq=False)
class _Instrumenter:
    code: CodeType
    hooks: SiteHooks
    instructions: list[Instruction] = field(default_factory=list)
    constants: list[object] = field(default_factory=list)
    shared: dict[str, int] = field(default_factory=dict)
    handlers: dict[tuple[int, int], Instruction] = field(default_factory=dict)
    appended: list[Instruction] = field(default_factory=list)
    most: int = 0

    def instrument(self) -> CodeType:
        self.instructions = parse(self.code)
        start = 1 + index_of_start(self.instructions)
        self._state_methods()
        body = self.instructions[start:]
        known = places(body, self.code.co_names, self.hooks.named)
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
            name = method_load(one, self.code.co_names) if _NULL_FIRST else None
            if name is None or not (name.startswith("__") or one.opcode == OPCODE.get("LOAD_SUPER_ATTR")):
                continue
            if sys.version_info >= (3, 12):
                one.argument &= ~1
            else:
                one.opcode = OPCODE["LOAD_ATTR"]
            for opcode, argument in ((OPCODE["PUSH_NULL"], 0), (OPCODE["SWAP"], 2)):
                stated.append(Instruction(opcode, argument, one.position, handler=one.handler))
        self.instructions = stated

    def _body(self, body: list[Instruction], known: Mapping[int, Place]) -> list[Instruction]:
        made: list[Instruction] = []
        after_constant = _after_constants(body)
        index = 0
        while index < len(body):
            unit = _unit(body, index)
            index += len(unit)
            place = known.get(id(unit[0]))
            site = self._site(unit, place) if place is not None else None
            if site is not None and len(site.looked_at) > 1 and id(unit[0]) in after_constant:
                site.looked_at = site.looked_at[:-1]
            if site is None:
                made += unit
            else:
                made += _Emitter(self, site, body[index] if index < len(body) else None).emit()
        return made

    def _site(self, unit: list[Instruction], place: Place) -> _Site | None:
        last = unit[-1]
        if last.opcode in {_CALL, _WITH_NAMES}:
            return self._call(unit, place, last.argument)
        if last.opcode == _SPREAD:
            base = place.depth - 3 - (last.argument & 1)
            return _Site(
                unit, place.depth, base, (base + _NULL_FIRST,), range(base + 2, place.depth), Site(spread=True)
            )
        found = operator_of(last)
        if found is None:
            return None
        base = place.depth - found.operands
        looked_at = tuple(base + each for each in found.receivers)
        arguments = tuple(base + each for each in found.arguments)
        return _Site(unit, place.depth, base, looked_at, arguments, found.site, results=found.results)

    def _call(self, unit: list[Instruction], place: Place, count: int) -> _Site | None:
        """A call's slots are `NULL, called` or `method, receiver` (3.13: `called, NULL`, too), then its arguments."""
        base = place.depth - count - 2
        tag = place.tag(base if _NULL_FIRST else base + 1)
        if tag is None or tag == BUILTIN:
            return None  # a builtin by its name, or what a decorator, a comprehension, the end of a `with` or an assertion calls
        keywords = self._keywords(unit)
        site = Site(tag if _NULL_FIRST else "", keywords)
        receiver = None if _NULL_FIRST or tag == NULL else base + 1
        arguments = range(base + 2, place.depth)
        return _Site(unit, place.depth, base, (base + _NULL_FIRST,), arguments, site, receiver)

    def _keywords(self, unit: list[Instruction]) -> tuple[str, ...]:
        if len(unit) == 1 or unit[0].opcode == _BEFORE_CALL:
            return ()
        keywords: tuple[str, ...] = self.code.co_consts[unit[0].argument]
        return keywords

    def constant(self, value: object) -> int:
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


class _Emitter:
    """Puts the test, the hooks and the copy of the call in front of one site."""

    __slots__ = ("after", "depth", "ends", "handler", "made", "owner", "position", "site")

    def __init__(self, owner: _Instrumenter, site: _Site, following: Instruction | None) -> None:
        self.owner = owner
        self.site = site
        self.position: Position = site.unit[-1].position
        self.handler = site.unit[0].handler
        self.depth = site.depth
        self.made: list[Instruction] = []
        self.ends = after_call(self.position)
        for one in self.ends:
            one.handler = self.handler
        self.after = following

    def emit(self) -> list[Instruction]:
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

    # -- single steps --------------------------------------------------------------------------------------------------------

    def _add(self, name: str, argument: int = 0) -> None:
        self.made.append(Instruction(OPCODE[name], argument, self.position, handler=self.handler))

    def _constant(self, name: str) -> None:
        self._add("LOAD_CONST", self.owner.shared[name])

    def _copy(self, height: int, pushed: int) -> None:
        """Copy the slot at a height while `pushed` values lie above the site's own."""
        self._add("COPY", self.site.depth + pushed - height)

    def _function(self, name: str) -> None:
        """Push a builtin function that is about to be called in a form that the interpreter specialises."""
        if _NULL_FIRST:
            self._add("PUSH_NULL")
        self._constant(name)
        if not _NULL_FIRST:
            self._add("PUSH_NULL")

    def _as_method(self, count: int) -> None:
        for one in call_as_method(count, self.position):
            one.handler = self.handler
            self.made.append(one)

    def _jump(self, name: str, target: Instruction | None) -> None:
        self.made.append(Instruction(OPCODE[name], 0, self.position, target, self.handler))


def gather(*values: Any) -> tuple[Any, ...]:
    """Return what it is called with."""
    return values
