"""What a type checker has to know of the front door. Checked by mypy, never run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import assert_type

import tracer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@tracer.cassette("plain", boundaries=["shop"], mode="once", fail_on="changed", folder=Path("cassettes"))
def plain(amount: int) -> str:
    return str(amount)


@tracer.record(Path("run.cassette"))
async def coroutine(amount: int) -> str:
    return str(amount)


@tracer.cassette("generator")
def generator(amount: int) -> Iterator[int]:
    yield amount


@tracer.cassette("async generator")
async def async_generator(amount: int) -> AsyncIterator[int]:
    yield amount


def blocks() -> None:
    with tracer.cassette("block") as cassette:
        assert_type(cassette, tracer.cassette)
    assert_type(cassette.comparison, "tracer.Comparison | None")
    with tracer.record("run.cassette", boundaries=("shop",)) as recording:
        assert_type(recording.path, Path)

    with tracer.playback("block", components=["shop"], match={"shop:*": "callable"}) as played:
        assert_type(played.misses, tuple[tracer.CallNotRecorded, ...])


async def async_blocks() -> None:
    async with tracer.cassette("block") as cassette:
        assert_type(cassette.name, str)
    assert_type(await coroutine(1), str)
    async for item in async_generator(1):
        assert_type(item, int)


def comparisons() -> None:
    comparison = tracer.diff("old.cassette", Path("new.cassette"))
    assert_type(comparison, tracer.Comparison)
    assert_type(tracer.diff("old.cassette", "new.cassette", level="shape"), tracer.Comparison)
    assert_type(comparison.findings, tuple[tracer.Finding, ...])
    rules = [tracer.Rule("shop.tax:*", path="return.total", absolute=0.01, relative=1e-9), tracer.Rule(unordered=True)]
    assert_type(tracer.diff("old.cassette", "new.cassette", rules=rules, allow_imports=True), tracer.Comparison)
    assert_type(tracer.cassette("ruled", rules=rules), tracer.cassette)
    tracer.Rule(absolute="much")  # type: ignore[arg-type]
    assert_type(plain(1), str)
    assert_type(next(generator(1)), int)
    plain("1")  # type: ignore[arg-type]  # a decorated function keeps its parameters
