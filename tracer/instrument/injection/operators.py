"""Operators and subscripts as calls of special methods, in the bytecode of CPython 3.10 to 3.13."""

from __future__ import annotations

import dis
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tracer.instrument.injection.opcodes import OPCODE
from tracer.instrument.injection.sites import ARITHMETIC, Site

if TYPE_CHECKING:
    from tracer.instrument.injection.assembly import Instruction


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: how many operands lie on the stack, and the site that the hooks are told of. `results` is 0 for statements.

    `receivers` are the operands that may have the special method, `arguments` its arguments in order; 0 is the lowest on the stack.
    """

    site: Site
    operands: int
    receivers: tuple[int, ...]
    arguments: tuple[int, ...]
    results: int = 1


def _operator(
    name: str,
    operands: int,
    receivers: tuple[int, ...],
    arguments: tuple[int, ...],
    *,
    results: int = 1,
    negated: bool = False,
) -> Operator:
    site = Site(name, operator=True, negated=negated)
    return Operator(site, operands, receivers, arguments, results)


_OLD_ARITHMETIC: Final = {
    "ADD": "add", "AND": "and", "FLOOR_DIVIDE": "floordiv", "LSHIFT": "lshift", "MATRIX_MULTIPLY": "matmul", "MULTIPLY": "mul",
    "MODULO": "mod", "OR": "or", "POWER": "pow", "RSHIFT": "rshift", "SUBTRACT": "sub", "TRUE_DIVIDE": "truediv", "XOR": "xor",
}  # fmt: skip
"""One instruction each before 3.11, by what follows BINARY_ or INPLACE_."""

_COMPARISONS: Final = {"<": "lt", "<=": "le", "==": "eq", "!=": "ne", ">": "gt", ">=": "ge"}
_COMPARISON_SHIFT: Final = 0 if sys.version_info < (3, 12) else 4 if sys.version_info < (3, 13) else 5


def _binary(name: str) -> Operator:
    return _operator(f"__{name}__", 2, (0, 1), (1,))


_BINARY: Final = tuple(_binary(prefix + name) for prefix in ("", "i") for name in ARITHMETIC)
_COMPARING: Final = {
    number: _binary(_COMPARISONS[text]) for number, text in enumerate(dis.cmp_op) if text in _COMPARISONS
}
_CONTAINS: Final = _operator("__contains__", 2, (1,), (0,))
_LACKS: Final = _operator("__contains__", 2, (1,), (0,), negated=True)
_ALWAYS_ALIKE: Final = {
    OPCODE[name]: operator
    for name, operator in (
        ("BINARY_SUBSCR", _operator("__getitem__", 2, (0,), (1,))),
        ("STORE_SUBSCR", _operator("__setitem__", 3, (1,), (2, 0), results=0)),
        ("DELETE_SUBSCR", _operator("__delitem__", 2, (0,), (1,), results=0)),
        ("BINARY_SLICE", _operator("__getitem__", 3, (0,), (1, 2))),
        ("STORE_SLICE", _operator("__setitem__", 4, (1,), (2, 3, 0), results=0)),
        *((f"BINARY_{name}", _binary(short)) for name, short in _OLD_ARITHMETIC.items()),
        *((f"INPLACE_{name}", _binary(f"i{short}")) for name, short in _OLD_ARITHMETIC.items()),
    )
    if name in OPCODE
}


def operator_of(instruction: Instruction) -> Operator | None:
    """Return the operator that an instruction is, None where it is none that a type may define."""
    opcode = instruction.opcode
    if opcode == OPCODE["COMPARE_OP"]:
        return _COMPARING.get(instruction.argument >> _COMPARISON_SHIFT)
    if opcode == OPCODE["CONTAINS_OP"]:
        return _LACKS if instruction.argument else _CONTAINS
    if opcode == OPCODE.get("BINARY_OP"):
        return _BINARY[instruction.argument]
    return _ALWAYS_ALIKE.get(opcode)
