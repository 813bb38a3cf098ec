"""What there is, in short: the summary after recording, and the table of a folder's cassettes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tracer.report.paint import paint
from tracer.report.safe import clip, plain
from tracer.report.sentences import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracer.compare.result import Replay
    from tracer.model import RecordedRun
    from tracer.report.paint import Line

_SHOWN_COMPONENTS: Final = 20
_SHOWN_REASONS: Final = 10
_KIBI: Final = 1024
_UNITS: Final = ("KiB", "MiB", "GiB", "TiB")
_FIGURES: Final = 52
"""The columns of a cassette's row beside its name."""
_UNUSED: Final = "  unused"


@dataclass(frozen=True, slots=True)
class ComponentSummary:
    """One component: how many callables of its interface are watched, and how many calls into it were stored."""

    name: str
    callables: int
    calls: int


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a recording came to.

    `seen` and `stored` count calls, `lost` is (reason, how many calls or values), `size` the cassette's bytes, `file` its
    name as the user knows it (empty where none was written), `notes` sentences to be told last.
    """

    command: tuple[str, ...]
    exit_code: int
    components: tuple[ComponentSummary, ...]
    seen: int
    stored: int
    lost: tuple[tuple[str, int], ...] = ()
    file: str = ""
    size: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CassetteSummary:
    """One row of `tracer list`. `problem` says why a file could not be read; its counts are 0 then.

    `unused` says that no test used it when all tests ran.
    """

    name: str
    size: int
    calls: int = 0
    lanes: int = 0
    components: int = 0
    python: str = ""
    problem: str = ""
    unused: bool = False


def summarise_cassette(name: str, size: int, run: RecordedRun) -> CassetteSummary:
    """Return the row of a cassette of `size` bytes that could be read."""
    watched = sum(component.watched for component in run.recording.components)
    calls = sum(lane.calls_made for lane in run.lanes)
    return CassetteSummary(name, size, calls, len(run.lanes), watched, run.recording.python)


def render_summary(summary: RunSummary, width: int, color: bool) -> str:
    """Return what a recording came to: the calls, where they went, and what was lost by reason."""
    return paint(_summary(summary), width, color)


def render_list(cassettes: Sequence[CassetteSummary], width: int, color: bool) -> str:
    """Return a table of cassettes, in the order given, one line each."""
    if not cassettes:
        return "No cassettes.\n"
    longest = max(len(plain(cassette.name)) for cassette in cassettes)
    figures = _FIGURES + (len(_UNUSED) if any(cassette.unused for cassette in cassettes) else 0)
    name = max(min(longest, width - figures), len("cassette"))
    head: Line = [(f"{'cassette':{name}}{'calls':>11}{'lanes':>8}{'components':>12}{'size':>11}  python", "bold")]
    return paint([head, *(_row(cassette, name, width) for cassette in cassettes)], max(width, name + figures), color)


def readable_size(size: int) -> str:
    """Return a count of bytes as people read it: `312 B`, `4.2 KiB`."""
    if size < _KIBI:
        return f"{size} B"
    power = min((size.bit_length() - 1) // 10, len(_UNITS))
    return f"{size / _KIBI**power:,.1f} {_UNITS[power - 1]}"


def _summary(summary: RunSummary) -> Iterator[Line]:
    if summary.seen:
        share = "" if summary.stored == summary.seen else f" of {summary.seen:,} seen"
        yield [("tracer: ", "dim"), (f"{counted(summary.stored, 'call')} recorded{share}{_where(summary)}", "bold")]
        yield from _components(summary.components)
    else:
        yield [("tracer: ", "dim"), ("no call crossed a boundary; nothing was recorded", "bold red")]
    if summary.lost:
        total = sum(count for _, count in summary.lost)
        yield [("  lost   ", "yellow"), (f"{total:,}: {_reasons(summary.lost)}", "")]
    for note in summary.notes:
        yield [("  note   ", "dim"), (plain(note), "")]
    if summary.exit_code:
        command = clip(plain(" ".join(summary.command)), 60)
        yield [("  exit   ", "dim"), (f"the command exited with {summary.exit_code}: {command}", "")]


def _where(summary: RunSummary) -> str:
    return f" in {plain(summary.file)} ({readable_size(summary.size)})" if summary.file else ""


def _components(components: tuple[ComponentSummary, ...]) -> Iterator[Line]:
    busiest = sorted(components, key=lambda component: (-component.calls, component.name))
    shown = busiest[:_SHOWN_COMPONENTS]
    name = max((len(plain(component.name)) for component in shown), default=0)
    for component in shown:
        yield [
            (f"  {plain(component.name):{name}}  ", ""),
            (f"{counted(component.calls, 'call')}, {counted(component.callables, 'callable')} watched", "dim"),
        ]
    if len(busiest) > len(shown):
        hidden = busiest[_SHOWN_COMPONENTS:]
        calls = sum(component.calls for component in hidden)
        idle = sum(not component.calls and bool(component.callables) for component in hidden)
        told = f", {idle:,} of them watched and never called" if idle else ""
        yield [(f"  … and {len(hidden):,} more with {counted(calls, 'call')}{told}", "dim")]


def _reasons(lost: tuple[tuple[str, int], ...]) -> str:
    ordered = sorted(lost, key=lambda loss: (-loss[1], loss[0]))
    told = "; ".join(f"{count:,} {plain(reason)}" for reason, count in ordered[:_SHOWN_REASONS])
    more = len(ordered) - _SHOWN_REASONS
    return f"{told}; and {more} more reasons" if more > 0 else told


def _row(cassette: CassetteSummary, name: int, width: int) -> Line:
    shown = f"{clip(plain(cassette.name), name):{name}}"
    if cassette.problem:
        return [(shown, ""), (f"  {clip(plain(cassette.problem), max(width - name - 2, 20))}", "red")]
    figures = f"{cassette.calls:>11,}{cassette.lanes:>8,}{cassette.components:>12,}{readable_size(cassette.size):>11}"
    unused = _UNUSED if cassette.unused else ""
    return [(shown, "bold"), (f"{figures}  {plain(cassette.python)}", ""), (unused, "yellow")]


def render_replay(replay: Replay) -> str:
    """Return how many calls of each component were made again, as lines."""
    rows = sorted(replay.components, key=lambda each: -(each.equal + each.changed + each.skipped))
    shown = rows[:_SHOWN_COMPONENTS]
    width = max((len(plain(each.component)) for each in shown), default=0)
    lines = [f"  {'component':<{width}}  {'replayed':>17}  {'':>4}  {'changed':>9}\n"]
    for each in shown:
        made, calls = each.equal + each.changed, each.equal + each.changed + each.skipped
        share = f"{made:,} of {calls:,}"
        lines.append(f"  {plain(each.component):<{width}}  {share:>17}  {made / calls:>4.0%}  {each.changed:>9,}\n")
    if len(rows) > len(shown):
        lines.append(f"  and {counted(len(rows) - len(shown), 'component')} more\n")
    return "".join(lines)
