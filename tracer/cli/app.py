"""The application: what is common to all commands."""

from __future__ import annotations

import sys
from contextlib import suppress
from traceback import format_exception
from typing import TYPE_CHECKING, Annotated

import typer

from tracer import __version__
from tracer.errors import TracerError
from tracer.report.safe import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

UNUSABLE = 2
"""The exit code for bad usage and unreadable input."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""

app = typer.Typer(
    name="tracer",
    help="Record every call that crosses a module boundary, and name what a change did to them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def run(words: Sequence[str]) -> int:
    """Run one command line and return its exit code.

    What follows the first `--` is a command of the user's: no option of tracer is looked for in it.
    """
    # Late, because each registers its commands on `app`.
    from tracer.cli import looking, running  # noqa: F401, PLC0415

    own, command = _split(list(words))
    try:
        result = typer.main.get_command(app).main(args=own, prog_name="tracer", obj=command, standalone_mode=False)
    except TracerError as error:
        return fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  (1 means findings, so nothing of ours may end with it)
        return _fail(error)
    return result if isinstance(result, int) else 0


def fail(sentence: str) -> int:
    """Say in one sentence why a command could not be carried out; return the exit code for it."""
    with suppress(OSError):
        sys.stderr.write(f"tracer: {plain(sentence)}\n")
    return UNUSABLE


def _fail(error: Exception) -> int:
    """Show a usage error as typer words it; for what was not foreseen, show what whoever looks into it needs, and ask for a report."""
    if hasattr(error, "exit_code") and hasattr(
        error, "show"
    ):  # typer's own, whose base class has moved between releases
        error.show()
        return UNUSABLE
    with suppress(OSError):
        sys.stderr.write("".join(format_exception(error)))
    return fail(
        f"This is a defect of tracer {__version__}, not of your program. Please report it with the lines above."
    )


def _split(words: list[str]) -> tuple[list[str], tuple[str, ...] | None]:
    if "--" not in words or words[0] == "record":  # whose own parser takes all from the first word on as the command
        return words, None
    at = words.index("--")
    return words[:at], tuple(words[at + 1 :])


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
