"""Making bare instances and putting their attributes where `tracer.encoding.looks` reads them, past all code of their classes."""

from __future__ import annotations

from types import FunctionType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tracer.encoding import looks
from tracer.encoding.causes import Cause, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

Setter: TypeAlias = "Callable[[Any, Any], object]"

_DICTIONARY: Final = "__dict__"


def bare(cls: type, base: Any = object, *content: Any) -> Any:
    """Return a new instance of a class, made by the constructor of a C base alone.

    Raises:
        Refused: another C type among its bases has to make it, or the class is abstract.
    """
    try:
        return base.__new__(cls, *content)
    except TypeError as error:
        raise Refused(Cause.NOT_MADE) from error


class Places:
    """Where instances of one class keep their attributes. `more` are setters for what neither a slot nor a dictionary holds."""

    def __init__(self, cls: type, more: dict[str, Setter] | None = None) -> None:
        where = looks.layout(cls)
        order = looks.mro(cls)
        self._more = more or {}
        self._slots = {name: _descriptor(order, name).__set__ for name in where.slots}
        self._hidden: dict[str, list[Setter]] = {}
        self._dictionary: Callable[[Any], dict[Any, Any]] | None = _own_dictionary if where.dictionary else None
        for name, depth in where.hidden:
            descriptor = looks.namespace(order[depth])[name]
            if name == _DICTIONARY:
                self._dictionary = self._dictionary or descriptor.__get__
            else:
                self._hidden.setdefault(name, []).append(descriptor.__set__)

    def setters(self, names: tuple[str, ...]) -> tuple[Setter, ...]:
        """Return what puts each of an instance's recorded attributes in its place, in the order they were read.

        Raises:
            Refused: there is no place for one.
        """
        hidden = {name: list(setters) for name, setters in self._hidden.items()}
        seen: set[str] = set()
        return tuple([self._setter(name, seen, hidden) for name in names])

    def _setter(self, name: str, seen: set[str], hidden: dict[str, list[Setter]]) -> Setter:
        if name not in seen:
            seen.add(name)
            found = self._more.get(name) or self._slots.get(name)
            if found is not None:
                return found
            if self._dictionary is not None and not (name in hidden and name in self._slots):
                return _into(self._dictionary, name)
        if hidden.get(name):
            return hidden[name].pop(0)
        raise Refused(Cause.FIELD_GONE)


def _into(dictionary: Callable[[Any], dict[Any, Any]], name: str) -> Setter:
    def put(live: Any, value: Any) -> None:
        dictionary(live)[name] = value

    return put


def _own_dictionary(live: Any) -> dict[Any, Any]:
    found: dict[Any, Any] = object.__getattribute__(live, _DICTIONARY)
    return found


def _descriptor(order: tuple[type, ...], name: str) -> Any:
    return next(
        entry
        for each in order
        if type(entry := looks.namespace(each).get(name)) is MemberDescriptorType and not looks.foreign(each)
    )


def check_fields(cls: type, names: tuple[str, ...]) -> None:
    """Hold an instance's recorded attributes against the fields that its class declares today, if it is a dataclass or of attrs.

    Raises:
        Refused: a field that is given when an instance is made was not recorded, or one was that the class does not know: it
            neither declares it nor does any code in it speak of it.
    """
    declared = _declared(cls)
    if declared is None:
        return
    recorded = set(names)
    if not {name for name, given in declared.items() if given} <= recorded:
        raise Refused(Cause.FIELD_NEW)
    odd = {name for name in recorded.difference(declared) if not name.startswith("__")}
    if odd and not odd <= _spoken_of(cls):
        raise Refused(Cause.FIELD_GONE)


def _declared(cls: type) -> dict[str, bool] | None:
    """Return the declared fields by name, and whether each is given when an instance is made; None for any other class."""
    dataclass = looks.declared(cls, "__dataclass_fields__")
    if type(dataclass) is dict:
        # An InitVar and a ClassVar stand there too; dataclasses tells them apart in this attribute alone.
        return {name: field.init for name, field in dataclass.items() if field._field_type.name == "_FIELD"}  # noqa: SLF001
    attributes = looks.declared(cls, "__attrs_attrs__")
    if attributes is not None:
        return {each.name: each.init for each in attributes}
    return None


def _spoken_of(cls: type) -> set[str]:
    """Return the names that a class and its bases hold, and those of attributes that their functions read or set."""
    names: set[str] = set()
    for each in looks.mro(cls):
        for name, entry in looks.namespace(each).items():
            names.add(name)
            function = getattr(entry, "fget", None) if type(entry) is property else entry
            code = getattr(function, "__code__", None) if type(function) is FunctionType else None
            if code is not None:
                names.update(code.co_names)
    return names
