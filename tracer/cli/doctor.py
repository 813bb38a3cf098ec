"""The command that looks at tracer itself: doctor."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tracer import workflows
from tracer.cli.app import app
from tracer.cli.options import Boundaries
from tracer.cli.terminal import color, say, width
from tracer.report.doctor import doctor_to_json, render_doctor
from tracer.report.formats import Appearance


@app.command(context_settings={"allow_interspersed_args": False})
def doctor(
    command: Annotated[list[str] | None, typer.Argument(metavar="[--] COMMAND [ARG]...", show_default=False)] = None,
    boundary: Boundaries = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write what was found as JSON.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show all rows.")] = False,
) -> int:
    """Say what is watched here; with a command, run it and say what was watched, what was missed and what stands in the way.

    Crossings are counted a second time by sys.setprofile, which makes the run slower. Exits with 1 where there is a problem.
    """
    found = workflows.diagnose(command or (), boundary)
    look = Appearance(width=width(sys.stdout), color=color(sys.stdout), verbose=verbose)
    say(doctor_to_json(found) if as_json else render_doctor(found, look))
    return 1 if found.problems else 0
