"""SARIF: valid by the standard's own schema, at the definition, and closed to what was recorded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.helpers import REPOSITORY
from tests.report.conftest import HOSTILE
from tracer.compare.result import Severity
from tracer.report.sarif import render_sarif

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.compare.context import Context
    from tracer.compare.result import Comparison, Finding

SCHEMA = REPOSITORY / ".cache" / "sarif-2.1.0.json"


def run_of(comparison: Comparison, limit: int = 100) -> Any:
    return json.loads(render_sarif(comparison, limit))["runs"][0]


def test_a_result_stands_at_the_definition_with_a_fingerprint(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], context: Context
) -> None:
    result = run_of(comparison(finding(), context=context))["results"][0]

    assert result["ruleId"] == "returned-value"
    assert result["level"] == "warning"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "src/shop/tax.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 12},
    }
    assert result["partialFingerprints"] == {"tracerFinding/v1": "3f2a"}
    assert result["message"]["text"].startswith("shop.tax:vat returns another value (10.0 -> 10.5)")


def test_a_callable_outside_the_project_has_a_logical_location_only(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    location = run_of(comparison(finding()))["results"][0]["locations"][0]

    assert location == {"logicalLocations": [{"fullyQualifiedName": "shop.tax:vat", "kind": "function"}]}


def test_levels_follow_severities_and_internal_changes_are_left_out(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    results = run_of(comparison(*(finding(severity=severity) for severity in Severity)))["results"]

    assert [result["level"] for result in results] == ["error", "warning", "note"]


def test_the_log_is_bounded_and_says_what_it_left_out(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    run = run_of(comparison(*(finding() for _ in range(30))), limit=20)

    told = [each["message"]["text"] for each in run["invocations"][0]["toolExecutionNotifications"]]
    assert len(run["results"]) == 20
    assert "10 more findings are not listed here; --format json has all." in told


def test_recorded_text_forms_no_link_and_no_placeholder(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    text = run_of(comparison(finding(before="[see](http://evil)", after="{0}")))["results"][0]["message"]["text"]

    assert r"\[see\](http://evil)" in text
    assert "{{0}}" in text


@pytest.mark.skipif(
    not SCHEMA.exists(), reason="the schema is not here: `make .cache/sarif-2.1.0.json` brings it from npm"
)
def test_logs_are_valid_by_the_schema_of_the_standard(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], context: Context
) -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    hostile = finding(**dict.fromkeys(("callable", "path", "before", "after"), HOSTILE), callers=(HOSTILE,))
    both = comparison(finding(), finding(severity=Severity.BREAKING), hostile, context=context, notes=(HOSTILE,))

    for made in (both, comparison()):
        jsonschema.validate(json.loads(render_sarif(made)), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": "2.1.0", "runs": [{"results": []}]}, schema)
