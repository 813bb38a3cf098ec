"""The process in which calls are made: `python -m tracer.replay.child FD LIFELINE` reads calls from its input and answers on a pipe.

It runs in the user's environment, so it needs no more of tracer than a recorded process does. Each answer is sent before the next call is
made, so whoever reads them knows which call a process died or hangs in.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import TYPE_CHECKING, Any, Final

from tracer import wire
from tracer.encoding.budget import BUDGETS
from tracer.encoding.constants import Constants
from tracer.encoding.encode import Encoder
from tracer.encoding.hiding import Secrets
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.encoding.revive import Reviver
from tracer.instrument.standins import StandInEngine
from tracer.recording.images import Images, PlainCounts
from tracer.replay.frames import FrameWriter, read_frames
from tracer.replay.isolation import Isolation
from tracer.replay.lifeline import end_with
from tracer.replay.making import Maker
from tracer.replay.task import Fate, Options, Result, Task, unpack_call
from tracer.replay.today import Today, Trust
from tracer.replay.watching import Crossings, Watch, secrets
from tracer.select.patterns import compile_patterns
from tracer.select.selection import Selection
from tracer.storage import rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracer.model import Call, Callable
    from tracer.replay.making import Watching

GIVEN_UP: Final = "its callable hung or ended the process before"
OWN_ENVIRONMENT: Final = "TRACER_REPLAY_OWN"
"""Names, one a line, the environment variables that are for this process alone, with what the user had there after an equals sign."""

_getpid: Final = os.getpid  # what is replayed may replace the name
_PASSED_OVER: Final = Result(Fate.PASSED_OVER).pack()


def main() -> None:
    """Carry out what comes on standard input. Ends without the clean-up of the interpreter: what was replayed may have left threads."""
    out = FrameWriter(int(sys.argv[1]))
    os.set_inheritable(int(sys.argv[1]), False)
    end_with(int(sys.argv[2]))
    frames = read_frames(_own_input())
    task = Task.unpack(next(frames))
    recorded = [rows.callable_from_row(row) for row in wire.unpack(next(frames))]
    _restore_environment()
    _bound_memory(task.options.memory)
    sys.argv = [""]
    _answer(task, recorded, frames, out)
    out.flush()
    os._exit(0)


def _answer(task: Task, recorded: list[Callable], frames: Iterator[bytes], out: FrameWriter) -> None:
    maker = _maker(task.options, {each.name: each for each in recorded})
    maker.today.load(recorded)
    out.put(wire.packer()(maker.today.survey().row() if task.survey else None))
    out.flush()
    numbers = {callable_.name: number for number, callable_ in enumerate(recorded)}
    wanted = compile_patterns(task.options.only, ())
    given_up = frozenset(task.given_up)
    counts: dict[str, PlainCounts] = {}
    own = _getpid()
    for lane, call, inside in map(unpack_call, frames):
        name = call.callable
        if not wanted(name):
            out.put(_PASSED_OVER)
        elif name in given_up:
            out.put(Result(Fate.SKIPPED, reason=GIVEN_UP).pack())
        else:
            out.flush()
            result = _made(maker, call, inside, counts.setdefault(lane, PlainCounts()), numbers[name])
            if _getpid() != own:
                os._exit(0)  # the call forked, and this is the child: the other one goes on with the calls
            out.put(result.pack())


def _maker(options: Options, recorded: dict[str, Callable]) -> Maker:
    redactor = Redactor(extra=options.redact, allow=options.redact_allow)
    paths = PathNormaliser(project=options.root)
    hiding = Secrets(redactor, options.redact_values, options.redact_with, entropy=options.redact_entropy)
    encoder = Encoder(redactor=redactor, paths=paths, secrets=hiding, budget=BUDGETS[options.detail])
    selection = Selection.from_json(options.selection)
    crossings, trust, roots = Crossings(selection), Trust(options.trusted), {"project": options.root}
    secret = secrets(redactor, recorded)
    if options.isolated:
        isolation = Isolation(crossings, encoder, redactor, trust, roots, options.thinned)
        today = Today(options, trust, isolation.probe, selection, StandInEngine())
        watch: Watching = isolation
    else:
        watch = alone = Watch(crossings, encoder, secret)
        today = Today(options, trust, alone.probe, selection)
    reviver = Reviver(trust, roots=roots, constants=Constants(trust))
    return Maker(today, watch, recorded, reviver, encoder, Images(encoder), secret)


def _made(maker: Maker, call: Call, inside: Sequence[Call], counts: PlainCounts, number: int) -> Result:
    try:
        return maker.make(call, inside, counts, number)
    except Exception as error:  # noqa: BLE001  (a fault of tracer's own costs this call alone; what the call raises is caught where it is made)
        return Result(Fate.SKIPPED, reason=f"tracer failed: {type(error).__name__}")


def _own_input() -> Any:
    """Return standard input for this process alone: what is replayed reads nothing there, and writes nowhere."""
    own = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    return own


def _restore_environment() -> None:
    for line in os.environ.pop(OWN_ENVIRONMENT, "").splitlines():
        name, is_set, value = line.partition("=")
        if is_set:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)


def _bound_memory(size: int) -> None:
    if size:
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (size if most == resource.RLIM_INFINITY else min(size, most), most))


if __name__ == "__main__":
    main()
