"""Recordings to write: journals as a recorder would write them, and calls as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tracer import model, wire
from tracer.storage import journal as jr
from tracer.storage.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

pack = wire.packer()


def a_callable(name: str) -> model.Callable:
    return model.Callable(
        name=name,
        component=name.partition(":")[0],
        kind=model.CallableKind.FUNCTION,
        flow=model.Flow.CALL,
        parameters=(model.Parameter("x", model.ParameterKind.POSITIONAL_OR_KEYWORD),),
        code="c0de",
        reach=(("shop:_inner", "beef"),),
        file="shop.py",
    )


class Scribe:
    """Writes one journal, numbering names as they come."""

    def __init__(self, folder: Path, pid: int, ppid: int = 0, first_call: int = 1) -> None:
        self.journal = Journal.create(folder, {"pid": pid, "ppid": ppid, "python": "3.11", "argv": ["x"]})
        self._numbers: dict[tuple[str, str], int] = {}
        self._next_call = first_call

    def number(self, kind: str, name: str) -> int:
        key = (kind, name)
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers) + 7
            if kind == "callable":
                self.journal.define_callable(self._numbers[key], a_callable(name))
            elif kind == "lane":
                self.journal.define_lane(self._numbers[key], name)
            else:
                self.journal.define_caller(self._numbers[key], name)
        return self._numbers[key]

    def begin(self, lane: str, name: str, argument: object, parent: int = 0, caller: str = "shop.web") -> int:
        call = self._next_call
        self._next_call += 1
        numbers = self.number("lane", lane), parent, self.number("callable", name), self.number("caller", caller)
        self.journal.begin(call, *numbers, 0, pack([argument]))
        return call

    def end(self, call: int, result: object, outcome: int = jr.RETURNED) -> None:
        self.journal.end(call, outcome, pack(result))

    def call(self, lane: str, name: str, argument: object, result: object, parent: int = 0) -> int:
        number = self.begin(lane, name, argument, parent)
        self.end(number, result)
        return number

    def close(self) -> None:
        self.journal.close()


@pytest.fixture
def part(tmp_path: Path) -> Path:
    folder = tmp_path / "run.cassette.part"
    folder.mkdir()
    return folder


@pytest.fixture
def scribe(part: Path) -> Callable[..., Scribe]:
    """Return a maker of journals in the run's folder."""

    def make(pid: int = 100, ppid: int = 0, first_call: int = 1, folder: Path = part) -> Scribe:
        return Scribe(folder, pid, ppid, first_call)

    return make


@pytest.fixture
def plain_calls() -> Callable[[Iterable[int]], list[model.Call]]:
    """Return a maker of calls, one for each number."""

    def make(numbers: Iterable[int]) -> list[model.Call]:
        return [
            model.Call(
                f"shop.pricing:f{n % 3}", "shop.web", 0, model.Flow.CALL, pack([n]), model.Returned(pack(n * 2)), (), ()
            )
            for n in numbers
        ]

    return make


@pytest.fixture(scope="session")
def scribe_class() -> type[Scribe]:
    return Scribe
