"""The commands about what differs by itself: the rules of a cassette."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracer import workflows
from tracer.cli.app import noise
from tracer.cli.live import LiveLine
from tracer.cli.looking import Cassette
from tracer.cli.terminal import say
from tracer.report.safe import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@noise.command("list")
def list_(cassette: Cassette) -> None:
    """List the rules of a cassette, numbered."""
    with workflows.at(workflows.place_of(cassette)) as path:
        rules = workflows.rules_of(path)
    lines = [f"{number:>4}  {plain(str(rule))}" for number, rule in enumerate(rules, 1)]
    say("\n".join(lines or [f"{plain(cassette)} holds no rules."]) + "\n")


@noise.command()
def show(cassette: Cassette) -> None:
    """Show the rules of a cassette as TOML: tracer noise show CASSETTE > rules.toml, edit, tracer noise set CASSETTE rules.toml."""
    with workflows.at(workflows.place_of(cassette)) as path:
        say(workflows.rules_as_toml(path))


@noise.command("set")
def set_(
    cassette: Cassette,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A TOML file as `show` writes it, or -.", show_default=False)
    ],
) -> None:
    """Replace the rules of a cassette by those in a TOML file. Calls and values stay as they are."""
    with _changed(cassette) as (path, tell):
        tell(workflows.set_rules(path, file))


@noise.command()
def drop(
    cassette: Cassette,
    rules: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RULE]...",
            help="Its number as `list` shows it, or a pattern of its callable: 'shop.clock:*'.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Drop all of them.")] = False,
) -> None:
    """Take rules out of a cassette, so that what they hid is told again."""
    with _changed(cassette) as (path, tell):
        tell(workflows.drop_rules(path, rules or (), every=every))


@noise.command()
def learn(
    context: typer.Context,
    cassette: Cassette,
    runs: Annotated[
        int, typer.Option(min=2, metavar="N", help="How often to run, each time with another hash seed.")
    ] = 2,
    rerun_recorded: Annotated[
        bool, typer.Option("--rerun-recorded", help="Allow running a command that is known only from the cassette.")
    ] = False,
) -> None:
    """Run a command again, add what differs between these runs to the rules: tracer noise learn CASSETTE -- COMMAND.

    Without a command, the one that tracer diff CASSETTE would run.
    """
    with _changed(cassette) as (path, tell), LiveLine(sys.stderr, quiet=sys.stderr.isatty()) as live:
        told = workflows.learn_more(path, context.obj, runs=runs, rerun_recorded=rerun_recorded, tick=live.tick)
    tell("\n".join(told))


@contextmanager
def _changed(cassette: str) -> Iterator[tuple[Path, Callable[[str], object]]]:
    """Give the path of a cassette to change, and what says a sentence about it."""
    place = workflows.place_of(cassette)
    with workflows.at(place) as path:
        yield path, lambda text: say(workflows.named(text, path, place) + "\n")
