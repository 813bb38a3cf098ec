"""Instances as Python source, by what their snapshot says of how their state was found."""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from tracer.export import names as reasons
from tracer.export.layout import Expression, Group, Item, Leaf, call, flat
from tracer.export.literals import is_name, quoted
from tracer.export.names import Names, Unwritable, is_builtin_error
from tracer.values import Form, Mapping, Object, Scalar, Sequence, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_DTYPE: Final = re.compile(r"[<>|=][biufcSU]\d+")
_TABLE_DTYPE: Final = re.compile(r"[A-Za-z0-9_]+")

Certain: TypeAlias = "Callable[[str, tuple[str, ...]], bool]"


class Writing(Protocol):
    """What writes the values inside an object."""

    names: Names
    shows: bool
    certain: Certain

    def expression(self, value: Value) -> Expression:
        """Return the source of a value."""

    def items(self, values: tuple[Value, ...]) -> tuple[Item, ...]:
        """Return the source of values one after another."""

    def mapping(self, pairs: tuple[tuple[Value, Value], ...]) -> Group:
        """Return a dictionary."""


def write_object(value: Object, writer: Writing) -> Expression:
    """Return the source of an instance.

    Raises:
        Unwritable: it has none.
    """
    standard = _STANDARD.get(value.type)
    if standard is not None:
        return standard(value, writer)
    if value.type.startswith("numpy:"):
        return _numpy(value, writer)
    if value.form is Form.TABLE:
        return _table(value, writer)
    return _BY_FORM.get(value.form, _unknown)(value, writer)


def _unknown(_: Object, __: Writing) -> Expression:
    raise Unwritable(reasons.UNKNOWN)


def _keywords(fields: Iterable[tuple[str, Value]], writer: Writing) -> tuple[Item, ...]:
    found = tuple((name, value) for name, value in fields)
    if not all(is_name(name) for name, _ in found):
        raise Unwritable(reasons.UNKNOWN)
    return tuple(Item(writer.expression(value), f"{name}=") for name, value in found)


def _fields(value: Object, writer: Writing) -> tuple[tuple[str, Value], ...]:
    return tuple((name, each) for name, each in value.fields if not (writer.shows and name.startswith("_")))


def _made(value: Object, writer: Writing) -> Expression:
    """Write an instance that is made without its constructor, and given its state."""
    owner = Leaf(writer.names.recorded(value.type))
    state = writer.mapping(tuple((Scalar(name), each) for name, each in _fields(value, writer)))
    arguments: list[Expression] = [owner, state]
    if value.payload is not None:
        arguments.append(writer.expression(value.payload))
    return call(writer.names.helper("make"), *arguments)


def _constructed(value: Object, writer: Writing) -> Expression:
    """Write a dataclass's or attrs class's instance, by its constructor where that is certain."""
    owner = writer.names.recorded(value.type)
    if value.payload is None and writer.certain(value.type, tuple(name for name, _ in value.fields)):
        return call(owner, *_keywords(value.fields, writer))
    return _made(value, writer)


def _namedtuple(value: Object, writer: Writing) -> Expression:
    owner = writer.names.recorded(value.type)
    if writer.certain(value.type, tuple(name for name, _ in value.fields)):
        return call(owner, *_keywords(value.fields, writer))
    return call(f"{owner}._make", Group("[", writer.items(tuple(each for _, each in value.fields)), "]"))


def _pydantic(value: Object, writer: Writing) -> Expression:
    """Write a model without validating it: its fields are what validation made of them."""
    private = [name for name, _ in value.fields if name.startswith("_") and name != "_fields_set"]
    if private and not writer.shows:
        raise Unwritable(reasons.UNKNOWN)
    public = ((name, each) for name, each in value.fields if not name.startswith("_"))
    return call(f"{writer.names.recorded(value.type)}.model_construct", *_keywords(public, writer))


def _exception(value: Object, writer: Writing) -> Expression:
    """Write an exception: a builtin one by its constructor, another one past it."""
    fields = dict(value.fields)
    arguments = fields.pop("args", None)
    if not isinstance(arguments, Sequence) or "notes" in fields:
        raise Unwritable(reasons.UNKNOWN)
    owner = writer.names.recorded(value.type)
    cause = fields.pop("cause", None)
    if not fields and (cause is None or writer.shows) and is_builtin(value.type):
        return call(owner, *writer.items(arguments.items))
    if cause is not None and not writer.shows:
        raise Unwritable(reasons.UNKNOWN)
    state = tuple((Scalar(name), each) for name, each in fields.items() if not (writer.shows and name.startswith("_")))
    return call(
        writer.names.helper("make"), Leaf(owner), writer.mapping(state), Group("(", writer.items(arguments.items), ")")
    )


def is_builtin(name: str) -> bool:
    """Say whether a type's name is that of a builtin exception."""
    module, _, qualname = name.partition(":")
    return module == "builtins" and is_builtin_error(qualname)


_BY_FORM: Final[dict[Form, Callable[[Object, Writing], Expression]]] = {
    Form.PLAIN: _made,
    Form.DATACLASS: _constructed,
    Form.ATTRS: _constructed,
    Form.NAMEDTUPLE: _namedtuple,
    Form.PYDANTIC: _pydantic,
    Form.EXCEPTION: _exception,
}


def _holding(name: str) -> Callable[[Object, Writing], Expression]:
    """Return what writes a container of the standard library by its content alone."""

    def write(value: Object, writer: Writing) -> Expression:
        if value.fields or value.payload is None:
            raise Unwritable(reasons.UNKNOWN)
        return call(writer.names.standard(name), writer.expression(value.payload))

    return write


def _default_dict(value: Object, writer: Writing) -> Expression:
    fields = dict(value.fields)
    if set(fields) != {"default_factory"} or not isinstance(value.payload, Mapping):
        raise Unwritable(reasons.UNKNOWN)
    factory = writer.expression(fields["default_factory"])
    return call(writer.names.standard("collections.defaultdict"), factory, writer.expression(value.payload))


def _deque(value: Object, writer: Writing) -> Expression:
    fields = dict(value.fields)
    if set(fields) != {"maxlen"} or value.payload is None:
        raise Unwritable(reasons.UNKNOWN)
    limit = fields["maxlen"]
    kept = [] if limit == Scalar(None) else [Item(writer.expression(limit), "maxlen=")]
    return call(writer.names.standard("collections.deque"), writer.expression(value.payload), *kept)


def _pattern(value: Object, writer: Writing) -> Expression:
    fields = dict(value.fields)
    flags = fields.get("flags")
    if not isinstance(flags, Scalar) or type(flags.value) is not int or "pattern" not in fields:
        raise Unwritable(reasons.UNKNOWN)
    text = isinstance(fields["pattern"], Scalar) and isinstance(fields["pattern"].value, str)
    given = flags.value & ~32 if text else flags.value  # re.UNICODE, which every pattern of text has
    more = [Leaf(str(given))] if given else []
    return call(writer.names.standard("re.compile"), writer.expression(fields["pattern"]), *more)


def _slice(value: Object, writer: Writing) -> Expression:
    return call("slice", *writer.items(tuple(each for _, each in value.fields)))


def _partial(value: Object, writer: Writing) -> Expression:
    fields = dict(value.fields)
    arguments, keywords = fields.get("args"), fields.get("keywords")
    if "func" not in fields or not isinstance(arguments, Sequence) or not isinstance(keywords, Mapping):
        raise Unwritable(reasons.UNKNOWN)
    named = tuple((_text(key), each) for key, each in keywords.items)
    return call(
        writer.names.standard("functools.partial"),
        writer.expression(fields["func"]),
        *writer.items(arguments.items),
        *_keywords(named, writer),
    )


def _text(key: Value) -> str:
    return key.value if isinstance(key, Scalar) and isinstance(key.value, str) else ""


def _buffer(name: str) -> Callable[[Object, Writing], Expression]:
    def write(value: Object, writer: Writing) -> Expression:
        fields = dict(value.fields)
        if set(fields) != {"value", "position"} or fields["position"] != Scalar(0):
            raise Unwritable(reasons.UNKNOWN)
        return call(writer.names.standard(name), writer.expression(fields["value"]))

    return write


_STANDARD: Final[dict[str, Callable[[Object, Writing], Expression]]] = {
    "collections:OrderedDict": _holding("collections.OrderedDict"),
    "collections:Counter": _holding("collections.Counter"),
    "collections:defaultdict": _default_dict,
    "collections:deque": _deque,
    "builtins:mappingproxy": _holding("types.MappingProxyType"),
    "builtins:slice": _slice,
    "builtins:dict_keys": _unknown,
    "builtins:dict_values": _unknown,
    "builtins:dict_items": _unknown,
    "builtins:memoryview": _unknown,
    "re:Pattern": _pattern,
    "re:Match": _unknown,
    "functools:partial": _partial,
    "_io:StringIO": _buffer("io.StringIO"),
    "_io:BytesIO": _buffer("io.BytesIO"),
}


def _numpy(value: Object, writer: Writing) -> Expression:
    """Write an array of plain items, nested as its shape says, or a scalar."""
    fields = dict(value.fields)
    if value.form is Form.PLAIN and not fields and isinstance(value.payload, Scalar):
        return call(writer.names.recorded(value.type), writer.expression(value.payload))
    dtype, shape, payload = fields.get("dtype"), fields.get("shape"), value.payload
    if value.type != "numpy:ndarray" or not isinstance(payload, Sequence) or not isinstance(dtype, Scalar):
        raise Unwritable(reasons.CUT if value.type == "numpy:ndarray" else reasons.UNKNOWN)
    sizes = _sizes(shape)
    if not isinstance(dtype.value, str) or not _DTYPE.fullmatch(dtype.value) or prod(sizes) != len(payload.items):
        raise Unwritable(reasons.UNKNOWN)
    kind = Item(Leaf(quoted(dtype.value)), "dtype=")
    if not payload.items:
        shown = Group("(", tuple(Item(Leaf(str(size))) for size in sizes), ")")
        return call(writer.names.standard("numpy.empty"), shown, kind)
    return call(writer.names.standard("numpy.array"), _nested(list(writer.items(payload.items)), sizes), kind)


def _sizes(shape: Value | None) -> list[int]:
    if not isinstance(shape, Sequence):
        raise Unwritable(reasons.UNKNOWN)
    return [
        each.value for each in shape.items if isinstance(each, Scalar) and type(each.value) is int and each.value >= 0
    ]


def _nested(items: list[Item], sizes: list[int]) -> Expression:
    if not sizes:
        return items[0].value
    for size in reversed(sizes[1:]):
        items = [Item(Group("[", tuple(items[at : at + size]), "]")) for at in range(0, len(items), size)]
    return Group("[", tuple(items), "]")


def _table(value: Object, writer: Writing) -> Expression:
    """Write a small table, column or index of pandas: with plain items, under names that are texts or numbers."""
    fields = dict(value.fields)
    match value.type.rpartition(":")[2]:
        case "RangeIndex":
            return call(writer.names.standard("pandas.RangeIndex"), *writer.items(tuple(fields.values())))
        case "Index":
            kept = _keywords((("name", _only_name(fields)),), writer) if _only_name(fields) != Scalar(None) else ()
            return call(
                writer.names.standard("pandas.Index"), *_column(value.payload, fields.get("dtype"), writer), *kept
            )
        case "Series":
            index, name = (Item(writer.expression(fields[part]), f"{part}=") for part in ("index", "name"))
            return call(
                writer.names.standard("pandas.Series"),
                *_column(value.payload, fields.get("dtype"), writer),
                *(item for item in (index, name) if flat(item.value) != "None"),
            )
        case "DataFrame":
            return _frame(fields, value.payload, writer)
    raise Unwritable(reasons.UNKNOWN)


def _only_name(fields: dict[str, Value]) -> Value:
    names = fields.get("names")
    if not isinstance(names, Sequence) or len(names.items) != 1:
        raise Unwritable(reasons.UNKNOWN)
    return names.items[0]


def _column(payload: Value | None, dtype: Value | None, writer: Writing) -> tuple[Item, ...]:
    """Write the items of a column as a list, and the type of its items."""
    if isinstance(payload, Object) and payload.form is Form.ARRAY:
        payload = payload.payload
    if not isinstance(payload, Sequence) or not isinstance(dtype, Scalar) or not isinstance(dtype.value, str):
        raise Unwritable(reasons.UNKNOWN)
    if not _TABLE_DTYPE.fullmatch(dtype.value) or dtype.value == "category":
        raise Unwritable(reasons.UNKNOWN)
    return Item(Group("[", writer.items(payload.items), "]")), Item(Leaf(quoted(dtype.value)), "dtype=")


def _frame(fields: dict[str, Value], payload: Value | None, writer: Writing) -> Expression:
    columns, dtypes = fields.get("columns"), fields.get("dtypes")
    labels = columns.payload if isinstance(columns, Object) else None
    if isinstance(labels, Object):
        labels = labels.payload
    if not (isinstance(labels, Sequence) and isinstance(dtypes, Sequence) and isinstance(payload, Sequence)):
        raise Unwritable(reasons.UNKNOWN)
    if not len(set(labels.items)) == len(labels.items) == len(dtypes.items) == len(payload.items):
        raise Unwritable(reasons.UNKNOWN)
    index = Item(writer.expression(fields["index"]), "index=")
    table = []
    for label, dtype, array in zip(labels.items, dtypes.items, payload.items, strict=True):
        column = call(writer.names.standard("pandas.Series"), *_column(array, dtype, writer), index)
        table.append(Item(column, f"{flat(writer.expression(label))}: "))
    return call(writer.names.standard("pandas.DataFrame"), Group("{", tuple(table), "}"), index)
