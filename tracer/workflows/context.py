"""What a report shows beside the findings, gathered from the two recordings and the project's files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tracer.compare.context import NOTHING, Context, Place, Request
from tracer.compare.edges import edges
from tracer.compare.prepared import prepare
from tracer.compare.statistics import statistics
from tracer.compare.surroundings import trees
from tracer.select.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tracer.compare.result import Comparison, Finding
    from tracer.config import Config
    from tracer.model import RecordedRun

_MOST_PLACES: Final = 10_000


def with_context(
    comparison: Comparison, old: RecordedRun, new: RecordedRun, request: Request, config: Config
) -> Comparison:
    """Return the comparison of two runs with what a report asks for; where it asks for nothing, nothing is read.

    Raises:
        CassetteDamaged: a block of a recording cannot be read.
    """
    if request == NOTHING:
        return comparison
    findings = comparison.findings
    context = Context(places=tuple(_places(findings, old, new, config.root)) if request.places else ())
    if request.trees:
        compared = prepare(old, new, dict(config.renamed))
        context = replace(context, trees=trees(compared.old, compared.new, findings, request.trees))
    if request.edges:
        before, after = statistics(old, comparison.old.cassette), statistics(new, comparison.new.cassette)
        interfaces = tuple((each.component, each.coverage) for each in after.components)
        context = replace(context, edges=edges(before, after, findings), interfaces=interfaces)
    return replace(comparison, context=context)


def _places(findings: Iterable[Finding], old: RecordedRun, new: RecordedRun, root: Path) -> Iterator[tuple[str, Place]]:
    """Yield the places of the callables of findings as they stand in the working tree, the first so many."""
    files = {each.name: each.file for run in (old, new) for each in run.recording.callables}
    places = Places(root)
    for name in list(dict.fromkeys(finding.callable for finding in findings))[:_MOST_PLACES]:
        found = places.find(files.get(name, ""), name.partition(":")[2])
        if found is not None:
            yield name, Place(*found)
