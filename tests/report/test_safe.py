"""Recorded text is harmless once it went through `plain`."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tracer.report.safe import clip, plain, squeeze


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_that_steers_a_terminal_passes(text: str) -> None:
    shown = plain(text)

    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}
    shown.encode("utf-8")


def test_steering_characters_are_written_out() -> None:
    assert plain("a\x1b[2Jb\nc\x9b\u202e\ud800\U000e0001") == "a\\x1b[2Jb\\nc\\x9b\\u202e\\ud800\\U000e0001"


def test_printable_text_of_any_script_stays() -> None:
    assert plain("Ærø 東京 [bold]") == "Ærø 東京 [bold]"


@given(st.text(), st.integers(1, 50))
def test_clipped_text_fits_and_says_that_it_was_clipped(text: str, width: int) -> None:
    shown = clip(text, width)

    assert len(shown) <= width
    assert shown == text or shown == text[: width - 1] + "…"


@given(st.text(), st.integers(1, 50))
def test_squeezed_text_fits_and_keeps_both_ends(text: str, width: int) -> None:
    shown = squeeze(text, width)

    head, _, tail = shown.partition("…")
    assert len(shown) <= max(width, 2)
    assert shown == text or (text.startswith(head) and text.endswith(tail))


def test_a_squeezed_path_keeps_its_last_step() -> None:
    assert squeeze("argument.receipt.lines[*].product.tax", 24) == "argument…[*].product.tax"
