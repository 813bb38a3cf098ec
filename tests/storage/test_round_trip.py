"""What is written is what is read, and the same calls give the same bytes."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer import model
from tracer.rules import KINDS, SOURCES, USER, Rule, is_expression
from tracer.storage.format import write_calls
from tracer.storage.reader import open_cassette, verify
from tracer.storage.store import write_cassette

Lanes = dict[str, list[model.Call]]
Maker = Callable[[Iterable[int]], list[model.Call]]

texts = st.text(max_size=8)
values = st.binary(max_size=12)
outcomes = st.one_of(st.builds(model.Returned, values), st.builds(model.Raised, values), st.just(model.Unfinished()))
items = st.lists(st.builds(model.Item, st.sampled_from(model.ItemKind), values), max_size=3).map(tuple)
afters = st.dictionaries(st.integers(0, 9), values, max_size=2).map(lambda found: tuple(sorted(found.items())))


@st.composite
def lane_calls(draw: st.DrawFn) -> list[model.Call]:
    count = draw(st.integers(1, 12))
    return [
        model.Call(
            draw(texts), draw(texts), draw(st.integers(0, at)), draw(st.sampled_from(model.Flow)), draw(values), draw(outcomes),
            draw(items), draw(afters),
        )
        for at in range(count)
    ]  # fmt: skip


callables = st.builds(
    model.Callable,
    name=texts,
    component=texts,
    kind=st.sampled_from(model.CallableKind),
    flow=st.sampled_from(model.Flow),
    parameters=st.lists(
        st.builds(model.Parameter, texts, st.sampled_from(model.ParameterKind), st.none() | texts), max_size=2
    ).map(tuple),
    bound=st.booleans(),
    code=texts,
    reach=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
    file=texts,
)
patterns = texts.filter(lambda text: text and not is_expression(text))
rules = st.builds(
    lambda place, path, action: Rule(path=path, **place, **action),
    place=st.fixed_dictionaries(
        {
            "callable": patterns,
            "kind": st.sampled_from(("*", *KINDS)),
            "source": st.sampled_from([source for source in SOURCES if source != USER]),
        }
    ),
    path=patterns,
    action=st.sampled_from(
        [{}, {"absolute": 0.5, "relative": 1e-9}, {"regex": "a+"}, {"unordered": True, "type": "float"}]
    ),
)
recordings = st.builds(
    model.Recording,
    python=texts,
    boundaries=st.lists(texts, max_size=2).map(tuple),
    granularity=texts,
    components=st.lists(st.builds(model.Component, texts, st.booleans()), max_size=2).map(tuple),
    callables=st.lists(callables, max_size=3, unique_by=lambda watched: watched.name).map(
        lambda found: tuple(sorted(found, key=lambda watched: watched.name))
    ),
    losses=st.dictionaries(st.tuples(texts, texts), st.integers(0, 2**60), max_size=2).map(
        lambda found: tuple(model.Loss(*key, count) for key, count in sorted(found.items()))
    ),
    noise=st.lists(rules, max_size=3, unique=True).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(recording=recordings, lanes=st.dictionaries(texts, lane_calls(), max_size=3))
def test_reading_gives_what_was_written(recording: model.Recording, lanes: Lanes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.cassette"
        write_cassette(path, recording, lanes)

        with open_cassette(path) as cassette:
            assert replace(cassette.recording, noise=()) == replace(recording, noise=())
            assert sorted(cassette.recording.noise, key=repr) == sorted(recording.noise, key=repr)
            assert [lane.name for lane in cassette.lanes] == sorted(lanes)
            assert {lane.name: list(cassette.calls(lane.name)) for lane in cassette.lanes} == lanes
        assert verify(path).calls == sum(map(len, lanes.values()))


@settings(max_examples=30, deadline=None)
@given(recording=recordings, lanes=st.dictionaries(texts, lane_calls(), max_size=3))
def test_the_order_in_which_things_are_given_leaves_no_trace_in_the_bytes(
    recording: model.Recording, lanes: Lanes
) -> None:
    one, other = io.BytesIO(), io.BytesIO()
    backwards = model.Recording(
        recording.python, recording.boundaries, recording.granularity, recording.components,
        recording.callables[::-1], recording.losses[::-1], recording.noise[::-1],
    )  # fmt: skip

    write_calls(one, recording, lanes)
    write_calls(other, backwards, dict(reversed(lanes.items())))

    assert one.getvalue() == other.getvalue()


def test_blocks_hold_the_calls_of_their_lane_in_order_and_each_can_be_read_alone(
    tmp_path: Path, plain_calls: Maker
) -> None:
    calls = plain_calls(range(10_000))
    calls = [
        model.Call(c.callable, c.caller, min(at, at % 5), c.flow, c.arguments, c.outcome) for at, c in enumerate(calls)
    ]
    write_cassette(tmp_path / "a.cassette", model.Recording(), {"main": calls})

    with open_cassette(tmp_path / "a.cassette") as cassette:
        blocks = cassette.blocks("main")
        alone = [list(cassette.calls("main", at)) for at in range(len(blocks))]

    assert len(blocks) > 3
    assert [len(found) for found in alone] == [block.calls for block in blocks]
    assert [call for found in alone for call in found] == calls


@pytest.mark.parametrize("parent", [1, 0])
def test_a_call_inserted_at_the_front_changes_the_first_block_only(
    tmp_path: Path, plain_calls: Maker, parent: int
) -> None:
    """Also when every call is made by one outermost call, whose distance grows with the insertion."""
    inside = [
        model.Call(c.callable, c.caller, at, c.flow, c.arguments, c.outcome)
        for at, c in enumerate(plain_calls(range(12_000)), 1)
    ]
    outermost = plain_calls([-1])
    shifted = [model.Call(c.callable, c.caller, c.parent + 1, c.flow, c.arguments, c.outcome) for c in inside]
    (one,) = plain_calls([-2])
    inserted = model.Call(one.callable, one.caller, parent, one.flow, one.arguments, one.outcome)
    lanes = {"a": [*outermost, *inside], "b": [*outermost, inserted, *shifted]}
    write_cassette(tmp_path / "a.cassette", model.Recording(), lanes)

    with open_cassette(tmp_path / "a.cassette") as cassette:
        before, after = ([block.digest for block in cassette.blocks(lane)] for lane in "ab")

    assert len(before) > 5
    assert before[0] != after[0]
    assert before[1:] == after[1:]


def test_equal_calls_have_equal_digests_whatever_else_the_cassette_holds(tmp_path: Path, plain_calls: Maker) -> None:
    calls = plain_calls(range(50))
    write_cassette(tmp_path / "a.cassette", model.Recording(), {"main": calls})
    write_cassette(tmp_path / "b.cassette", model.Recording(python="3.9"), {"a": plain_calls([7]), "main": calls})

    with open_cassette(tmp_path / "a.cassette") as one, open_cassette(tmp_path / "b.cassette") as other:
        assert one.lanes[0] == other.lanes[1]


def test_a_lane_without_calls_is_not_kept(tmp_path: Path) -> None:
    write_cassette(tmp_path / "a.cassette", model.Recording(), {"main": []})

    with open_cassette(tmp_path / "a.cassette") as cassette:
        assert cassette.lanes == ()


def test_a_value_too_large_for_a_block_is_cut_and_counted(tmp_path: Path) -> None:
    huge = model.Call("m:f", "m", 0, model.Flow.CALL, bytes(17 << 20), model.Returned(b"\x01"))
    write_cassette(tmp_path / "a.cassette", model.Recording(), {"main": [huge]})

    with open_cassette(tmp_path / "a.cassette") as cassette:
        (call,) = cassette.calls("main")

        assert len(call.arguments) < 100
        assert cassette.recording.losses == (model.Loss("m:f", "values too large to keep", 1),)


def test_equal_values_of_a_block_are_stored_once(tmp_path: Path) -> None:
    noise = bytes(hash((n, "x")) & 0xFF for n in range(50_000))
    calls = [model.Call("m:f", "m", 0, model.Flow.CALL, noise, model.Returned(noise)) for _ in range(20)]
    write_cassette(tmp_path / "a.cassette", model.Recording(), {"main": calls})

    assert (tmp_path / "a.cassette").stat().st_size < 60_000
