"""Expressions say the same as `re` does, and end where `re` would not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.errors import ComparisonError
from tracer.regex import Unsupported, compile_expression

EXPRESSIONS = (
    "(?i)É|ß|ſ",
    "[\\d-]+",
    "(?x) a b # c",
    "\\u00e9?",
    "(?P<name>a)b*?",
    "(a)\\1",
    "(?=a)\\w+",
    "(?s).*\\Z",
    "(?m)(a$\\n?)*",
)


@given(st.sampled_from(EXPRESSIONS), st.text(max_size=4))
def test_an_expression_matches_what_it_matches_in_re(expression: str, text: str) -> None:
    for each in (text, text.lower(), text.upper(), "é", "ab", "aa", "a\na\n", "\ud800", ""):
        assert compile_expression(expression).matches(each) == bool(re.fullmatch(expression, each))


def test_an_expression_that_runs_away_ends_with_an_error_that_names_it() -> None:
    with pytest.raises(
        ComparisonError, match=r"Couldn't match the expression '\(a\|aa\)\+b' of a rule: it did not end within"
    ) as caught:
        compile_expression("(a|aa)+b").matches("a" * 200_000)

    assert "200,000 characters" in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "said"),
    [("(", "does not compile"), ("a{2,1}", "does not compile"), ("a" * 1_001, "more than 1,000 characters")],
)
def test_what_does_not_compile_is_refused(expression: str, said: str) -> None:
    with pytest.raises(Unsupported, match=said):
        compile_expression(expression)
