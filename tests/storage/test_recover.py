"""What is whole of a lost recording can be kept, and what is not is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pytest

from tracer import errors, model
from tracer.storage import format as form
from tracer.storage.reader import open_cassette, verify
from tracer.storage.recover import recover
from tracer.storage.store import write_cassette

if TYPE_CHECKING:
    from pathlib import Path

Maker = Callable[[Iterable[int]], list[model.Call]]


@pytest.fixture
def long(tmp_path: Path, plain_calls: Maker) -> Path:
    """A cassette of several blocks, whose calls all but the first are made by the first or the one before."""
    calls = plain_calls(range(9_000))
    calls = [
        model.Call(c.callable, c.caller, (at if at % 2 else 1) if at else 0, c.flow, c.arguments, c.outcome)
        for at, c in enumerate(calls)
    ]
    write_cassette(tmp_path / "long.cassette", model.Recording(python="3.11"), {"main": calls, "z": plain_calls([1])})
    return tmp_path / "long.cassette"


def read(path: Path) -> dict[str, list[model.Call]]:
    with open_cassette(path) as cassette:
        return {lane.name: list(cassette.calls(lane.name)) for lane in cassette.lanes}


def test_a_recording_that_was_never_closed_becomes_its_cassette(part: Path, scribe: Callable[..., Any]) -> None:
    one = scribe()
    one.call("main", "m:f", 1, 1)

    target = recover(part)

    assert target == part.parent / "run.cassette"
    assert len(read(target)["main"]) == 1
    one.close()


def test_a_baseline_is_not_replaced_by_what_is_recovered(part: Path, scribe: Callable[..., Any]) -> None:
    one = scribe()
    one.call("main", "m:f", 1, 1)
    one.close()
    (part.parent / "run.cassette").write_bytes(b"baseline")

    target = recover(part)

    assert target.name == "run.recovered.cassette"
    assert (part.parent / "run.cassette").read_bytes() == b"baseline"


def test_a_cut_cassette_keeps_all_whole_blocks(long: Path) -> None:
    before = read(long)["main"]
    with open_cassette(long) as cassette:
        sizes = [block.calls for block in cassette.blocks("main")]
    whole = long.read_bytes()
    starts = [at for at in range(len(whole)) if whole.startswith(form.BLOCK_MAGIC, at)]
    long.write_bytes(whole[: starts[3] + 10])

    target = recover(long)

    assert verify(target).calls == sum(sizes[:3])
    assert read(target)["main"] == before[: sum(sizes[:3])]
    with open_cassette(target) as cassette:
        assert {watched.name for watched in cassette.recording.callables} == {call.callable for call in before}
        assert cassette.recording.losses


def test_a_damaged_block_costs_its_calls_alone_and_they_are_counted(long: Path) -> None:
    before = read(long)["main"]
    with open_cassette(long) as cassette:
        sizes = [block.calls for block in cassette.blocks("main")]
    whole = bytearray(long.read_bytes())
    starts = [at for at in range(len(whole)) if whole.startswith(form.BLOCK_MAGIC, at)]
    whole[starts[1] + 60] ^= 1
    long.write_bytes(whole)

    target = recover(long)

    gap = range(sizes[0], sizes[0] + sizes[1])
    kept = [at for at in range(len(before)) if at not in gap]
    after = read(target)["main"]
    place = {old: new for new, old in enumerate(kept)}
    expected = [place[at] - place[at - before[at].parent] if at - before[at].parent in place else 0 for at in kept]
    assert [call.arguments for call in after] == [before[at].arguments for at in kept]
    assert [call.parent for call in after] == expected
    with open_cassette(target) as cassette:
        assert cassette.recording.python == "3.11"
        assert cassette.recording.losses == (model.Loss("*", "calls in damaged blocks", sizes[1]),)


def test_sums_stay_where_no_block_of_their_lane_is_whole(tmp_path: Path, plain_calls: Maker) -> None:
    path, run = tmp_path / "thin.cassette", model.Thinned("m:f", "m", 700, 0, 0, bytes(16), bytes(16))
    lanes = {"main": plain_calls([1]), "z": plain_calls([1, 2])}
    write_cassette(path, model.Recording(python="3.11"), lanes, {"z": (run,)})
    whole = bytearray(path.read_bytes())
    whole[whole.rindex(form.BLOCK_MAGIC) + 60] ^= 1
    path.write_bytes(whole)

    with open_cassette(recover(path)) as cassette:
        assert [(lane.name, lane.calls, lane.thinned) for lane in cassette.lanes] == [("main", 1, ()), ("z", 0, (run,))]
        assert cassette.recording.losses == (model.Loss("*", "calls in damaged blocks", 2),)


def test_a_whole_cassette_is_not_touched(long: Path) -> None:
    with pytest.raises(errors.CassetteError, match="nothing in it is damaged"):
        recover(long)


def test_a_file_without_a_whole_block_says_so(long: Path) -> None:
    long.write_bytes(long.read_bytes()[:100])

    with pytest.raises(errors.CassetteDamaged, match="no block of it is whole"):
        recover(long)


@pytest.mark.parametrize("content", [b"", b"another file"])
def test_what_holds_nothing_is_a_cassette_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.cassette").write_bytes(content)

    with pytest.raises(errors.CassetteError):
        recover(tmp_path / "a.cassette")
