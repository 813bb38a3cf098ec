"""A comparison as SARIF 2.1.0, which code scanning reads: a result per finding, at the definition of its callable."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from tracer.compare.result import Kind, Severity
from tracer.report.places import places_of
from tracer.report.safe import plain
from tracer.report.sentences import change_of, headline, sentence, totals, visible_to_callers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracer.compare.context import Place
    from tracer.compare.result import Comparison, Finding

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST: Final = 5_000
"""As many results as GitHub shows of one run."""
_LEVEL: Final = {Severity.BREAKING: "error", Severity.CHANGED: "warning", Severity.COMPATIBLE: "note"}
_PLACEHOLDER: Final = re.compile(r"\{(\d+)\}")
_KINDS: Final = tuple(Kind)


def render_sarif(comparison: Comparison, limit: int = MOST) -> str:
    """Return a SARIF log of one run: at most `limit` results of what callers can see, most important first, each with a fingerprint.

    Recorded text can form neither a link nor a placeholder of a message.
    """
    visible = [finding for finding in comparison.findings if visible_to_callers(finding)]
    places = places_of(comparison)
    told = [*comparison.notes, headline(comparison), totals(comparison.summary)]
    if len(visible) > limit:
        told.append(f"{len(visible) - limit:,} more findings are not listed here; --format json has all.")
    run = {
        "tool": {"driver": {"name": "tracer", "rules": [_rule(kind) for kind in _KINDS]}},
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [{"level": "note", "message": _message(plain(text))} for text in told],
            }
        ],
        "results": [_result(finding, places) for finding in visible[:limit]],
        "columnKind": "unicodeCodePoints",
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False) + "\n"


def _rule(kind: Kind) -> dict[str, Any]:
    return {
        "id": kind.value,
        "shortDescription": {"text": f"A callable {change_of(kind)}."},
        "defaultConfiguration": {"level": "warning"},
    }


def _result(finding: Finding, places: Mapping[str, Place]) -> dict[str, Any]:
    return {
        "ruleId": finding.kind.value,
        "ruleIndex": _KINDS.index(finding.kind),
        "level": _LEVEL[finding.severity],
        "message": _message(f"{sentence(finding, 200)}."),
        "locations": [_location(finding, places.get(finding.callable))],
        "partialFingerprints": {"tracerFinding/v1": finding.key},
        "properties": {
            "severity": finding.severity.value,
            "role": finding.role.value,
            "confidence": finding.confidence.value,
            "count": finding.count,
            "calls": finding.calls,
            "callers": [plain(caller) for caller in finding.callers],
            "explained_by": plain(finding.explained_by),
            "made_by": plain(finding.made_by),
            "path": plain(finding.path),
            "before": plain(finding.before),
            "after": plain(finding.after),
        },
    }


def _location(finding: Finding, place: Place | None) -> dict[str, Any]:
    location: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": plain(finding.callable), "kind": "function"}]
    }
    if place is not None:
        physical: dict[str, Any] = {"artifactLocation": {"uri": quote(place.file), "uriBaseId": "%SRCROOT%"}}
        if place.line:
            physical["region"] = {"startLine": place.line}
        location["physicalLocation"] = physical
    return location


def _message(text: str) -> dict[str, str]:
    """Return text as a message. Braces and brackets are escaped only where they would mean something (SARIF 3.11.5 and 3.11.6)."""
    text = _PLACEHOLDER.sub(r"{{\1}}", text)
    return {"text": re.sub(r"([\\\[\]])", r"\\\1", text) if "](" in text else text}
