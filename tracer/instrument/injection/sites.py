"""Where a code object calls something, and what may stand on the value stack there (CPython 3.11 to 3.13, and 3.10).

A call is compiled so that a NULL, or an unbound method and its receiver, lie below the arguments. Which of them it is can be
read from the bytecode except behind a method load, where the object that is asked decides. Found by following every path.
"""

from __future__ import annotations

import builtins
import sys
from dataclasses import dataclass, replace
from itertools import pairwise
from types import BuiltinFunctionType, CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument.injection.depth import stack_effect
from tracer.instrument.injection.opcodes import ENDS, EXTENDED_ARG, OPCODE

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from tracer.instrument.injection.assembly import Instruction

    Tags = tuple[tuple[int, str], ...]

NULL: Final = ""
"""The tag of a slot that holds NULL. A slot filled by a method load is tagged with the method's name."""

BUILTIN: Final = "="
"""The tag of such a slot, or before 3.11 of the callable's own, where a builtin is called by its name."""

_GATHERED: Final = "?"
"""The tag of a slot that another engine had made a tuple of its receiver, empty for NULL, and that has become that again (3.13)."""

_BUILTIN_NAMES: Final = frozenset(name for name, value in vars(builtins).items() if callable(value))
_STORES: Final = frozenset(OPCODE[name] for name in ("STORE_NAME", "STORE_GLOBAL"))
_STAR: Final = (OPCODE.get("IMPORT_STAR", -1), 0) if sys.version_info < (3, 12) else (OPCODE["CALL_INTRINSIC_1"], 2)

_NONE: Final = -1


ARITHMETIC: Final = (
    "add", "and", "floordiv", "lshift", "matmul", "mul", "mod", "or", "pow", "rshift", "sub", "truediv", "xor",
)  # fmt: skip
"""What arithmetic operators call, in the order of BINARY_OP's argument; the ones in place follow in the same order."""


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """What the hooks are told of one call site.

    name: the attribute it loads where the receiver may lie on the stack, or the special method an operator stands for; else "".
    keywords: names of the last arguments.
    spread: the arguments are a tuple or another iterable, and perhaps a dict: `f(*a, **k)`.
    operator: no call but an operator or a subscript.
    negated: its result is the opposite of the special method's (`not in`).
    """

    name: str = ""
    keywords: tuple[str, ...] = ()
    spread: bool = False
    operator: bool = False
    negated: bool = False

    def __reduce__(self) -> Any:
        """Become a text that says nothing where the code is pickled: see `pickled`."""
        return str, ()


HASHED_BY_IDENTITY: Final = (FunctionType, BuiltinFunctionType, type)
"""Types whose instances may be looked up: none of them hashes or compares by code of the host."""


@dataclass(frozen=True, slots=True, eq=False)
class Swap:
    """What is called, or asked by an operator, at the call sites of some code, with something else in its place.

    known: callables of interest: functions, C functions and classes whose metaclass is `type`; none of these hashes by code of the host.
    kinds: exact types all of whose instances are of interest where they are called or receive a call.
    mapping: the exact type whose instances are of interest wherever a value may be read from them: as the operand of a subscript, `in`,
        `|`, a loop, `{**...}`, as the first argument of a builtin and as the receiver of a call of one of `methods`.
    methods: names of the methods of `mapping` that read.
    place: a plain function, which never raises; given one of these, it returns what stands in its place: itself where that is nothing.
    """

    known: set[object]
    kinds: tuple[type, ...]
    mapping: type
    methods: frozenset[str]
    place: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, eq=False)
class SiteHooks:
    """What code is called at call sites. Plain functions, which never raise.

    kinds: (`pickled.Uninteresting`, as `plain`) types whose instances, called or asked for a method, are of no interest: the type itself where its metaclass is exactly `type`,
        else its identity, since another metaclass may hash by code of the host.
    plain: callables that are of no interest, and their identities: C functions, methods of C types, classes whose metaclass is `type`.
    begin: called before a call that neither set rules out, with the site, what is called or the receiver (where the site has a name
        and its method may be an unbound one), and the tuple of arguments. It returns a token; None where nothing more is to be told.
    received: as `begin`, where what is called may be an unbound method, with a tuple of its receiver (empty where there is none) added.
    returned: called with the token and the result.
    raised: called with the token and the exception.
    named: names that stand for builtins, whose calls are of no interest.
    told: whether the hooks above are called; where not, there is only `swap`.
    swap: what takes the place of what is called, None for nothing.
    """

    kinds: set[object]
    plain: set[object]
    begin: Callable[[Site, Any, tuple[Any, ...]], Any]
    received: Callable[[Site, Any, tuple[Any, ...], tuple[Any, ...]], Any]
    returned: Callable[[Any, Any], None]
    raised: Callable[[Any, BaseException], None]
    named: frozenset[str] = frozenset()
    told: bool = True
    swap: Swap | None = None

    def within(self, space: Container[str]) -> SiteHooks:
        """Return these hooks for the code of a module that binds the names in `space`."""
        return replace(self, named=frozenset(name for name in _BUILTIN_NAMES if name not in space))


def names_bound(code: CodeType) -> Container[str]:
    """Return the global names that a module's code binds itself."""
    bound: set[str] = set()
    waiting = [code]
    while waiting:
        inner = waiting.pop()
        waiting += [constant for constant in inner.co_consts if isinstance(constant, CodeType)]
        raw, argument = inner.co_code, 0
        for at in range(0, len(raw), 2):
            argument = argument << 8 | raw[at + 1]
            if raw[at] == EXTENDED_ARG:
                continue
            if raw[at] in _STORES:
                bound.add(inner.co_names[argument])
            elif (raw[at], argument) == _STAR:
                return _BUILTIN_NAMES
            argument = 0
    return bound


@dataclass(frozen=True, slots=True)
class Place:
    """The value stack before an instruction: its depth, and the tagged slots below the top, by their height."""

    depth: int
    tags: Tags

    def tag(self, height: int) -> str | None:
        """Return the tag of a slot, None where it holds an ordinary value."""
        return next((tag for place, tag in reversed(self.tags) if place == height), None)


def places(instructions: Sequence[Instruction], names: tuple[str, ...], builtin: Container[str]) -> dict[int, Place]:
    """Return the place of each reachable instruction, by id, the first one at depth 0.

    `names` are the code object's, `builtin` those that stand for builtins.
    """
    following = {id(one): after for one, after in pairwise(instructions)}
    found: dict[int, Place] = {}
    todo: list[tuple[Instruction, Place]] = [(instructions[0], Place(0, ()))]
    while todo:
        instruction, place = todo.pop()
        if id(instruction) in found:
            continue
        found[id(instruction)] = place
        handler = instruction.handler
        if handler is not None:
            kept = tuple(tag for tag in place.tags if tag[0] < handler.depth)
            todo.append((handler.target, Place(handler.depth + handler.lasti + 1, kept)))
        for target, depth in _ways(instruction, place.depth, following.get(id(instruction))):
            todo.append((target, Place(depth, _tags_after(instruction, place, depth, names, builtin))))
    return found


SWAPPED_OPERANDS: Final = {
    OPCODE[name]: depths
    for name, depths in (
        ("BINARY_SUBSCR", (2,)),
        ("CONTAINS_OP", (1,)),
        ("GET_ITER", (1,)),
        ("DICT_UPDATE", (1,)),
        ("DICT_MERGE", (1,)),
        ("BINARY_OR", (2, 1)),
        ("BINARY_OP", (2, 1)),
    )
    if name in OPCODE
}
"""Which operands of an instruction a value may be read from, by how far below the top of the stack they end; 1 is the one on top."""
_OR: Final = ARITHMETIC.index("or")


def operands_read(instruction: Instruction) -> tuple[int, ...]:
    """Return which operands of an instruction a mapping may be, by how far below the top they are."""
    if instruction.opcode == OPCODE.get("BINARY_OP") and instruction.argument != _OR:
        return ()
    return SWAPPED_OPERANDS.get(instruction.opcode, ())


def _ways(instruction: Instruction, depth: int, after: Instruction | None) -> Iterator[tuple[Instruction, int]]:
    if instruction.target is not None:
        yield instruction.target, depth + stack_effect(instruction, True)
    if instruction.opcode not in ENDS and after is not None:
        yield after, depth + stack_effect(instruction, False)


_LOAD_GLOBAL = OPCODE["LOAD_GLOBAL"]
_LOAD_METHOD = OPCODE.get("LOAD_METHOD", _NONE) if sys.version_info < (3, 12) else _NONE
_LOAD_ATTR = OPCODE["LOAD_ATTR"] if sys.version_info >= (3, 12) else _NONE
_LOAD_SUPER_ATTR = OPCODE.get("LOAD_SUPER_ATTR", _NONE)
_PUSH_NULL = OPCODE.get("PUSH_NULL", _NONE)
_SWAP = OPCODE.get("SWAP", _NONE)
_UNPACK = OPCODE["UNPACK_SEQUENCE"]
_ROTATED = {
    OPCODE[name]: count
    for name, count in (("ROT_TWO", 2), ("ROT_THREE", 3), ("ROT_FOUR", 4), ("ROT_N", 0))
    if name in OPCODE
}
"""How many slots an instruction rotates, the one on top to the bottom of them; 0 where its argument says it."""
_NULL_IS_SECOND = int(sys.version_info >= (3, 13))
_CALLS = frozenset(
    OPCODE[name]
    for name in ("CALL", "CALL_KW", "CALL_FUNCTION", "CALL_FUNCTION_KW", "CALL_METHOD", "CALL_FUNCTION_EX")
    if name in OPCODE
)


def method_load(instruction: Instruction, names: tuple[str, ...]) -> str | None:
    """Return the name that a method load asks for, None for other instructions."""
    if instruction.opcode == _LOAD_METHOD:
        return names[instruction.argument]
    if instruction.opcode == _LOAD_ATTR and instruction.argument & 1:
        return names[instruction.argument >> 1]
    if instruction.opcode == _LOAD_SUPER_ATTR and instruction.argument & 1:
        return names[instruction.argument >> 2]
    return None


def _moved(instruction: Instruction, depth: int) -> dict[int, int]:
    """Return where an instruction moves which slots, by their heights: compilers exchange the two on top, engines more."""
    top = depth - 1
    if instruction.opcode == _SWAP:
        other = depth - instruction.argument
        return {top: other, other: top}
    if instruction.opcode in _ROTATED:
        bottom = depth - (_ROTATED[instruction.opcode] or instruction.argument)
        return {top: bottom, **{height: height + 1 for height in range(bottom, top)}}
    return {}


def _tags_after(
    instruction: Instruction, place: Place, depth: int, names: tuple[str, ...], builtin: Container[str]
) -> Tags:
    opcode = instruction.opcode
    # A call leaves its result where the lowest of its slots was.
    kept = tuple(tag for tag in place.tags if tag[0] < depth - (opcode in _CALLS))
    if opcode == _PUSH_NULL:
        return (*kept, (place.depth, NULL))
    if opcode == _LOAD_GLOBAL:
        is_builtin = names[instruction.argument >> (sys.version_info >= (3, 11))] in builtin
        if depth == place.depth + 2:
            return (*kept, (place.depth + _NULL_IS_SECOND, BUILTIN if is_builtin else NULL))
        return (*kept, (place.depth, BUILTIN)) if is_builtin and sys.version_info < (3, 11) else kept
    if opcode == _UNPACK and instruction.argument == 1 and _NULL_IS_SECOND:
        return (*kept, (depth - 1, _GATHERED))  # programs store at once what they unpack
    name = method_load(instruction, names)
    if name is not None:
        return (*kept, (depth - 2 + _NULL_IS_SECOND, name))
    moved = _moved(instruction, depth)
    return tuple((moved.get(height, height), tag) for height, tag in kept) if moved else kept
