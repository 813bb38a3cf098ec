"""The parts of playing surroundings back: numbers drawn again, reads given in order, clocks that go on."""

from __future__ import annotations

import datetime as dt
import importlib
import os
import random
import time
import uuid
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compare.runs import Run, call
from tests.instrument.watching import write
from tracer import wire
from tracer.ambient import AMBIENT, AMBIENT_KINDS
from tracer.encoding.hiding import Secrets
from tracer.encoding.redact import Redactor
from tracer.model import Callable, CallableKind, Flow, Recording
from tracer.recording.ambient.drawing import DRAWING, Noting, Repeating
from tracer.recording.ambient.environment import Environment, Surroundings
from tracer.recording.ambient.played import PlayedSurroundings
from tracer.recording.ambient.player import ENVIRONMENT, MISSING, RAISES, VARIABLE, Player
from tracer.recording.ambient.sources import CannotGive, plain_sources

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

pack = wire.packer()


def choose(drawing: Any, method: str, things: list[Any]) -> Any:
    """Call one of the methods that choose; of `shuffle` return what it left."""
    if method == "shuffle":
        mixed = list(things)
        drawing.shuffle(mixed)
        return mixed
    arguments = {"choices": {"k": 4}, "sample": {"k": len(things) // 2}}.get(method, {})
    return getattr(drawing, method)(things, **arguments)


@given(st.integers(), st.lists(st.integers(), min_size=1, max_size=40, unique=True), st.sampled_from(DRAWING))
def test_what_was_drawn_chooses_the_same_again(seed: int, things: list[int], method: str) -> None:
    """And what is noted is what `random` itself would have chosen."""
    noting = Noting(random.Random(seed))
    chosen = choose(noting, method, things)

    repeating = Repeating(noting.kept)

    assert choose(repeating, method, things) == chosen == choose(random.Random(seed), method, things)
    repeating.finish()


@pytest.mark.parametrize(
    ("kept", "things", "reason"),
    [
        ("5", "ab", "it chose among more"),
        ("", "ab", "fewer numbers were drawn"),
        ("1 1", "ab", "more numbers were drawn"),
        ("x", "ab", "other numbers were drawn"),
    ],
)
def test_numbers_that_do_not_fit_are_not_given(kept: str, things: str, reason: str) -> None:
    repeating: Any = Repeating(kept)

    with pytest.raises(CannotGive, match=reason):
        repeating.choice(things)
        repeating.finish()


READS = st.tuples(
    st.sampled_from(["main", "test a"]), st.sampled_from(["time:time", "random:randint"]), st.sampled_from(["", "1, 6"])
)


@given(st.lists(st.tuples(READS, st.integers(-(2**40), 2**40))), st.lists(READS, max_size=30))
def test_reads_are_given_in_order_by_lane_callable_and_arguments(
    recorded: list[tuple[tuple[str, str, str], int]], asked: list[tuple[str, str, str]]
) -> None:
    """Whatever is asked in between; after the last one nothing is known."""
    player = Player.of((lane, name, pack([key] if key else []), pack(value)) for (lane, name, key), value in recorded)
    waiting: defaultdict[tuple[str, str, str], deque[int]] = defaultdict(deque)
    for place, value in recorded:
        waiting[place].append(value)

    for place in asked:
        expected = waiting[place].popleft() if waiting[place] else MISSING
        assert player.next(*place) == expected


def test_a_read_that_raised_raises_by_itself() -> None:
    player = Player.of([("main", "random:choice", pack([]), b""), ("main", "random:choice", pack([]), pack("0"))])

    assert player.next("main", "random:choice", "") is RAISES
    assert player.next("main", "random:choice", "") == "0"


@pytest.mark.parametrize("module", [time, dt, uuid, random], ids=lambda module: module.__name__)
def test_what_is_kept_gives_the_value_back(module: ModuleType) -> None:
    """Each function that takes no argument, read once: what is kept has its type, and is enough."""
    tried = 0
    for called, source in plain_sources(module, frozenset(AMBIENT_KINDS)):
        if source.name == "datetime:datetime.utcnow" or not source.applies((), {}):
            continue
        try:
            value, kept = source.live(called, (), {})
        except TypeError:  # it needs an argument
            continue
        assert type(kept) is source.kept
        assert source.again(kept, called, (), {}) == value
        with pytest.raises(CannotGive):
            source.again(None, called, (), {})
        tried += 1
    assert tried >= 2


@given(st.integers(0, 1 << 32))
def test_a_time_in_parts_is_never_taken_for_the_number_of_a_card(moment: int) -> None:
    source = dict(plain_sources(time, frozenset({"time"})))[time.gmtime]
    kept = source.keep(time.gmtime(moment))

    assert Secrets(Redactor()).text(kept) == kept
    assert source.again(kept, time.gmtime, (), {}) == time.gmtime(moment)


@pytest.mark.parametrize(
    ("module", "called"), [(time, time.gmtime), (dt, dt.datetime.today), (dt, dt.date.today), (uuid, uuid.uuid4)]
)
def test_what_was_hidden_or_damaged_is_not_given(module: ModuleType, called: Any) -> None:
    source = dict(plain_sources(module, frozenset(AMBIENT_KINDS)))[called]

    for kept in ("<redacted>", "", "1,2", "9" * 40):
        with pytest.raises(CannotGive):
            source.again(kept, called, (), {})


def test_a_time_in_a_zone_is_not_given_as_one_without() -> None:
    sources = dict(plain_sources(dt, frozenset({"time"})))
    source = sources[dt.datetime.now]
    zone = dt.timezone(dt.timedelta(hours=2))
    value, kept = source.live(dt.datetime.now, (zone,), {})

    assert source.again(kept, None, (), {"tz": zone}) == value
    with pytest.raises(CannotGive, match="another time zone"):
        source.again(kept, None, (), {})


def test_variables_are_those_of_the_recorded_run_but_for_what_the_program_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAME", "here")
    monkeypatch.setenv("ONLY_HERE", "here")
    monkeypatch.setenv("MINE", "before")
    monkeypatch.setenv("TRACER_X", "here")
    rows = [
        ("main", VARIABLE, pack([]), pack({"GONE": None, "ONLY_HERE": None})),
        (
            "main",
            ENVIRONMENT,
            pack([]),
            pack({"FIRST": "<project>/bin", "SAME": "there", "MINE": "there", "PLACE": "<tmp>/x"}),
        ),
    ]
    surroundings = Surroundings(Player.of(rows, "/home/me"))
    monkeypatch.setenv("MINE", "written")

    read = {
        name: surroundings.value(name) for name in ("FIRST", "SAME", "GONE", "ONLY_HERE", "MINE", "TRACER_X", "PLACE")
    }

    assert read == {
        "FIRST": "/home/me/bin",
        "SAME": "there",
        "GONE": None,
        "ONLY_HERE": None,
        "MINE": "written",
        "TRACER_X": "here",
        "PLACE": None,
    }
    everything = surroundings.all()
    assert list(everything)[:3] == ["FIRST", "SAME", "MINE"]
    assert "ONLY_HERE" not in everything
    assert everything["TRACER_X"] == "here"


def test_the_stand_in_of_the_environment_does_what_the_environment_does() -> None:
    """Reads are told of; what is written is there for everybody; errors are the same."""
    told: list[str] = []

    def one(name: str) -> str | None:
        told.append(name)
        return os.environ.get(name)

    environment = Environment(one, lambda: dict(os.environ))
    environment["AMBIENT_TEST"] = "x"
    try:
        assert environment["AMBIENT_TEST"] == os.environ["AMBIENT_TEST"] == environment.get("AMBIENT_TEST") == "x"
        assert environment.pop("AMBIENT_TEST") == "x"
        assert "AMBIENT_TEST" not in os.environ
        with pytest.raises(KeyError, match="'AMBIENT_TEST'"):
            environment["AMBIENT_TEST"]
        for wrong in (environment, os.environ):
            with pytest.raises(TypeError, match="str expected"):
                wrong[1]  # type: ignore[index]
        assert dict(environment) == environment.copy() == dict(os.environ)
        assert set(told) == {"AMBIENT_TEST", *os.environ}
    finally:
        os.environ.pop("AMBIENT_TEST", None)


def test_surroundings_are_played_where_nothing_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For playback: watched code reads what a run read, by callable and arguments; then what is here, counted."""
    write(tmp_path, {"played_clock.py": "import time, random\ndef read(): return time.time(), random.randint(1, 6)\n"})
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("played_clock")
    nouns = [Callable(name, AMBIENT, CallableKind.FOREIGN, Flow.CALL, ()) for name in ("time:time", "random:randint")]
    calls = [call("time:time", outcome=1.5), call("random:randint", ["1, 6"], 9), call("time:time", outcome=2.5)]
    run = Run(*nouns, recording=Recording(callables=tuple(nouns), ambient=("time", "random")), main=calls)
    played = PlayedSurroundings(run, AMBIENT_KINDS, lambda name, file: name if name == "played_clock" else None)

    before = module.read()
    played.start()
    try:
        given = [module.read(), module.read(), module.read()]
    finally:
        left = played.stop()

    assert before[0] > 1e9
    assert left == ()
    assert [each[0] for each in given[:2]] == [1.5, 2.5]
    assert given[0][1] == 9
    assert 2.5 <= given[2][0] < 100
    assert all(1 <= each[1] <= 6 for each in given[1:])
    assert played.counts == (3, {"time:time": 1, "random:randint": 2})
    assert module.read()[0] > 1e9
