"""Which way each type is encoded. Decided once per type, by identity, without hashing or comparing classes."""

from __future__ import annotations

import io
import re
from collections import OrderedDict, defaultdict, deque
from enum import Enum
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    MappingProxyType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    SimpleNamespace,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any, Final

from tracer.encoding import looks
from tracer.encoding.codecs import atoms, attrs, containers, instances, names, numpy, pandas, pydantic
from tracer.encoding.walk import Plan
from tracer.values import Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.encoding.walk import Walk

    Encode = Callable[[Walk, Any], bytes]
    Fields = Callable[[Any], tuple[list[str], list[Any]]]
    More = tuple[str, Callable[[Any], Any]]


def _by_id(*pairs: tuple[type, Any]) -> dict[int, Any]:
    return {id(cls): entry for cls, entry in pairs}


EXACT: Final[dict[int, Encode]] = _by_id(
    (bytes, containers.exact_bytes),
    (list, containers.exact_list),
    (tuple, containers.exact_tuple),
    (dict, containers.exact_dict),
    (set, containers.exact_set),
    (frozenset, containers.exact_frozenset),
    (bytearray, containers.exact_bytearray),
    (complex, atoms.complex_content),
    (range, atoms.range_content),
    (type(...), atoms.constant_content),
    (type(NotImplemented), atoms.constant_content),
    (FunctionType, names.function_name),
    (BuiltinFunctionType, names.builtin_name),
    (MethodType, names.method_name),
    (MethodDescriptorType, names.descriptor_name),
    (WrapperDescriptorType, names.descriptor_name),
    (ClassMethodDescriptorType, names.descriptor_name),
    (ModuleType, names.module_name),
)
"""Types encoded as themselves."""

CONTENT: Final[dict[int, Encode]] = _by_id(
    (int, atoms.int_content),
    (float, atoms.float_content),
    (str, atoms.str_content),
    (complex, atoms.complex_content),
    (bytes, containers.bytes_content),
    (bytearray, containers.bytearray_content),
    (list, containers.list_content),
    (tuple, containers.exact_tuple),
    (OrderedDict, containers.ordered_dict_content),
    (dict, containers.dict_content),
    (set, containers.set_content),
    (frozenset, containers.exact_frozenset),
    (deque, containers.deque_content),
    (MappingProxyType, containers.proxy_content),
    (type({}.keys()), containers.keys_content),
    (type({}.values()), containers.keys_content),
    (type({}.items()), containers.keys_content),
    (memoryview, containers.memory_content),
)
"""What an instance of such a type, or of a subclass, holds beside its attributes. The first of a class's bases that stands here decides."""

MORE: Final[dict[int, More]] = _by_id((deque, containers.DEQUE_LIMIT), (defaultdict, containers.DEFAULT_FACTORY))
"""Attributes of C types by name and getter, for subclasses too."""

FIELDS: Final[dict[int, Fields]] = _by_id(
    (slice, atoms.slice_fields),
    (re.Pattern, atoms.pattern_fields),
    (re.Match, atoms.match_fields),
    (io.StringIO, atoms.buffer_fields),
    (io.BytesIO, atoms.buffer_fields),
    (SimpleNamespace, atoms.namespace_fields),
)
"""C types that are a few fields."""

LAZY: Final[dict[str, Encode]] = {
    "decimal:Decimal": atoms.decimal_content,
    "fractions:Fraction": atoms.fraction_content,
    "uuid:UUID": atoms.uuid_content,
    "datetime:datetime": atoms.datetime_content,
    "datetime:date": atoms.date_content,
    "datetime:time": atoms.time_content,
    "datetime:timedelta": atoms.timedelta_content,
    "datetime:timezone": atoms.timezone_content,
    "zoneinfo:ZoneInfo": atoms.zoneinfo_content,
}
"""Standard types with a canonical text, from modules that are looked at only when someone has imported them."""

PATHS: Final = ("PurePosixPath", "PureWindowsPath", "PosixPath", "WindowsPath")

BY_NAME: Final = ("logging:Logger",)

NEVER: Final = (
    *("threading:Thread", "socket:socket", "subprocess:Popen", "asyncio.events:AbstractEventLoop"),
    *("concurrent.futures._base:Executor", "concurrent.futures._base:Future", "weakref:finalize"),
)
"""Python classes whose state is the machine's, not the program's: handles, ids, clocks."""


_TOLD_AS: Final[list[tuple[type, Encode]]] = []


def tell_as(base: type, encode: Encode) -> None:
    """Encode instances of a class of tracer's own, and of those derived from it, as what they stand for."""
    _TOLD_AS.append((base, encode))


def plan_for(cls: type) -> Plan:
    """Return how values of a type are encoded."""
    exact = EXACT.get(id(cls))
    if exact is not None:
        return Plan(looks.type_name(cls), exact)
    order = looks.mro(cls)
    for base, told_as in _TOLD_AS:
        if looks.derives(cls, base):
            return Plan(looks.type_name(cls), told_as)
    if looks.derives(cls, type):
        return Plan(looks.type_name(cls), names.class_name)
    for library in (numpy, pandas, pydantic, attrs):
        plan: Plan | None = library.plan(cls)
        if plan is not None:
            return plan
    return _standard(cls, order) or _with_content(cls, order) or _instance(cls, order)


def _standard(cls: type, order: tuple[type, ...]) -> Plan | None:  # noqa: PLR0911  (a table of cases)
    """Return the plan of enums, of standard types with a text, and of what only has a name."""
    name = looks.type_name(cls)
    if looks.derives(cls, Enum):
        return Plan(name, names.enum_member)
    if id(cls) in FIELDS:
        return instances.by_fields(name, FIELDS[id(cls)])
    if any(is_standard(each, NEVER) for each in order):
        return instances.opaque(cls)
    if any(is_standard(each, BY_NAME) for each in order):
        return Plan(name, names.logger_name)
    if cls is looks.loaded("functools", "partial"):
        return instances.by_fields(name, atoms.partial_fields)
    if name.startswith("pathlib") and any(cls is looks.loaded("pathlib", path) for path in PATHS):
        return Plan(name, atoms.path_content)
    return Plan(name, LAZY[name]) if is_standard(cls, LAZY) else None


def is_standard(cls: type, table: Any) -> bool:
    """Say whether a class is the very one that a table names, not one that took its name."""
    name = looks.type_name(cls)
    if name not in table:
        return False
    module, _, qualname = name.partition(":")
    return looks.loaded(module, qualname) is cls


def _with_content(cls: type, order: tuple[type, ...]) -> Plan | None:
    """Return the plan of a class that holds what a builtin holds: its attributes, and the content as payload."""
    if looks.derives(cls, looks.loaded("array", "array")):
        return instances.by_attributes(cls, Form.ARRAY, containers.array_content, ("typecode", containers.array_type))
    more = next((MORE[id(each)] for each in order if id(each) in MORE), None)
    for each in order:
        content = CONTENT.get(id(each)) or (LAZY[looks.type_name(each)] if is_standard(each, LAZY) else None)
        if content is not None:
            fields = instances.namedtuple_fields(cls) if each is tuple else None
            if fields is not None:
                return instances.namedtuple(cls, fields, content)
            return instances.by_attributes(cls, Form.PLAIN, content, more)
    return None


def _instance(cls: type, order: tuple[type, ...]) -> Plan:
    """Return the plan of a class of which all is told by its attributes, or not."""
    if looks.derives(cls, BaseException):
        return instances.exception(cls)
    if cls is object or looks.foreign(cls):
        return instances.opaque(cls)
    if any(each is not object and looks.foreign(each) for each in order):
        return instances.partly_foreign(cls)
    dataclass = looks.declared(cls, "__dataclass_fields__") is not None
    return instances.by_attributes(cls, Form.DATACLASS if dataclass else Form.PLAIN)
