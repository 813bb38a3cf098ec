"""The JSON report keeps to schema 1."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tracer.compare.result import Comparison, Finding, Kind, Role, Severity, Side, Summary, Verdict
from tracer.report.as_json import json_parts, render_json

if TYPE_CHECKING:
    from collections.abc import Callable

# What programs that read schema 1 rely on. A list holds the type of its items, a set the values allowed.
SCHEMA: dict[str, Any] = {
    "schema": {1},
    "verdict": {"same", "noise", "compatible", "changed", "breaking"},
    "old": {"cassette": str, "calls": int},
    "new": {"cassette": str, "calls": int},
    "summary": {
        "compared": int,
        "identical": int,
        "changed": int,
        "added": int,
        "removed": int,
        "hidden_as_noise": int,
        "lost": int,
    },
    "findings": [
        {
            "key": str,
            "callable": str,
            "kind": {
                "returned-value",
                "returned-type",
                "raised",
                "no-longer-raised",
                "exception-type",
                "exception-message",
                "argument-passed",
                "argument-after",
                "yielded",
                "call-added",
                "call-removed",
                "call-moved",
                "callable-missing",
                "signature",
                "state",
            },
            "severity": {"breaking", "changed", "compatible", "internal", "noise"},
            "role": {"origin", "effect"},
            "confidence": {"high", "low"},
            "count": int,
            "calls": int,
            "callers": [str],
            "path": str,
            "before": str,
            "after": str,
            "example": {"lane": str, "arguments": str},
        },
    ],
}


def check(value: Any, schema: Any, where: str = "$") -> None:
    match schema:
        case dict():
            assert set(schema) <= set(value), where
            for name, part in schema.items():
                check(value[name], part, f"{where}.{name}")
        case list():
            for index, item in enumerate(value):
                check(item, schema[0], f"{where}[{index}]")
        case set():
            assert value in schema, where
        case _:
            assert type(value) is schema, where


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("severity", list(Severity))
def test_every_kind_and_severity_is_in_the_schema(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], kind: Kind, severity: Severity
) -> None:
    check(json.loads(render_json(comparison(finding(kind=kind, severity=severity)))), SCHEMA)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_is_in_the_schema(comparison: Callable[..., Comparison], verdict: Verdict) -> None:
    check(json.loads(render_json(comparison(verdict=verdict))), SCHEMA)


def test_a_large_report_is_the_same_document_made_in_parts(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    """However many findings there are, only some are held as text at a time; a text that looks like the empty list changes nothing."""
    hostile = '\n  "findings": []\n'
    findings = [finding(key=f"{number:04}", before=hostile) for number in range(450)]
    parts = list(json_parts(comparison(*findings, notes=(hostile,))))
    document = json.loads("".join(parts))

    assert "".join(parts) == json.dumps(document, indent=2) + "\n"
    assert [each["key"] for each in document["findings"]] == [each.key for each in findings]
    assert document["findings"][0]["before"] == document["notes"][0] == hostile
    assert max(map(len, parts)) < sum(map(len, parts)) / 4


def test_a_finding_keeps_all_it_was_given(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    document = json.loads(render_json(comparison(finding(inner=("shop.tax:_rate",), unseen=("argument.x",)))))

    assert document["findings"] == [
        {
            "key": "3f2a",
            "callable": "shop.tax:vat",
            "kind": "returned-value",
            "severity": "changed",
            "role": "origin",
            "confidence": "high",
            "count": 12,
            "calls": 40,
            "callers": ["shop.checkout"],
            "path": "return",
            "before": "10.0",
            "after": "10.5",
            "example": {"lane": "tests/test_checkout.py::test_total", "arguments": "net=50.0, country='DE'"},
            "unseen": ["argument.x"],
            "inner": ["shop.tax:_rate"],
            "explained_by": "",
            "made_by": "",
            "file": None,
            "line": None,
        },
    ]


def test_findings_keep_the_order_of_the_comparison(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    names = ["c:z", "b:y", "a:x"]
    given = [finding(callable=name, role=Role.EFFECT) for name in names]

    assert [found["callable"] for found in json.loads(render_json(comparison(*given)))["findings"]] == names


def test_a_finding_without_an_example_says_so(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    assert json.loads(render_json(comparison(finding(example=None))))["findings"][0]["example"] is None


def test_the_text_is_printable_ascii_and_values_come_back_exactly(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison]
) -> None:
    hostile = "\x1b[2J\x7f\u202e\ud800é"

    text = render_json(comparison(finding(before=hostile)))

    assert text.replace("\n", "").isprintable()
    assert text.isascii()
    assert json.loads(text)["findings"][0]["before"] == hostile


def test_each_count_has_its_own_field(comparison: Callable[..., Comparison]) -> None:
    counts = comparison(old=Side("a", 8), new=Side("b", 9), summary=Summary(1, 2, 3, 4, 5, 6, 7, 8, 9, 10))

    document = json.loads(render_json(counts))

    assert list(document["summary"].items()) == [
        ("compared", 1),
        ("identical", 2),
        ("changed", 3),
        ("added", 4),
        ("removed", 5),
        ("hidden_as_noise", 6),
        ("accepted", 8),
        ("partly", 9),
        ("lost", 7),
        ("thinned", 10),
    ]
    assert (document["old"], document["new"]) == ({"cassette": "a", "calls": 8}, {"cassette": "b", "calls": 9})
