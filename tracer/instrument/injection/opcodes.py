"""What differs between the bytecodes of CPython 3.10 to 3.13, as small tables read from the standard library."""

from __future__ import annotations

import dis
import sys

OPCODE = dis.opmap
EXTENDED_ARG = dis.EXTENDED_ARG
HAS_ARGUMENT = dis.HAVE_ARGUMENT

RELATIVE_JUMPS = frozenset(dis.hasjrel)
ABSOLUTE_JUMPS = frozenset(dis.hasjabs) - RELATIVE_JUMPS
BACKWARD_JUMPS = frozenset(number for name, number in OPCODE.items() if "JUMP_BACKWARD" in name)
JUMPS = RELATIVE_JUMPS | ABSOLUTE_JUMPS

ENDS = frozenset(
    OPCODE[name]
    for name in (
        "RETURN_VALUE",
        "RETURN_CONST",
        "RAISE_VARARGS",
        "RERAISE",
        "JUMP_FORWARD",
        "JUMP_ABSOLUTE",
        "JUMP_BACKWARD",
        "JUMP_BACKWARD_NO_INTERRUPT",
        "INTERPRETER_EXIT",
    )
    if name in OPCODE
)
"""Instructions after which control does not fall through to the next one."""

RETURN_NAMES = ("RETURN_VALUE", "RETURN_CONST")
RETURNS = frozenset(OPCODE[name] for name in RETURN_NAMES if name in OPCODE)


def _cache_sizes() -> list[int]:
    sizes = [0] * 256
    if sys.version_info < (3, 11):
        return sizes
    import opcode  # noqa: PLC0415  # only here is the table needed, and only where it exists

    entries = opcode._inline_cache_entries  # type: ignore[attr-defined,unused-ignore]  # noqa: SLF001  # dis has no public name for it
    named = entries.items() if isinstance(entries, dict) else ((dis.opname[n], size) for n, size in enumerate(entries))
    for name, size in named:
        if OPCODE.get(name, 256) < len(sizes):
            sizes[OPCODE[name]] = size
    return sizes


CACHES = _cache_sizes()
"""How many inline cache entries, in code units, follow each opcode."""
