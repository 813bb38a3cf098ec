"""What counts as passed by a caller, and what as state that the called component keeps itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.compare.runs import Run, call, function, obj
from tracer.compare.compare import compare
from tracer.model import Component, Recording
from tracer.rules import Rule

FETCH = function("net.client:Client.fetch", "self", code="1")
FETCH_NEW = function("net.client:Client.fetch", "self", code="2")
MAKE = function("net.client:Client.__init__", "self", code="1")
SHOW = function("app:show", "client", code="1")
COMPONENTS = (Component("net"), Component("app", watched=False))


def client(**fields: Any) -> Any:
    return obj("net.client:Client", **fields)


def run(*calls: Any, fetch: Any = FETCH) -> Run:
    callables = tuple(replace(each, component=each.name[:3]) for each in (fetch, MAKE, SHOW))
    return Run(recording=Recording("3.11", components=COMPONENTS, callables=callables)).with_lanes({"main": calls})


def told(old: Run, new: Run) -> list[tuple[str, str, str]]:
    findings = compare(old, new, old_name="old", new_name="new").findings
    return [(finding.kind.value, finding.path, finding.severity.value) for finding in findings]


def fetched(passed: Any, *, fetch: Any = FETCH) -> Run:
    return run(call("net.client:Client.fetch", [passed], 1), fetch=fetch)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (client(retries=1), client(retries=2), ("state", "argument.self.retries", "internal")),
        (client(cache={}), client(cache={"a": 1}), ("state", "argument.self.cache['a']", "internal")),
        (client(retries=1), client(), ("state", "argument.self.retries", "internal")),
        (
            client(at=obj("collections:OrderedDict", n=1)),
            client(at=obj("collections:OrderedDict", n=2)),
            ("state", "argument.self.at.n", "internal"),
        ),
        (
            client(owner=obj("app:Owner", name="a")),
            client(owner=obj("app:Owner", name="b")),
            ("argument-passed", "argument.self.owner.name", "changed"),
        ),
        (
            obj("app:Owner", client=client(retries=1)),
            obj("app:Owner", client=client(retries=2)),
            ("state", "argument.self.client.retries", "internal"),
        ),
        (obj("app:Owner", n=1), obj("app:Owner", n=2), ("argument-passed", "argument.self.n", "changed")),
        (obj("json:Reader", n=1), obj("json:Reader", n=2), ("argument-passed", "argument.self.n", "changed")),
        (client(retries=1), obj("net.client:Other", retries=1), ("argument-passed", "argument.self", "breaking")),
        ({"a": 1}, {"a": 2}, ("argument-passed", "argument.self['a']", "changed")),
    ],
)
def test_fields_of_the_components_own_objects_are_its_state(old: Any, new: Any, expected: tuple[str, str, str]) -> None:
    """The innermost object that a component defines decides; the standard library's belong to whoever holds them."""
    assert told(fetched(old), fetched(new, fetch=FETCH_NEW)) == [expected]


def test_an_object_that_another_component_passes_on_is_an_argument() -> None:
    old, new = (run(call("app:show", [client(retries=n)])) for n in (1, 2))

    assert told(old, new) == [("argument-passed", "argument.client.retries", "changed")]


def test_an_attribute_that_someone_else_set_is_passed() -> None:
    """The component has the same code, and none of its calls left the difference behind: so others did."""
    assert told(fetched(client(retries=1)), fetched(client(retries=2))) == [
        ("argument-passed", "argument.self.retries", "changed")
    ]


def test_a_difference_that_a_call_left_behind_is_told_there_only() -> None:
    def made_and_used(retries: int) -> Run:
        made = call("net.client:Client.__init__", [client()], None, after={0: client(retries=retries)})
        return run(made, call("net.client:Client.fetch", [client(retries=retries)], 1))

    assert told(made_and_used(1), made_and_used(2)) == [
        ("argument-after", "after.self.retries", "changed"),
        ("state", "argument.self.retries", "internal"),
    ]


def test_what_a_rule_hides_where_it_was_left_is_not_told_where_it_is_met_again() -> None:
    """Else each learned rule for a clock would uncover the same clock in every later call on that object."""

    def made_and_used(start: float) -> Run:
        made = call("net.client:Client.__init__", [client()], None, after={0: client(start=start)})
        return run(made, call("net.client:Client.fetch", [client(start=start)], 1))

    rule = Rule("net.client:Client.__init__", "argument-after", "after.self.start", "learned")
    found = compare(made_and_used(1.5), made_and_used(2.5), old_name="old", new_name="new", rules=(rule,)).findings

    assert [(finding.kind.value, finding.severity.value) for finding in found] == [("state", "internal")]


OPEN = "net.client:open_"


def opened(value: Any, default: str) -> Run:
    return Run(function(OPEN, f"timeout={default}", code=default), main=[call(OPEN, [value])])


@pytest.mark.parametrize(
    ("old", "default", "new", "default_now"),
    [
        (5, "5", None, "None"),
        ("a", "'a'", "b", "'b'"),
        ("x" * 100, repr("x" * 80)[:79] + "\N{HORIZONTAL ELLIPSIS}", 1.5, "1.5"),
        (("a",), "('a',)", ("b", 2), "('b', 2)"),
        (None, "None", obj("net.config:Unset"), "<net.config.Unset>"),
        ([], "<list>", (), "()"),
    ],
)
def test_a_parameter_left_at_another_default_is_the_signatures_change(
    old: Any, default: str, new: Any, default_now: str
) -> None:
    kinds = [kind for kind, _, _ in told(opened(old, default), opened(new, default_now))]

    assert kinds == ["signature"]


def test_a_value_that_is_not_the_default_was_passed() -> None:
    assert {kind for kind, _, _ in told(opened(5, "5"), opened(6, "None"))} == {"signature", "argument-passed"}
