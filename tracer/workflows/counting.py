"""Interface statistics of cassettes: who calls whom, and how much of each interface was crossed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.compare.edges import edges
from tracer.compare.statistics import change, statistics
from tracer.errors import ConfigError
from tracer.report.html.statistics import render_statistics_html
from tracer.report.statistics import change_to_json, render_change, render_statistics, statistics_to_json
from tracer.select.patterns import covers
from tracer.storage.reader import open_cassette
from tracer.workflows.places import here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.compare.interfaces import Coverage, Statistics
    from tracer.report.formats import Appearance
    from tracer.workflows.places import Place

STATISTICS_FORMATS = ("text", "json", "html")


def statistics_report(
    old: Place | None, new: Place, prefixes: Sequence[str], format_: str, look: Appearance
) -> tuple[str, Coverage]:
    """Return the statistics of `new` in a format, with what came and went since `old` if one is given, and the coverage of `new`.

    With prefixes, only those of the components they cover.

    Raises:
        ConfigError: there is no such format, or a prefix covers no component.
        CassetteError: one of the cassettes cannot be read.
    """
    if format_ not in STATISTICS_FORMATS:
        remedy = f"Use one of: {', '.join(STATISTICS_FORMATS)}."
        raise ConfigError("write the statistics", f"{format_!r} is no format", remedy)
    now = _measure(new, prefixes)
    if old is None:
        _check(prefixes, now)
        if format_ == "html":
            return render_statistics_html(now, None, edges(now, now, ())), now.coverage
        return statistics_to_json(now) if format_ == "json" else render_statistics(now, look), now.coverage
    before = _measure(old, prefixes)
    _check(prefixes, now, before)
    if format_ == "html":
        return render_statistics_html(now, before, edges(before, now, ())), now.coverage
    found = change(before, now)
    return change_to_json(found) if format_ == "json" else render_change(found, look), now.coverage


def covered_enough(coverage: Coverage, percent: float) -> bool:
    """Whether at least `percent` of the public callables were crossed.

    Raises:
        ConfigError: there is none, so that nothing can be said.
    """
    if not coverage.public:
        raise ConfigError("check the interface coverage", "the cassette knows no public callable")
    return coverage.reaches(percent)


def _measure(cassette: Place, prefixes: Sequence[str]) -> Statistics:
    with here(cassette) as (path,), open_cassette(path) as run:
        if not prefixes:
            return statistics(run, str(cassette))
        return statistics(run, str(cassette), lambda name: any(covers(prefix, name) for prefix in prefixes))


def _check(prefixes: Sequence[str], *sides: Statistics) -> None:
    for prefix in prefixes:
        if not any(covers(prefix, each.component) for side in sides for each in side.components):
            raise ConfigError(
                f"count calls into {prefix!r}",
                f"{sides[0].cassette!r} has no such component",
                "Without --component all that it has are shown.",
            )
