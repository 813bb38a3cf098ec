"""The process in which calls are made: `python -m tracer.replay.child FD` takes a task from its input and answers on a pipe.

Each answer is sent before the next call is made, so whoever reads them knows which call a process died or hangs in.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import TYPE_CHECKING, Final

from tracer import wire
from tracer.encoding.encode import Encoder
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.encoding.revive import Reviver
from tracer.recording.images import Images, PlainCounts
from tracer.replay.frames import FrameWriter
from tracer.replay.making import Maker
from tracer.replay.picking import Calls
from tracer.replay.task import Fate, Result, Task
from tracer.replay.today import Today
from tracer.select.patterns import compile_patterns
from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from tracer.model import Call
    from tracer.storage.reader import Cassette

GIVEN_UP: Final = "its callable hung or ended the process before"

SAFE_PATH: Final = "PYTHONSAFEPATH"
"""Keeps a file of the user's from taking the place of a module that this one imports; not for what is replayed."""

_PASSED_OVER: Final = Result(Fate.PASSED_OVER).pack()


def main() -> None:
    """Carry out the task on standard input. Ends without the clean-up of the interpreter: what was replayed may have left threads."""
    out = FrameWriter(int(sys.argv[1]))
    os.set_inheritable(int(sys.argv[1]), False)
    task = Task.unpack(sys.stdin.buffer.read())
    os.environ.pop(SAFE_PATH, None)
    _be_quiet()
    _bound_memory(task.options.memory)
    sys.argv = [""]
    with open_cassette(task.cassette) as cassette:
        _answer(task, cassette, out)
    out.flush()
    os._exit(0)


def _answer(task: Task, cassette: Cassette, out: FrameWriter) -> None:
    options, recording = task.options, cassette.recording
    today = Today(options)
    today.load(sorted({callable_.name.partition(":")[0] for callable_ in recording.callables}))
    out.put(wire.packer()(today.survey().row() if task.survey else None))
    out.flush()
    redactor = Redactor(extra=options.redact, allow=options.redact_allow)
    encoder = Encoder(redactor=redactor, paths=PathNormaliser(project=options.root))
    then = {callable_.name: callable_ for callable_ in recording.callables}
    numbers = {name: number for number, name in enumerate(then)}
    maker = Maker(
        today, then, Reviver(today.may_import, roots={"project": options.root}), encoder, Images(encoder), redactor
    )
    wanted = compile_patterns(options.only, ())
    given_up = frozenset(task.given_up)
    counts: dict[str, PlainCounts] = {}
    for lane, call in Calls(cassette).picked(task.picks):
        name = call.callable
        if not wanted(name):
            out.put(_PASSED_OVER)
        elif name in given_up:
            out.put(Result(Fate.SKIPPED, reason=GIVEN_UP).pack())
        else:
            out.flush()
            out.put(_made(maker, call, counts.setdefault(lane, PlainCounts()), numbers[name]).pack())


def _made(maker: Maker, call: Call, counts: PlainCounts, number: int) -> Result:
    try:
        return maker.make(call, counts, number)
    except Exception as error:  # noqa: BLE001  (a fault of tracer's own costs this call alone; what the call raises is caught where it is made)
        return Result(Fate.SKIPPED, reason=f"tracer failed: {type(error).__name__}")


def _be_quiet() -> None:
    """Let what is replayed read nothing and write nowhere."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)


def _bound_memory(size: int) -> None:
    if size:
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (size if most == resource.RLIM_INFINITY else min(size, most), most))


if __name__ == "__main__":
    main()
