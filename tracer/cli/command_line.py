"""One command line, from its words to its exit code."""

from __future__ import annotations

import sys
from contextlib import nullcontext, suppress
from importlib import import_module
from traceback import format_exception
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import typer

from tracer import __version__
from tracer.cli.app import UNUSABLE, app, fail
from tracer.errors import TracerError
from tracer.workflows.stopping import stoppable

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: Final = MappingProxyType(
    {
        "running": ("record", "diff", "demo"),
        "looking": ("show", "list", "verify", "recover"),
        "reviewing": ("review", "accept", "prune"),
        "replaying": ("replay",),
        "playing": ("playback",),
        "exporting": ("export",),
        "merging": ("merge",),
        "statistics": ("stats",),
        "doctor": ("doctor",),
        "noise": ("noise",),
    }
)
"""Commands by the module beside this one that registers them on `app`, in the order in which help lists them."""
_HOME_OF: Final = {name: home for home, names in COMMANDS.items() for name in names}
_RUNNERS = frozenset({"record", "doctor"})
"""Commands whose own parser takes all from the first word on as the user's command, which the signals are for that they get."""
INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


def run(words: Sequence[str]) -> int:
    """Run one command line and return its exit code.

    What follows the first `--` is a command of the user's: no option of tracer is looked for in it.
    """
    load(words[0] if words else "")
    own, command = _split(_with_values(list(words)))
    try:
        with nullcontext() if own[:1] and own[0] in _RUNNERS else stoppable():
            result = typer.main.get_command(app).main(args=own, prog_name="tracer", obj=command, standalone_mode=False)
    except TracerError as error:
        return fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  (1 means findings, so nothing of ours may end with it)
        return _fail(error)
    return result if isinstance(result, int) else 0


def load(command: str) -> None:
    """Register a command and those of its module; all where there is none of that name, so that help and suggestions know them.

    The parser is made anew for each command line: with all commands that takes longer than to read most cassettes.
    """
    for home in [_HOME_OF[command]] if command in _HOME_OF else COMMANDS:
        import_module(f"tracer.cli.{home}")


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


def _with_values(words: list[str]) -> list[str]:
    """Return the words with `all` after an `--ambient` that stands alone: an option has a value for the parser, or never one."""
    end = words.index("--") if "--" in words else len(words)
    own = []
    for at, word in enumerate(words[:end]):
        own.append(word)
        if word == "--ambient" and (at + 1 == end or words[at + 1].startswith("-")):
            own.append("all")
    return [*own, *words[end:]]


def _split(words: list[str]) -> tuple[list[str], tuple[str, ...] | None]:
    if "--" not in words or words[0] in _RUNNERS:
        return words, None
    at = words.index("--")
    return words[:at], tuple(words[at + 1 :])
