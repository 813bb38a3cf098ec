"""Call sites that tell of the calls they make, in the bytecode of CPython 3.10.

As in later releases (`sites_311`), but there is no COPY: arguments go into a tuple and come back from the hook in reverse order, to be
unpacked. A block around the copy of the call leads to the hook of exceptions. Stack pictures in comments grow to the right.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument.injection.assembly import NOWHERE, Instruction, assemble, in_place_of, parse
from tracer.instrument.injection.depth import block_depths
from tracer.instrument.injection.inject_310 import MAX_BLOCKS, copy_error, rotation, token_on_top
from tracer.instrument.injection.opcodes import OPCODE
from tracer.instrument.injection.operators import operator_of
from tracer.instrument.injection.sites import BUILTIN, Site, operands_read, places
from tracer.instrument.injection.swap_310 import Swapping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType

    from tracer.instrument.injection.operators import Operator
    from tracer.instrument.injection.sites import Place, SiteHooks

_BLOCKS: Final = 3  # two around the call, one of a probe around the body
_SLACK: Final = 16
_BELOW_ERROR: Final = 7  # values a handler has above the token, the exception copied on top counted
_BELOW_ERROR_AND_NULL: Final = _BELOW_ERROR + 1
_LEAVE_NO_NULL: Final = frozenset(OPCODE[name] for name in ("CONTAINS_OP", "STORE_SUBSCR", "DELETE_SUBSCR"))
"""What fails without leaving NULL in the place of its result."""


def instrument(code: CodeType, hooks: SiteHooks) -> CodeType:
    """Return `code` telling `hooks` of its calls and operators; itself where it has neither."""
    return _Instrumenter(code, hooks).instrument()


@dataclass(slots=True, eq=False)
class _Site:
    """A call site: how many slots it consumes, which of them (0 is the lowest) are looked at, and how many values on top go into a tuple."""

    unit: list[Instruction]
    slots: int
    looked_at: tuple[int, ...]
    packed: int
    noun: Site
    results: int = 1
    operator: Operator | None = None


@dataclass(slots=True, eq=False)
class _Instrumenter:
    code: CodeType
    hooks: SiteHooks
    constants: list[object] = field(default_factory=list)
    shared: dict[str, int] = field(default_factory=dict)
    handlers: dict[int, list[Instruction]] = field(default_factory=dict)
    most: int = 0

    def instrument(self) -> CodeType:
        instructions = parse(self.code)
        hooks = self.hooks
        values = {
            "id": id,
            "type": type,
            # Methods, because a set cannot be among the constants of a code object that is to be hashable.
            "kinds": hooks.kinds.__contains__,
            "plain": hooks.plain.__contains__,
            "begin": _in_reverse(hooks.begin),
            "returned": hooks.returned,
            "raised": hooks.raised,
            "none": None,
        }
        self.constants = [*self.code.co_consts, *values.values()]
        self.shared = {name: len(self.code.co_consts) + index for index, name in enumerate(values)}
        self.handlers = {below: self._raising(below) for below in (_BELOW_ERROR, _BELOW_ERROR_AND_NULL)}
        start = int(instructions[0].opcode == OPCODE["GEN_START"])
        body = instructions[start:]
        made = self._body(body, places(body, self.code.co_names, hooks.named), block_depths(instructions))
        if len(made) == len(body):
            return self.code
        everything = [*instructions[:start], *made, *(one for handler in self.handlers.values() for one in handler)]
        return assemble(self.code, everything, tuple(self.constants), self.most + _SLACK)

    def _body(
        self, body: list[Instruction], known: Mapping[int, Place], blocks: Mapping[int, int]
    ) -> list[Instruction]:
        made: list[Instruction] = []
        index = 0
        while index < len(body):
            size = 1
            if index + 1 < len(body) and body[index + 1].opcode == OPCODE["CALL_FUNCTION_KW"]:
                size = 2
            unit = body[index : index + size]
            place = known.get(id(unit[0]))
            site = self._site(unit, place, body, index) if place is not None else None
            told = unit
            index += size
            has_room = index < len(body) and blocks.get(id(unit[0]), MAX_BLOCKS) <= MAX_BLOCKS - _BLOCKS
            if site is not None and has_room and self.hooks.told:
                told = _Emitter(self, site, body[index]).emit()
            made += self._swapped(unit, told, place, site) if place is not None else told
        return made

    def _swapped(
        self, unit: list[Instruction], told: list[Instruction], place: Place, site: _Site | None
    ) -> list[Instruction]:
        """Return what a site has become, with what looks for something to take a place in front."""
        if self.hooks.swap is None:
            return told
        last = unit[-1]
        called = site is not None and site.operator is None
        heights: tuple[int, ...]
        if site is not None and called:
            # A function that is asked for one of its own methods, all of which are dunders, lies where what is called does otherwise.
            asked = site.noun.name.startswith("__")
            heights = () if asked else (place.depth - site.slots + site.looked_at[0],)
        elif (
            last.opcode == OPCODE["CALL_FUNCTION"]
            and last.argument
            and place.tag(place.depth - last.argument - 1) == BUILTIN
        ):
            heights = (place.depth - last.argument,)
        else:
            heights = tuple(place.depth - each for each in operands_read(last))
        if not heights:
            return told
        swapping = Swapping(self.hooks.swap, self.constant, place.depth, last.position)
        return swapping.in_front_of(told, heights, called=called)

    def constant(self, value: object) -> int:
        """Add a constant and return its index."""
        self.constants.append(value)
        return len(self.constants) - 1

    def _site(self, unit: list[Instruction], place: Place, body: list[Instruction], index: int) -> _Site | None:
        last = unit[-1]
        opcode, argument = last.opcode, last.argument
        if opcode == OPCODE["CALL_FUNCTION"]:
            if _ends_with_block(body, index) or place.tag(place.depth - argument - 1) == BUILTIN:
                return None
            return _Site(unit, argument + 1, (0,), argument, Site())
        if opcode == OPCODE["CALL_FUNCTION_KW"]:
            keywords: tuple[str, ...] = self.code.co_consts[unit[0].argument]
            return _Site(unit, argument + 1, (0,), argument, Site("", keywords))
        if opcode == OPCODE["CALL_METHOD"]:
            name = place.tag(place.depth - argument - 2)
            return _Site(unit, argument + 2, (1,), argument, Site(name)) if name else None
        if opcode == OPCODE["CALL_FUNCTION_EX"]:
            packed = 1 + (argument & 1)
            return _Site(unit, packed + 1, (0,), packed, Site(spread=True))
        found = operator_of(last)
        return _operator_site(unit, found) if found is not None else None

    def _raising(self, below: int) -> list[Instruction]:
        """Return the handler of what a call raises, where the token lies below so many values once the exception is copied on top."""
        return [
            *copy_error(),
            *token_on_top(below, NOWHERE),
            Instruction(OPCODE["ROT_TWO"]),
            Instruction(OPCODE["LOAD_CONST"], self.shared["raised"]),
            Instruction(OPCODE["ROT_THREE"]),
            Instruction(OPCODE["CALL_FUNCTION"], 2),
            Instruction(OPCODE["POP_TOP"]),
            Instruction(OPCODE["RERAISE"], 1),
        ]


def _operator_site(unit: list[Instruction], found: Operator) -> _Site:
    return _Site(unit, found.operands, found.receivers, found.operands, found.site, found.results, found)


def _ends_with_block(body: list[Instruction], index: int) -> bool:
    """Whether a call is the one that the compiler makes of `__exit__` at the end of a `with` block."""
    before = [one.opcode for one in body[max(index - 2, 0) : index]]
    return before == [OPCODE["DUP_TOP"], OPCODE["DUP_TOP"]]


def _in_reverse(begin: Callable[..., Any]) -> Callable[..., Any]:
    """Return `begin` for a call with arguments and callable the other way round; it gives back what is to be unpacked, then the token."""

    def begin_and_unpack(arguments: tuple[Any, ...], called: Any, site: Site) -> tuple[tuple[Any, ...], Any]:
        return arguments[::-1], begin(site, called, arguments)

    return begin_and_unpack


def _with_operands(begin: Callable[..., Any], operator: Operator) -> Callable[..., Any]:
    """The same for an operator, whose operands all come in the tuple."""

    def begin_and_unpack(operands: tuple[Any, ...], _: None, site: Site) -> tuple[tuple[Any, ...], Any]:
        arguments = tuple(operands[place] for place in operator.arguments)
        return operands[::-1], begin(site, operands[operator.receivers[0]], arguments)

    return begin_and_unpack


class _Emitter:
    """Puts the test, the hooks and the copy of the call in front of one site."""

    __slots__ = ("after", "made", "owner", "position", "site")

    def __init__(self, owner: _Instrumenter, site: _Site, after: Instruction) -> None:
        self.owner = owner
        self.site = site
        self.position = site.unit[-1].position
        self.after = after
        self.made: list[Instruction] = []

    def emit(self) -> list[Instruction]:
        site, owner = self.site, self.owner
        fast = [replace(one) for one in site.unit]
        drop = Instruction(OPCODE["POP_TOP"], 0, self.position)
        self._test(fast[0])
        self._begin()
        # method, called, arguments in reverse, token
        self._add("DUP_TOP")
        self._constant("none")
        self._add("IS_OP", 0)
        self._jump("POP_JUMP_IF_TRUE", drop)
        self.made.append(rotation(site.slots - site.packed + 2, self.position))
        self._add("UNPACK_SEQUENCE", site.packed)
        self._covered_call()
        self._end()
        self._jump("JUMP_FORWARD", self.after)
        owner.most = max(owner.most, site.packed)
        unpack = Instruction(OPCODE["UNPACK_SEQUENCE"], site.packed, self.position)
        return [*in_place_of(site.unit[0], self.made), drop, unpack, *fast]

    def _covered_call(self) -> None:
        """Make the call inside a block.

        A second block right behind it keeps a signal from being handled while the result lies where the handler looks for the token:
        the interpreter handles none before it opens a block.
        """
        *prepare, call = self.site.unit
        leaves_none = call.opcode in _LEAVE_NO_NULL
        start = self.owner.handlers[_BELOW_ERROR if leaves_none else _BELOW_ERROR_AND_NULL][0]
        self.made += [replace(one) for one in prepare]
        self._jump("SETUP_FINALLY", start)
        self.made.append(replace(call))
        self._jump("SETUP_FINALLY", start)
        self._add("POP_BLOCK")
        self._add("POP_BLOCK")

    def _test(self, fast: Instruction) -> None:
        *others, last = self.site.looked_at
        begin = Instruction(OPCODE["NOP"], 0, self.position)
        for slot in others:
            self._kind(slot)
            self._jump("POP_JUMP_IF_FALSE", begin)
        self._kind(last)
        self._jump("POP_JUMP_IF_TRUE", fast)
        if not self.site.noun.operator:
            self._copy(last)
            self._called("id")
            self._called("plain")
            self._jump("POP_JUMP_IF_TRUE", fast)
        if others:
            self.made.append(begin)

    def _kind(self, slot: int) -> None:
        """Push whether the type of a slot's value is a kind of no interest."""
        ask = Instruction(OPCODE["LOAD_CONST"], self.owner.shared["kinds"], self.position)
        self._copy(slot)
        self._called("type")
        self._add("DUP_TOP")
        self._called("type")
        # its type, the type of that
        self._constant("type")
        self._add("IS_OP", 0)
        self._jump("POP_JUMP_IF_TRUE", ask)
        self._called("id")
        self.made.append(ask)
        self._add("ROT_TWO")
        self._add("CALL_FUNCTION", 1)

    def _begin(self) -> None:
        self._add("BUILD_TUPLE", self.site.packed)
        if self.site.noun.operator:
            self._constant("none")
        else:
            # called, arguments -> called, arguments, called
            for name in ("ROT_TWO", "DUP_TOP", "ROT_THREE"):
                self._add(name)
        self._begin_constant()
        self._add("ROT_THREE")
        self._add("LOAD_CONST", self._noun())
        self._add("CALL_FUNCTION", 3)
        self._add("UNPACK_SEQUENCE", 2)
        self._add("ROT_TWO")

    def _begin_constant(self) -> None:
        found = self.site.operator
        if found is None:
            self._constant("begin")
        else:
            hook = _with_operands(self.owner.hooks.begin, found)
            self._add("LOAD_CONST", self.owner.constant(hook))

    def _noun(self) -> int:
        return self.owner.constant(self.site.noun)

    def _end(self) -> None:
        if self.site.results:
            # token, result
            self._add("DUP_TOP_TWO")
            self._constant("returned")
            self._add("ROT_THREE")
            self._add("CALL_FUNCTION", 2)
            self._add("POP_TOP")
            self._add("ROT_TWO")
        else:
            self._add("DUP_TOP")
            self._constant("returned")
            self._add("ROT_TWO")
            self._constant("none")
            self._add("CALL_FUNCTION", 2)
            self._add("POP_TOP")
        self._add("POP_TOP")

    # -- single steps --------------------------------------------------------------------------------------------------------

    def _add(self, name: str, argument: int = 0) -> None:
        self.made.append(Instruction(OPCODE[name], argument, self.position))

    def _constant(self, name: str) -> None:
        self._add("LOAD_CONST", self.owner.shared[name])

    def _called(self, name: str) -> None:
        """Call a builtin function with the value on top."""
        self._constant(name)
        self._add("ROT_TWO")
        self._add("CALL_FUNCTION", 1)

    def _copy(self, slot: int) -> None:
        depth = self.site.slots - 1 - slot
        self.made += token_on_top(depth, self.position)

    def _jump(self, name: str, target: Instruction) -> None:
        self.made.append(Instruction(OPCODE[name], 0, self.position, target))
