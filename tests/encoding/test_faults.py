"""What arises in a library that tracer asks is tracer's own fault, and what a signal handler raises meanwhile is the host's. So are calls."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers import doctor
from tracer.decode import decode
from tracer.encoding.encode import Encoder
from tracer.encoding.faults import is_asked
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.storage.reader import open_cassette
from tracer.values import Opaque

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from tests.helpers import Project

TABLES = """
    import pandas
    table = pandas.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})
    for _ in range(3):
        print(pandas.concat([table, table]).reset_index(drop=True)["a"].rename("c"), table.groupby("b").sum())
"""


def encoded(value: Any) -> Any:
    return decode(Encoder(redactor=Redactor(), paths=PathNormaliser("/proj")).value(value))


@pytest.mark.parametrize("name", ["Series", "DataFrame", "Index", "RangeIndex", "MultiIndex"])
def test_a_pandas_object_that_is_half_made_is_opaque(name: str) -> None:
    """So is `self` of its constructor, where pandas itself is watched."""
    pandas = pytest.importorskip("pandas")
    kind = getattr(pandas, name)

    assert isinstance(encoded(object.__new__(kind)), Opaque)


def test_a_pandas_array_that_is_half_made_is_left_as_it_is() -> None:
    """Properties of pandas remember what they answered; asked too early, the answer is wrong for good."""
    pandas, numpy = pytest.importorskip("pandas"), pytest.importorskip("numpy")
    kind = pandas.arrays.PeriodArray
    made = kind.__new__(kind)

    assert isinstance(encoded(made), Opaque)
    made.__init__(numpy.array([1]), dtype=pandas.PeriodDtype("D"))
    assert made.dtype == pandas.PeriodDtype("D")


@pytest.mark.parametrize("name", ["MultiIndex", "Index", "PeriodIndex", "PeriodArray", "Series"])
def test_pandas_remembers_nothing_of_being_asked(name: str) -> None:
    """An index of several levels that has no names yet would never have any."""
    pandas = pytest.importorskip("pandas")
    periods = pandas.period_range("2020-01-01", periods=2, freq="D")
    value = {
        "MultiIndex": pandas.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["x", "y"]),
        "Index": pandas.Index(["a", "b"]),
        "PeriodIndex": periods,
        "PeriodArray": periods.array,
        "Series": pandas.Series([1, 2]),
    }[name]
    before = dict(getattr(value, "_cache", {}))

    assert not isinstance(encoded(value), Opaque)
    assert set(getattr(value, "_cache", {})) == set(before)


class Late(Exception):
    """What the handler raises."""


@pytest.fixture
def alarm() -> Iterator[None]:
    def late(number: int, frame: Any) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, late)
    yield
    signal.signal(signal.SIGALRM, before)


def test_a_signal_handler_ends_what_it_interrupts_in_pandas_too(alarm: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = pytest.importorskip("pandas")
    inside = pandas.Series.array.fget
    monkeypatch.setattr(pandas.Series, "array", property(type(inside)(ringing.__code__, inside.__globals__)))

    with pytest.raises(Late):
        encoded(pandas.Series([1]))


def ringing(self: Any) -> Any:
    """Stands in pandas: its globals are those of the real one."""
    import signal

    signal.raise_signal(signal.SIGALRM)


def called_from(*modules: str) -> FrameType:
    """Return a frame below calls that functions of these modules made, the first one above all."""
    call: Callable[[], FrameType] = sys._getframe
    for module in reversed(modules):
        space: dict[str, Any] = {"__name__": module, "call": call}
        exec("def made(): return call()", space)
        call = space["made"]
    return call()


@pytest.mark.parametrize(
    ("modules", "asked"),
    [
        (["app", "tracer.encoding.codecs.pandas", "pandas.core.frame"], True),
        (["app", "tracer.encoding.codecs.pandas", "pandas.core.frame", "numpy", "pandas.core.internals"], True),
        (["app", "tracer.encoding.codecs.pandas", "pandas.core.frame", "tracer.recording.crossing"], True),
        (["app", "pandas.core.frame"], False),
        (["app", "tracer.encoding.walk", "pandas.core.frame"], False),
        (["app", "tracer.encoding.codecs.pandas", "pandas.core.frame", "app", "pandas.core.series"], False),
    ],
)
def test_what_a_library_does_because_a_codec_asks_it_is_told_from_what_the_host_does(
    modules: list[str], asked: bool
) -> None:
    """A finalizer or a signal handler of the host's may run in the middle of it."""
    assert is_asked(called_from(*modules)) is asked


def test_calls_that_tracer_makes_to_look_at_a_table_are_neither_recorded_nor_lost(project: Project) -> None:
    """The witness of the doctor takes them for none of the program's either."""
    pytest.importorskip("pandas")
    project = project.with_files({"app.py": TABLES})
    command = ("-b", "pandas.core.frame", "-b", "pandas.core.series", "--", sys.executable, "app.py")
    done = project.tracer("record", "-o", "run.cassette", *command)
    run = doctor(project, *command)["run"]

    assert done.exit == 0
    with open_cassette(project.folder / "run.cassette") as cassette:
        reasons = {loss.reason for loss in cassette.recording.losses}
        recorded = sum(1 for lane in cassette.lanes for _ in cassette.calls(lane.name))
    assert not [reason for reason in reasons if "at work" in reason or "failed" in reason]
    assert sum(each["kept"] for each in run["crossed"]) == recorded > 20
    assert [each for each in run["crossed"] if each["seen"] != each["kept"] + each["lost"]] == []
