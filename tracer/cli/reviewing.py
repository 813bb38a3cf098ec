"""The commands that decide: review, accept, prune."""

from __future__ import annotations

import re
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracer import workflows
from tracer.cli.app import UNUSABLE, app, fail
from tracer.cli.live import LiveLine
from tracer.cli.terminal import say
from tracer.errors import ReviewError, TracerError
from tracer.report.safe import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

INTERRUPTED = 130
_LEFT = 1
_PATH = re.compile(r"[/\\]|\.cassette(\.pending)?$|^\.")


@app.command()
def review(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Cassettes or folders of them, also by URL. Default: the cassette folder.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Walk through what changed in recordings that wait, one keystroke for each: accept, reject, skip.

    Exits with 1 where something was rejected or is left to decide.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ReviewError(
            "review", "standard input or output is no terminal", "Use `tracer accept --list` and `tracer accept KEY`."
        )
    from tracer.cli.screen import keystrokes, walk  # noqa: PLC0415  (termios is not everywhere)

    with _here(paths or []) as (places, naming):
        return _reviewed(places, naming, keystrokes, walk)


@contextmanager
def _here(words: list[str]) -> Iterator[tuple[list[Path], Callable[[str], str]]]:
    """Give paths for words of the user's, and what names the places in a sentence about these.

    What is decided of a cassette at a URL is sent there at the end.
    """
    with ExitStack() as stack:
        places = [place for word in words for place in workflows.waiting_at(workflows.place_of(word))]
        paths = [stack.enter_context(workflows.at(place)) for place in places]

        def naming(sentence: str) -> str:
            for path, place in zip(paths, places, strict=True):
                sentence = workflows.named(sentence, path, place)
            return plain(sentence)

        yield paths, naming


def _reviewed(
    places: list[Path],
    naming: Callable[[str], str],
    keystrokes: Callable[[], AbstractContextManager[Iterator[str]]],
    walk: Callable[[workflows.Review, Iterator[str]], None],
) -> int:
    waiting, problems = _compared(workflows.cassettes_waiting(places))
    if not waiting and not problems:
        say("Nothing waits for a decision.\n")
        return 0
    session = workflows.Review(waiting)
    interrupted = False
    try:
        with keystrokes() as keys:
            walk(session, keys)
    except KeyboardInterrupt:
        interrupted = True
        say("\ninterrupted; what was decided is kept\n")
    for sentence in session.close():
        say(f"{naming(sentence)}\n")
    for problem in problems:
        fail(naming(str(problem)))
    left = bool(session.open) or any(
        session.count(each) for each in (workflows.Decision.REJECTED, workflows.Decision.SKIPPED)
    )
    return INTERRUPTED if interrupted else UNUSABLE if problems else _LEFT if left else 0


def _compared(cassettes: tuple[Path, ...]) -> tuple[list[workflows.Waiting], list[TracerError]]:
    """Compare all; what cannot be compared does not keep the others from being reviewed."""
    waiting: list[workflows.Waiting] = []
    problems: list[TracerError] = []

    def take(cassette: Path) -> None:
        try:
            waiting.append(workflows.compare_waiting(cassette, live.progress))
        except TracerError as error:
            problems.append(error)

    with LiveLine(sys.stderr) as live:
        for cassette in cassettes:
            take(cassette)
    return waiting, problems


@app.command()
def accept(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY]... [PATH]...",
            help="Keys of changes (a unique beginning will do), then cassettes or folders. Default: the cassette folder.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Accept all: what waits becomes the baseline, or, with a reason or an end, is written down."
        ),
    ] = False,
    callable_: Annotated[
        str | None,
        typer.Option("--callable", metavar="PATTERN", help="Accept the changes of these callables: 'shop.tax:*'."),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Only name what waits, with its keys.")] = False,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with what is accepted.")] = "",
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="The last day on which it is accepted, as in 2027-01-31.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With --all: take even the recording of a run that failed or was filtered.")
    ] = False,
) -> None:
    """Accept changes of recordings that wait, without a terminal: by key, by callable, or all."""
    keys, paths = _sorted(words or [])
    with _here(paths) as (places, naming):
        if list_:
            for line in workflows.describe_waiting(places):
                if not say(f"{naming(line)}\n"):
                    break
            return
        end = workflows.parse_until(until) if until is not None else None
        choice = workflows.Choice(tuple(keys), callable_, everything, reason, end, force)
        for sentence in workflows.accept(choice, places):
            say(f"{naming(sentence)}\n")


def _sorted(words: list[str]) -> tuple[list[str], list[str]]:
    """Tell keys from paths: a path has a slash or the suffix of a cassette, or is there."""
    paths = [word for word in words if _PATH.search(word) or (word and Path(word).exists())]
    return [word for word in words if word not in paths], paths


@app.command()
def prune(
    words: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FOLDER] [LIST]...",
            help="A folder of cassettes (default: the cassette folder); usage lists of other runs or folders of such.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
) -> None:
    """Delete recordings that no test used, when all tests ran: in one run, or in several whose lists complete each other."""
    for sentence in workflows.prune(words or [], dry_run=dry_run):
        say(f"{plain(sentence)}\n")
