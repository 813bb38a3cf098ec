"""Deciding about recordings that wait: what they are, accepting by key, by callable or as a whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from shlex import quote
from typing import TYPE_CHECKING

from tracer.compare.result import Severity
from tracer.errors import ReviewError
from tracer.report.safe import plain
from tracer.report.sentences import counted, listed, shift, visible_to_callers
from tracer.storage.adopt import adopt
from tracer.storage.store import accepted_path, baseline_of, list_pending, pending_path
from tracer.workflows import common, pending
from tracer.workflows.comparing import diff
from tracer.workflows.decisions import accept_findings
from tracer.workflows.helping import workers_of
from tracer.workflows.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tracer.compare.result import Comparison, Finding

_LIST = "`tracer accept --list` names what waits."
_HEX = re.compile(r"[0-9a-f]{1,12}")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A recording that waits, compared with its baseline. `findings` are those to decide, which nobody accepted.

    They are what callers can see and what makes a run red here; all there are where there is nothing else.
    """

    cassette: Path
    comparison: Comparison
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be accepted: findings by key (a unique beginning will do) or callable (a pattern), or all; and on what terms."""

    keys: tuple[str, ...] = ()
    callable: str | None = None
    everything: bool = False
    reason: str = ""
    until: date | None = None
    force: bool = False


def cassettes_waiting(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the cassettes beside which a recording waits, those in the cassette folder where no path is given.

    A path is a folder, a cassette, or the recording that waits itself.

    Raises:
        ReviewError: nothing waits at a path.
    """
    if not paths:
        return tuple(list_pending(common.settings().cassette_folder))
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += list_pending(path)
        elif pending_path(baseline_of(path)).is_file():
            found.append(baseline_of(path))
        else:
            raise ReviewError(
                f"review {str(path)!r}",
                "no recording waits there",
                "A red `tracer diff CASSETTE -- COMMAND` or a red test leaves one.",
            )
    return tuple(dict.fromkeys(found))


def compare_waiting(cassette: Path, progress: Callable[[int, int], None] | None = None) -> Waiting:
    """Compare a recording that waits with its baseline.

    Raises:
        ReviewError: there is no baseline, or what was accepted cannot be read.
        CassetteError: one of the two cannot be read.
    """
    if not cassette.is_file():
        raise ReviewError(
            f"review {str(pending_path(cassette))!r}",
            "its baseline is not there",
            f"`tracer accept --all {cassette}` makes it the baseline, or remove it.",
        )
    config = common.settings()
    terms = Terms(progress=progress, workers=workers_of(None))
    comparison = diff(cassette, pending_path(cassette), config=config, terms=terms)
    level = Severity(config.fail_on)
    asked = (each for each in comparison.findings if visible_to_callers(each) or each.severity.rank <= level.rank)
    return Waiting(cassette, comparison, tuple(asked) or comparison.findings)


def accept(choice: Choice, paths: Sequence[Path]) -> Iterator[str]:
    """Accept what waits; yield a sentence for each cassette. Where a part of the choice is not to be had, nothing is accepted.

    With `everything`, and neither a reason nor an end to be kept, each recording that waits becomes the baseline.

    Raises:
        ReviewError: nothing waits, a key is unknown or not unique, the day is over, or a run was not whole.
        CassetteError: a recording cannot be read.
    """
    _check(choice)
    found = cassettes_waiting(paths)
    if not found:
        raise ReviewError(
            "accept", "no recording waits in the cassette folder", "Name the cassette if it lies elsewhere."
        )
    if choice.everything and not choice.reason and choice.until is None:
        for cassette in found:
            check_whole(cassette, force=choice.force)
        for cassette in found:
            yield take_over(cassette)
        return
    waiting = _comparable(found, chosen=bool(paths) or choice.everything)
    for each, findings in _chosen(waiting, choice):
        accept_findings(each.cassette, findings, reason=choice.reason, until=choice.until)
        until = f" until {choice.until}" if choice.until else ""
        yield f"{each.cassette}: {counted(len(findings), 'change')} accepted{until}, written to {accepted_path(each.cassette).name}."


def take_over(cassette: Path) -> str:
    """Make what waits beside a cassette the baseline; say so.

    Raises:
        CassetteError: it is not whole, or the folder cannot be written.
    """
    adopt(cassette)
    return f"{cassette}: the recording that waited is the baseline now."


def check_whole(cassette: Path, *, force: bool = False, left_out: int | None = None) -> None:
    """Make sure that what waits beside a cassette is of a run that was whole, as far as can be known.

    Raises:
        ReviewError: its run failed, or it holds only some of the baseline's tests, and `force` does not allow that.
    """
    if force:
        return
    action = f"make {str(pending_path(cassette))!r} the baseline"
    doubt = pending.doubt(cassette)
    if doubt:
        remedy = "Let the run end well, or accept by key; --force takes it all the same."
        raise ReviewError(action, doubt, remedy)
    if left_out is None:
        left_out = compare_waiting(cassette).comparison.left_out if cassette.is_file() else 0
    if left_out:
        raise ReviewError(
            action,
            f"it lacks {counted(left_out, 'test')} of the baseline",
            "Run all tests, or accept by key; if those are gone, --force takes it.",
        )


def describe_waiting(paths: Sequence[Path]) -> Iterator[str]:
    """Yield the lines that name every finding to decide, with its key."""
    found = cassettes_waiting(paths)
    if not found:
        yield "Nothing waits for a decision."
    for cassette in found:
        yield str(cassette)
        if not cassette.is_file():
            yield "  no baseline: accepting all makes this recording the first one"
            continue
        for finding in compare_waiting(cassette).findings:
            name = plain(finding.callable)
            yield f"  {finding.key}  {finding.severity.value:10}  {name}  {finding.kind.value}  {shift(finding, 80)}"


def how_to_review(cassette: Path) -> str:
    """Return in one line how to decide about what waits beside a cassette; empty where nothing does."""
    if not pending_path(cassette).is_file():
        return ""
    return f"the new recording waits in {pending_path(cassette)}: `tracer review {quote(str(cassette))}`"


def parse_until(text: str) -> date:
    """Return a day that is not over.

    Raises:
        ReviewError: the text is no date, or the day is over.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ReviewError(f"accept until {text!r}", "it is no date", "Write it as 2027-01-31.") from None
    if day < common.today():
        raise ReviewError(f"accept until {text!r}", "that day is over", "Name a later one.")
    return day


def _check(choice: Choice) -> None:
    asked = [bool(choice.keys), choice.callable is not None, choice.everything]
    if sum(asked) != 1:
        cause = "more than one of keys, --callable and --all was given" if any(asked) else "nothing was chosen"
        raise ReviewError("accept", cause, f"Give keys, --callable PATTERN or --all; {_LIST}")


def _comparable(cassettes: Sequence[Path], *, chosen: bool) -> list[Waiting]:
    """Compare each; what has no baseline is an error only where it was `chosen`."""
    return [compare_waiting(cassette) for cassette in cassettes if chosen or cassette.is_file()]


def _chosen(waiting: Sequence[Waiting], choice: Choice) -> list[tuple[Waiting, list[Finding]]]:
    """Return the findings to accept by recording.

    Raises:
        ReviewError: a key or a pattern matches none, or a key several that differ.
    """
    if choice.keys:
        wanted = {_full_key(waiting, key) for key in choice.keys}
        is_wanted = [[finding for finding in each.findings if finding.key in wanted] for each in waiting]
    elif choice.callable is not None:
        pattern = choice.callable
        is_wanted = [[each for each in one.findings if fnmatchcase(each.callable, pattern)] for one in waiting]
    else:
        is_wanted = [list(each.findings) for each in waiting]
    found = [(each, findings) for each, findings in zip(waiting, is_wanted, strict=True) if findings]
    if not found:
        subject = f"changes of {choice.callable!r}" if choice.callable is not None else "what waits"
        raise ReviewError(f"accept {subject}", "there is no such change among what waits", _LIST)
    return found


def _full_key(waiting: Sequence[Waiting], key: str) -> str:
    named = {finding.key: finding for each in waiting for finding in each.findings}
    matching = sorted(full for full in named if _HEX.fullmatch(key.lower()) and full.startswith(key.lower()))
    if len(matching) == 1:
        return matching[0]
    if not matching:
        raise ReviewError(f"accept {plain(key)!r}", "no change that waits has a key that begins so", _LIST)
    texts = listed((f"{full} ({named[full].callable} {named[full].kind.value})" for full in matching), 5)
    raise ReviewError(f"accept {key!r}", f"it may be any of {texts}", "Give more of the key.")
