"""JUnit XML: valid by a schema of the format, whatever was recorded and however much."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from tests.report.conftest import HOSTILE
from tracer.compare.result import Severity
from tracer.report import junit
from tracer.report.junit import render_junit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.compare.context import Context
    from tracer.compare.result import Comparison, Finding

SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))


def test_reports_are_valid_by_the_schema(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], context: Context
) -> None:
    hostile = finding(**dict.fromkeys(("callable", "path", "before", "after"), HOSTILE))
    some = comparison(finding(), hostile, finding(severity=Severity.COMPATIBLE), notes=(HOSTILE,), context=context)

    for made in (some, comparison()):
        SCHEMA.validate(render_junit(made))
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        SCHEMA.validate("<testsuites><testsuite/></testsuites>")


def test_a_failure_names_the_place_of_the_definition(
    finding: Callable[..., Finding], comparison: Callable[..., Comparison], context: Context
) -> None:
    assert "(src/shop/tax.py:12)</failure>" in render_junit(comparison(finding(), context=context))


@pytest.mark.parametrize(("severity", "failures"), [(Severity.CHANGED, 4), (Severity.COMPATIBLE, 3)])
def test_what_is_not_listed_is_one_case_that_fails_if_one_of_them_does(
    finding: Callable[..., Finding],
    comparison: Callable[..., Comparison],
    monkeypatch: pytest.MonkeyPatch,
    severity: Severity,
    failures: int,
) -> None:
    monkeypatch.setattr(junit, "MOST", 3)
    many = comparison(*[finding()] * 3, *[finding(severity=severity)] * 7)

    report = render_junit(many)

    SCHEMA.validate(report)
    suite = ET.fromstring(report.encode())[0]
    assert (suite.get("tests"), suite.get("failures")) == ("4", str(failures))
    assert "7 findings more" in report
