"""The commands that run or compare: record, diff, demo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracer import workflows
from tracer.cli.app import UNUSABLE, app, fail, told
from tracer.cli.live import LiveLine
from tracer.cli.options import Ambient, Boundaries, FailOn, Format, Level, Output, Scheduler, Verbose, Workers, tell
from tracer.cli.terminal import color, say, width
from tracer.config import DETAILS, ambient_kinds
from tracer.errors import ConfigError
from tracer.report.formats import request_of, require
from tracer.report.listing import render_summary
from tracer.report.safe import plain

if TYPE_CHECKING:
    from tracer.compare.result import Comparison
    from tracer.workflows import Place


@app.command(context_settings={"allow_interspersed_args": False})
def record(
    command: Annotated[list[str] | None, typer.Argument(metavar="[--] COMMAND [ARG]...", show_default=False)] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The cassette to write, a path or a URL. Default: run.cassette in the cassette folder.",
        ),
    ] = None,
    boundary: Boundaries = None,
    runs: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Run N times, each with another hash seed; what differs is kept as noise."
        ),
    ] = None,
    timings: Annotated[
        bool,
        typer.Option(
            "--timings", help="Take the time of each call as well, for `tracer export --perfetto`; costs more."
        ),
    ] = False,
    detail: Annotated[
        str | None,
        typer.Option(
            metavar="DETAIL",
            help=f"How much of values is looked at: {' or '.join(DETAILS)}. Full lets every call be replayed, and costs more. "
            "Default: the settings', else sampled.",
        ),
    ] = None,
    detail_calls: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Keep so many calls of a callable in detail in each lane, and sums of those after them; 0 keeps all. "
            "Default: the settings', else 10000, and all with full detail.",
        ),
    ] = None,
    ambient: Ambient = None,
    ambient_from: Annotated[
        str | None,
        typer.Option(
            "--ambient-from",
            metavar="CASSETTE",
            help="Give the program the surroundings that CASSETTE, a path or a URL, recorded with --ambient.",
        ),
    ] = None,
) -> int:
    """Run any command; record the calls that cross boundaries in every Python it starts.

    Exits as the command does; with 2 when no call was captured.
    """
    if not command:
        return fail("Couldn't record: no command was given. Put it after two dashes: tracer record -- pytest")
    # The command writes to the same terminal: there a live line would erase the last one of its own.
    with LiveLine(sys.stderr, quiet=sys.stdout.isatty()) as live:
        kinds = ambient_kinds(ambient) if ambient is not None else None
        summary = workflows.record(
            command,
            workflows.place_of(output) if output else None,
            boundaries=boundary,
            runs=runs,
            detail=detail,
            detail_calls=detail_calls,
            timings=timings,
            ambient=kinds,
            ambient_from=workflows.place_of(ambient_from) if ambient_from else None,
            tick=live.tick,
        )
    sys.stderr.write(render_summary(summary, width(sys.stderr), color(sys.stderr)))
    return summary.exit_code if summary.seen else UNUSABLE


@app.command()
def diff(
    context: typer.Context,
    old: Annotated[
        str | None,
        typer.Argument(
            metavar="OLD",
            help="The cassette to compare with, or a folder of them: a path or a URL.",
            show_default=False,
        ),
    ] = None,
    new: Annotated[
        str | None,
        typer.Argument(metavar="NEW", help="The later one. Without it a command is run again.", show_default=False),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="REV",
            help="Record at this git revision instead of reading OLD; REV... is where this branch left it.",
        ),
    ] = None,
    setup: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND", help="With --base: a shell command that makes the revision ready; may make .venv."
        ),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="With --base: record the revision anew, and do not keep the recording.")
    ] = False,
    boundary: Boundaries = None,
    format_: Format = "text",
    output: Output = None,
    fail_on: FailOn = None,
    level: Level = None,
    verbose: Verbose = False,
    rerun_recorded: Annotated[
        bool, typer.Option("--rerun-recorded", help="Allow running a command that is known only from the cassette.")
    ] = False,
    ambient: Ambient = None,
    scheduler: Scheduler = None,
    workers: Workers = None,
    confirm: Annotated[
        bool, typer.Option(help="Before a run counts as changed, run it once more to tell change from chance.")
    ] = True,
) -> int:
    """Compare two cassettes, or a cassette with a new run, or two revisions.

    tracer diff OLD NEW (two folders: what has the same name in both); tracer diff OLD -- COMMAND; tracer diff OLD (runs the command that made it again);
    tracer diff --base REV -- COMMAND (main... is where this branch left main). Exits with 1 when something at or above --fail-on
    changed.
    """
    require(format_)
    failing = workflows.severity(fail_on or workflows.settings().fail_on)
    revision = _base(base, setup, no_cache=no_cache)
    with LiveLine(sys.stderr) as live:
        terms = workflows.Terms(
            request_of(format_),
            level,
            failing,
            confirm=confirm,
            progress=live.progress,
            workers=workflows.workers_of(workers),
        )
        kinds = ambient_kinds(ambient) if ambient is not None else None
        before, after = (workflows.place_of(each) if each is not None else None for each in (old, new))
        if scheduler is not None:
            comparison = _on_cluster(before, after, revision, context.obj, scheduler, terms)
        else:
            comparison = _compare(before, after, revision, boundary, context.obj, rerun_recorded, kinds, terms)
    code = tell(comparison, failing, format_, output, verbose=verbose)
    if code and isinstance(before, Path) and new is None and (hint := workflows.how_to_review(before)):
        sys.stderr.write(f"tracer: {plain(hint)}\n")
    return code


def _base(revision: str | None, setup: str | None, *, no_cache: bool) -> workflows.Base | None:
    if revision is not None:
        return workflows.Base(revision, setup, cache=not no_cache)
    if setup is not None or no_cache:
        raise ConfigError("compare", "--setup and --no-cache are for comparing with a revision", "Name it with --base.")
    return None


def _on_cluster(
    old: Place | None,
    new: Place | None,
    base: workflows.Base | None,
    command: tuple[str, ...] | None,
    scheduler: str,
    terms: workflows.Terms,
) -> Comparison:
    if old is None or new is None or base is not None or command:
        raise ConfigError("compare", "--scheduler is for two folders of cassettes", "Name both, and no command.")
    with workflows.on_cluster(scheduler) as found:
        return workflows.compare(old, new, terms=terms, executor=found.executor)


def _compare(
    old: Place | None,
    new: Place | None,
    base: workflows.Base | None,
    boundary: list[str] | None,
    command: tuple[str, ...] | None,
    rerun_recorded: bool,
    ambient: tuple[str, ...] | None,
    terms: workflows.Terms,
) -> Comparison:
    """Choose the form of `tracer diff` that the arguments ask for."""
    if base is not None:
        if old is not None:
            raise ConfigError("compare", "both --base and a cassette were given", "Leave one of them out.")
        return workflows.diff_revision(base, command or (), boundary, ambient=ambient, tell=told, terms=terms)
    if old is None:
        raise ConfigError(
            "compare", "no cassette was given", "Usage: tracer diff OLD NEW, or tracer diff OLD -- COMMAND."
        )
    if new is not None:
        if command:
            raise ConfigError("compare", "both a second cassette and a command were given", "Leave one of them out.")
        if ambient is not None:
            raise ConfigError("compare", "--ambient is for a run, and none was asked for", "Leave it out.")
        return workflows.compare(old, new, terms=terms)
    return workflows.diff_rerun(old, command, boundary, rerun_recorded=rerun_recorded, ambient=ambient, terms=terms)


@app.command()
def demo() -> int:
    """Record a small shop, apply a harmless-looking refactoring to a copy, and show the diff that names it."""
    return workflows.demo(say, width(sys.stdout), color(sys.stdout))
