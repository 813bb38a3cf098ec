"""Short texts of what differs."""

from __future__ import annotations

from tracer.compare.texts import focused
from tracer.values import Scalar


def test_long_texts_are_shown_where_they_begin_to_differ() -> None:
    before, after = focused(Scalar("x" * 5000 + "old" + "y" * 500), Scalar("x" * 5000 + "new" + "y" * 500))

    assert "old" in before
    assert "new" in after
    assert max(len(before), len(after)) <= 200


def test_what_is_not_there_is_said_to_be_absent() -> None:
    assert focused(None, Scalar(1)) == ("(absent)", "1")
