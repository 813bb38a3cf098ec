"""Values of numpy, pandas and pydantic become live again, without their validation or pickling."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pydantic
import pytest
from pydantic.v1 import BaseModel as FirstModel
from pydantic.v1 import PrivateAttr as FirstPrivate

from tests.encoding.test_encode import make
from tracer.encoding.causes import Cause
from tracer.encoding.revive import Reviver
from tracer.errors import CannotRevive


def ours(module: str) -> bool:
    return module.partition(".")[0] in {"tests", "numpy", "pandas", "pydantic", "freezegun"}


def revived(value: Any) -> Any:
    live = Reviver(ours).value(make().value(value))
    assert make().value(live) == make().value(value)
    assert type(live) is type(value)
    return live


class Measured(np.ndarray[Any, Any]):
    unit: str


class Item(pydantic.BaseModel):
    name: str
    count: int = 1
    _seen: bool = pydantic.PrivateAttr(default=False)


class Open(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow", frozen=True)
    items: list[Item]

    @pydantic.field_validator("items")
    @classmethod
    def refuse(cls, items: list[Item]) -> list[Item]:
        assert len(items) == 1
        return items


class First(FirstModel):
    a: int
    _b: int = FirstPrivate(2)

    class Config:
        extra = "allow"


def measured() -> Any:
    live = np.arange(3).view(Measured)
    live.unit = "m"
    return live


@pytest.mark.parametrize(
    "value",
    [
        *(np.arange(6).reshape(2, 3), np.array(5), np.zeros((0, 3)), np.array(["a", "bcd"]), np.array([b"x"])),
        *(np.array([[1, [2]], ["a", None]], dtype=object), np.array(["2020-01-01"], "M8[D]"), np.array([1 + 2j])),
        *(np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]), np.array([True]), measured(), np.dtype("f4")),
        *(
            np.float32(1.5),
            np.int64(3),
            np.bool_(True),
            np.str_("a"),
            np.complex64(1 + 2j),
            np.datetime64("2020-01-01"),
        ),
        *(pd.Series([1.5, None], name="s"), pd.Index(["a", "b"]), pd.RangeIndex(3), pd.NaT, pd.NA, pd.Timedelta("1h")),
        *(
            pd.Timestamp("2020-01-01", tz=ZoneInfo("Europe/Paris")),
            pd.date_range("2020", periods=2, tz="UTC"),
            pd.array([1, None], dtype="Int64"),
        ),
        *(
            pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
            pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["n", None]),
        ),
        pd.DataFrame([[1, 2]], columns=["twice", "twice"], index=pd.Index(["r"])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_arrays_and_tables_come_back(value: Any) -> None:
    revived(value)


def test_what_categories_were_there_is_not_guessed() -> None:
    with pytest.raises(CannotRevive) as caught:
        revived(pd.Series(["a"], dtype="category"))

    assert caught.value.cause == Cause.UNTOLD.value


def test_models_come_back_without_validation() -> None:
    """Fields, extra and private ones, and which were set; also a state that validation would refuse."""
    item = Item(name="a")
    item._seen = True
    model = Open(items=[item], more=[1])  # type: ignore[call-arg]
    model.items.append(item)

    live = revived(model)

    assert live == model
    assert live.items[0] is live.items[1]
    assert (live.model_fields_set, live.model_extra, live.items[0]._seen) == ({"items", "more"}, {"more": [1]}, True)
    assert live.items[0].model_fields_set == {"name"}


def test_models_of_version_1_come_back() -> None:
    model = First(a=1, extra=[2])  # type: ignore[call-arg]

    live = revived(model)

    assert live == model
    assert live._b == 2


def test_a_model_whose_class_has_another_required_field_today_is_refused() -> None:
    snapshot = make().value(Item(name="a")).replace(b"\xa4name", b"\xa4nome")

    with pytest.raises(CannotRevive) as caught:
        Reviver(ours).value(snapshot)

    assert caught.value.cause == Cause.FIELD_NEW.value


def test_dates_are_told_while_a_test_has_stopped_the_clock() -> None:
    """Tools that stop the clock put classes of their own into `datetime`; real values, and theirs, stay what they are."""

    class FakeDate(dt.date):
        pass

    real = dt.date
    day, fake = real(2024, 1, 2), FakeDate(2024, 1, 3)
    dt.date = FakeDate  # type: ignore[misc]
    try:
        snapshots = [make().value(day), make().value(fake)]
    finally:
        dt.date = real  # type: ignore[misc]

    assert snapshots == [make().value(day), make().value(fake)]


def test_numpy_is_not_imported_without_leave() -> None:
    program = (
        "import sys\n"
        "from tracer.encoding.revive import Reviver\n"
        "from tracer.errors import CannotRevive\n"
        f"try: Reviver(lambda module: False).value(bytes.fromhex({make().value(np.arange(3)).hex()!r}))\n"
        "except CannotRevive as error: print(error.cause, error.remedy, 'numpy' in sys.modules)\n"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert out.split(" Allow ") == ["its module may not be imported", "'numpy' to be imported. False\n"]
