"""The trace of a run: valid in the Trace Event Format, with slices that nest on each track, and nothing of a cassette outside of texts."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from tests.compare.runs import Run, call, function, raised
from tracer.export.perfetto import write_trace
from tracer.model import Flow, Item, ItemKind, LaneSummary, Unfinished
from tracer.storage.timings import Timings, TimingsWriter, open_timings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pytest

    from tracer.model import Call

KNOWN = (
    function("shop:f", "a"),
    function("shop:g", "a", flow=Flow.GENERATOR),
    function("shop:c", "a", flow=Flow.COROUTINE),
)


def trace(run: Run, timings: Timings | None = None) -> dict[str, Any]:
    stream = io.BytesIO()
    calls = write_trace(stream, run, timings, {"cassette": "run.cassette"})
    told: dict[str, Any] = json.loads(stream.getvalue())
    assert calls == sum(event["ph"] in "Xb" for event in told["traceEvents"])
    return told


def check(events: Iterable[dict[str, Any]]) -> None:
    """Assert what the format demands: known phases, slices that nest on their track, asynchronous events that end once."""
    tracks: dict[tuple[int, int], list[tuple[int, int]]] = {}
    begun: dict[str, tuple[str, float]] = {}
    named = set()
    for event in events:
        place = event["pid"], event["tid"]
        match event["ph"]:
            case "M":
                named.add(place)
            case "X":
                assert event["dur"] >= 0
                begin = round(event["ts"] * 1000)
                tracks.setdefault(place, []).append((begin, begin + round(event["dur"] * 1000)))
            case "b":
                assert event["id"] not in begun
                begun[event["id"]] = event["name"], event["ts"]
            case "e":
                name, at = begun.pop(event["id"])
                assert name == event["name"]
                assert event["ts"] >= at
            case other:
                raise AssertionError(other)
        assert place in named
    assert not begun
    for slices in tracks.values():
        around: list[int] = []
        for begin, end in sorted(slices, key=lambda each: (each[0], -each[1])):
            while around and around[-1] <= begin:
                around.pop()
            assert not around or end <= around[-1]
            around.append(end)


def timed(path: Path, run: Run, times: dict[str, Sequence[tuple[int, int]]]) -> Timings:
    with path.open("wb") as stream:
        writer = TimingsWriter(stream)
        for lane in run.lanes:
            writer.add_lane(lane, times[lane.name])
    timings = open_timings(path, run.lanes)
    assert timings is not None
    return timings


def test_in_call_order_calls_nest_as_they_were_made() -> None:
    calls = [
        call("shop:f", [1], 1),
        call("shop:f", [2], 2, parent=1),
        call("shop:f", [3], 3, parent=2),
        call("shop:f", [4], 4),
    ]
    told = trace(Run(*KNOWN, main=calls))
    spans = {
        event["args"]["arguments"]["a"]: (event["ts"], event["ts"] + event["dur"])
        for event in told["traceEvents"]
        if event["ph"] == "X"
    }

    check(told["traceEvents"])
    assert told["otherData"]["time"].startswith("call order")
    assert spans == {"1": (1, 6), "2": (2, 3), "3": (4, 5), "4": (7, 8)}


def test_times_are_those_that_were_taken(tmp_path: Path) -> None:
    run = Run(*KNOWN, main=[call("shop:f", [1], 1), call("shop:f", [2], raised("builtins:KeyError", "k"), parent=1)])
    told = trace(run, timed(tmp_path / "t", run, {"main": [(1_000, 9_500), (2_001, 3_000)]}))
    outer, inner = (event for event in told["traceEvents"] if event["ph"] == "X")

    check(told["traceEvents"])
    assert told["otherData"]["time"] == "clock"
    assert (outer["ts"], outer["dur"], inner["ts"], inner["dur"]) == (0, 8.5, 1.001, 0.999)
    assert inner["args"]["raised"] == "KeyError('k')"
    assert outer["args"]["returned"] == "1"


def test_what_overlaps_and_what_is_set_aside_is_asynchronous(tmp_path: Path) -> None:
    calls = [
        replace(call("shop:g", [1], None, items=[Item(ItemKind.YIELDED, b"\x01")]), flow=Flow.GENERATOR),
        call("shop:f", [2], 2),
        call("shop:f", [3], Unfinished()),
        replace(call("shop:c", [4], 4), flow=Flow.COROUTINE),
    ]
    run = Run(*KNOWN, main=calls)
    told = trace(run, timed(tmp_path / "t", run, {"main": [(10, 40), (20, 50), (60, 0), (70, 80)]}))
    phases = [event["ph"] for event in told["traceEvents"] if event["ph"] != "M"]

    check(told["traceEvents"])
    assert phases == ["b", "e", "X", "X", "X"]
    assert [event["args"].get("items") for event in told["traceEvents"] if event["ph"] == "b"] == [1]


def test_lanes_are_threads_of_the_processes_they_ran_in() -> None:
    run = Run(*KNOWN).with_lanes(
        {
            name: [call("shop:f", [1], 1)]
            for name in ("main", "main > process shop:start#0", "main > process shop:start#0 > task t#0", "test a")
        }
    )
    events = trace(run)["traceEvents"]
    names = {
        (event["name"], event["pid"], event["args"]["name"]) for event in events if event["name"].endswith("_name")
    }

    assert names == {
        ("process_name", 1, "main process"),
        ("thread_name", 1, "main"),
        ("process_name", 2, "main > process shop:start#0"),
        ("thread_name", 2, "main"),
        ("thread_name", 2, "task t#0"),
        ("thread_name", 1, "test a"),
    }


@st.composite
def lanes(draw: st.DrawFn) -> list[tuple[Call, tuple[int, int]]]:
    """Calls of one lane with any parents, kinds and times, in the order they began."""
    made, at = [], 0
    for position in range(draw(st.integers(0, 12))):
        at += draw(st.integers(0, 3))
        flow = draw(st.sampled_from(list(Flow)))
        parent = draw(st.integers(0, position))
        end = draw(st.just(0) | st.integers(at, at + 10))
        made.append((replace(call("shop:f", [position], None, parent=parent), flow=flow), (at + 1, end and end + 1)))
    return made


@given(lanes())
def test_every_lane_nests_whatever_its_calls(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[Call, tuple[int, int]]]
) -> None:
    run = Run(*KNOWN, main=[each for each, _ in made])
    timings = timed(tmp_path_factory.mktemp("t") / "t", run, {"main": [times for _, times in made]})

    check(trace(run)["traceEvents"])
    check(trace(run, timings)["traceEvents"])


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=20))
def test_texts_of_a_cassette_stay_texts(text: str) -> None:
    run = Run(function(f"shop:{text}", "a")).with_lanes(
        {text: [call(f"shop:{text}", [text[:0] or "x"], text.encode("utf-8", "replace"))]}
    )
    stream = io.BytesIO()
    write_trace(stream, run, None, {})
    told = json.loads(stream.getvalue())

    assert stream.getvalue().isascii()
    assert told["traceEvents"][-1]["name"].isprintable()


def test_times_of_another_recording_are_not_taken(tmp_path: Path) -> None:
    run = Run(*KNOWN, main=[call("shop:f", [1], 1)])
    other = Run(*KNOWN, main=[call("shop:f", [2], 1)])
    timed(tmp_path / "t", run, {"main": [(1, 2)]})

    assert open_timings(tmp_path / "t", other.lanes) is None
    assert open_timings(tmp_path / "missing", run.lanes) is None


@given(st.lists(st.tuples(st.integers(1, 2**60), st.integers(0, 2**60)), max_size=50))
def test_times_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, given_times: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("t") / "t"
    lane = LaneSummary("main", len(given_times), b"d" * 16)
    with path.open("wb") as stream:
        TimingsWriter(stream).add_lane(lane, given_times)
    timings = open_timings(path, [lane])

    assert timings is not None
    assert list(timings.of("main")) == [(began, max(ended, began) if ended else None) for began, ended in given_times]


@given(st.binary(max_size=60))
def test_damaged_times_are_none(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("t") / "t"
    path.write_bytes(b"TRCTIME1" + data)

    assert open_timings(path, [LaneSummary("main", 1, b"")]) is None
