"""Carries out one task by processes of its own: a call that hangs or ends its process costs that call, and the rest goes on in another."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from platform import node
from typing import TYPE_CHECKING, Final

from tracer import wire
from tracer.errors import ReplayError
from tracer.model import Raised
from tracer.replay.names import renamed
from tracer.replay.picking import Calls
from tracer.replay.process import Process
from tracer.replay.task import Answer, Fate, Outcomes, Result, Survey, Task
from tracer.storage.reader import open_cassette
from tracer.storage.remote import fetch, place_of
from tracer.values import Form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.model import Call, RecordedRun
    from tracer.storage.reader import Cassette

CHANCES: Final = 3
"""So often the calls of one callable may hang or end their process before the rest of them are skipped."""


def replay_task(data: bytes, tick: Callable[[], None] = lambda: None) -> bytes:
    """Carry out a packed task; return the packed answer. `tick` is called after each call.

    Raises:
        ReplayError: no process could be started, or none got as far as the first call.
        CassetteError: the calls cannot be read.
    """
    task = Task.unpack(data)
    if not Path(task.options.root).is_dir():
        raise _not_here(task.options.root)
    with _opened(task.cassette) as cassette:
        return _carry_out(task, renamed(cassette, task.renamings), tick).pack()


@contextmanager
def _opened(name: str) -> Iterator[Cassette]:
    """Give the cassette of that path or URL; one at a URL is copied here for the time of the task."""
    place = place_of(name)
    if isinstance(place, Path):
        if not place.exists():
            raise _not_here(name)
        with open_cassette(place) as cassette:
            yield cassette
        return
    with (
        tempfile.TemporaryDirectory(prefix="tracer-replay-") as scratch,
        open_cassette(fetch(place, Path(scratch))) as cassette,
    ):
        yield cassette


def _not_here(name: str) -> ReplayError:
    """Return the error for what was there where the task was made, and is not where it is carried out."""
    cause = f"there is no {name!r} on worker {node()}"
    return ReplayError(
        "replay calls", cause, "Workers need the project at the same path, and the cassette there or at a URL."
    )


def _carry_out(task: Task, run: RecordedRun, tick: Callable[[], None]) -> Answer:
    calls = Calls(run)
    results: list[bytes] = []
    survey: Survey | None = None
    spent: Counter[str] = Counter()
    todo = task
    while todo.calls or (task.survey and survey is None):
        before = len(results)
        with Process(todo, run) as process:
            survey = process.ready() or survey
            ended = process.collect(results, task.calls, tick)
        if ended is not None:
            call = calls.call(*task.spot(len(results)))
            spent[call.callable] += 1
            results.append(_fatal(call, *ended))
            tick()
        given_up = {name for name, times in spent.items() if times >= CHANCES}
        todo = todo.after(len(results) - before, given_up)
    return Answer(tuple(results), survey)


def _fatal(call: Call, kind: str, text: str) -> bytes:
    """Return the result of a call that cost its process: it raised an exception of tracer's own naming."""
    pack = wire.packer()
    arguments = wire.Extension(wire.TUPLE, pack([text]))
    error = pack(wire.Extension(wire.OBJECT, pack([kind, Form.EXCEPTION.value, ["args"], [arguments]])))
    return Result(Fate.CHANGED, Outcomes(call.flow, Raised(error))).pack()
