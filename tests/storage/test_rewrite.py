"""Other rules for a cassette, and nothing else of it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.compare.runs import call, function
from tracer.errors import CassetteDamaged, NotACassette
from tracer.model import Loss, Recording
from tracer.rules import LEARNED, Rule
from tracer.storage import format as form
from tracer.storage.reader import open_cassette, verify
from tracer.storage.rewrite import write_rules
from tracer.storage.store import write_cassette
from tracer.wire import packer

if TYPE_CHECKING:
    from pathlib import Path

OLD = (Rule("shop.ids:new", "returned-value", "return", LEARNED),)
NEW = (Rule("shop.tax:*", path="return", absolute=0.5), Rule("shop.ids:*"), *OLD)
LANES = {"a": [call("shop.tax:vat", [n], n) for n in range(3_000)], "b": [call("shop.tax:vat", [1], 2)]}


def written(path: Path, noise: tuple[Rule, ...]) -> Path:
    watched = (function("shop.tax:vat", "amount"),)
    write_cassette(path, Recording("3.11", callables=watched, losses=(Loss("x", "y", 1),), noise=noise), LANES)
    return path


def test_a_rewritten_cassette_is_the_one_that_would_have_been_recorded_with_these_rules(tmp_path: Path) -> None:
    path = written(tmp_path / "a.cassette", OLD)
    write_rules(path, NEW)

    assert path.read_bytes() == written(tmp_path / "b.cassette", NEW).read_bytes()
    assert verify(path).calls == 3_001
    with open_cassette(path) as cassette:
        assert set(cassette.recording.noise) == set(NEW)


def test_what_a_later_tracer_put_into_the_index_stays(tmp_path: Path) -> None:
    path = written(tmp_path / "a.cassette", OLD)
    data = path.read_bytes()
    start, packed, raw, crc = form.parse_footer(data[-form.FOOTER.size :])
    index = form.unpack_index(data[start : start + packed], start, raw, crc)
    unknown = form._index_frame(77, b"from the future")
    path.write_bytes(data[:start] + form.index_and_footer(unknown + index, start))

    write_rules(path, ())

    data = path.read_bytes()
    start, packed, raw, crc = form.parse_footer(data[-form.FOOTER.size :])
    kinds = [kind for kind, _ in form.index_frames(form.unpack_index(data[start : start + packed], start, raw, crc))]
    assert kinds[0] == 77
    assert form.RULE not in kinds
    assert verify(path).calls == 3_001


def test_a_file_that_is_no_whole_cassette_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"
    path.write_bytes(b"something else")
    with pytest.raises(NotACassette):
        write_rules(path, NEW)

    assert path.read_bytes() == b"something else"
    assert [each.name for each in tmp_path.iterdir()] == ["a.cassette"]


@pytest.mark.parametrize(
    "parts",
    [
        {"compare": "os:system"},
        {"path": "return", "regex": "("},
        {"path": "return", "wrong": 1},
        {"path": "return", "absolute": "much"},
        ["a", "b"],
    ],
)
def test_a_rule_that_calls_code_or_is_none_makes_a_cassette_damaged(tmp_path: Path, parts: object) -> None:
    """A cassette may come from a stranger: it names no function that anybody would call."""
    path = written(tmp_path / "a.cassette", ())
    data = path.read_bytes()
    start, packed, raw, crc = form.parse_footer(data[-form.FOOTER.size :])
    index = form.unpack_index(data[start : start + packed], start, raw, crc)
    hostile = form._index_frame(form.FULL_RULE, packer()(parts))
    path.write_bytes(data[:start] + form.index_and_footer(index + hostile, start))

    with pytest.raises(CassetteDamaged):
        open_cassette(path)
