"""Hypothesis strategies for live values, and what each becomes as a snapshot."""

from __future__ import annotations

from datetime import timezone
from typing import Any

from hypothesis import strategies as st

from tracer.values import Mapping, Scalar, Sequence, Value

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.floats(),
    st.text(alphabet=st.characters(exclude_categories=()), max_size=20),  # lone surrogates too
    st.binary(max_size=20),
)
"""Exact None, bool, int of any size, float, str and bytes."""

hashables: st.SearchStrategy[Any] = st.recursive(
    scalars.filter(lambda value: repr(value) != "nan"),
    lambda inner: st.one_of(st.tuples(inner, inner), st.frozensets(inner, max_size=3)),
    max_leaves=5,
)
"""Scalars, and tuples and frozensets of them."""

builtins: st.SearchStrategy[Any] = st.recursive(
    st.one_of(scalars, hashables),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=5), inner, max_size=4),
        st.dictionaries(hashables, inner, max_size=4),
        st.sets(hashables, max_size=4),
        st.binary(max_size=5).map(bytearray),
    ),
    max_leaves=15,
)
"""Builtin containers and scalars, nested; no value stands in two places on purpose."""

atoms = st.one_of(
    st.decimals(),
    st.fractions(),
    st.uuids(),
    st.complex_numbers(),
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(timezone.utc)),
    st.times(),
    st.timedeltas(),
)
"""Standard library values with one canonical text."""

values = st.one_of(builtins, atoms)


def expected(value: Any) -> Value:
    """Return the tree of a builtin value without shared containers; items of sets in no particular order."""
    if type(value) is dict:
        return Mapping(tuple((expected(key), expected(item)) for key, item in value.items()))
    if type(value) is bytearray:
        return Sequence("bytearray", (Scalar(bytes(value)),))
    if type(value) in (list, tuple, set, frozenset):
        return Sequence(type(value).__name__, tuple(expected(item) for item in value))
    return Scalar(value)


def same(one: Value, other: Value) -> bool:  # noqa: PLR0911  (one per kind)
    """Say whether two trees are equal, items of sets in any order, a NaN like another, 0.0 unlike -0.0 and 1 unlike True."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Scalar) and isinstance(other, Scalar):
        return type(one.value) is type(other.value) and repr(one.value) == repr(other.value)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        pairs = zip(one.items, other.items, strict=False)
        return len(one.items) == len(other.items) and all(same(a[0], b[0]) and same(a[1], b[1]) for a, b in pairs)
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        if one.type != other.type or len(one.items) != len(other.items):
            return False
        if one.type in ("set", "frozenset"):
            rest = list(other.items)
            return all(_take(item, rest) for item in one.items)
        return all(same(a, b) for a, b in zip(one.items, other.items, strict=True))
    return one == other


def _take(item: Value, rest: list[Value]) -> bool:
    for place, other in enumerate(rest):
        if same(item, other):
            del rest[place]
            return True
    return False
