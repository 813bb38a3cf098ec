"""Builtin containers and their kin. Each content function takes subclasses too, and reads them past their overrides."""

from __future__ import annotations

import gc
from collections import OrderedDict, defaultdict, deque
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from tracer import wire
from tracer.encoding import budget, cut, looks
from tracer.encoding.walk import measure

if TYPE_CHECKING:
    from tracer.encoding.walk import Walk

_ALL: Final = slice(None)
_FEW: Final = 32


def exact_list(walk: Walk, value: list[Any]) -> bytes:
    """Encode an exact list."""
    return _sequence(walk, "list", list, value, value)


def list_content(walk: Walk, value: list[Any]) -> bytes:
    """Encode what a list subclass holds."""
    return _sequence(walk, "list", list, value, None)


def exact_tuple(walk: Walk, value: tuple[Any, ...]) -> bytes:
    """Encode an exact tuple, or what a subclass holds."""
    return _sequence(walk, "tuple", tuple, value, None, wire.TUPLE)


def _sequence(walk: Walk, name: str, base: Any, value: Any, owner: Any, code: int = 0) -> bytes:
    size = base.__len__(value)
    if not walk.admits(size):  # so a list of any length is not copied
        return cut.container(walk, name, size, list(base.__getitem__(value, slice(budget.HEAD_ITEMS))))
    return walk.sequence(name, list(base.__getitem__(value, _ALL)), owner, code)


def exact_dict(walk: Walk, value: dict[Any, Any]) -> bytes:
    """Encode an exact dict."""
    small = walk.small_dict(value) if len(value) <= _FEW else None
    return small or _mapping(walk, value, value)


def dict_content(walk: Walk, value: dict[Any, Any]) -> bytes:
    """Encode what a dict subclass holds."""
    return _mapping(walk, value, None)


def _mapping(walk: Walk, value: dict[Any, Any], owner: Any) -> bytes:
    size = dict.__len__(value)
    if not walk.admits(size):
        head = list(islice(dict.items(value), budget.HEAD_ITEMS))
        return cut.pairs(walk, "dict", size, [key for key, _ in head], [item for _, item in head])
    pairs = list(dict.items(value))  # in one step: another thread may be changing it
    return walk.mapping("dict", [key for key, _ in pairs], [item for _, item in pairs], owner)


def ordered_dict_content(walk: Walk, value: OrderedDict[Any, Any]) -> bytes:
    """Encode what an OrderedDict holds, in its own order where its keys can be hashed without running foreign code."""
    if walk.admits(dict.__len__(value)):
        pairs = dict(dict.items(value)) if not measure(dict.keys(value))[1] else None
        if pairs is not None:
            order = list(OrderedDict.__iter__(value))
            return walk.mapping("dict", order, [pairs[key] for key in order])
    return dict_content(walk, value)


DEFAULT_FACTORY: Final = ("default_factory", defaultdict.__dict__["default_factory"].__get__)
"""The attribute of a defaultdict that no dictionary shows."""


def exact_set(walk: Walk, value: set[Any]) -> bytes:
    """Encode an exact set."""
    return _unordered(walk, "set", set, value, value, wire.SET)


def set_content(walk: Walk, value: set[Any]) -> bytes:
    """Encode what a set subclass holds."""
    return _unordered(walk, "set", set, value, None, wire.SET)


def exact_frozenset(walk: Walk, value: frozenset[Any]) -> bytes:
    """Encode an exact frozenset, or what a subclass holds."""
    return _unordered(walk, "frozenset", frozenset, value, None, wire.FROZENSET)


def _unordered(walk: Walk, name: str, base: Any, value: Any, owner: Any, code: int) -> bytes:
    size = base.__len__(value)
    if not walk.admits(size):  # no head: the first items of a set are any
        return cut.truncated(walk, name, size, [])
    return walk.unordered(name, list(base.__iter__(value)), owner, code)


def exact_bytes(walk: Walk, value: bytes) -> bytes:
    """Encode exact bytes."""
    if len(value) > max(walk.bytes, budget.SHORT_TEXT):
        return cut.long_bytes(walk, "bytes", value)
    walk.bytes -= len(value)
    return walk.pack(walk.shared.texts.data(value) if walk.shared.texts.hides(value) else value)


def bytes_content(walk: Walk, value: bytes) -> bytes:
    """Encode what a bytes subclass holds."""
    return exact_bytes(walk, bytes.__getitem__(value, _ALL))


def exact_bytearray(walk: Walk, value: bytearray) -> bytes:
    """Encode an exact bytearray."""
    if len(value) <= max(walk.bytes, budget.SHORT_TEXT):
        walk.enter(value)
    return bytearray_content(walk, value)


def bytearray_content(walk: Walk, value: bytearray) -> bytes:
    """Encode what a bytearray or a subclass of it holds."""
    size = bytearray.__len__(value)
    if size > max(walk.bytes, budget.SHORT_TEXT):
        with memoryview(value) as view:
            return cut.long_bytes(walk, "bytearray", view)
    walk.bytes -= size
    data = bytes(bytearray.__getitem__(value, _ALL))
    return wire.extension(wire.BYTEARRAY, walk.shared.texts.data(data) if walk.shared.texts.hides(data) else data)


def deque_content(walk: Walk, value: deque[Any]) -> bytes:
    """Encode the items of a deque."""
    size = deque.__len__(value)
    items = deque.__iter__(value)
    if not walk.admits(size):
        return cut.container(walk, "deque", size, list(islice(items, budget.HEAD_ITEMS)))
    return walk.sequence("deque", list(items))


DEQUE_LIMIT: Final = ("maxlen", deque.__dict__["maxlen"].__get__)
"""The attribute of a deque that no dictionary shows."""


def proxy_content(walk: Walk, value: Any) -> bytes:
    """Encode what a mappingproxy or a view of a dict shows: the one object it refers to."""
    (shown,) = gc.get_referents(value)
    return dict_content(walk, shown) if type(shown) is dict else walk.value(shown)


def keys_content(walk: Walk, value: Any) -> bytes:
    """Encode the keys, the values or the items that a view of a dict shows, as a list."""
    return (
        walk.sequence("list", list(value)) if walk.admits(len(value)) else cut.truncated(walk, "list", len(value), [])
    )


def array_content(walk: Walk, value: Any) -> bytes:
    """Encode the items of an array.array as a list, or cut with a digest of its bytes."""
    base = looks.loaded("array", "array")
    size = base.__len__(value)
    if walk.admits(size) and size * base.itemsize.__get__(value) <= walk.bytes:
        return walk.sequence("list", base.tolist(value))
    heads = [walk.value(item) for item in base.tolist(base.__getitem__(value, slice(budget.HEAD_ITEMS)))]
    with memoryview(value) as view, view.cast("B") as flat:
        return cut.truncated(walk, "list", size, heads, cut.bytes_digest(flat))


def array_type(value: Any) -> Any:
    """Return the type code of an array.array."""
    return looks.loaded("array", "array").typecode.__get__(value)


def memory_content(walk: Walk, value: memoryview) -> bytes:
    """Encode the bytes a memoryview shows, as bytes."""
    if not value.contiguous:
        return (
            exact_bytes(walk, value.tobytes())
            if value.nbytes <= walk.bytes
            else cut.truncated(walk, "memoryview", value.nbytes, [])
        )
    with value.cast("B") as flat:
        if len(flat) > max(walk.bytes, budget.SHORT_TEXT):
            return cut.long_bytes(walk, "memoryview", flat)
        return exact_bytes(walk, bytes(flat))
