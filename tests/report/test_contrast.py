"""Where two texts part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.report.contrast import contrast, windows

TEXT = st.text("ab", max_size=60)


@pytest.mark.parametrize(
    ("before", "after", "middles"),
    [
        ("10.0", "10.5", ("0", "5")),
        ("aa", "aaa", ("", "a")),  # head first: the two middles never overlap the shared tail
        ("{'a': 1}", "{'a': 1, 'b': 2}", ("", ", 'b': 2")),
        ("same", "same", ("", "")),
        ("", "new", ("", "new")),
    ],
)
def test_the_middle_is_what_differs(before: str, after: str, middles: tuple[str, str]) -> None:
    left, right = contrast(before, after)

    assert (left.middle, right.middle) == middles


@given(TEXT, TEXT)
def test_cutting_loses_nothing(before: str, after: str) -> None:
    left, right = contrast(before, after)

    assert (str(left), str(right)) == (before, after)
    assert (left.head, left.tail) == (right.head, right.tail)


@given(TEXT, TEXT, st.integers(10, 40))
def test_windows_fit_and_start_the_difference_in_the_same_column(before: str, after: str, width: int) -> None:
    left, right = windows(before, after, width)

    assert max(len(str(left)), len(str(right))) <= width
    assert left.head == right.head


def test_a_small_change_deep_in_a_long_value_is_shown() -> None:
    before, after = "x" * 500 + "12.90" + "y" * 500, "x" * 500 + "12.95" + "y" * 500

    left, right = windows(before, after, 40)

    assert "12.90" in str(left)
    assert "12.95" in str(right)


def test_a_number_that_changed_is_shown_whole_however_narrow() -> None:
    left, right = windows("{'price': 12.90, 'stock': 40}", "{'price': 12.95, 'stock': 40}", 8)

    assert (str(left), str(right)) == ("…12.90,…", "…12.95,…")


@given(TEXT, TEXT, st.integers(-5, 9))
def test_the_narrowest_windows_still_start_alike(before: str, after: str, width: int) -> None:
    left, right = windows(before, after, width)

    assert left.head == right.head


def test_long_values_are_cut_in_linear_time() -> None:
    before = "x" * 300_000 + "," + "y" * 300_000

    left, _ = windows(before, before + "z", 60)

    assert len(str(left)) <= 60
