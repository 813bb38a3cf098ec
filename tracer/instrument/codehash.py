"""A hash of what a function's code does: the same where only its place, file or docstring changed."""

from __future__ import annotations

import opcode
import sys
from hashlib import blake2b
from types import CodeType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections import abc

DIGEST_BYTES: Final = 12

_CO_OPTIMIZED: Final = 0x01
_CO_HAS_DOCSTRING: Final = 0x4000000  # 3.13: only then is the first constant the docstring's
_HAS_CONST: Final = frozenset(opcode.hasconst)
_EXTENDED_ARG: Final = opcode.opmap["EXTENDED_ARG"]
_DOCSTRING_ALWAYS_FIRST: Final = sys.version_info < (3, 13)  # None where there is none


def code_hash(code: CodeType) -> str:
    """Return a hash (hex) over the instructions, constants, names and flags of a code object, inner ones included.

    Line numbers, file names, qualified names and docstrings do not enter. It differs between Python versions.
    """
    return _digest(code).hex()


def _digest(code: CodeType) -> bytes:
    digest = blake2b(digest_size=DIGEST_BYTES)
    instructions, constants = _without_docstring(code)
    names = (code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & ~_CO_HAS_DOCSTRING)
    digest.update(repr((names, counts, instructions, getattr(code, "co_exceptiontable", b""))).encode())
    for constant in constants:
        digest.update(_constant_bytes(constant))
    return digest.digest()


def _without_docstring(code: CodeType) -> tuple[bytes, abc.Sequence[Any]]:
    """Return instructions and constants as they would be had the function no docstring."""
    constants: abc.Sequence[Any] = code.co_consts
    if not code.co_flags & _CO_OPTIMIZED:
        # A class body of 3.13 stores the line it begins on.
        if "__firstlineno__" in code.co_names:
            constants = [None if type(c) is int and c == code.co_firstlineno else c for c in constants]
        return code.co_code, constants
    if code.co_flags & _CO_HAS_DOCSTRING:
        return _constants_shifted(code.co_code), constants[1:]
    if _DOCSTRING_ALWAYS_FIRST and constants and type(constants[0]) is str and not code.co_name.startswith("<"):
        return code.co_code, (None, *constants[1:])
    return code.co_code, constants


def _constants_shifted(instructions: bytes) -> bytes:
    """Return instructions that load each constant one place earlier."""
    shifted = bytearray()
    extended = 0
    for at in range(0, len(instructions), 2):
        operation, argument = instructions[at], instructions[at + 1]
        if operation == _EXTENDED_ARG:
            extended = (extended | argument) << 8
            continue
        argument |= extended
        extended = 0
        if operation in _HAS_CONST:
            argument -= 1
        if argument > 0xFF:  # noqa: PLR2004 - one byte holds no more
            for place in range((argument.bit_length() - 1) // 8, 0, -1):
                shifted += bytes((_EXTENDED_ARG, argument >> (8 * place) & 0xFF))
        shifted += bytes((operation, argument & 0xFF))
    return bytes(shifted)


def _constant_bytes(constant: Any) -> bytes:
    """Return bytes that tell constants apart by type and content, sets in one order."""
    if isinstance(constant, CodeType):
        return b"c" + _digest(constant)
    if isinstance(constant, tuple):
        return b"(" + b",".join(map(_constant_bytes, constant)) + b")"
    if isinstance(constant, frozenset):
        return b"{" + b",".join(sorted(map(_constant_bytes, constant))) + b"}"
    text = repr(constant).encode("utf-8", "surrogatepass")
    return b"%s:%d:%s;" % (type(constant).__name__.encode(), len(text), text)
