"""Expressions say the same as `re` does, and take no longer the longer `re` would take."""

from __future__ import annotations

import re
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.regex import Unsupported, compile_expression

ATOMS = (
    "a", "b", ".", "\\d", "\\w", "\\s", "\\W", "[ab]", "[^a]", "[a-c0-2]", "\n", "^", "$", "\\b", "\\B", "\\A", "\\Z", "é", "(?i:B)",
    "(?m:^)", "(?m:$)", "(?s:.)", "(?a:\\w)",
)  # fmt: skip
atoms = st.sampled_from(ATOMS)
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda ways: f"(?:{'|'.join(ways)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "*?", "+?", "{2}", "{1,3}", "{,2}", "{2,}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
        inner.map(lambda one: f"({one}|)"),
    ),
    max_leaves=8,
)


@given(expressions, st.text(alphabet="abc01 \n_éB", max_size=8))
def test_an_expression_matches_what_it_matches_in_re(expression: str, text: str) -> None:
    assert compile_expression(expression).matches(text) == bool(re.fullmatch(expression, text))


@given(st.sampled_from(["(?i)É|ß|ſ", "[\\d-]+", "(?x) a b # c", "\\u00e9?", "(?P<name>a)b*?"]), st.text(max_size=4))
def test_any_character_is_taken_as_re_takes_it(expression: str, text: str) -> None:
    for each in (text, text.lower(), text.upper(), "é", "ab", "\ud800", ""):
        assert compile_expression(expression).matches(each) == bool(re.fullmatch(expression, each))


@pytest.mark.parametrize(
    "expression", ["(a+)+$", "(a|a)*b", "(.*)*(.*)*=", "(x+x+)+y", "a*a*a*a*a*a*a*a*a*b", "(a?){30}a{30}"]
)
def test_what_takes_re_hours_is_done_at_once(expression: str) -> None:
    """Each of them takes `re` time exponential, or to a high power, in the length of the text: it would not end here."""
    assert not compile_expression(expression).matches("a" * 20_000 + "!")


def test_a_text_that_takes_too_many_steps_does_not_match() -> None:
    """Which texts those are depends on no clock."""
    expression = compile_expression("(?s).*a.{1500}b")

    assert expression.matches("a" + "x" * 1500 + "b")
    assert not expression.matches("".join(Random(1).choices("ab", k=20_000)) + "a" + "x" * 1500 + "b")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("(", "does not compile"),
        ("a{2,1}", "does not compile"),
        ("(a)\\1", "back references"),
        ("(?=a)", "look-around"),
        ("(?<!a)b", "look-around"),
        ("(a)?(?(1)b|c)", "conditional groups"),
        ("((a{100}){100}){100}", "too large"),
        ("(?:){0,4000000000}", "too large"),
        ("a" * 1_001, "more than 1,000 characters"),
    ],
)
def test_what_cannot_be_had_in_bounded_time_is_refused(expression: str, said: str) -> None:
    with pytest.raises(Unsupported, match=said):
        compile_expression(expression)


def test_an_expression_nested_too_deeply_is_refused_at_worst() -> None:
    with suppress(Unsupported):
        assert compile_expression("(" * 499 + "a" + ")" * 499).matches("a")
