"""pandas tables, columns and indexes. pandas is never imported here: whoever holds a table has done so.

The parts are read through the properties of pandas' own classes, whatever a subclass overrides.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tracer.encoding import budget, cut, looks
from tracer.encoding.walk import Plan
from tracer.values import Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.encoding.walk import Walk

_WRAPPERS: Final = ("NumpyExtensionArray", "PandasArray")  # the second is its name before pandas 2.1


def plan(cls: type) -> Plan | None:
    """Return the plan of a pandas class; None for any other."""
    name = looks.type_name(cls)
    readers: tuple[tuple[str, Callable[[Walk, str, Any], bytes]], ...] = (
        ("DataFrame", _frame),
        ("Series", _series),
        ("RangeIndex", _range_index),
        ("Index", _index),
        ("Timestamp", _moment),
        ("Timedelta", _moment),
    )
    for public, reader in readers:
        if looks.derives(cls, looks.loaded("pandas", public)):
            return Plan(name, partial(_read, reader, name))
    if looks.derives(cls, looks.loaded("pandas.api.extensions", "ExtensionArray")):
        return Plan(name, lambda walk, value: _extension(walk, name, value))
    if looks.derives(cls, type(looks.loaded("pandas", "NaT"))) or looks.derives(
        cls, type(looks.loaded("pandas", "NA"))
    ):
        return Plan(name, lambda walk, _: walk.atom(name, name.rpartition(":")[2]))
    return None


def _read(reader: Callable[[Walk, str, Any], bytes], name: str, walk: Walk, value: Any) -> bytes:
    return reader(walk, name, value)


def _frame(walk: Walk, name: str, value: Any) -> bytes:
    frame, series = looks.loaded("pandas", "DataFrame"), looks.loaded("pandas", "Series")
    columns, index = frame.columns.__get__(value), frame.index.__get__(value)
    wrapped = [series.array.__get__(frame._ixs(value, place, axis=1)) for place in range(len(columns))]  # noqa: SLF001  (by place: names may repeat)
    arrays = [array.to_numpy() if type(array).__name__ in _WRAPPERS else array for array in wrapped]
    fields = [columns, index, [str(array.dtype) for array in arrays]]

    def payload(walk: Walk, _: Any) -> bytes:
        return walk.sequence("list", arrays)

    return walk.object(value, name, Form.TABLE.value, ["columns", "index", "dtypes"], fields, payload)


def _series(walk: Walk, name: str, value: Any) -> bytes:
    series = looks.loaded("pandas", "Series")
    array = series.array.__get__(value)
    fields = [series.name.__get__(value), series.index.__get__(value), str(array.dtype)]

    def payload(walk: Walk, _: Any) -> bytes:
        return _items(walk, array)

    return walk.object(value, name, Form.TABLE.value, ["name", "index", "dtype"], fields, payload)


def _index(walk: Walk, name: str, value: Any) -> bytes:
    index = looks.loaded("pandas", "Index")
    array = index.array.__get__(value)

    def payload(walk: Walk, _: Any) -> bytes:
        return _items(walk, array)

    names = list(index.names.__get__(value))
    return walk.object(value, name, Form.TABLE.value, ["names", "dtype"], [names, str(array.dtype)], payload)


def _range_index(walk: Walk, name: str, value: Any) -> bytes:
    base = looks.loaded("pandas", "RangeIndex")
    parts = [getattr(base, part).__get__(value) for part in ("start", "stop", "step")]
    return walk.object(value, name, Form.TABLE.value, ["start", "stop", "step"], parts)


def _extension(walk: Walk, name: str, value: Any) -> bytes:
    def payload(walk: Walk, value: Any) -> bytes:
        return _items(walk, value)

    return walk.object(value, name, Form.ARRAY.value, ["dtype", "shape"], [str(value.dtype), (len(value),)], payload)


def _items(walk: Walk, array: Any) -> bytes:
    """Encode the items of one of pandas' own arrays as a list, missing ones as they are; a mere wrapper of a numpy array as that."""
    if type(array).__name__ in _WRAPPERS:
        return walk.value(array.to_numpy())
    size = len(array)
    if walk.admits(size):
        return walk.sequence("list", list(array.to_numpy(object)))
    return cut.container(walk, "list", size, list(array[: budget.HEAD_ITEMS].to_numpy(object)))


def _moment(walk: Walk, name: str, value: Any) -> bytes:
    """Encode a Timestamp or Timedelta: its count since the epoch, the unit of that, and its zone by name."""
    names = ["value", "unit"]
    values = [value._value, value.unit]  # noqa: SLF001  (the public one converts to nanoseconds, and may overflow)
    zone = getattr(value, "tzinfo", None)
    if zone is not None:
        names.append("tzinfo")
        values.append(zone)
    return walk.object(value, name, Form.PLAIN.value, names, values)
