"""Comparing one cassette with another, or folder against folder: each pair by itself, where an executor likes, and told as one."""

from __future__ import annotations

from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tracer.compare.together import together
from tracer.errors import ComparisonError
from tracer.report.sentences import counted, listed
from tracer.version import VERSION, mismatch
from tracer.workflows import common
from tracer.workflows.comparing import diff
from tracer.workflows.executors import answers, processes
from tracer.workflows.places import cassettes_in, is_folder
from tracer.workflows.terms import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tracer.compare.result import Comparison
    from tracer.config import Config
    from tracer.workflows.places import Place
    from tracer.workflows.terms import Terms

_NAMES_SHOWN = 5
_WORTH_A_PROCESS = 8
"""Pairs of cassettes from which on processes are started where nobody says who carries the comparisons out."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two cassettes to be compared somewhere else. `version` is that of the tracer which asks."""

    old: Place
    new: Place
    config: Config
    terms: Terms
    version: str = VERSION


def compare(old: Place, new: Place, *, terms: Terms = PLAIN, executor: Executor | None = None) -> Comparison:
    """Compare two cassettes, or all that two folders hold under the same names.

    Pairs of cassettes go through the executor. Without one they are compared here one after the other, each by `terms.workers` processes, or each by
    one of these if they are many.

    Raises:
        CassetteError: a cassette or folder cannot be read.
        ComparisonError: one is a folder and the other a cassette, the folders have no name in common, or the executor broke.
    """
    folders = is_folder(old), is_folder(new)
    if not any(folders):
        return diff(old, new, terms=terms)
    if not all(folders):
        one, other = (old, new) if folders[0] else (new, old)
        cause = f"{str(one)!r} is a folder and {str(other)!r} is not"
        raise ComparisonError("compare", cause, "Name two folders, or two cassettes.")
    olds, news = cassettes_in(old), cassettes_in(new)
    names = [name for name in olds if name in news]
    if not names:
        cause = f"there is no cassette of the same name in {str(old)!r} and {str(new)!r}"
        raise ComparisonError("compare the folders", cause, "Cassettes are paired by their path below the folder.")
    config = common.settings()
    pairs = {name: Pair(olds[name], news[name], config, replace(terms, progress=None)) for name in names}
    found = _compared(pairs, terms, executor)
    return together(found, str(old), str(new), tuple(_left_out(olds, news)))


def compare_pair(pair: Pair) -> Comparison:
    """Compare the cassettes of a pair, wherever this runs.

    Raises:
        TracerError: as `diff`; ComparisonError where another tracer asks.
    """
    if cause := mismatch(pair.version):
        raise ComparisonError("compare", cause, "Install one version of tracer everywhere.")
    return diff(pair.old, pair.new, config=pair.config, terms=pair.terms)


def _compared(pairs: Mapping[str, Pair], terms: Terms, executor: Executor | None) -> dict[str, Comparison]:
    if executor is None and terms.workers > 1 and len(pairs) >= _WORTH_A_PROCESS and not terms.allow_imports:
        with processes(min(len(pairs), terms.workers)) as local:
            return _compared(pairs, terms, local)
    found: dict[str, Comparison] = {}
    if executor is None:
        for name, pair in pairs.items():
            found[name] = compare_pair(pair)
            _tell(terms, len(found), len(pairs))
        return found
    futures: dict[Future[Comparison], str] = {
        executor.submit(compare_pair, _alone(pair)): name for name, pair in pairs.items()
    }
    with answers(futures, "compare the folders", ComparisonError):
        for future in as_completed(futures):
            found[futures[future]] = future.result()
            _tell(terms, len(found), len(pairs))
    return found


def _alone(pair: Pair) -> Pair:
    """Return a pair that one process compares."""
    return replace(pair, terms=replace(pair.terms, workers=1))


def _tell(terms: Terms, done: int, total: int) -> None:
    if terms.progress is not None:
        terms.progress(done, total)


def _left_out(olds: Mapping[str, Place], news: Mapping[str, Place]) -> Iterator[str]:
    for side, mine, others in (("OLD", olds, news), ("NEW", news, olds)):
        alone = tuple(name for name in mine if name not in others)
        if alone:
            verb = "were" if len(alone) > 1 else "was"
            yield f"{counted(len(alone), 'cassette')} only in {side} {verb} not compared: {listed(alone, _NAMES_SHOWN)}."
