"""Stores to `__code__`: before one, code asks what to store in its place (CPython 3.10 to 3.13).

That is how a function is told of that gets its code as the program runs, as a wrapper that is compiled when it is first called. Stack
pictures in comments grow to the right.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument.injection.assembly import Instruction, any_of, assemble, in_place_of, parse_runs
from tracer.instrument.injection.inject_311 import call_as_method
from tracer.instrument.injection.opcodes import OPCODE
from tracer.instrument.injection.pickled import Chosen

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

NAME: Final = "__code__"
_SLACK: Final = 3


def instrument(code: CodeType, choose: Callable[[Any, Any], Any]) -> CodeType:
    """Return `code` storing as `__code__` what `choose`, which does not raise, returns for the owner and the value; itself where it stores none.

    `NAME` is among its names.

    Raises:
        Unsupported: it could not be done safely; the message says why.
    """
    name = code.co_names.index(NAME)
    made: list[Instruction] = []
    found = False
    for one in parse_runs(code, any_of("STORE_ATTR")):
        if one.opcode != OPCODE["STORE_ATTR"] or one.argument != name:
            made.append(one)
            continue
        store = replace(one)
        asking = [
            Instruction(opcode, argument, one.position, handler=one.handler) for opcode, argument in _asking(code)
        ]
        made += [*in_place_of(one, asking), store]
        found = True
    return assemble(code, made, (*code.co_consts, Chosen(choose)), _SLACK) if found else code


def _asking(code: CodeType) -> list[tuple[int, int]]:
    """Turn `[value, owner]` into `[chosen, owner]`."""
    constant = len(code.co_consts)
    if sys.version_info < (3, 11):
        return [
            (OPCODE["DUP_TOP_TWO"], 0),
            (OPCODE["ROT_TWO"], 0),
            (OPCODE["LOAD_CONST"], constant),
            (OPCODE["ROT_THREE"], 0),
            # value, owner, choose, owner, value
            (OPCODE["CALL_FUNCTION"], 2),
            # value, owner, chosen
            (OPCODE["ROT_THREE"], 0),
            (OPCODE["ROT_TWO"], 0),
            (OPCODE["POP_TOP"], 0),
        ]
    return [
        (OPCODE["LOAD_CONST"], constant),
        (OPCODE["COPY"], 2),
        (OPCODE["COPY"], 4),
        # value, owner, choose, owner, value
        *((one.opcode, one.argument) for one in call_as_method(1)),
        # value, owner, chosen
        (OPCODE["SWAP"], 3),
        (OPCODE["POP_TOP"], 0),
    ]
