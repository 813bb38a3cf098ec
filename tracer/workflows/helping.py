"""Processes that look at the calls of two cassettes, for this one to tell what changed: see `tracer.compare.spread`."""

from __future__ import annotations

import gc
import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tracer.compare.detailed import with_or_without_sums
from tracer.compare.looking import looking
from tracer.compare.spread import Helpers
from tracer.errors import ConfigError
from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor, Future
    from pathlib import Path

    from tracer.compare.looking import Looked, Looking, Piece, Terms

MOST: Final = 8
"""Processes that look at calls, where nobody says how many."""


@dataclass(frozen=True, slots=True)
class Work:
    """Which cassettes are compared, and how. `garbage` is when the process that asks looks for garbage, and so do those it asks."""

    old: Path
    new: Path
    terms: Terms
    with_sums: bool
    garbage: tuple[int, int, int] = field(default_factory=gc.get_threshold)


class _Here:
    """What this process looks at for another one, if it does."""

    looking: Looking
    opened: ExitStack


def workers_of(asked: int | None) -> int:
    """Return how many processes are to compare: so many as were asked for, else one for each core that this one may use, at most 8.

    Raises:
        ConfigError: none can.
    """
    if asked is None:
        affinity = getattr(os, "sched_getaffinity", None)
        return min(MOST, len(affinity(0)) if affinity is not None else os.cpu_count() or 1)
    if asked < 1:
        raise ConfigError("compare", f"{asked} workers compare nothing", "Give --workers 1 or more.")
    return asked


@contextmanager
def helpers(work: Work, workers: int) -> Iterator[Helpers | None]:
    """Give so many processes that look at calls, none for one; they are started with the first piece that one is asked for."""
    if workers == 1:
        yield None
        return
    started: list[Executor] = []
    with ExitStack() as stack:

        def submit(piece: Piece) -> Future[Looked]:
            if not started:
                from tracer.workflows.executors import processes  # noqa: PLC0415  (most comparisons start none)

                started.append(stack.enter_context(processes(workers, _prepare, work)))
            return started[0].submit(_look, piece)

        yield Helpers(submit, workers)


def _prepare(work: Work) -> None:
    gc.set_threshold(*work.garbage)
    opened = ExitStack()
    old, new = (
        with_or_without_sums(opened.enter_context(open_cassette(path)), with_sums=work.with_sums)
        for path in (work.old, work.new)
    )
    _Here.opened = opened  # as long as the process lives
    _Here.looking = looking(old, new, work.terms)


def _look(piece: Piece) -> Looked:
    return _Here.looking.look(piece)
