"""A recorded run as a Chrome trace, in the Trace Event Format that Perfetto and chrome://tracing read.

Each lane is a thread of its own, below the process that it ran in. A call is a complete event (`X`) where it lies within the calls around
it, as the format demands; generators, which are set aside and taken up again, and what overlaps for another reason, are nestable
asynchronous events (`b`, `e`). Times are those of the recording, or where nobody took any, the order of the calls: one microsecond for
each beginning and each end.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from tracer.decode import decode, decode_arguments
from tracer.model import Flow, ItemKind, Raised, Returned
from tracer.render import printable, render, render_error
from tracer.sums import items_together

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tracer.model import Call, Callable, RecordedRun
    from tracer.storage.timings import Timings

CLOCK: Final = "clock"
ORDER: Final = "call order"
_TICK: Final = 1_000
_SHORT: Final = 120
_REMEMBERED: Final = 20_000
_GENERATORS: Final = frozenset({Flow.GENERATOR, Flow.ASYNC_GENERATOR})
_PROCESS: Final = "process "


@dataclass(frozen=True, slots=True)
class Slice:
    """One call with its time in nanoseconds. `nests` says that it lies within the calls around it on its track."""

    call: Call
    begin: int
    end: int
    nests: bool


def write_trace(stream: BinaryIO, run: RecordedRun, timings: Timings | None, origin: Mapping[str, str]) -> int:
    """Write the trace of a run, call by call; return how many calls it holds. `origin` is kept as what the trace is of."""
    told = {
        **origin,
        "time": CLOCK if timings else f"{ORDER}: one microsecond for each beginning and each end of a call",
    }
    events = _Events(run)
    head = f'{{"displayTimeUnit":"ns","otherData":{_json(told)},"traceEvents":[\n'
    stream.write(head.encode("ascii"))
    separator = b""
    for event in events.all(timings):
        stream.write(separator + event.encode("ascii"))
        separator = b",\n"
    stream.write(b"\n]}\n")
    return events.calls


class _Events:
    """The events of a trace as JSON, one by one."""

    def __init__(self, run: RecordedRun) -> None:
        self.calls = 0
        self._run = run
        self._callables = {each.name: each for each in run.recording.callables}
        self._texts: dict[tuple[bytes, str], Any] = {}

    def all(self, timings: Timings | None) -> Iterator[str]:
        processes: dict[str, int] = {}
        for track, lane in enumerate(self._run.lanes, 1):
            process, thread = _split(lane.name)
            number = processes.get(process)
            if number is None:
                number = processes[process] = len(processes) + 1
                yield _metadata("process_name", number, track, {"name": printable(process)})
            yield _metadata("thread_name", number, track, {"name": printable(thread)})
            yield _metadata("thread_sort_index", number, track, {"sort_index": track})
            calls = self._run.calls(lane.name)
            slices = _by_clock(calls, timings, lane.name) if timings else _by_order(calls)
            for each in slices:
                self.calls += 1
                yield from self._events(each, number, track)

    def _events(self, each: Slice, process: int, track: int) -> Iterator[str]:
        call = each.call
        place = f'"pid":{process},"tid":{track}'
        known = self._callables.get(call.callable)
        name, category = _json(printable(call.callable)), _json(printable(known.component if known else ""))
        args = _json(self._told(call, known))
        if each.nests:
            duration = _microseconds(each.end - each.begin)
            begin = _microseconds(each.begin)
            yield f'{{"ph":"X",{place},"ts":{begin},"dur":{duration},"name":{name},"cat":{category},"args":{args}}}'
            return
        about = f'{place},"id":"0x{self.calls:x}","name":{name},"cat":{category}'
        yield f'{{"ph":"b",{about},"ts":{_microseconds(each.begin)},"args":{args}}}'
        yield f'{{"ph":"e",{about},"ts":{_microseconds(each.end)}}}'

    def _told(self, call: Call, known: Callable | None) -> dict[str, Any]:
        """Return what is told of a call, in short texts."""
        told: dict[str, Any] = {"caller": printable(call.caller)}
        names = tuple(parameter.name for parameter in known.parameters) if known else ()
        told["arguments"] = self._text(call.arguments, "\0".join(names))
        match call.outcome:
            case Returned(value):
                told["returned"] = self._text(value, "")
            case Raised(error):
                told["raised"] = self._text(error, "!")
            case _:
                told["unfinished"] = True
        if call.flow != Flow.CALL:
            told["runs"] = call.flow.name.lower().replace("_", " ")
        if call.flow in _GENERATORS:
            told["items"] = sum(item.kind == ItemKind.YIELDED for item in call.items)
            past, _ = items_together(item for item in call.items if item.kind == ItemKind.SUMMED)
            if past:
                told["items past the budget of detail"] = past
        if call.after:
            told["changed arguments"] = [names[at] if at < len(names) else at for at, _ in call.after]
        return told

    def _text(self, data: bytes, how: str) -> Any:
        """Return a snapshot as text, the arguments by the names in `how`; most snapshots come again."""
        found = self._texts.get((data, how))
        if found is None:
            if len(self._texts) >= _REMEMBERED:
                self._texts.clear()
            found = self._texts[data, how] = _arguments(data, how) if how not in ("", "!") else _value(data, how)
        return found


def _arguments(data: bytes, names: str) -> dict[str, str]:
    values = decode_arguments(data)
    given = names.split("\0")
    return {
        printable(given[at]) if at < len(given) else str(at): render(value, _SHORT) for at, value in enumerate(values)
    }


def _value(data: bytes, how: str) -> str:
    tree = decode(data)
    return render_error(tree, _SHORT) if how else render(tree, _SHORT)


def _by_order(calls: Iterable[Call]) -> Iterator[Slice]:
    """Yield calls with the order of their beginnings and ends as time. Only the calls that are open are held."""
    tick = 0
    open_calls: list[tuple[int, Call, int]] = []
    for position, call in enumerate(calls):
        parent = position - call.parent if call.parent else -1
        if parent < 0 or any(at == parent for at, _, _ in reversed(open_calls)):
            while open_calls and open_calls[-1][0] > parent:
                tick += _TICK
                yield _ended(open_calls, tick)
        # Else a generator that was taken up again made it: it is shown below what is open now.
        tick += _TICK
        open_calls.append((position, call, tick))
    while open_calls:
        tick += _TICK
        yield _ended(open_calls, tick)


def _ended(open_calls: list[tuple[int, Call, int]], tick: int) -> Slice:
    _, call, begin = open_calls.pop()
    return Slice(call, begin, tick, call.flow not in _GENERATORS)


def _by_clock(calls: Iterable[Call], timings: Timings, lane: str) -> Iterator[Slice]:
    """Yield calls with their times since the run's first call; one that has no known end lasts as long as its lane."""
    last = max((end or begin for begin, end in timings.of(lane)), default=0)
    around: list[int] = []
    before = 0
    for call, (begin, known_end) in zip(calls, timings.of(lane), strict=True):
        end = last if known_end is None else known_end
        while around and around[-1] <= begin:
            around.pop()
        nests = call.flow not in _GENERATORS and begin >= before and (not around or end <= around[-1])
        if nests:
            around.append(end)
            before = begin
        yield Slice(call, begin - timings.first, end - timings.first, nests)


def _split(lane: str) -> tuple[str, str]:
    """Return the process that a lane ran in and what the lane is called there: lanes name the processes that they were started through."""
    parts = lane.split(" > ")
    at = max((place for place, part in enumerate(parts) if part.startswith(_PROCESS)), default=-1)
    return " > ".join(parts[: at + 1]) or "main process", " > ".join(parts[at + 1 :]) or "main"


def _metadata(name: str, process: int, track: int, args: Mapping[str, Any]) -> str:
    return f'{{"ph":"M","pid":{process},"tid":{track},"name":"{name}","args":{_json(args)}}}'


def _microseconds(nanoseconds: int) -> str:
    """Return nanoseconds as the microseconds of the format, exactly."""
    return f"{nanoseconds // 1000}.{nanoseconds % 1000:03}"


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
