"""pandas tables, columns and indexes. pandas is never imported here: whoever holds a table has done so.

The parts are read through the properties of pandas' own classes, whatever a subclass overrides.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tracer.encoding import budget, cut, looks
from tracer.encoding.causes import Cause, Refused
from tracer.encoding.promises import given
from tracer.encoding.walk import Plan
from tracer.values import Form, Sequence

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.encoding.revival import Revival, Steps
    from tracer.encoding.walk import Walk
    from tracer.values import Atom, Object

_WRAPPERS: Final = ("NumpyExtensionArray", "PandasArray")  # the second is its name before pandas 2.1
_MISSING: Final = {"NaTType": "NaT", "NAType": "NA"}
_CONTENT: Final = ""
_CACHE: Final = "_cache"
_UNITS: Final = ("s", "ms", "us", "ns")


def plan(cls: type) -> Plan | None:
    """Return the plan of a pandas class; None for any other."""
    name = looks.type_name(cls)
    readers: tuple[tuple[str, Callable[[Walk, str, Any], bytes]], ...] = (
        ("DataFrame", _frame),
        ("Series", _series),
        ("RangeIndex", _range_index),
        ("MultiIndex", _multi_index),
        ("Index", _index),
        ("Timestamp", _moment),
        ("Timedelta", _moment),
    )
    for public, reader in readers:
        if looks.derives(cls, looks.loaded("pandas", public)):
            return Plan(name, partial(_read if reader is _moment else _read_filled, reader, name))
    if looks.derives(cls, looks.loaded("pandas.api.extensions", "ExtensionArray")):
        return Plan(name, partial(_read, _extension, name))
    if looks.derives(cls, type(looks.loaded("pandas", "NaT"))) or looks.derives(
        cls, type(looks.loaded("pandas", "NA"))
    ):
        return Plan(name, lambda walk, _: walk.atom(name, name.rpartition(":")[2]))
    return None


def _read_filled(reader: Callable[[Walk, str, Any], bytes], name: str, walk: Walk, value: Any) -> bytes:
    """The same for a table, column or index, all of whose parts are attributes; one that has none is before its constructor."""
    return _read(reader, name, walk, value) if _own(value) else walk.opaque(value, name, "half made")


def _read(reader: Callable[[Walk, str, Any], bytes], name: str, walk: Walk, value: Any) -> bytes:
    """Let a reader ask pandas, and take away what pandas keeps of its answers: where the object is only half made they are wrong."""
    before = set(_kept(value))
    try:
        return reader(walk, name, value)
    finally:
        kept = _kept(value)
        for each in set(kept) - before:
            kept.pop(each, None)


def _kept(value: Any) -> dict[str, Any]:
    """Return what the cached properties of an object have answered."""
    kept = _own(value).get(_CACHE)
    return kept if type(kept) is dict else {}


def _own(value: Any) -> dict[str, Any]:
    """Return the attributes that an object keeps in a dict of its own."""
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return own if type(own) is dict else {}


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


def _multi_index(walk: Walk, name: str, value: Any) -> bytes:
    """Encode an index of several levels: its names, and its entries as tuples."""
    index = looks.loaded("pandas", "MultiIndex")
    fields = [list(index.names.__get__(value)), "object"]

    def payload(walk: Walk, _: Any) -> bytes:
        size = index.__len__(value)
        few = value if walk.admits(size) else index.__getitem__(value, slice(budget.HEAD_ITEMS))
        entries = list(index.to_numpy(few))
        return walk.sequence("list", entries) if walk.admits(size) else cut.container(walk, "list", size, entries)

    return walk.object(value, name, Form.TABLE.value, ["names", "dtype"], fields, payload)


def _range_index(walk: Walk, name: str, value: Any) -> bytes:
    base = looks.loaded("pandas", "RangeIndex")
    parts = [getattr(base, part).__get__(value) for part in ("start", "stop", "step")]
    return walk.object(value, name, Form.TABLE.value, ["start", "stop", "step"], parts)


def _extension(walk: Walk, name: str, value: Any) -> bytes:
    def payload(walk: Walk, value: Any) -> bytes:
        return _items(walk, value)

    # An array that its constructor has not filled yet must not be asked anything: pandas would keep the type that it tells
    # then, and the length of one crashes from pandas 3 on.
    backed = looks.loaded("pandas._libs.arrays", "NDArrayBacked")
    if backed is not None and looks.derives(type(value), backed) and backed._ndarray.__get__(value) is None:  # noqa: SLF001  (read only)
        return walk.opaque(value, name, "half made")
    size = len(value)
    return walk.object(value, name, Form.ARRAY.value, ["dtype", "shape"], [str(value.dtype), (size,)], payload)


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


def revive(revival: Revival, cls: type, value: Object) -> Steps | None:
    """Return the steps that make a value of pandas' own classes; None for any other class."""
    makers: dict[str, tuple[tuple[str, ...], Callable[[Any, dict[str, Any]], Any]]] = {
        "DataFrame": (("columns", "index", "dtypes"), _make_frame),
        "Series": (("name", "index", "dtype"), _make_series),
        "RangeIndex": (("start", "stop", "step"), _make_range),
        "MultiIndex": (("names", "dtype"), _make_multi_index),
        "Index": (("names", "dtype"), _make_index),
        "Timestamp": (("value", "unit"), _make_moment),
        "Timedelta": (("value", "unit"), _make_moment),
    }
    for public, (names, make) in makers.items():
        base = looks.loaded("pandas", public)
        if looks.derives(cls, base):
            plain = cls is base or (public == "Index" and looks.module_of(cls).partition(".")[0] == "pandas")
            return _revived(revival, cls, value, names, make) if plain else _subclass(value)
    if looks.derives(cls, looks.loaded("pandas.api.extensions", "ExtensionArray")):
        return _revived(revival, cls, value, ("dtype", "shape"), _make_extension)
    return None


def _subclass(value: Object) -> Steps:
    """Refuse an instance of a subclass: how it is made of what pandas holds is its own code."""
    raise Refused(Cause.NOT_MADE, value.type)
    yield  # a generator like the others


def _revived(
    revival: Revival,
    cls: Any,
    value: Object,
    names: tuple[str, ...],
    make: Callable[[Any, dict[str, Any]], Any],
) -> Steps:
    """Make the parts of a value and hand them to the constructor that pandas has for them."""
    if tuple(name for name, _ in value.fields[: len(names)]) != names:
        raise Refused(Cause.DAMAGED)
    promise = revival.promise()
    parts: dict[str, Any] = {}
    for name, each in value.fields:
        parts[name] = given((yield name, each))
    if isinstance(value.payload, Sequence):
        parts[_CONTENT] = yield from revival.parts(value.payload.items)
    elif value.payload is not None:
        parts[_CONTENT] = given((yield "", value.payload))
    try:
        live = make(cls, parts)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError, ArithmeticError) as error:
        raise Refused(Cause.MISFIT) from error
    if type(live) is not cls:
        raise Refused(Cause.NOT_MADE)
    return revival.settle(promise, live)


def _make_frame(cls: Any, parts: dict[str, Any]) -> Any:
    live = cls(dict(enumerate(parts[_CONTENT])), index=parts["index"])
    live.columns = parts["columns"]
    return live


def _make_series(cls: Any, parts: dict[str, Any]) -> Any:
    return cls(_array_of(parts[_CONTENT], parts["dtype"]), index=parts["index"], name=parts["name"])


def _make_range(cls: Any, parts: dict[str, Any]) -> Any:
    return cls(parts["start"], parts["stop"], parts["step"])


def _make_multi_index(cls: Any, parts: dict[str, Any]) -> Any:
    return cls.from_tuples(parts[_CONTENT], names=parts["names"])


def _make_index(_: Any, parts: dict[str, Any]) -> Any:
    (name,) = parts["names"]
    return looks.loaded("pandas", "Index")(_array_of(parts[_CONTENT], parts["dtype"]), name=name)


def _make_extension(_: Any, parts: dict[str, Any]) -> Any:
    return _array_of(parts[_CONTENT], parts["dtype"])


def _array_of(content: Any, dtype: str) -> Any:
    """Return an array of a type that is known by its text. A list is what one of pandas' own arrays held."""
    if type(content) is not list:
        return content
    if dtype == "category":
        raise Refused(Cause.UNTOLD)  # the categories that no item has, and their order
    return looks.loaded("pandas", "array")(content, dtype=dtype)


def _make_moment(cls: Any, parts: dict[str, Any]) -> Any:
    if parts["unit"] not in _UNITS:
        raise Refused(Cause.DAMAGED)
    numpy_class = looks.loaded("numpy", "datetime64" if cls is looks.loaded("pandas", "Timestamp") else "timedelta64")
    live = cls(numpy_class(parts["value"], parts["unit"]))
    zone = parts.get("tzinfo")
    return live if zone is None else live.tz_localize("UTC").tz_convert(zone)


def revive_missing(revival: Revival, value: Atom) -> Any:
    """Return the one value that pandas has for a missing moment, or for anything missing; None for any other text."""
    if value.text not in _MISSING or value.type.partition(".")[0] != "pandas":
        return None
    return getattr(revival.resolver.module("pandas"), _MISSING[value.text])
