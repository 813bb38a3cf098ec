"""Options that several commands share, and how each of them tells what it found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracer import workflows
from tracer.ambient import CHOICES
from tracer.cli.terminal import color, say, width
from tracer.config import LEVELS
from tracer.report.formats import FORMATS, Appearance, report_parts

if TYPE_CHECKING:
    from tracer.compare.result import Comparison, Severity

Ambient = Annotated[
    str | None,
    typer.Option(
        "--ambient",
        metavar="KINDS",
        help=f"What is read of the surroundings: all (also where nothing follows), none, or some of {', '.join(CHOICES)}.",
    ),
]
Boundaries = Annotated[
    list[str] | None,
    typer.Option(
        "--boundary", "-b", metavar="PREFIX", help="Watch the interface of PREFIX and below; may be repeated."
    ),
]
Format = Annotated[str, typer.Option("--format", metavar="|".join(FORMATS), help="How to write the report.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="OUT", help="Write the report to a file.")]
FailOn = Annotated[
    str | None,
    typer.Option(
        metavar="LEVEL",
        help="The lowest severity that exits with 1: breaking, changed, compatible, internal, noise.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help="Have it done by the workers of the Dask scheduler at ADDRESS: tcp://10.0.0.1:8786."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", help="Processes at a time. Default: one for each core, at most 8."),
]
Level = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(LEVELS), help="What to compare: every value, or shapes alone (types, keys, optionality)."
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show effects and internal changes in full.")]


def tell(comparison: Comparison, failing: Severity, format_: str, output: Path | None, *, verbose: bool) -> int:
    """Write a comparison to standard output or a file; return the exit code that it stands for."""
    if output is None:
        look = Appearance(width=width(sys.stdout), color=color(sys.stdout), verbose=verbose)
        all(map(say, report_parts(format_, comparison, look)))  # until nobody reads it any more
    else:
        look = Appearance(width=100, verbose=verbose)
        workflows.write_report(output, report_parts(format_, comparison, look))
    return 1 if comparison.at_or_above(failing) else 0
