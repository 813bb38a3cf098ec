"""How much a change matters, as a table."""

from __future__ import annotations

import pytest

from tracer.compare.delta import Difference
from tracer.compare.result import Kind, Severity
from tracer.compare.severity import Facts, is_private, severity


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(Kind.RETURNED_VALUE), Severity.CHANGED),
        (Facts(Kind.RETURNED_VALUE, Difference.KEY_REMOVED), Severity.BREAKING),
        (Facts(Kind.RETURNED_VALUE, Difference.KEY_ADDED), Severity.COMPATIBLE),
        (Facts(Kind.RETURNED_VALUE, Difference.ITEM_ADDED), Severity.CHANGED),
        (Facts(Kind.RETURNED_VALUE, Difference.ITEM_REMOVED), Severity.CHANGED),
        (Facts(Kind.RETURNED_TYPE, Difference.TYPE), Severity.BREAKING),
        (Facts(Kind.RETURNED_TYPE, Difference.TYPE, internal=True), Severity.INTERNAL),
        (Facts(Kind.RAISED), Severity.BREAKING),
        (Facts(Kind.NO_LONGER_RAISED), Severity.BREAKING),
        (Facts(Kind.EXCEPTION_TYPE, Difference.TYPE), Severity.BREAKING),
        (Facts(Kind.EXCEPTION_MESSAGE), Severity.CHANGED),
        (Facts(Kind.ARGUMENT_PASSED), Severity.CHANGED),
        (Facts(Kind.ARGUMENT_PASSED, Difference.TYPE), Severity.BREAKING),
        (Facts(Kind.ARGUMENT_AFTER), Severity.CHANGED),
        (Facts(Kind.YIELDED), Severity.CHANGED),
        (Facts(Kind.CALL_ADDED), Severity.COMPATIBLE),
        (Facts(Kind.CALL_REMOVED), Severity.CHANGED),
        (Facts(Kind.CALL_MOVED), Severity.CHANGED),
        (Facts(Kind.STATE, Difference.TYPE), Severity.INTERNAL),
        (Facts(Kind.CALLABLE_MISSING), Severity.BREAKING),
        (Facts(Kind.CALLABLE_MISSING, private=True), Severity.INTERNAL),
        (Facts(Kind.SIGNATURE, Difference.KEY_REMOVED), Severity.BREAKING),
        (Facts(Kind.SIGNATURE, Difference.KEY_REMOVED, private=True), Severity.INTERNAL),
        (Facts(Kind.SIGNATURE, Difference.KEY_ADDED), Severity.COMPATIBLE),
        (Facts(Kind.SIGNATURE, Difference.KEY_REMOVED, relied_on=False), Severity.COMPATIBLE),
        (Facts(Kind.CALLABLE_MISSING, relied_on=False), Severity.COMPATIBLE),
        (Facts(Kind.CALLABLE_MISSING, relied_on=False, private=True), Severity.INTERNAL),
        (Facts(Kind.RAISED, private=True), Severity.BREAKING),
    ],
)
def test_each_change_has_its_severity(facts: Facts, expected: Severity) -> None:
    assert severity(facts) is expected


@pytest.mark.parametrize(
    ("name", "private"),
    [
        ("shop.cart:Cart.total", False),
        ("shop.cart:Cart.__init__", False),
        ("shop.cart:Cart._total", True),
        ("shop._cart:Cart", True),
        ("shop.cart:make.<locals>.inner", True),
        ("shop.__main__:run", False),
        ("shop.cart:<lambda>", True),
        ("shop.cart:<lambda>#2", True),
        ("shop.cart:Cart.total#2", True),
    ],
)
def test_names_that_no_one_else_can_or_should_import_are_private(name: str, private: bool) -> None:
    assert is_private(name) is private
