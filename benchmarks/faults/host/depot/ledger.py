"""Callables of every kind. The first argument is the number of the crossing, and the outcome holds it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


def post(number: int, amount: object = None) -> list[object]:
    return [number, amount]


def plain(number: int) -> int:
    return number


def refuse(number: int) -> None:
    raise LookupError(number)


def append(number: int, rows: list[int]) -> int:
    rows.append(number)
    return number


def lines(number: int, count: int) -> Iterator[list[int]]:
    for at in range(count):
        yield [number, at]


def during(number: int, action: Callable[[], object]) -> int:
    action()
    return number


async def fetch(number: int, pauses: int = 1) -> int:
    for _ in range(pauses):
        await asyncio.sleep(0)
    return number


async def stream(number: int, count: int) -> AsyncIterator[int]:
    for _ in range(count):
        await asyncio.sleep(0)
        yield number


class Account:
    def __init__(self, number: int) -> None:
        self.number = number
        self.rows: list[int] = []

    def add(self, number: int) -> int:
        self.rows.append(number)
        return number
