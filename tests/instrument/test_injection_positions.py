"""The positions of instructions survive: where code is rewritten, and where a table of positions is copied piece by piece."""

from __future__ import annotations

import dis
import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.instrument.injection import locations
from tracer.instrument.injection.rewrite import rewrite
from tracer.instrument.probe import Probe, Unsupported

STDLIB = Path(sysconfig.get_paths()["stdlib"])
CORPUS = ("argparse", "ast", "asyncio/streams", "contextlib", "csv", "dataclasses", "json/decoder", "tarfile", "typing")
HAS_COLUMNS = sys.version_info >= (3, 11)
NOP = dis.opmap["NOP"]
PROBE = Probe(*(lambda *_: None for _ in range(6)))
# What the injected code changes in an instruction that stays: jumps, how often a yield is nested, how a resumption is marked.
ARGUMENT_MOVES = {"YIELD_VALUE", "RESUME"} | {dis.opname[opcode] for opcode in (*dis.hasjrel, *dis.hasjabs)}


def functions_in(code: CodeType) -> list[CodeType]:
    inner = [found for one in code.co_consts if isinstance(one, CodeType) for found in functions_in(one)]
    return [code, *inner] if code.co_flags & 1 else inner


@cache
def functions_of(module: str) -> list[CodeType]:
    path = STDLIB / f"{module}.py"
    return functions_in(compile(path.read_text("utf-8"), str(path), "exec", dont_inherit=True))


def positions(code: CodeType) -> list[Any]:
    if sys.version_info >= (3, 11):
        return list(code.co_positions())
    return [line for start, end, line in code.co_lines() for _ in range(start, end, 2)]


def lines(code: CodeType) -> list[int | None]:
    return [line for start, end, line in code.co_lines() for _ in range(start, end, 2)]


def instructions(code: CodeType) -> list[tuple[str, object, Any]]:
    """Return name, argument and position of each instruction; a constant that is returned is loaded first, as it is when watched."""
    where = positions(code)
    found: list[tuple[str, object, Any]] = []
    for one in dis.get_instructions(code):
        name = "LOAD_CONST" if one.opname == "RETURN_CONST" else one.opname
        if name not in ("EXTENDED_ARG", "CACHE"):
            found.append((name, None if name in ARGUMENT_MOVES else one.arg, where[one.offset // 2]))
    return found


@pytest.mark.parametrize("module", CORPUS)
def test_every_instruction_of_the_original_stands_in_the_rewritten_code_at_its_position(module: str) -> None:
    for code in functions_of(module):
        watched = rewrite(code, PROBE)
        left = iter(instructions(watched))
        for expected in instructions(code):
            assert expected in left, f"{code}: {expected} is not there, or not in its place"
        assert set(lines(watched)) <= {*lines(code), None}
        if sys.version_info >= (3, 11):
            assert [position[0] for position in watched.co_positions()] == lines(watched)


def nops(code: CodeType, units: int, table: bytes) -> CodeType:
    changed: dict[str, Any] = {"co_exceptiontable": b""} if HAS_COLUMNS else {}
    return code.replace(co_code=bytes((NOP, 0)) * units, co_linetable=table, **changed)


@st.composite
def written_positions(draw: st.DrawFn) -> tuple[int | None, int | None, int | None, int | None]:
    line = draw(st.none() | st.integers(1, 5000))
    if line is None:
        return locations.NOWHERE
    if not HAS_COLUMNS or draw(st.booleans()):
        return (line, line, None, None)
    return (line, line + draw(st.integers(0, 70)), draw(st.integers(0, 200)), draw(st.integers(0, 200)))


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_pieces_copied_in_any_order_keep_their_positions_whatever_is_written_between(data: st.DataObject) -> None:
    code = data.draw(st.sampled_from(functions_of(data.draw(st.sampled_from(CORPUS)))))
    size = len(code.co_code) // 2
    before = locations.positions_of(code)
    writer = locations.Writer(code)
    expected: list[Any] = []
    for _ in range(data.draw(st.integers(1, 8))):
        begin = data.draw(st.integers(0, size - 1))
        end = data.draw(st.integers(begin, size))
        writer.copy(begin, end)
        expected += before[begin:end]
        position, units = data.draw(written_positions()), data.draw(st.integers(0, 20))
        writer.write(units, position)
        expected += [position] * units
    if expected:
        made = nops(code, len(expected), writer.table())
        assert locations.positions_of(made) == expected


@given(module=st.sampled_from(CORPUS), data=st.data())
@settings(max_examples=50, deadline=None)
def test_a_table_copied_in_pieces_is_the_same_bytes_when_nothing_is_written_between(
    module: str, data: st.DataObject
) -> None:
    code = data.draw(st.sampled_from(functions_of(module)))
    size = len(code.co_code) // 2
    writer = locations.Writer(code)
    writer.copy(0, size)
    whole = writer.table()
    assert list(nops(code, size, whole).co_lines()) == list(code.co_lines())
    if HAS_COLUMNS:
        assert whole == code.co_linetable


def test_code_that_jumps_into_an_instruction_is_refused() -> None:
    def jumps(value: Any) -> Any:
        return 1 if value else 2

    code = jumps.__code__
    raw = bytearray(code.co_code)
    for unit in range(len(raw) // 2):
        if raw[2 * unit] in (*dis.hasjrel, *dis.hasjabs):
            raw[2 * unit + 1] = 200
    with pytest.raises(Unsupported):
        rewrite(code.replace(co_code=bytes(raw)), PROBE)
