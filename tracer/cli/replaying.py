"""The command that makes recorded calls again: replay."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tracer import workflows
from tracer.cli.app import app
from tracer.cli.bar import Bar
from tracer.cli.options import FailOn, Format, Level, Output, Scheduler, Verbose, Workers, tell
from tracer.report.formats import request_of, require
from tracer.report.listing import render_replay

if TYPE_CHECKING:
    from tracer.compare.result import Comparison
    from tracer.workflows import Place

_GIB = 1 << 30


@app.command()
def replay(
    cassette: Annotated[
        str, typer.Argument(metavar="CASSETTE", help="The recording: a path or a URL.", show_default=False)
    ],
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="PREFIX", help="Make only calls of this component or callable; may be repeated."
        ),
    ] = None,
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Answer what a call calls in other components from the recording.")
    ] = False,
    learn: Annotated[
        bool,
        typer.Option(
            "--learn", help="The code is as it was recorded: write down the calls that come out otherwise all the same."
        ),
    ] = False,
    boundary: Annotated[
        list[str] | None,
        typer.Option("--boundary", "-b", metavar="PREFIX", help="A boundary of the recording that may be imported."),
    ] = None,
    allow_import: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-import", metavar="PREFIX", help="Further modules that may be imported, to rebuild arguments."
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(
            "--python", metavar="PATH", help="The Python that runs the code. Default: the one that recorded it here."
        ),
    ] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="How long one call may take.")
    ] = 10.0,
    memory: Annotated[
        float, typer.Option("--memory", metavar="GIB", min=0, help="Memory that one process may have; 0 for no limit.")
    ] = 4.0,
    format_: Format = "text",
    output: Output = None,
    fail_on: FailOn = None,
    level: Level = None,
    verbose: Verbose = False,
    confirm: Annotated[
        bool, typer.Option(help="Before a call counts as changed, make it once more to tell change from chance.")
    ] = True,
) -> int:
    """Make every recorded call that can be rebuilt on today's code; report what comes out otherwise.

    Nothing but the code is run: no test, no driver. The report is that of `tracer diff`, and so is the exit code.
    """
    require(format_)
    failing = workflows.severity(fail_on or workflows.settings().fail_on)
    how = workflows.Replaying(
        boundaries=tuple(boundary or ()),
        allowed=tuple(allow_import or ()),
        only=tuple(only or ()),
        isolated=isolated,
        learn=learn,
        python=python,
        workers=workers,
        scheduler=scheduler,
        timeout=timeout,
        memory=int(memory * _GIB),
    )
    comparison = _replayed(
        workflows.place_of(cassette), how, workflows.Terms(request_of(format_), level, failing, confirm=confirm)
    )
    if comparison.replay is not None:
        sys.stderr.write(render_replay(comparison.replay))
    return tell(comparison, failing, format_, output, verbose=verbose)


def _replayed(cassette: Place, how: workflows.Replaying, terms: workflows.Terms) -> Comparison:
    with Bar(sys.stderr, "replaying") as bar:
        return workflows.replay(cassette, how, terms, bar.progress)
