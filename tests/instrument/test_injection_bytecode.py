"""Rewritten bytecode is well formed: checked against the standard library's own source by a verifier that shares no code with the engine."""

from __future__ import annotations

import dis
import sys
import sysconfig
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from tracer.instrument.injection.engine import InjectionEngine
from tracer.instrument.probe import Probe

STDLIB = Path(sysconfig.get_paths()["stdlib"])
MODULES = ["asyncio/base_events", "contextlib", "json/decoder", "test/test_coroutines"]
UNCONDITIONAL = {"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "INTERPRETER_EXIT"} | {
    name for name in dis.opmap if name.startswith("JUMP_") and "_IF_" not in name
}


def silent_probe(code: CodeType) -> Probe:
    def entered() -> None:
        return None

    def hook(*_: Any) -> None:
        return None

    return Probe(entered, hook, hook, hook, hook, hook)


def codes_of(code: CodeType) -> list[CodeType]:
    return [code, *(inner for one in code.co_consts if isinstance(one, CodeType) for inner in codes_of(one))]


def handlers_of(code: CodeType) -> list[Any]:
    parse: Any = getattr(dis, "_parse_exception_table", lambda _: ())  # from 3.11 on
    return list(parse(code))


def effect(instruction: dis.Instruction, jump: bool) -> int:
    argument = instruction.arg if instruction.opcode >= dis.HAVE_ARGUMENT else None
    return dis.stack_effect(instruction.opcode, argument, jump=jump)


def verify(code: CodeType) -> dict[int, int]:
    """Follow every path; return the depth of the stack before each instruction that is reached, by offset."""
    instructions = [one for one in dis.get_instructions(code) if one.opname not in ("EXTENDED_ARG", "CACHE")]
    starts = _starts(code)
    at = {starts[one.offset]: one for one in instructions}
    after = {starts[one.offset]: starts[later.offset] for one, later in zip(instructions, instructions[1:])}
    handlers = handlers_of(code)
    for entry in handlers:
        assert entry.start in at and entry.target in at and (entry.end in at or entry.end == len(code.co_code))
    first = next((starts[one.offset] for one in instructions if one.opname == "RESUME"), starts[instructions[0].offset])
    depths: dict[int, int] = {}
    todo = [(first, 1 if instructions[0].opname == "GEN_START" else 0)]
    while todo:
        offset, depth = todo.pop()
        if offset in depths:
            assert depths[offset] == depth, f"{code}: two depths at {offset}"
            continue
        depths[offset] = depth
        assert 0 <= depth <= code.co_stacksize
        instruction = at[offset]
        if instruction.opname in ("RETURN_VALUE", "RETURN_CONST"):
            assert depth == (instruction.opname == "RETURN_VALUE"), f"{code} returns with {depth} values at {offset}"
        for entry in handlers:
            if entry.start <= offset < entry.end:
                assert entry.depth <= depth
                todo.append((entry.target, entry.depth + entry.lasti + 1))
        if instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
            todo.append((instruction.argval, depth + effect(instruction, jump=True)))
        if instruction.opname not in UNCONDITIONAL:
            todo.append((after[offset], depth + effect(instruction, jump=False)))
    return depths


def _starts(code: CodeType) -> dict[int, int]:
    """Return where each instruction's EXTENDED_ARGs begin, which is where jumps to it lead."""
    starts: dict[int, int] = {}
    begin = None
    for one in dis.get_instructions(code):
        begin = one.offset if begin is None else begin
        starts[one.offset] = begin
        if one.opname != "EXTENDED_ARG":
            begin = None
    return starts


def original_lines(code: CodeType, names: set[str]) -> list[Any]:
    """Return what stands in which position, of the opcodes named, in order."""
    if sys.version_info >= (3, 11):
        positions: list[Any] = list(code.co_positions())
    else:
        positions = [line for start, end, line in code.co_lines() for _ in range(start, end, 2)]
    return [(one.opname, positions[one.offset // 2]) for one in dis.get_instructions(code) if one.opname in names]


@pytest.mark.parametrize("name", MODULES)
def test_rewritten_code_keeps_its_stack_balanced_and_its_positions(name: str) -> None:
    path = STDLIB / f"{name}.py"
    if not path.is_file():
        pytest.skip("not in this Python")
    code = compile(path.read_text("utf-8"), str(path), "exec", dont_inherit=True)
    engine = InjectionEngine()
    watched = engine.attach_module(code, silent_probe)
    assert engine.unwatched == ()
    for original, rewritten in zip(codes_of(code), codes_of(watched), strict=True):
        verify(rewritten)
        assert engine.original(rewritten) is original
        for attribute in (
            "co_name",
            "co_firstlineno",
            "co_flags",
            "co_varnames",
            "co_freevars",
            "co_cellvars",
            "co_names",
        ):
            assert getattr(rewritten, attribute) == getattr(original, attribute)
        kept = {
            "STORE_FAST",
            "LOAD_GLOBAL",
            "STORE_NAME",
            "LOAD_ATTR",
            "FOR_ITER",
            "RAISE_VARARGS",
            "LOAD_NAME",
            "BINARY_OP",
        }
        assert original_lines(rewritten, kept) == original_lines(original, kept)
