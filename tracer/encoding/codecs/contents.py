"""What instances of C types and of subclasses of builtins hold, put back in: the other half of `containers` and of the fields in `atoms`.

Only constructors and methods of the builtins themselves are called, whatever a subclass overrides.
"""

from __future__ import annotations

import io
import re
import time
import types
from collections import OrderedDict, defaultdict, deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tracer.encoding import looks
from tracer.encoding.causes import Cause, Refused
from tracer.encoding.places import bare
from tracer.encoding.promises import Promise, frozen, given, hashed, held_bytes, held_items, held_pairs
from tracer.values import Form, Mapping, Sequence, Truncated

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.encoding.places import Setter
    from tracer.encoding.revival import Revival, Steps
    from tracer.values import Object, Value

_FLAGS: Final = int(re.ASCII | re.IGNORECASE | re.LOCALE | re.MULTILINE | re.DOTALL | re.UNICODE | re.VERBOSE)
"""Flags that only say what a pattern means: another one prints when a pattern is compiled."""


class Content(NamedTuple):
    """How what a builtin holds is put into instances of its subclasses.

    `new` makes an instance from a live content that has no parts; `fill` puts the parts of a payload into an empty instance;
    `build` makes one from its live items. One of the three is given. `more` puts in what no attribute shows.
    """

    new: Callable[[type, Any], Any] | None = None
    fill: Callable[[Revival, Any, Value], Steps] | None = None
    build: Callable[[type, list[Any]], Any] | None = None
    more: dict[str, Setter] | None = None


def revive_content(revival: Revival, cls: type, value: Object, content: Content) -> Steps:
    """Make an instance that is its attributes and a content."""
    if value.payload is None:
        raise Refused(Cause.DAMAGED)
    setters = revival.setters(cls, value, content.more)
    if content.build is not None:
        return (yield from _built(revival, cls, value, content.build, setters))
    if content.new is not None:
        live = _new(cls, content.new, revival.leaf(value.payload))
        revival.enter(live)
        return (yield from revival.attributes(live, setters, value.fields))
    assert content.fill is not None
    live = bare(cls, _solid(cls))
    revival.enter(live)
    yield from revival.attributes(live, setters, value.fields)
    return (yield from content.fill(revival, live, value.payload))


def _built(
    revival: Revival, cls: type, value: Object, build: Callable[[type, list[Any]], Any], setters: tuple[Setter, ...]
) -> Steps:
    """Make one that cannot be changed: first its parts, its attributes in front as they were recorded."""
    payload = held_items(value.payload)
    promise = revival.promise()
    held = []
    for name, each in value.fields:
        held.append((yield name, each))
    unordered = isinstance(value.payload, Sequence) and value.payload.type in {"set", "frozenset"}
    items = yield from (revival.members(payload) if unordered else revival.parts(payload))
    live = revival.settle(promise, _new(cls, build, items))
    for put, each in zip(setters, held, strict=True):
        put(live, each.meant(partial(put, live)) if type(each) is Promise else each)
    return live


def _new(cls: type, make: Callable[[type, Any], Any], content: Any) -> Any:
    try:
        return make(cls, content)
    except (TypeError, ValueError) as error:
        raise Refused(Cause.NOT_MADE) from error


def _solid(cls: type) -> Any:
    """Return the C type that makes the instances of a class."""
    return next(each for each in looks.mro(cls) if looks.foreign(each))


def _scalar(base: Any) -> Content:
    def new(cls: type, held: Any) -> Any:
        if type(held) is not base:
            raise Refused(Cause.OTHER_KIND)
        return base.__new__(cls, held)

    return Content(new=new)


def _moment(*parts: str) -> Content:
    def new(cls: type, held: Any) -> Any:
        base: Any = type(held)
        if not looks.derives(cls, base):
            raise Refused(Cause.OTHER_KIND)
        given = {part: getattr(held, part) for part in parts}
        return base.__new__(cls, **given)

    return Content(new=new)


def _sequence(base: Any) -> Content:
    def fill(revival: Revival, live: Any, payload: Value) -> Steps:
        return (yield from revival.items(held_items(payload), live, base))

    more: dict[str, Setter] = {"maxlen": lambda live, limit: deque.__init__(live, (), limit)} if base is deque else {}
    return Content(fill=fill, more=more)


def _mapping(base: Any) -> Content:
    def fill(revival: Revival, live: Any, payload: Value) -> Steps:
        return (yield from revival.fill_mapping(held_pairs(payload), live, base.__setitem__))

    return Content(fill=fill, more={"default_factory": defaultdict.__dict__["default_factory"].__set__})


def _set(revival: Revival, live: Any, payload: Value) -> Steps:
    return (yield from revival.fill_set(held_items(payload), live, set.add))


def _bytes(_: Revival, live: Any, payload: Value) -> Steps:
    bytearray.extend(live, held_bytes(payload))
    return live
    yield  # a generator like the others


CONTENTS: Final[dict[int, Content]] = {
    **{id(base): _scalar(base) for base in (int, float, str, complex, bytes)},
    **{id(base): _sequence(base) for base in (list, deque)},
    **{id(base): _mapping(base) for base in (OrderedDict, dict)},
    id(set): Content(fill=_set),
    id(bytearray): Content(fill=_bytes),
    id(tuple): Content(build=tuple.__new__),
    id(frozenset): Content(build=lambda cls, items: frozen(partial(frozenset.__new__, cls), items)),
}
"""How what a builtin holds is put into instances of its subclasses. The first of a class's bases that stands here decides."""

_CLOCK: Final = ("hour", "minute", "second", "microsecond", "tzinfo", "fold")
_DAY: Final = ("year", "month", "day")

LAZY_CONTENTS: Final[dict[str, Content]] = {
    "decimal:Decimal": Content(new=lambda cls, held: type(held).__new__(cls, held)),
    "datetime:datetime": _moment(*_DAY, *_CLOCK),
    "datetime:date": _moment(*_DAY),
    "datetime:time": _moment(*_CLOCK),
    "datetime:timedelta": _moment("days", "seconds", "microseconds"),
    "zoneinfo:ZoneInfo": _moment("key"),
}
"""The same for standard types of modules that are looked at only when someone has imported them."""


def _proxy(revival: Revival, _: type, value: Object) -> Steps:
    if isinstance(value.payload, (Mapping, Truncated)):
        pairs = held_pairs(value.payload)
        shown: dict[Any, Any] = {}
        live = types.MappingProxyType(shown)
        revival.enter(live)
        yield from revival.fill_mapping(pairs, shown, dict.__setitem__)
        return live
    if value.payload is None:
        raise Refused(Cause.DAMAGED)
    promise = revival.promise()
    made = given((yield "", value.payload))
    return revival.settle(promise, _new(types.MappingProxyType, lambda cls, each: cls(each), made))


def _view(show: Callable[[list[Any]], Any]) -> Callable[[Revival, type, Object], Steps]:
    def make(revival: Revival, _: type, value: Object) -> Steps:
        payload = held_items(value.payload)
        promise = revival.promise()
        items = yield from revival.parts(payload)
        return revival.settle(promise, hashed(lambda: show(items)))

    return make


def _memory(revival: Revival, cls: Any, value: Object) -> Steps:
    held = revival.leaf(value.payload) if value.payload is not None else None
    if type(held) is not bytes:
        raise Refused(Cause.DAMAGED)
    live = cls(held)
    revival.enter(live)
    return live
    yield  # a generator like the others


def _by_fields(make: Callable[[dict[str, Any]], Any]) -> Callable[[Revival, type, Object], Steps]:
    """Return what makes an instance of a C type from all of its fields."""

    def made(revival: Revival, _: type, value: Object) -> Steps:
        promise = revival.promise()
        fields = {}
        for name, each in value.fields:
            fields[name] = given((yield name, each))
        try:
            return revival.settle(promise, make(fields))
        except (TypeError, ValueError, KeyError, re.error, OverflowError, RecursionError) as error:
            raise Refused(Cause.MISFIT) from error

    return made


def _buffer(kind: Any) -> Callable[[Revival, type, Object], Steps]:
    def make(fields: dict[str, Any]) -> Any:
        live = kind(*([] if kind is io.BytesIO else ["", ""]))  # a StringIO keeps the ends of lines as they are
        if fields.get("closed"):
            live.close()
        else:
            live.write(fields["value"])
            live.seek(fields["position"])
        return live

    return _by_fields(make)


def _untold(_revival: Revival, _cls: type, value: Object) -> Steps:
    raise Refused(Cause.UNTOLD, value.type)
    yield  # a generator like the others


def _namespace(revival: Revival, _: type, value: Object) -> Steps:
    live = types.SimpleNamespace()
    revival.enter(live)
    setters = [partial(_set_item, name) for name, _ in value.fields]
    return (yield from revival.attributes(live, setters, value.fields))


def _set_item(name: str, live: types.SimpleNamespace, made: Any) -> None:
    live.__dict__[name] = made


def _struct(revival: Revival, cls: Any, value: Object) -> Steps:
    payload = held_items(value.payload)
    promise = revival.promise()
    items = yield from revival.parts(payload)
    return revival.settle(promise, _new(cls, lambda kind, each: kind(each), items))


def _array(revival: Revival, cls: Any, value: Object) -> Steps:
    """Make an array.array or an instance of a subclass."""
    base = looks.loaded("array", "array")
    if [name for name, _ in value.fields[:1]] != ["typecode"]:
        raise Refused(Cause.DAMAGED)
    items = [revival.leaf(each) for each in held_items(value.payload)]
    code = revival.leaf(value.fields[0][1])
    live = _new(cls, lambda kind, each: base.__new__(kind, code, each), items)
    revival.enter(live)
    own = value.fields[1:]
    setters = revival.resolver.setters(cls, tuple(name for name, _ in own))
    return (yield from revival.attributes(live, setters, own))


def revive_array(revival: Revival, cls: type, value: Object) -> Steps | None:
    """Return the steps that make an array.array; None for any other class."""
    if value.form is Form.ARRAY and looks.derives(cls, looks.loaded("array", "array")):
        return _array(revival, cls, value)
    return None


def _partial(fields: dict[str, Any]) -> Any:
    return partial(fields["func"], *fields["args"], **fields["keywords"])


EXACT: Final[dict[int, Callable[[Revival, type, Object], Steps]]] = {
    id(types.MappingProxyType): _proxy,
    id(type({}.keys())): _view(lambda items: dict.fromkeys(items).keys()),
    id(type({}.values())): _view(lambda items: dict(enumerate(items)).values()),
    id(type({}.items())): _view(lambda items: dict(items).items()),
    id(memoryview): _memory,
    id(slice): _by_fields(lambda fields: slice(fields["start"], fields["stop"], fields["step"])),
    id(re.Pattern): _by_fields(lambda fields: re.compile(fields["pattern"], fields["flags"] & _FLAGS)),
    id(re.Match): _untold,
    id(io.StringIO): _buffer(io.StringIO),
    id(io.BytesIO): _buffer(io.BytesIO),
    id(types.SimpleNamespace): _namespace,
    id(time.struct_time): _struct,
    id(partial): _by_fields(_partial),
}
"""C types that are made in a way of their own."""
