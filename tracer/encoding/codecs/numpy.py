"""numpy arrays and scalars. numpy is never imported here: whoever holds an array has done so.

Everything is read through the methods of `numpy.ndarray` and `numpy.generic` themselves, whatever a subclass overrides.
"""

from __future__ import annotations

import ast
from math import prod
from typing import TYPE_CHECKING, Any, Final

from tracer.encoding import budget, cut, looks
from tracer.encoding.causes import Cause, Refused
from tracer.encoding.promises import held_items
from tracer.encoding.walk import Plan
from tracer.values import SAMPLED_DIGEST, Form

if TYPE_CHECKING:
    from tracer.encoding.revival import Revival, Steps
    from tracer.encoding.walk import Walk
    from tracer.values import Atom, Object, Value

_PLAIN_KINDS: Final = "biufcSU"
_TIME_KINDS: Final = "mM"
_ITEM_BYTES: Final = 32
"""What an item of a number takes at most; more than that of each only where the whole stays below the next limit."""
_SPARE_BYTES: Final = 64 << 20


def plan(cls: type) -> Plan | None:
    """Return the plan of a numpy class; None for any other."""
    array, generic, dtype = (looks.loaded("numpy", name) for name in ("ndarray", "generic", "dtype"))
    name = looks.type_name(cls)
    if looks.derives(cls, array):
        where = looks.layout(cls)
        return Plan(name, lambda walk, value: _array(walk, name, value, where))
    if looks.derives(cls, generic):
        return Plan(name, lambda walk, value: _scalar(walk, name, value))
    if looks.derives(cls, dtype):
        return Plan(name, lambda walk, value: walk.atom("numpy:dtype", _dtype_text(value)))
    return None


def _array(walk: Walk, name: str, value: Any, where: looks.Layout) -> bytes:
    array = looks.loaded("numpy", "ndarray")
    base = array.view(value, array)
    names, values = looks.fields(value, where)
    if base.dtype.kind == "V" and base.dtype.names is None:
        base = base.view("u1")

    def payload(walk: Walk, _: Any) -> bytes:
        return _items(walk, base)

    head = [_dtype_text(base.dtype), base.shape]
    return walk.object(value, name, Form.ARRAY.value, ["dtype", "shape", *names], head + values, payload)


def _items(walk: Walk, base: Any) -> bytes:
    """Encode the items as a flat list, or cut with a digest of their bytes."""
    if base.dtype.kind == "O":
        return _objects(walk, base)
    if walk.admits(base.size) and base.nbytes <= max(walk.bytes, budget.SHORT_TEXT):
        ready = base.view("i8") if base.dtype.kind in _TIME_KINDS else base
        return walk.sequence("list", ready.ravel().tolist())
    head = [
        walk.value(item)
        for item in _plain(
            base.ravel()[: budget.HEAD_ITEMS] if base.flags.c_contiguous else base.flat[: budget.HEAD_ITEMS]
        )
    ]
    return cut.truncated(walk, "list", base.size, head, _digest(base))


def _plain(few: Any) -> list[Any]:
    ready = few.view("i8") if few.dtype.kind in _TIME_KINDS else few
    items: list[Any] = ready.tolist()
    return items if few.dtype.kind in _PLAIN_KINDS + _TIME_KINDS else []


def _objects(walk: Walk, base: Any) -> bytes:
    if walk.admits(base.size):
        return walk.sequence("list", base.ravel().tolist())
    return cut.container(walk, "list", base.size, base.flat[: budget.HEAD_ITEMS].tolist())


def _digest(base: Any) -> bytes:
    """Return the digest of an array's bytes in C order; of even samples of its items where it is large and not in that order."""
    if base.dtype.hasobject:
        return b""
    if base.flags.c_contiguous:
        return cut.bytes_digest(memoryview(base.view("u1") if base.ndim else base.reshape(1).view("u1")).cast("B"))
    if base.nbytes <= budget.WHOLE_BYTES:
        return cut.bytes_digest(base.tobytes())
    step = max(1, base.size // (budget.SAMPLES * 16))
    return cut.bytes_digest(base.flat[::step].tobytes())[:SAMPLED_DIGEST]


def _scalar(walk: Walk, name: str, value: Any) -> bytes:
    generic = looks.loaded("numpy", "generic")
    dtype = generic.dtype.__get__(value)

    def payload(walk: Walk, value: Any) -> bytes:
        item = generic.item(value)
        if dtype.kind in _TIME_KINDS:
            item = generic.view(value, "i8").item()
        # A long double has no builtin twin: its item is itself.
        return walk.value(item if type(item) is not type(value) else generic.tobytes(value))

    names, values = (["dtype"], [_dtype_text(dtype)]) if dtype.kind in _TIME_KINDS else ([], [])
    if dtype.kind == "V":
        return _record(walk, name, value, dtype)
    return walk.object(value, name, Form.PLAIN.value, names, values, payload)


def _record(walk: Walk, name: str, value: Any, dtype: Any) -> bytes:
    generic = looks.loaded("numpy", "generic")
    if dtype.names is None:
        return walk.object(value, name, Form.PLAIN.value, ["value"], [generic.tobytes(value)])
    return walk.object(value, name, Form.PLAIN.value, list(dtype.names), list(generic.item(value)))


def _dtype_text(dtype: Any) -> str:
    base = looks.loaded("numpy", "dtype")
    if base.names.__get__(dtype) is not None:
        return str(base.descr.__get__(dtype))
    text: str = base.str.__get__(dtype)
    return text


def revive(revival: Revival, cls: type, value: Object) -> Steps | None:
    """Return the steps that make an array or a scalar; None for any other class."""
    array, generic = (looks.loaded("numpy", name) for name in ("ndarray", "generic"))
    if looks.derives(cls, array):
        return _revive_array(revival, cls, value)
    if looks.derives(cls, generic):
        return _revive_scalar(revival, cls, value)
    return None


def _revive_array(revival: Revival, cls: Any, value: Object) -> Steps:
    """Make an array, after a look at whether as much was recorded as its shape declares. Subclasses get their own attributes."""
    if [name for name, _ in value.fields[:2]] != ["dtype", "shape"]:
        raise Refused(Cause.DAMAGED)
    numpy = looks.loaded("numpy", "ndarray")
    items = held_items(value.payload)
    dtype = _read_dtype(revival.leaf(value.fields[0][1]))
    shape = _shape(value.fields[1][1], revival)
    if prod(shape) != len(items) or len(items) * dtype.itemsize > len(items) * _ITEM_BYTES + _SPARE_BYTES:
        raise Refused(Cause.TOO_LARGE)
    own = value.fields[2:]
    setters = revival.resolver.setters(cls, tuple(name for name, _ in own))
    flat = numpy.__new__(numpy, len(items), dtype)
    live = numpy.view(numpy.reshape(flat, shape), cls)
    revival.enter(live)
    yield from revival.attributes(live, setters, own)
    made = yield from revival.parts(items)
    _fill(flat, made, dtype)
    return live


def _fill(flat: Any, items: list[Any], dtype: Any) -> None:
    try:
        if dtype.kind in _TIME_KINDS:
            flat.view("i8")[...] = items
        else:
            for place, item in enumerate(
                items
            ):  # one by one: a list of tuples or lists would be taken for more dimensions
                flat[place] = item
    except (TypeError, ValueError, OverflowError) as error:
        raise Refused(Cause.MISFIT) from error


def _shape(value: Value, revival: Revival) -> tuple[int, ...]:
    shape = tuple(revival.leaf(each) for each in held_items(value))
    if not all(type(each) is int and each >= 0 for each in shape):
        raise Refused(Cause.DAMAGED)
    return shape


def _revive_scalar(revival: Revival, cls: Any, value: Object) -> Steps:
    """Make a numpy scalar of its builtin twin, of a count of its unit, or of its bytes."""
    names = [name for name, _ in value.fields]
    if value.payload is None:
        raise Refused(Cause.UNTOLD)  # a record keeps the names of its fields and not their types
    held = revival.leaf(value.payload)
    dtype = _read_dtype(revival.leaf(value.fields[0][1])) if names == ["dtype"] else looks.loaded("numpy", "dtype")(cls)
    flat = looks.loaded("numpy", "ndarray")((1,), dtype)
    try:
        if dtype.kind in _TIME_KINDS:
            flat.view("i8")[0] = held
        elif type(held) is bytes and dtype.kind in "gfc":
            flat.view("u1")[...] = list(held)
        else:
            flat = looks.loaded("numpy", "array")([held], dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise Refused(Cause.MISFIT) from error
    live = flat[0]
    if type(live) is not cls:
        raise Refused(Cause.NOT_MADE)
    revival.enter(live)
    return live
    yield  # a generator like the others


def _read_dtype(text: Any) -> Any:
    """Return a dtype by its text, or by the list of fields that a structured one is written as."""
    if type(text) is not str:
        raise Refused(Cause.DAMAGED)
    try:
        return looks.loaded("numpy", "dtype")(ast.literal_eval(text) if text.startswith("[") else text)
    except (TypeError, ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise Refused(Cause.TEXT) from error


def revive_dtype(revival: Revival, value: Atom) -> Any:
    """Return a dtype; None for any other value with a text."""
    if value.type != "numpy:dtype":
        return None
    revival.resolver.module("numpy")
    return _read_dtype(value.text)
