"""The command that counts: stats."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tracer import workflows
from tracer.cli.app import app
from tracer.cli.terminal import color, say, width
from tracer.report.formats import Appearance


@app.command()
def stats(
    cassette: Annotated[str, typer.Argument(metavar="CASSETTE", show_default=False)],
    new: Annotated[
        str | None,
        typer.Argument(metavar="NEW", help="A later one: what came and went is shown too.", show_default=False),
    ] = None,
    component: Annotated[
        list[str] | None,
        typer.Option("--component", "-c", metavar="PREFIX", help="Only PREFIX and below; may be repeated."),
    ] = None,
    format_: Annotated[str, typer.Option("--format", metavar="text|json|html", help="How to write them.")] = "text",
    fail_under: Annotated[
        float | None,
        typer.Option(min=0, max=100, metavar="PERCENT", help="Exit with 1 when less of the interfaces was crossed."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show all rows and names.")] = False,
) -> int:
    """Show which component calls which, how often, through which callables, and which public callables were never crossed.

    tracer stats CASSETTE; tracer stats OLD NEW. Of modules that were never imported a cassette knows nothing.
    """
    look = Appearance(width=width(sys.stdout), color=color(sys.stdout), verbose=verbose)
    first = workflows.place_of(cassette)
    old, now = (None, first) if new is None else (first, workflows.place_of(new))
    text, coverage = workflows.statistics_report(old, now, component or (), format_, look)
    say(text)
    if fail_under is None or workflows.covered_enough(coverage, fail_under):
        return 0
    sys.stderr.write(f"tracer: {coverage.percent} % of the public callables were crossed, under {fail_under:g} %.\n")
    return 1
