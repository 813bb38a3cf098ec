"""The command that makes one cassette of several: merge."""

from __future__ import annotations

from typing import Annotated

import typer

from tracer import workflows
from tracer.cli.app import app
from tracer.cli.terminal import say
from tracer.report.safe import plain


@app.command()
def merge(
    out: Annotated[str, typer.Argument(metavar="OUT", help="The cassette to write.", show_default=False)],
    shards: Annotated[
        list[str],
        typer.Argument(metavar="CASSETTE...", help="Shards of one run, or folders of them.", show_default=False),
    ],
    force: Annotated[bool, typer.Option("--force", help="Write over OUT if it is there already.")] = False,
) -> None:
    """Make one cassette of the shards of a run that many machines recorded, each a part of the tests.

    All have to be recorded with one Python and the same settings. Each may be a path or a URL.
    """
    places = [workflows.place_of(shard) for shard in shards]
    for sentence in workflows.merge(workflows.place_of(out), places, force=force):
        say(f"{plain(sentence)}\n")
