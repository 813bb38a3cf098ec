"""Shards of one run become the cassette that one machine would have made, whatever their order."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from tracer import errors, model, workflows
from tracer.storage.merging import merged
from tracer.storage.reader import open_cassette
from tracer.storage.shards import labels_of
from tracer.storage.store import read_side, write_cassette, write_side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    Calls = Callable[[Iterable[int]], list[model.Call]]

KNOWN = model.Recording(python="3.11", boundaries=("shop",), components=(model.Component("shop"),))


def names(path: Path) -> list[str]:
    with open_cassette(path) as cassette:
        return [lane.name for lane in cassette.lanes]


@pytest.fixture
def shards(tmp_path: Path, plain_calls: Calls) -> list[Path]:
    """Three shards as CI downloads them: own tests, one import alike, a `main` that differs."""
    found = []
    for number in range(3):
        path = tmp_path / f"shard-{number}" / "run.cassette"
        lanes: Mapping[str, list[model.Call]] = {
            f"test t.py::test_{number}": plain_calls([number]),
            "import shop": plain_calls([7, 8]),
            "main": plain_calls([100 + number]),
        }
        loss = model.Loss("shop.pricing:f0", "dunder", number)
        write_cassette(path, replace(KNOWN, losses=(loss,) if number else ()), lanes)
        found.append(path)
    return found


def test_shards_in_any_order_become_one_cassette(shards: list[Path], tmp_path: Path) -> None:
    """What is alike is kept once, what differs is kept apart under the shard's own name, and the bytes are the same."""
    contents = set()
    for number, some in enumerate(permutations(shards)):
        out = tmp_path / f"out-{number}.cassette"
        told = workflows.merge(out, some)
        contents.add(out.read_bytes())

    assert len(contents) == 1
    own = [f"test t.py::test_{number}" for number in range(3)]
    assert names(out) == ["import shop", "main ~shard-0", "main ~shard-1", "main ~shard-2", *own]
    assert told[0] == f"{out} holds 8 calls in 7 lanes of 3 shards."
    with open_cassette(out) as cassette:
        assert cassette.verify().calls == 8
        assert cassette.recording.losses == (model.Loss("shop.pricing:f0", "dunder", 3),)


def test_merging_in_steps_keeps_the_lanes_apart(shards: list[Path], tmp_path: Path) -> None:
    workflows.merge(tmp_path / "two.cassette", shards[:2])
    workflows.merge(tmp_path / "all.cassette", [tmp_path / "two.cassette", shards[2]])

    assert {name for name in names(tmp_path / "all.cassette") if name.startswith("main")} == {
        "main ~shard-0",
        "main ~shard-1",
        "main",
    }


@pytest.mark.parametrize(
    ("other", "cause"),
    [
        ({"python": "3.12"}, "Python differs: 3.11 and 3.12"),
        ({"boundaries": ()}, "boundaries differs: shop and none"),
        ({"detail": "full"}, "detail differs: sampled and full"),
        ({"block": True}, "recorded by tracer.cassette differs: no and yes"),
    ],
)
def test_shards_of_other_settings_are_refused_and_nothing_is_written(
    other: dict[str, object], cause: str, shards: list[Path], tmp_path: Path
) -> None:
    write_cassette(shards[1], replace(KNOWN, **other), {})  # type: ignore[arg-type]

    with pytest.raises(errors.CassetteError, match=cause):
        workflows.merge(tmp_path / "out.cassette", shards)
    assert not (tmp_path / "out.cassette").exists()


def test_shards_of_another_tracer_are_refused(shards: list[Path], tmp_path: Path) -> None:
    write_side(shards[0], {"tracer": "1.0"})
    write_side(shards[2], {"tracer": "2.0"})

    with pytest.raises(errors.CassetteError, match=r"tracer 1\.0 recorded one and tracer 2\.0 the other"):
        workflows.merge(tmp_path / "out.cassette", shards)


def test_merging_in_steps_still_refuses_shards_of_another_tracer(shards: list[Path], tmp_path: Path) -> None:
    for shard, version in zip(shards, ("1.0", "1.0", "2.0"), strict=True):
        write_side(shard, {"tracer": version})

    told = workflows.merge(tmp_path / "two.cassette", shards[:2])

    assert not any("not known" in sentence for sentence in told)
    with pytest.raises(errors.CassetteError, match=r"tracer 1\.0 recorded one and tracer 2\.0 the other"):
        workflows.merge(tmp_path / "out.cassette", [tmp_path / "two.cassette", shards[2]])


def test_a_shard_that_does_not_say_which_tracer_recorded_it_is_told(shards: list[Path], tmp_path: Path) -> None:
    """A copy without what lies beside it; what is merged of it says no more, whatever lay there before."""
    write_side(shards[0], {"tracer": "1.0"})
    out = tmp_path / "out.cassette"
    write_side(out, {"tracer": "0.9"})

    (told,) = [sentence for sentence in workflows.merge(out, shards) if "not known" in sentence]

    assert str(shards[1]) in told
    assert str(shards[0]) not in told
    assert read_side(out) == {}


def test_what_is_there_is_replaced_only_when_that_is_said(shards: list[Path], tmp_path: Path) -> None:
    """The first name is the one that is written: who forgets it would lose a shard."""
    before = shards[0].read_bytes()
    with pytest.raises(errors.CassetteError, match="there already"):
        workflows.merge(shards[0], shards[1:])
    assert shards[0].read_bytes() == before

    workflows.merge(shards[0], [tmp_path], force=True)
    assert len(names(shards[0])) == 7


def test_no_shard_is_given_twice_and_a_folder_without_one_is_told(shards: list[Path], tmp_path: Path) -> None:
    with pytest.raises(errors.CassetteError, match="given twice"):
        workflows.merge(tmp_path / "out.cassette", [*shards, shards[0]])
    (tmp_path / "empty").mkdir()
    with pytest.raises(errors.CassetteNotFound, match="no cassette in it"):
        workflows.merge(tmp_path / "out.cassette", [tmp_path / "empty"])


def test_other_code_is_told(tmp_path: Path) -> None:
    for name in "ab":
        code = model.Callable(
            "shop:f", "shop", model.CallableKind.FUNCTION, model.Flow.CALL, (), code=name, file="shop.py"
        )
        write_cassette(tmp_path / f"{name}.cassette", replace(KNOWN, callables=(code,)), {})

    told = workflows.merge(tmp_path / "out.cassette", [tmp_path / "a.cassette", tmp_path / "b.cassette"])

    assert told[-1] == "The shards are of different code: shop:f. Were all recorded at one revision?"


@pytest.mark.parametrize(
    ("paths", "labels"),
    [
        (["a.cassette", "b.cassette"], ["a", "b"]),
        (["out/a/run.cassette", "out/b/run.cassette"], ["a", "b"]),
        (["s3://b/1/x/run.cassette", "s3://b/2/x/run.cassette"], ["1", "2"]),
        (["x/a.cassette", "x/y/a.cassette"], ["a", "y/a"]),
        (["x/run.cassette"], ["run"]),
    ],
)
def test_a_label_is_what_tells_a_path_from_the_others(paths: list[str], labels: list[str]) -> None:
    assert labels_of(paths) == labels


def test_the_later_definition_wins_where_that_is_asked_for() -> None:
    one, two = (
        model.Recording(
            callables=(model.Callable("m:f", "m", model.CallableKind.FUNCTION, model.Flow.CALL, (), code=code),)
        )
        for code in "ba"
    )

    assert merged((one, two)).callables == merged((two, one)).callables == two.callables
    assert merged((two, one), later_wins=True).callables == one.callables


def test_of_two_definitions_that_which_knows_its_code_wins() -> None:
    """A process that was ended early, or was sent a copy of a function, does not know it."""
    unknown, known = (
        model.Recording(
            callables=(model.Callable("m:f", "m", model.CallableKind.FUNCTION, model.Flow.CALL, (), code=code),)
        )
        for code in ("", "a")
    )

    assert merged((unknown, known)).callables == merged((known, unknown)).callables == known.callables
