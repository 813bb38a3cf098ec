"""numpy arrays and scalars. numpy is never imported here: whoever holds an array has done so.

Everything is read through the methods of `numpy.ndarray` and `numpy.generic` themselves, whatever a subclass overrides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tracer.encoding import budget, cut, looks
from tracer.encoding.walk import Plan
from tracer.values import SAMPLED_DIGEST, Form

if TYPE_CHECKING:
    from tracer.encoding.walk import Walk

_PLAIN_KINDS: Final = "biufcSU"
_TIME_KINDS: Final = "mM"


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
