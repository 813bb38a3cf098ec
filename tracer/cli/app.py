"""The application that commands are registered on, and what is common to them."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Annotated

import typer

from tracer import __version__
from tracer.report.safe import plain

UNUSABLE = 2
"""The exit code for bad usage and unreadable input."""

app = typer.Typer(
    name="tracer",
    help="Record every call that crosses a module boundary, and name what a change did to them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
noise = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(noise, name="noise", help="List, edit, drop and learn the rules of a cassette: what differs by itself.")


def told(sentence: str) -> None:
    """Say a sentence beside what a command reports."""
    with suppress(OSError):
        sys.stderr.write(f"tracer: {plain(sentence)}\n")
        sys.stderr.flush()


def fail(sentence: str) -> int:
    """Say in one sentence why a command could not be carried out; return the exit code for it."""
    told(sentence)
    return UNUSABLE


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"tracer {__version__}\n")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Record every call that crosses a module boundary, and name what a change did to them."""
    del version
