"""A comparison as JSON, schema 1: the format other programs read.

Fields may be added within a schema; none is renamed or removed.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from tracer.report.places import places_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.compare.context import Place
    from tracer.compare.result import Comparison, Finding, Replay, Side, Summary

SCHEMA: Final = 1
_FINDINGS_OF_A_PART: Final = 100


def render_json(comparison: Comparison) -> str:
    """Return the comparison as indented JSON in ASCII, its fields in a fixed order, with a line break at the end."""
    return "".join(json_parts(comparison))


def json_parts(comparison: Comparison) -> Iterator[str]:
    """Yield the text of `render_json` in parts of some 100 KB: of 100,000 findings, all of it at once takes 600 MiB to make."""
    places = places_of(comparison)
    document = {
        "schema": SCHEMA,
        "verdict": comparison.verdict.value,
        "old": _side(comparison.old),
        "new": _side(comparison.new),
        "summary": _summary(comparison.summary),
        "findings": [],
        "notes": list(comparison.notes),
        "hidden": [{"rule": rule, "count": count} for rule, count in comparison.hidden],
        **({"replay": _replay(comparison.replay)} if comparison.replay is not None else {}),
    }
    # No text in JSON has a line break in it, so the list that is empty here is found, and indenting changes no value.
    before, empty, after = json.dumps(document, indent=2).partition('\n  "findings": []')
    if not comparison.findings:
        yield f"{before}{empty}{after}\n"
        return
    yield f'{before}\n  "findings": ['
    for first in range(0, len(comparison.findings), _FINDINGS_OF_A_PART):
        some = comparison.findings[first : first + _FINDINGS_OF_A_PART]
        texts = (json.dumps(_finding(each, places.get(each.callable)), indent=2) for each in some)
        yield ("," if first else "") + ",".join(f"\n{text}" for text in texts).replace("\n", "\n    ")
    yield f"\n  ]{after}\n"


def _side(side: Side) -> dict[str, Any]:
    return {"cassette": side.cassette, "calls": side.calls}


def _summary(summary: Summary) -> dict[str, int]:
    return {
        "compared": summary.compared,
        "identical": summary.identical,
        "changed": summary.changed,
        "added": summary.added,
        "removed": summary.removed,
        "hidden_as_noise": summary.hidden_as_noise,
        "accepted": summary.accepted,
        "partly": summary.partly,
        "lost": summary.lost,
        "thinned": summary.thinned,
    }


def _replay(replay: Replay) -> dict[str, Any]:
    return {
        "calls": replay.calls,
        "replayed": replay.replayed,
        "by_chance": replay.by_chance,
        "components": [asdict(each) for each in replay.components],
        "skipped": [asdict(each) for each in replay.skipped],
    }


def _finding(finding: Finding, place: Place | None) -> dict[str, Any]:
    example = finding.example
    return {
        "key": finding.key,
        "callable": finding.callable,
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "role": finding.role.value,
        "confidence": finding.confidence.value,
        "count": finding.count,
        "calls": finding.calls,
        "callers": list(finding.callers),
        "path": finding.path,
        "before": finding.before,
        "after": finding.after,
        "example": None if example is None else {"lane": example.lane, "arguments": example.arguments},
        "unseen": list(finding.unseen),
        "inner": list(finding.inner),
        "explained_by": finding.explained_by,
        "made_by": finding.made_by,
        "file": place.file if place else None,
        "line": place.line or None if place else None,
    }
