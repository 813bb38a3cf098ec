"""The command that plays components back while another command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from tracer import workflows
from tracer.cli.app import app, fail, told
from tracer.cli.options import Ambient
from tracer.config import ambient_kinds
from tracer.report.sentences import counted

_SHOWN = 10


@app.command()
def playback(
    context: typer.Context,
    cassette: Annotated[
        str | None,
        typer.Argument(metavar="CASSETTE", help="The cassette to play: a path or a URL.", show_default=False),
    ] = None,
    components: Annotated[
        list[str] | None,
        typer.Option(
            "--components", "-c", metavar="PREFIX", help="Answer calls into PREFIX and below; may be repeated."
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            metavar="none|once|new_episodes|all",
            help="What happens on a call that CASSETTE does not hold. Default: TRACER_MODE, the settings, once.",
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail when recorded calls were not made.")] = False,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PARAMETER",
            help="A parameter that does not count when a recorded call is looked for; may be repeated.",
        ),
    ] = None,
    by_order: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN", help="Callables whose calls are told apart by nothing but their order; may be repeated."
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PREFIX", help="Modules that may be imported to make recorded values live again; may be repeated."
        ),
    ] = None,
    repeat: Annotated[bool, typer.Option("--repeat", help="Play the last call of its kind again and again.")] = False,
    ambient: Ambient = None,
) -> int:
    """Run a command while calls into some components are answered from a cassette, in every Python it starts.

    tracer playback CASSETTE --components PREFIX -- COMMAND. Exits as the command does; with 1 when a call was missed, or with --strict
    when recorded ones were not made, with 2 when nothing could be played back.
    """
    command: tuple[str, ...] = context.obj or ()
    if cassette is None or not command:
        return fail(
            "Couldn't play back: a cassette and a command are needed. Usage: tracer playback CASSETTE --components PREFIX -- COMMAND."
        )
    config = workflows.settings()
    chosen = workflows.cassette_mode(mode, config)
    if chosen == "off":
        return fail("Couldn't play back: mode 'off' answers nothing. Run the command by itself.")
    with workflows.at(workflows.place_of(cassette)) as path:
        plan = workflows.PlaybackPlan(
            path,
            components or (),
            chosen,
            config,
            ignore=ignore or (),
            match=dict.fromkeys(by_order or (), "callable"),
            allow=allow or (),
            repeat=repeat,
            ambient=ambient_kinds(ambient) if ambient is not None else (),
        )
        summary = workflows.play(command, plan, strict=strict)
    _tell(summary)
    return summary.code


def _tell(summary: workflows.PlaybackSummary) -> None:
    for reason in summary.failures:
        told(f"Couldn't play back in a process: {reason}")
    if not summary.processes and not summary.failures:
        told("No Python that the command started could be played back.")
    if summary.surroundings:
        told(summary.surroundings)
    told(f"{counted(summary.played, 'call')} played, {summary.recorded} recorded, {len(summary.missed)} missed")
    for line in "\n".join(summary.missed[:_SHOWN]).splitlines():
        told(line)
    if summary.dropped:
        told("The cassette stays as it was: the command failed or a call was missed.")
    if summary.unplayed:
        told(f"{counted(len(summary.unplayed), 'recorded call')} not made{':' if summary.strict else ''}")
    for text in summary.unplayed[:_SHOWN] if summary.strict else ():
        told(f"  {text}")
