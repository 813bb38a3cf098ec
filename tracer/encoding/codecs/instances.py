"""Instances of classes: plain ones, dataclasses, namedtuples, exceptions. Their state is read past their own code."""

from __future__ import annotations

import builtins
from contextlib import suppress
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final

from tracer.encoding import looks
from tracer.encoding.causes import Cause, Refused
from tracer.encoding.places import bare
from tracer.encoding.promises import given
from tracer.encoding.walk import Plan, State
from tracer.values import Form, Object, Reference, Sequence, Truncated

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.encoding.looks import Layout
    from tracer.encoding.revival import Revival, Steps
    from tracer.encoding.walk import Shape, Walk
    from tracer.values import Value

    Content = Callable[[Walk, Any], bytes]
    Fields = Callable[[Any], tuple[list[str], list[Any]]]
    More = tuple[str, Callable[[Any], Any]]

_INTERNAL: Final = "_"
_REMEMBERED_SHAPES: Final = 64  # of one class
_NO_SHAPE: Final[tuple[int, Shape]] = (-1, (b"", None))
_EXCEPTION_FIELDS: Final = (
    (OSError, "filename"),
    (OSError, "filename2"),
    (StopIteration, "value"),
    (SystemExit, "code"),
)
"""What a builtin exception keeps outside its arguments. Not AttributeError.obj: the interpreter puts any object there."""
_GROUP: Final = getattr(builtins, "BaseExceptionGroup", ())
_OS_ERROR: Final = range(2, 6)
"""How many arguments an OSError has that knows its number."""


def by_attributes(cls: type, form: Form, content: Content | None = None, more: More | None = None) -> Plan:
    """Return the plan of a class whose instances are their attributes.

    `content` encodes what a subclass of a builtin holds; `more` is the name and the getter of a field that no instance dictionary shows.
    """
    name = looks.type_name(cls)
    where = looks.layout(cls)
    text = form.value

    if where.dictionary and not where.slots and not where.hidden and content is None and more is None:
        return _by_dictionary(name, text)

    def encode(walk: Walk, value: Any) -> bytes:
        names, values = looks.fields(value, where)
        if more is not None:
            names, values = [more[0], *names], [more[1](value), *values]
        return walk.object(value, name, text, names, values, content)

    state = None if where.hidden else State(text, where.dictionary, where.slots, more, content)
    return Plan(name, encode, attributes=content is None, state=state)


def _by_dictionary(name: str, form: str) -> Plan:
    """Return the plan of the most frequent kind of class: all there is to its instances is a dictionary."""
    shapes: dict[str, tuple[int, Shape]] = {}

    def encode(walk: Walk, value: Any) -> bytes:
        keys, held = looks.state(value)
        values = list(held)
        try:
            joined = "\0".join(keys)  # all in C, and without hashing or comparing a key, which may be of any class
        except TypeError:  # one that is no text
            return walk.object(value, name, form, list(keys), values)
        count, shape = shapes.get(joined, _NO_SHAPE)
        if count != len(values):
            names = joined.split("\0")
            if len(names) != len(values):  # no attributes, or a name with that character in it
                return walk.object(value, name, form, list(keys), values)
            shape = walk.shape(name, form, False, names)
            if len(shapes) >= _REMEMBERED_SHAPES:
                shapes.clear()
            shapes[joined] = len(names), shape
        return walk.shaped(value, name, shape, keys, values)

    return Plan(name, encode, attributes=True, state=State(form, dictionary=True, slots=()))


def by_fields(name: str, fields: Fields) -> Plan:
    """Return the plan of a C type whose instances are what `fields` returns."""

    def encode(walk: Walk, value: Any) -> bytes:
        names, values = fields(value)
        return walk.object(value, name, "plain", names, values)

    return Plan(name, encode)


def opaque(cls: type) -> Plan:
    """Return the plan of a class of which only the type can be told."""
    name = looks.type_name(cls)
    return Plan(name, lambda walk, value: walk.opaque(value, name))


def partly_foreign(cls: type) -> Plan:
    """Return the plan of a class that inherits state from a C type: attributes, and an opaque for the rest.

    An instance without a public attribute is the opaque alone.
    """
    name = looks.type_name(cls)
    where = looks.layout(cls)

    def rest(walk: Walk, value: Any) -> bytes:
        return walk.opaque(value, name)

    def encode(walk: Walk, value: Any) -> bytes:
        names, values = looks.fields(value, where)
        if any(type(each) is str and each[:1] != _INTERNAL for each in names):
            return walk.object(value, name, "plain", names, values, rest)
        return rest(walk, value)

    return Plan(name, encode)


def namedtuple_fields(cls: type) -> tuple[str, ...] | None:
    """Return the field names of a namedtuple class; None for another tuple class."""
    names = looks.declared(cls, "_fields")
    if type(names) is tuple and names and all(type(name) is str for name in names):
        return names
    return None


def namedtuple(cls: type, fields: tuple[str, ...], content: Content) -> Plan:
    """Return the plan of a namedtuple class. An instance of another length than its fields is a plain tuple subclass."""
    name = looks.type_name(cls)
    where = looks.layout(cls)

    def encode(walk: Walk, value: Any) -> bytes:
        names, values = looks.fields(value, where)
        if tuple.__len__(value) != len(fields):
            return walk.object(value, name, Form.PLAIN.value, names, values, content)
        items = list(tuple.__getitem__(value, slice(None)))
        return walk.object(value, name, Form.NAMEDTUPLE.value, [*fields, *names], items + values)

    return Plan(name, encode)


def exception(cls: type) -> Plan:
    """Return the plan of an exception class: arguments, notes, cause, and the instance's own attributes; never its text."""
    name = looks.type_name(cls)
    where = looks.layout(cls)
    special = tuple(label for base, label in _EXCEPTION_FIELDS if looks.derives(cls, base))

    def encode(walk: Walk, value: Any) -> bytes:
        names, values = _exception_fields(value, where)
        for label in special:
            found = _builtin_field(value, label)
            if found is not None:
                names.append(label)
                values.append(found)
        return walk.object(value, name, Form.EXCEPTION.value, names, values)

    return Plan(name, encode, attributes=True)


def _exception_fields(value: BaseException, where: Layout) -> tuple[list[str], list[Any]]:
    names, values = ["args"], [BaseException.__dict__["args"].__get__(value)]
    own_names, own_values = looks.fields(value, where)
    if "__notes__" in own_names:
        place = own_names.index("__notes__")
        names.append("notes")
        values.append(own_values.pop(place))
        del own_names[place]
    cause = BaseException.__dict__["__cause__"].__get__(value)
    if cause is not None:
        names.append("cause")
        values.append(cause)
    return names + own_names, values + own_values


def _builtin_field(value: BaseException, label: str) -> Any:
    for base, name in _EXCEPTION_FIELDS:
        descriptor = base.__dict__[name]
        if name == label and type(descriptor) is MemberDescriptorType:
            return descriptor.__get__(value)
    return None


def revive_attributes(revival: Revival, cls: type, value: Object) -> Steps:
    """Make an instance that is its attributes."""
    setters = revival.setters(cls, value)
    live = bare(cls)
    revival.enter(live)
    return (yield from revival.attributes(live, setters, value.fields))


def revive_namedtuple(revival: Revival, cls: type, value: Object) -> Steps:
    """Make an instance of a namedtuple class that has the recorded fields today."""
    names = namedtuple_fields(cls)
    if names is None or not looks.derives(cls, tuple):
        raise Refused(Cause.OTHER_KIND)
    recorded = tuple(name for name, _ in value.fields)
    if recorded[: len(names)] != names:
        raise Refused(Cause.FIELD_NEW if set(names) - set(recorded) else Cause.FIELD_GONE)
    own = value.fields[len(names) :]
    setters = revival.resolver.setters(cls, tuple(name for name, _ in own))
    promise = revival.promise()
    items = []
    for name, each in value.fields[: len(names)]:
        items.append(given((yield name, each)))
    live = revival.settle(promise, bare(cls, tuple, items))
    return (yield from revival.attributes(live, setters, own))


def revive_exception(revival: Revival, cls: type, value: Object) -> Steps:
    """Make an exception: by the builtin one it derives from, which fills its own fields from the arguments."""
    if not looks.derives(cls, BaseException) or not value.fields or value.fields[0][0] != "args":
        raise Refused(Cause.OTHER_KIND)
    base = _builtin_base(cls)
    fields = _own_names(value.fields[1:])
    more = {label: owner.__dict__[label].__set__ for owner, label in _EXCEPTION_FIELDS if looks.derives(cls, owner)}
    more["__cause__"] = BaseException.__dict__["__cause__"].__set__
    setters = revival.resolver.setters(cls, tuple(name for name, _ in fields), more)
    if issubclass(base, _GROUP):  # it needs its exceptions when it is made
        promise = revival.promise()
        live = revival.settle(promise, bare(cls, base, *given((yield value.fields[0]))))
    else:
        live = bare(cls, base)
        revival.enter(live)
        _take_arguments(base, live, (yield value.fields[0]))
    if type(live) is not cls:
        raise Refused(Cause.OTHER_KIND)
    return (yield from revival.attributes(live, setters, fields))


def exception_maker(cls: type) -> Callable[[tuple[Any, ...]], BaseException] | None:
    """Return what makes exceptions of a class, of which `revive_exception` has made one, that have nothing but arguments; None for groups."""
    base = _builtin_base(cls)

    def make(arguments: tuple[Any, ...]) -> BaseException:
        live: BaseException = bare(cls, base)
        _take_arguments(base, live, arguments)
        return live

    return None if issubclass(base, _GROUP) else make


def _builtin_base(cls: type) -> Any:
    return next(each for each in looks.mro(cls) if looks.module_of(each) == "builtins")


def _own_names(fields: tuple[tuple[str, Value], ...]) -> tuple[tuple[str, Value], ...]:
    """Return an exception's fields after its arguments, notes and cause by the names they have on it."""
    names = [name for name, _ in fields]
    at = 0
    if names[:1] == ["notes"] and isinstance(fields[0][1], (Sequence, Truncated)):
        names[0], at = "__notes__", 1
    if names[at : at + 1] == ["cause"] and isinstance(fields[at][1], (Object, Reference)):
        names[at] = "__cause__"
    return tuple(zip(names, [each for _, each in fields], strict=True))


def _take_arguments(base: Any, live: Any, arguments: Any) -> None:
    """Put an exception's arguments in, and what its builtin base makes of them."""
    arguments = given(arguments)
    if type(arguments) is not tuple:
        raise Refused(Cause.MISFIT)
    BaseException.__dict__["args"].__set__(live, arguments)
    if issubclass(base, OSError):  # its constructor would take them only from a class that has none of its own
        if len(arguments) in _OS_ERROR:
            OSError.__dict__["errno"].__set__(live, arguments[0])
            OSError.__dict__["strerror"].__set__(live, arguments[1])
        return
    with suppress(TypeError):  # arguments that were exchanged later may not be what it takes
        base.__init__(live, *arguments)
