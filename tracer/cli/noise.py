"""The commands about what differs by itself: the rules of a cassette."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tracer import workflows
from tracer.cli.app import noise
from tracer.cli.live import LiveLine
from tracer.cli.looking import Cassette
from tracer.cli.terminal import say
from tracer.report.safe import plain


@noise.command("list")
def list_(cassette: Cassette) -> None:
    """List the rules of a cassette, numbered."""
    rules = workflows.rules_of(cassette)
    lines = [f"{number:>4}  {plain(str(rule))}" for number, rule in enumerate(rules, 1)]
    say("\n".join(lines or [f"{plain(str(cassette))} holds no rules."]) + "\n")


@noise.command()
def show(cassette: Cassette) -> None:
    """Show the rules of a cassette as TOML: tracer noise show CASSETTE > rules.toml, edit, tracer noise set CASSETTE rules.toml."""
    say(workflows.rules_as_toml(cassette))


@noise.command("set")
def set_(
    cassette: Cassette,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A TOML file as `show` writes it, or -.", show_default=False)
    ],
) -> None:
    """Replace the rules of a cassette by those in a TOML file. Calls and values stay as they are."""
    say(workflows.set_rules(cassette, file) + "\n")


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
    say(workflows.drop_rules(cassette, rules or (), every=every) + "\n")


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
    with LiveLine(sys.stderr, quiet=sys.stderr.isatty()) as live:
        told = workflows.learn_more(cassette, context.obj, runs=runs, rerun_recorded=rerun_recorded, tick=live.tick)
    say("".join(f"{line}\n" for line in told))
