"""A rule says where it holds and what is equal there; what can never hold is refused with what could."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.config import parse_toml
from tracer.errors import ConfigError
from tracer.rule_tables import ACTIONS, PLACES, rule_from_table, rules_from_tables, rules_text
from tracer.rules import KINDS, LEARNED, SOURCES, USER, Action, Rule, covers_path, glob_matches, is_expression


@pytest.mark.parametrize(
    ("parts", "action", "text"),
    [
        ({}, Action.IGNORE, "* * * (user)"),
        ({"callable": "m:f", "source": LEARNED}, Action.IGNORE, "m:f * * (learned)"),
        ({"type": "float"}, Action.IGNORE, "* * * of type float (user)"),
        ({"absolute": 1, "relative": 0.5}, Action.TOLERANCE, "* * * absolute 1 relative 0.5 (user)"),
        ({"regex": "a+"}, Action.REGEX, "* * * regex a+ (user)"),
        ({"path": "return", "unordered": True}, Action.UNORDERED, "* * return unordered (user)"),
        ({"path": "return", "presence": True}, Action.PRESENCE, "* * return presence (user)"),
        ({"compare": "m.n:C.f"}, Action.COMPARE, "* * * compare m.n:C.f (user)"),
    ],
)
def test_what_a_rule_makes_of_a_difference_and_how_it_reads(parts: dict[str, Any], action: Action, text: str) -> None:
    assert (Rule(**parts).action, str(Rule(**parts))) == (action, text)


@pytest.mark.parametrize(
    "path",
    ["return", "return.items[*].id", "*.id", "return['a.b'].x", "ret*", "*", "return[(1, 'a')]", "yielded[0][1].x", "/return.*_at/", "call"],
)  # fmt: skip
def test_paths_as_reports_write_them_can_be_used(path: str) -> None:
    assert Rule(path=path).path == path


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            {"path": "retrun.x"},
            "begin with: return, raised, argument, sent, thrown, after, yielded, call, callable, signature.",
        ),
        ({"path": "return..x"}, "A path has names after dots"),
        ({"path": "return["}, "A path has names after dots"),
        ({"path": "return."}, "A path has names after dots"),
        ({"path": ".x"}, "A path has names after dots"),
        ({"path": "/(/"}, "does not compile: missing )"),
        ({"path": ""}, "Valid: a non-empty text."),
        ({"callable": 3}, "Valid: a non-empty text."),
        ({"kind": "yielded", "path": "return"}, "of kind 'yielded' begin with: yielded."),
        ({"kind": "retruned"}, "Valid: '*', 'returned-value'"),
        ({"absolute": -1}, "'absolute' of a rule for differences: it is -1. Valid: a number above 0."),
        ({"absolute": True}, "Valid: a number above 0."),
        ({"relative": float("nan")}, "Valid: a number above 0."),
        ({"relative": "1e-9"}, "Valid: a number above 0."),
        ({"regex": "("}, "'(' is no expression: it does not compile"),
        ({"regex": ""}, "Valid: a regular expression."),
        ({"unordered": False}, "Valid: true."),
        ({"presence": 1.5}, "Valid: true."),
        ({"compare": "rm -r"}, "Valid: a function by name"),
        ({"compare": "function"}, "Valid: a function by name"),
        ({"regex": "a", "presence": True}, "it has regex and presence. Make one rule for each."),
        ({"absolute": 1, "unordered": True}, "it has absolute, relative and unordered"),
        ({"callable": "/a/", "source": LEARNED}, "Only rules that someone wrote have expressions"),
        ({"regex": "a", "source": LEARNED}, "Only rules that someone wrote have expressions"),
        ({"source": "me"}, "Valid: 'user', 'learned'"),
    ],
)
def test_what_can_never_hold_is_refused(parts: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        Rule(**parts)


def test_what_was_learned_is_the_path_of_a_difference_as_it_was() -> None:
    """Keys hold any characters, and are cut after some."""
    assert Rule(path="return['a[…]", source=LEARNED).learned


globs = st.text(alphabet="ab*?.[", max_size=8)


@given(globs, st.text(alphabet="ab.[", max_size=8))
def test_a_glob_matches_what_its_expression_matches(glob: str, text: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in glob)

    assert glob_matches(glob, text) == bool(re.fullmatch(expression, text, re.DOTALL))
    if not is_expression(glob):
        assert covers_path(glob, text) == bool(re.fullmatch(expression + r"(?:[.\[].*)?", text, re.DOTALL))


def test_a_glob_of_many_stars_is_done_at_once() -> None:
    """`re` would try each star at each place: patterns of a cassette come from whoever wrote it."""
    assert not glob_matches("*a" * 40 + "b", "a" * 2_000)


# -- tables ----------------------------------------------------------------------------------------------------------------------

texts = st.text(alphabet="ab\"'\\\n\x1b\x7f\u202e é[]*\U0001f600", min_size=1, max_size=8).filter(
    lambda text: not is_expression(text)
)
rules = st.builds(
    lambda place, action: Rule(**place, **action),
    place=st.fixed_dictionaries(
        {"callable": texts, "kind": st.sampled_from(("*", *KINDS)), "path": texts},
        optional={"type": texts},
    ).flatmap(lambda parts: st.sampled_from([source for source in SOURCES if source != USER]).map(lambda source: {**parts, "source": source})),
    action=st.sampled_from([{}, {"absolute": 0.5, "relative": 1e-9}, {"absolute": 3}, {"unordered": True}, {"presence": True}]),
)  # fmt: skip


@given(st.lists(rules, max_size=4, unique=True))
def test_rules_are_what_their_text_says_and_no_terminal_obeys_it(some: list[Rule]) -> None:
    text = rules_text(some, "what\nthey are")

    assert rules_from_tables(parse_toml(text, "text")) == tuple(some)
    assert all(char.isprintable() or char == "\n" for char in text)


def test_an_expression_is_kept_too() -> None:
    rule = Rule(callable="/a.b/", path='/return\\."x"/', regex="\\d+\n")

    assert rules_from_tables(parse_toml(rules_text([rule], ""), "text")) == (rule,)


def test_half_a_surrogate_pair_becomes_any_character() -> None:
    [rule] = rules_from_tables(parse_toml(rules_text([Rule("m:\ud800", source=LEARNED)], ""), "text"))

    assert rule.callable == "m:?"


def test_what_has_no_source_its_user_wrote() -> None:
    assert rules_from_tables({"rules": [{"path": "return"}]}) == (Rule(path="return"),)
    assert rules_from_tables({}) == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"rule": []}, "there is no key 'rule'. Write each rule under [[rules]]."),
        ({"rules": {"path": "return"}}, "'rules' is no list of tables"),
        ({"rules": ["return"]}, "it says nothing"),
        ({"rules": [{}]}, "it says nothing"),
        ({"rules": [{"pth": "return"}]}, "Did you mean 'path'?"),
        ({"rules": [{"kind": "returned"}]}, "Did you mean 'returned-"),
        ({"rules": [{"compare": "os:system"}]}, "there is no key 'compare'"),
    ],
)
def test_what_is_no_rule_of_a_cassette_is_refused(content: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        rules_from_tables(content)


def test_a_table_has_only_the_keys_of_its_place() -> None:
    assert rule_from_table({"path": "return", "absolute": 1}, (*PLACES, *ACTIONS)).action is Action.TOLERANCE
    with pytest.raises(ConfigError, match="there is no key 'absolute'"):
        rule_from_table({"path": "return", "absolute": 1}, PLACES)
