"""What a call did to its arguments, done again in place."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tracer.playing.restoring import restore

plain = st.recursive(
    st.integers() | st.text(max_size=3) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)


@dataclass
class Basket:
    items: list[Any] = field(default_factory=list)
    owner: Any = None


class Slotted:
    __slots__ = ("a", "b")
    a: int
    b: int


@given(st.lists(plain), st.lists(plain))
def test_a_list_becomes_the_other_and_stays_itself(live: list[Any], after: list[Any]) -> None:
    restore(live, copy.deepcopy(after))

    assert live == after


def test_what_is_inside_stays_itself_where_it_is_the_same_kind_of_thing() -> None:
    items: list[int] = [1]
    basket, owner = Basket(items, {"a": 1}), None
    owner = basket.owner
    restore(basket, Basket([1, 2], {"b": 2}))

    assert basket.items is items
    assert basket.owner is owner
    assert (items, owner) == ([1, 2], {"b": 2})


def test_attributes_come_and_go() -> None:
    live, after = Slotted(), Slotted()
    live.a = 1
    after.b = 2
    restore(live, after)

    assert not hasattr(live, "a")
    assert live.b == 2


def test_sets_bytearrays_and_cycles() -> None:
    live: dict[str, Any] = {"set": {1}, "bytes": bytearray(b"a")}
    live["self"] = live
    after: dict[str, Any] = {"set": {2}, "bytes": bytearray(b"bc")}
    after["self"] = after
    inside = live["set"], live["bytes"]
    restore(live, after)

    assert inside == ({2}, bytearray(b"bc"))
    assert live["self"] is live
