"""Past the first crossings objects are only named, and not looked at again: what was not seen is no difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.compare.runs import Run, call, function, obj, truncated
from tracer.compare.compare import compare

if TYPE_CHECKING:
    from tracer.model import Call

MAKE = function("m:make", "n", code="1")
READ = function("m:Box.value", "self", code="1")
FILL = function("m:fill", "box", "rows", "n", code="1")


def told(old: list[Call], new: list[Call]) -> list[tuple[str, str, str]]:
    known = (MAKE, READ, FILL)
    findings = compare(Run(*known, main=old), Run(*known, main=new), old_name="old", new_name="new").findings
    return [(each.callable.split(":")[1], each.kind.value, each.severity.value) for each in findings]


def filled(box: Any, rows: Any, **more: Any) -> list[Call]:
    return [call("m:fill", [box, rows, 1], None, **more)]


EMPTY, FULL, NAMED = obj("m:Box"), obj("m:Box", n=1), truncated("m:Box", 1, [])


@pytest.mark.parametrize(
    ("box", "rows", "looked"),
    [
        (EMPTY, 0, False),
        (NAMED, 0, False),
        (EMPTY, [], False),
        (EMPTY, truncated("list", 2, []), False),
        (FULL, 0, True),
        (EMPTY, [1], True),
        (0, [], True),
        (0, {}, True),
    ],
)
def test_no_after_image_says_that_nothing_changed_only_where_someone_looked(box: Any, rows: Any, looked: bool) -> None:
    place, left = (1, [1, 2]) if box == 0 else (0, obj("m:Box", n=2))
    found = told(filled(box, rows, after={place: left}), filled(box, rows))

    assert any(kind == "argument-after" for _, kind, _ in found) is looked


def test_another_after_image_of_the_call_shows_that_someone_looked() -> None:
    old = filled(EMPTY, [], after={0: FULL, 1: [1]})
    new = filled(EMPTY, [], after={1: [1]})

    assert told(old, new) == [("fill", "argument-after", "breaking")]


def test_an_object_named_on_one_side_and_told_in_full_on_the_other_is_no_change() -> None:
    assert told(filled(FULL, 0), filled(NAMED, 0)) == []


@pytest.mark.parametrize(("type_", "severity"), [("m:Box", "changed"), ("m:Other", "internal")])
def test_private_state_comes_out_of_an_object_that_was_only_named(type_: str, severity: str) -> None:
    """The value that comes out is the one that objects of this type were left with."""

    def made_and_read(value: int) -> list[Call]:
        made = call("m:make", [1], obj("m:Box", _inner=value, _other=value + 5))
        return [made, call("m:Box.value", [truncated(type_, 2, [])], value)]

    found = told(made_and_read(1), made_and_read(2))

    assert [how for name, _, how in found if name == "make"] == [severity, "internal"]
