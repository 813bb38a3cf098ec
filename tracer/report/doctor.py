"""What `tracer doctor` found, as text and as JSON (schema 1: fields may be added, none is renamed or removed)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from tracer.report.paint import paint
from tracer.report.safe import clip, plain
from tracer.report.sentences import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracer.report.formats import Appearance
    from tracer.report.paint import Line

_SHOWN: Final = 12
_NARROWEST: Final = 60

_BYTECODE: Final = "the hooks are part of the code, so its bytes and constants are others than without recording"
_EXPLANATIONS: Final = {
    "marshal.dumps": "the hooks are part of the code, and marshal refuses them: dump the code of a run that is not recorded",
    "function made of the code": "the copy calls the hooks too: its calls are recorded under the original's name",
    "__code__ assigned": "the hooks went with the old code: what runs now is not recorded, and is left as it is at the end",
    "watched __code__ assigned": "the hooks came with the new code: its calls are recorded under the name of the function it is of",
    "wrapper in place": "it has no Python code to watch, so the name leads to a wrapper: only `type()` and `is` tell them apart",
    "held elsewhere": "a registry, a default or a class holds it by itself, beside its name: calls through that are not recorded",
    "co_code": _BYTECODE,
    "co_consts": _BYTECODE,
    "getrefcount": "while a recorded call runs there is one more reference to each argument that may change",
    "sys.settrace": "a trace function sees the hooks being called; coverage.py's own does not mind",
    "sys.setprofile": "a profile function of the program took the place of the doctor's: calls after that were recorded and not counted twice",
}


@dataclass(frozen=True, slots=True)
class Installation:
    """This Python, the engine it takes, and whether hooks and encoder are those written in C."""

    python: str
    engine: str
    hooks_in_c: bool
    walk_in_c: bool


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where we are: the file of the settings ("" for none), the project, what would be watched, the cassettes.

    `boundaries` come with whether a module of that name can be found; `modules` are the project's own, by prefix; `unclosed` are recordings never closed.
    """

    settings: str
    root: str
    boundaries: tuple[tuple[str, bool], ...]
    modules: tuple[str, ...]
    cassettes: int
    unclosed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """One component of the run: modules and callables that were instrumented, and calls that were recorded."""

    component: str
    modules: int
    callables: int
    calls: int


@dataclass(frozen=True, slots=True)
class Crossed:
    """One callable: first entries that crossed as a witness saw them, calls kept, calls lost and counted.

    `unwitnessed` are calls recorded beside these where no witness looks: operators on C types, and before Python 3.12 all calls into C.
    """

    callable: str
    seen: int
    kept: int
    lost: int
    unwitnessed: int = 0

    @property
    def missed(self) -> int:
        """How many crossings neither the cassette nor the losses know of."""
        return max(0, self.seen - self.kept - self.lost)

    @property
    def beyond(self) -> int:
        """How many calls were recorded that the witness did not show."""
        return max(0, self.kept + self.lost - self.seen)


@dataclass(frozen=True, slots=True)
class Hazard:
    """What the program did, to which callable ("" for none in particular), where, and how often."""

    what: str
    callable: str
    place: str
    count: int


@dataclass(frozen=True, slots=True)
class Run:
    """A command that was run under recording. `witnessed` counts the processes in which `sys.setprofile` counted too.

    `unreachable` holds (callable, reason), `lapses` how often its counting was switched off for a while, `faults` sentences about tracer's own failures.
    `calls_seen` says whether `sys.monitoring` counted calls into C extensions.
    """

    exit_code: int
    processes: int
    witnessed: int
    watched: tuple[Watched, ...]
    crossed: tuple[Crossed, ...]
    unreachable: tuple[tuple[str, str], ...]
    failed_imports: tuple[str, ...]
    lapses: int
    faults: tuple[str, ...]
    hazards: tuple[Hazard, ...]
    calls_seen: bool = False

    @property
    def missed(self) -> tuple[Crossed, ...]:
        """The callables with crossings that were missed, most first."""
        return tuple(sorted((each for each in self.crossed if each.missed), key=lambda each: -each.missed))


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that `tracer doctor` found; `run` is None where no command was given."""

    installation: Installation
    workplace: Workplace
    run: Run | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """What is not as it should be, a sentence each; nothing for a program that is recorded completely."""
        return tuple(_problems(self))


def _problems(found: Diagnosis) -> Iterator[str]:
    for boundary, known in found.workplace.boundaries:
        if not known:
            yield f"Boundary {boundary!r} names nothing that can be imported here: check its spelling."
    run = found.run
    if run is None:
        return
    if not run.processes:
        yield "No Python that the command started could be recorded."
    elif not any(each.calls for each in run.watched):
        yield "No call crossed a boundary: nothing would be compared."
    if run.missed:
        total = sum(each.missed for each in run.missed)
        yield f"{counted(total, 'crossing')} of {counted(len(run.missed), 'callable')} were seen and not recorded."
    if run.failed_imports:
        yield f"{counted(len(run.failed_imports), 'watched module')} could not be imported by the program."
    yield from run.faults


def doctor_to_json(found: Diagnosis) -> str:
    """Return the whole as indented JSON in ASCII."""
    return json.dumps({"schema": 1, "problems": found.problems, **asdict(found)}, indent=1) + "\n"


def render_doctor(found: Diagnosis, look: Appearance) -> str:
    """Return the whole as text; lists are cut at a dozen unless verbose."""
    width = max(look.width, _NARROWEST)
    return paint(_whole(found, verbose=look.verbose), width, look.color)


def _whole(found: Diagnosis, *, verbose: bool) -> Iterator[Line]:
    here, place = found.installation, found.workplace
    yield [("python      ", "dim"), (f"{here.python}, engine: {here.engine}", "")]
    yield [("written in  ", "dim"), (f"hooks: {_language(here.hooks_in_c)}, encoder: {_language(here.walk_in_c)}", "")]
    yield [("settings    ", "dim"), (plain(place.settings) or "none: the defaults hold", "")]
    yield [("watched     ", "dim"), (_would_watch(place), "")]
    yield [("cassettes   ", "dim"), (counted(place.cassettes, "cassette"), "")]
    for part in place.unclosed:
        yield [("            ", ""), (f"a recording was never closed: tracer recover {plain(part)}", "yellow")]
    if found.run is not None:
        yield []
        yield from _run(found.run, verbose=verbose)
    yield []
    yield from [[("problem     ", "bold red"), (plain(problem), "")] for problem in found.problems] or [
        [("no problem found", "bold green")]
    ]


def _language(in_c: bool) -> str:
    return "C" if in_c else "Python (no compiled extension here, or TRACER_PURE is set)"


def _would_watch(place: Workplace) -> str:
    if place.boundaries:
        return ", ".join(plain(boundary) for boundary, _ in place.boundaries)
    shown = ", ".join(map(plain, place.modules)) or "no module found"
    return f"every module of the project in {plain(place.root)}: {shown}"


def _run(run: Run, *, verbose: bool) -> Iterator[Line]:
    told = f"exited with {run.exit_code}, {counted(run.processes, 'process')}"
    if run.witnessed < run.processes:
        told += f", {run.witnessed} of them counted twice (forked children and ones that were killed are not)"
    yield [("the command ", "dim"), (told, "")]
    rows: list[Line] = [
        [
            ("            ", ""),
            (f"{plain(each.component)}  ", ""),
            (
                f"{counted(each.modules, 'module')}, {counted(each.callables, 'callable')}, {counted(each.calls, 'call')}",
                "dim",
            ),
        ]
        for each in sorted(run.watched, key=lambda each: -each.calls)
    ]
    yield from _some(rows, verbose=verbose)
    seen, kept, lost, alone = (
        sum(getattr(each, part) for each in run.crossed) for part in ("seen", "kept", "lost", "unwitnessed")
    )
    witness = "sys.setprofile and sys.monitoring" if run.calls_seen else "sys.setprofile"
    yield [
        ("crossings   ", "dim"),
        (f"{seen:,} seen by {witness}, {kept:,} recorded, {lost:,} lost by name", "bold"),
    ]
    if alone:
        what = "operators on C types" if run.calls_seen else "into C, where this Python has no witness"
        yield [("            ", ""), (f"{counted(alone, 'call')} more recorded and not counted twice: {what}", "dim")]
    yield from _section(
        "missed", (f"{each.missed:,} of {each.seen:,}  {plain(each.callable)}" for each in run.missed), verbose=verbose
    )
    beyond = (each for each in run.crossed if each.beyond)
    if run.lapses:
        yield [
            ("            ", ""),
            (f"sys.setprofile was switched off for a while, {counted(run.lapses, 'time')}", "dim"),
        ]
    yield from _section("not shown", (f"{each.beyond:,}  {plain(each.callable)}" for each in beyond), verbose=verbose)
    yield from _section(
        "unreachable", (f"{plain(name)}: {plain(reason)}" for name, reason in run.unreachable), verbose=verbose
    )
    yield from _section("not imported", map(plain, run.failed_imports), verbose=verbose)
    yield from _section("hazards", map(_hazard, run.hazards), verbose=verbose)


def _hazard(each: Hazard) -> str:
    of = f" of {plain(each.callable)}" if each.callable else ""
    return f"{each.what}{of} at {plain(each.place)}, {counted(each.count, 'time')}: {_EXPLANATIONS[each.what]}"


def _section(title: str, texts: Iterable[str], *, verbose: bool) -> Iterator[Line]:
    rows: list[Line] = [[("            ", ""), (clip(text, 400), "")] for text in texts]
    if rows:
        rows[0][0] = (f"{title:12}", "yellow")
        yield from _some(rows, verbose=verbose)


def _some(rows: list[Line], *, verbose: bool) -> Iterator[Line]:
    shown = len(rows) if verbose else _SHOWN
    yield from rows[:shown]
    if len(rows) > shown:
        yield [("            ", ""), (f"… and {len(rows) - shown:,} more: --verbose shows them", "dim")]
