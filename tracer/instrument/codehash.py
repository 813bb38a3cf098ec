"""A hash of what a function's code does: the same where only its place, file or docstring changed."""

from __future__ import annotations

import opcode
from hashlib import blake2b
from types import CodeType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections import abc

DIGEST_BYTES: Final = 12

_CO_HAS_DOCSTRING: Final = 0x4000000  # set by newer releases only
_HAS_CONST: Final = frozenset(opcode.hasconst)
_EXTENDED_ARG: Final = opcode.opmap["EXTENDED_ARG"]


def code_hash(code: CodeType) -> str:
    """Return a hash (hex) over the instructions, constants, names and flags of a code object, inner ones included.

    Line numbers, file names, qualified names and docstrings do not enter. It differs between Python versions.
    """
    return _digest(code).hex()


def _digest(code: CodeType) -> bytes:
    digest = blake2b(digest_size=DIGEST_BYTES)
    names = (code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & ~_CO_HAS_DOCSTRING)
    digest.update(repr((names, counts, getattr(code, "co_exceptiontable", b""))).encode())
    for part in _instructions(code):
        digest.update(part)
    return digest.digest()


def _instructions(code: CodeType) -> abc.Iterator[bytes]:
    """Yield the instructions, each that loads a constant with the constant itself.

    Where a constant stands in the pool is no matter: a docstring takes the first place and moves the others.
    """
    raw, constants = code.co_code, _constants(code)
    done = begun = extended = 0
    for at in range(0, len(raw), 2):
        operation = raw[at]
        if operation == _EXTENDED_ARG:
            extended = (extended | raw[at + 1]) << 8
            continue
        if operation in _HAS_CONST:
            yield raw[done:begun]
            yield b"%d:%s" % (operation, _constant_bytes(constants[extended | raw[at + 1]]))
            done = at + 2
        begun, extended = at + 2, 0
    yield raw[done:]


def _constants(code: CodeType) -> abc.Sequence[Any]:
    if "__firstlineno__" not in code.co_names:
        return code.co_consts
    # The body of a class stores the line it begins on, since 3.13.
    first = code.co_firstlineno
    return [None if type(constant) is int and constant == first else constant for constant in code.co_consts]


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
