"""A recording as text, call by call: for people, and for `git diff` through a textconv.

The same calls give the same lines: nothing here counts what came before, tells times, or names where a file stands.
"""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING, Final

from tracer.decode import decode, decode_arguments
from tracer.model import Call, Item, ItemKind, ParameterKind, Raised, Returned, Unfinished
from tracer.render import PASSED, render, render_error
from tracer.report.safe import plain
from tracer.report.sentences import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.model import Callable, Outcome, RecordedRun

_STEP: Final = "  "
_MARK: Final = "> "
_STARS: Final = {ParameterKind.VAR_POSITIONAL: "*", ParameterKind.VAR_KEYWORD: "**"}


def show(
    run: RecordedRun,
    *,
    tree: bool = True,
    callable_glob: str = "*",
    lane_glob: str = "*",
    raised_only: bool = False,
    limit: int | None = None,
    value_limit: int = 120,
) -> Iterator[str]:
    """Yield the lines of a recording, without line breaks: what was watched, then each lane with its calls.

    A call is `caller -> callable(name=value, ...) -> result`, with `!! Error(...)` in place of the result where it raised; lines
    under it tell the items that passed (`yields ...`) and the arguments it changed (`~ name: ...`). With `tree`, calls are indented
    below the call they were made in.

    Args:
        run: the recording.
        tree: indent by nesting.
        callable_glob: which callables to show, as a shell pattern on `module:qualname`.
        lane_glob: which lanes to show, as a shell pattern on their names.
        raised_only: show only calls that raised.
        limit: how many calls to show; None for all.
        value_limit: characters per value.

    Raises:
        CassetteDamaged: a recorded value cannot be read.
    """
    yield from _heading(run)
    callables = {callable_.name: callable_ for callable_ in run.recording.callables}
    chosen = _chosen(run, callable_glob, lane_glob, raised_only=raised_only)
    shown_lane = None
    for lane, depth, call in islice(chosen, limit):
        if lane != shown_lane:
            yield from ("", f"lane {plain(lane)}")
            shown_lane = lane
        indent = _STEP * (depth + 1 if tree else 1)
        yield from (indent + line for line in _lines(call, callables.get(call.callable), value_limit))
    if limit is not None and next(chosen, None) is not None:
        yield from ("", f"… only the first {counted(limit, 'call')} shown")


def call_tree(run: RecordedRun, lane: str, place: int, *, around: int = 20, value_limit: int = 120) -> Iterator[str]:
    """Yield the lines of the tree of calls that one call of a lane belongs to, from the call that nobody in the lane made.

    The call at `place` is marked. Of a large tree the callers are shown, and the `around` calls before and after it.
    """
    callables = {callable_.name: callable_ for callable_ in run.recording.callables}
    callers = _callers(run, lane, place)
    left_out = 0
    for at, (depth, call) in enumerate(_nested(run.calls(lane))):
        if at < min(callers):
            continue
        if at > place and not depth:
            break
        if at not in callers and abs(at - place) > around:
            left_out += 1
            continue
        if left_out:
            yield f"{_STEP}… {counted(left_out, 'call')} left out"
            left_out = 0
        first, *rest = (_STEP * depth + line for line in _lines(call, callables.get(call.callable), value_limit))
        yield (_MARK if at == place else _STEP) + first
        yield from (_STEP + line for line in rest)
    if left_out:
        yield f"{_STEP}… {counted(left_out, 'call')} left out"


def _callers(run: RecordedRun, lane: str, place: int) -> set[int]:
    """Return the places of a call and of those it was made inside."""
    distances = [call.parent for call in islice(run.calls(lane), place + 1)]
    found = {place}
    while 0 < distances[place] <= place:
        place -= distances[place]
        found.add(place)
    return found


def _chosen(
    run: RecordedRun, callable_glob: str, lane_glob: str, *, raised_only: bool
) -> Iterator[tuple[str, int, Call]]:
    """Yield lane, depth and call of each call to show."""
    for lane in run.lanes:
        if fnmatchcase(lane.name, lane_glob):
            for depth, call in _nested(run.calls(lane.name)):
                raised = isinstance(call.outcome, Raised)
                if fnmatchcase(call.callable, callable_glob) and (raised or not raised_only):
                    yield lane.name, depth, call


def _heading(run: RecordedRun) -> Iterator[str]:
    recording = run.recording
    if recording.python:
        yield f"python {plain(recording.python)}"
    if recording.detail == "full":
        yield "detail full"
    yield from (f"boundary {plain(boundary)}" for boundary in recording.boundaries)
    yield from (f"component {plain(component.name)}" for component in recording.components if component.watched)
    thinned: Counter[str] = Counter()
    for run_ in (each for lane in run.lanes for each in lane.thinned):
        thinned[run_.callable] += run_.begun
    for name, count in sorted(thinned.items()):
        yield f"thinned {count:,} of {plain(name)}: past the budget of detail, kept as sums"
    for name, count in recording.items_summed:
        yield f"thinned {count:,} items of {plain(name)}: past the budget of detail, kept as sums"
    for loss in recording.losses:
        yield f"lost {loss.count:,} of {plain(loss.callable)}: {plain(loss.reason)}"
    for rule in recording.noise:
        yield f"noise {plain(str(rule))}"


def _nested(calls: Iterator[Call]) -> Iterator[tuple[int, Call]]:
    """Yield each call with how many calls of its lane it was made inside."""
    depths: list[int] = []
    for place, call in enumerate(calls):
        known = 0 < call.parent <= place
        depths.append(depths[place - call.parent] + 1 if known else 0)
        yield depths[-1], call


def _lines(call: Call, callable_: Callable | None, limit: int) -> Iterator[str]:
    arguments = _arguments(call, callable_, limit)
    yield f"{plain(call.caller)} -> {plain(call.callable)}({arguments}) {_outcome(call.outcome, limit)}"
    yield from (_item(item, limit) for item in call.items)
    for position, value in call.after:
        yield f"{_STEP}~ {_name(callable_, position)}: {render(decode(value), limit)}"


def _arguments(call: Call, callable_: Callable | None, limit: int) -> str:
    values = decode_arguments(call.arguments)
    return ", ".join(f"{_name(callable_, place)}={render(value, limit)}" for place, value in enumerate(values))


def _name(callable_: Callable | None, position: int) -> str:
    if callable_ is None or position >= len(callable_.parameters):
        return f"#{position}"
    parameter = callable_.parameters[position]
    return _STARS.get(parameter.kind, "") + plain(parameter.name)


def _outcome(outcome: Outcome, limit: int) -> str:
    match outcome:
        case Returned(value=value):
            return f"-> {render(decode(value), limit)}"
        case Raised(error=error):
            return f"!! {render_error(decode(error), limit)}"
        case Unfinished():
            return "-> (unfinished)"


def _item(item: Item, limit: int) -> str:
    value = decode(item.value)
    shown = render_error(value, limit) if item.kind is ItemKind.THROWN else render(value, limit)
    return f"{_STEP}{PASSED[item.kind]} {shown}"
