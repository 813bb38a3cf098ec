"""The command that writes recordings for other tools: export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tracer import workflows
from tracer.cli.app import app, told
from tracer.cli.live import LiveLine
from tracer.cli.looking import Cassette
from tracer.cli.options import Boundaries
from tracer.cli.terminal import say
from tracer.errors import ConfigError
from tracer.report.exported import render_exported
from tracer.report.safe import plain
from tracer.report.sentences import counted


@app.command()
def export(
    cassette: Cassette,
    tests: Annotated[
        Path | None,
        typer.Option(
            "--pytest", metavar="OUT", help="Write tests: into OUT.py, or one file per component into a folder."
        ),
    ] = None,
    perfetto: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT", help="Write a Chrome trace for ui.perfetto.dev; times by `tracer record --timings`."
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(metavar="PREFIX", help="Only callables of this name or below: shop.tax, shop.cart:Cart."),
    ] = None,
    examples: Annotated[
        int, typer.Option(min=1, metavar="N", help="So many examples of each shape that a callable's outcomes have.")
    ] = 1,
    boundary: Boundaries = None,
    allow_import: Annotated[
        list[str] | None,
        typer.Option(metavar="PREFIX", help="Tests may import PREFIX and below as well; may be repeated."),
    ] = None,
    check: Annotated[bool, typer.Option(help="Run the tests first, and leave out what does not pass.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there already.")] = False,
) -> int:
    """Write recorded calls as pytest tests that pass on the code they were recorded from, or the run as a trace for Perfetto.

    tracer export CASSETTE --pytest tests/test_recorded.py; tracer export CASSETTE --perfetto trace.json
    """
    if tests is None and perfetto is None:
        raise ConfigError("export", "nothing was asked for", "Name a file with --pytest or --perfetto.")
    with workflows.at(workflows.place_of(cassette)) as path:
        if perfetto is not None:
            calls, timed = workflows.export_trace(path, perfetto, force=force)
            say(f"{counted(calls, 'call')} in {plain(str(perfetto))}: open it in ui.perfetto.dev.\n")
            if not timed:
                told(
                    "There are no times beside the cassette, so the trace shows the order of calls. Record with --timings."
                )
        if tests is None:
            return 0
        wishes = workflows.Wishes(only, examples, check, force)
        with LiveLine(sys.stderr) as live:
            done = workflows.export_tests(
                path, tests, wishes, boundaries=boundary, allow=allow_import or (), tick=live.tick
            )
        say(render_exported(done.files, done.callables, done.cases, done.of_callables, done.left_out))
        return 0
