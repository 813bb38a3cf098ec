"""The commands that look at cassettes: show, list, verify, recover."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tracer import workflows
from tracer.cli.app import app
from tracer.cli.terminal import color, say, width

Cassette = Annotated[str, typer.Argument(metavar="CASSETTE", help="A path or a URL.", show_default=False)]


@app.command()
def show(
    cassette: Cassette,
    flat: Annotated[bool, typer.Option("--flat", help="Do not indent calls below the call they were made in.")] = False,
    callable_glob: Annotated[
        str, typer.Option("--callable", metavar="GLOB", help="Only these callables: 'shop.tax:*'.")
    ] = "*",
    lane_glob: Annotated[
        str, typer.Option("--lane", metavar="GLOB", help="Only these lanes: 'test tests/test_a*'.")
    ] = "*",
    raised: Annotated[bool, typer.Option("--raised", help="Only calls that raised.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most N calls.")] = None,
) -> None:
    """Show a cassette as text, the same text for the same calls: also for `git diff` (see the README)."""
    for line in workflows.show(
        workflows.place_of(cassette),
        tree=not flat,
        callable_glob=callable_glob,
        lane_glob=lane_glob,
        raised_only=raised,
        limit=limit,
    ):
        if not say(f"{line}\n"):
            break


@app.command("list")
def list_(
    folder: Annotated[
        str | None,
        typer.Argument(metavar="[FOLDER]", help="A path or a URL. Default: the cassette folder.", show_default=False),
    ] = None,
) -> None:
    """List the cassettes in a folder and below, with what each holds."""
    where = workflows.place_of(folder) if folder else workflows.settings().cassette_folder
    say(workflows.list_cassettes(where, width(sys.stdout), color(sys.stdout)))


@app.command()
def verify(cassette: Cassette) -> None:
    """Check every checksum of a cassette."""
    say(workflows.verify(workflows.place_of(cassette)) + "\n")


@app.command()
def recover(
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="NAME.cassette.part, or a damaged cassette.", show_default=False)
    ],
) -> None:
    """Close a recording that was killed, or save what is whole of a damaged cassette."""
    say(workflows.recover(workflows.place_of(path)) + "\n")
