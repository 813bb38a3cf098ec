"""What arises in a library that tracer asks is tracer's own fault, and what a signal handler raises meanwhile is the host's."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from tracer.decode import decode
from tracer.encoding.encode import Encoder
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.values import Opaque

if TYPE_CHECKING:
    from collections.abc import Iterator


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
