"""Constants of today's code in the place of what was recorded of them, since code tells them by identity (`value is UNSET`).

Only for instances that nobody changes: of subclasses of immutable builtins, and such without any state whose class puts none in.
A recorded instance is a constant if all that was recorded of it, all below it too, is what the constant is today.
"""

from __future__ import annotations

import sys
from dis import opmap
from itertools import chain
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tracer.encoding import looks
from tracer.encoding.causes import Refused
from tracer.encoding.codecs.instances import namedtuple_fields
from tracer.encoding.walk import all_str
from tracer.values import Atom, Form, Named, Object, Reference, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tracer.encoding.looks import Layout
    from tracer.encoding.revival import Revival
    from tracer.values import Value

    Pairs = list[tuple[Value, Any]]

MOST: Final = 4096
"""Constants of one class; more are not looked for."""

_CONTENT: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    (tuple, lambda live: tuple.__getitem__(live, slice(None))),
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (bytes, lambda live: bytes.__getitem__(live, slice(None))),
)
"""Builtins whose instances never change, and what gives the content of a subclass's."""

_STORES: Final = opmap["STORE_ATTR"]
_WAYS_TO_STORE: Final = frozenset({"setattr", "__setattr__", "__dict__", "vars"})
_NONE: Final[tuple[Any, ...]] = ()


class _Shape(NamedTuple):
    """Where instances of a class have their state: attributes, and the content of a builtin that never changes."""

    cls: type
    where: Layout
    content: Callable[[Any], Any] | None


class _Shapes:
    """The shapes of classes, each found once: looking for it takes longer than most comparisons."""

    def __init__(self) -> None:
        self._known: dict[int, _Shape] = {}  # by the identity of the class, which is kept

    def of(self, cls: type) -> _Shape:
        """Return the shape of a class."""
        known = self._known.get(id(cls))
        if known is None:
            content = next((take for base, take in _CONTENT if looks.derives(cls, base)), None)
            known = self._known[id(cls)] = _Shape(cls, looks.layout(cls), content)
        return known


class Constants:
    """The constants that loaded modules hold, those of which `may_import` says yes; looked for once per class, on first need."""

    def __init__(self, may_import: Callable[[str], bool]) -> None:
        self._may_import = may_import
        self._known: dict[int, tuple[type, tuple[Any, ...]]] = {}  # by the identity of the class, which is kept
        self._shapes = _Shapes()

    def find(self, cls: type, value: Object, revival: Revival) -> list[Any]:
        """Return the constant that was recorded as `value`, and what is below it, in the order in which a walk numbers them.

        Nothing where there is none, or more than one that look alike.
        """
        if id(cls) not in self._known:
            self._known[id(cls)] = cls, tuple(self._constants(cls))
        found: list[Any] = []
        for live in self._known[id(cls)][1]:
            same = _compared(value, live, revival, self._shapes)
            if same:
                if found:
                    return []
                found = same
        return found

    def _constants(self, cls: type) -> Iterator[Any]:
        """Yield the instances of a class that modules, and classes in them, hold by name, and those of it that these hold."""
        shape = self._shapes.of(cls)
        if shape.content is None and not _is_stateless(cls):
            return
        seen: set[int] = set()
        pending = [held for held in self._named() if type(held) is cls]
        while pending and len(seen) < MOST:
            live = pending.pop()
            if id(live) not in seen:
                seen.add(id(live))
                yield live
                pending += [held for held in _held(live, shape) if type(held) is cls]

    def _named(self) -> Iterator[Any]:
        for name, module in tuple(sys.modules.items()):
            if not (looks.derives(type(module), ModuleType) and self._may_import(name)):
                continue
            for held in tuple(object.__getattribute__(module, "__dict__").values()):
                yield held
                if looks.derives(type(held), type) and looks.type_name(held).partition(":")[0] == name:
                    yield from tuple(looks.namespace(held).values())


def _is_stateless(cls: type) -> bool:
    """Whether instances may be without state for good: no code of the class that could be told sets an attribute."""
    bases = [each for each in looks.mro(cls) if each is not object]
    if any(looks.foreign(each) for each in bases):
        return False
    codes = chain.from_iterable(_codes(entry) for each in bases for entry in looks.namespace(each).values())
    return not any(map(_may_store, codes))


def _codes(entry: Any) -> Iterable[CodeType]:
    """Return the code of a function, or of those that a property, class method or static method stands for."""
    if type(entry) is property:
        functions: tuple[Any, ...] = (entry.fget, entry.fset, entry.fdel)
    else:
        functions = (entry.__func__,) if type(entry) in (classmethod, staticmethod) else (entry,)
    return [function.__code__ for function in functions if type(function) is FunctionType]


def _may_store(code: CodeType) -> bool:
    if _STORES in code.co_code[::2] or not _WAYS_TO_STORE.isdisjoint(code.co_names):
        return True
    return any(_may_store(each) for each in code.co_consts if type(each) is CodeType)


def _held(live: Any, shape: _Shape) -> Iterable[Any]:
    content = shape.content(live) if shape.content is not None else _NONE
    return (*looks.fields(live, shape.where)[1], *(content if type(content) is tuple else _NONE))


def _compared(value: Value, live: Any, revival: Revival, shapes: _Shapes) -> list[Any]:
    """Return the live instances that would be numbered, from `live` on, if it is what was recorded; nothing otherwise."""
    numbered: list[Any] = []
    pending: Pairs = [(value, live)]
    while pending:
        value, live = pending.pop()
        match value:
            case Object():
                below = _below(value, live, shapes.of(type(live)))
                if below is None:
                    return []
                numbered.append(live)
                pending += reversed(below)
            case Sequence(type="tuple", items=items) if type(live) is tuple and len(live) == len(items):
                pending += reversed(list(zip(items, live, strict=True)))
            case Reference(ordinal=ordinal):
                if revival.entered(ordinal, numbered) is not live:
                    return []
            case Scalar() | Atom() | Named():
                if not _is_leaf(value, live, revival):
                    return []
            case _:
                return []
    return numbered


def _below(value: Object, live: Any, shape: _Shape) -> Pairs | None:
    """Return what was recorded of an instance beside what is there, as far as its type and the names of its fields agree; None if not."""
    if looks.type_name(shape.cls) != value.type or (shape.content is None and value.fields):
        return None
    content = shape.content(live) if shape.content is not None else None
    pairs = _payload(value, content)
    if pairs is None:
        return None
    names, values = looks.fields(live, shape.where)
    if value.form is Form.NAMEDTUPLE:
        if type(content) is not tuple:
            return None
        names, values = [*(namedtuple_fields(shape.cls) or ()), *names], [*content, *values]
    if not all_str(names) or names != [name for name, _ in value.fields]:
        return None
    return [*zip([each for _, each in value.fields], values, strict=True), *pairs]


def _payload(value: Object, content: Any) -> Pairs | None:
    """Return the recorded content beside what is there; nothing where that is told as fields, None where they differ."""
    payload = value.payload
    if payload is None:
        return [] if content is None or (value.form is Form.NAMEDTUPLE and type(content) is tuple) else None
    if type(content) is not tuple:
        return [(payload, content)]
    if not isinstance(payload, Sequence) or len(payload.items) != len(content):
        return None
    return list(zip(payload.items, content, strict=True))


def _is_leaf(value: Scalar | Atom | Named, live: Any, revival: Revival) -> bool:
    """Whether a part without parts is what is there: an equal constant of the very type, the very class, function or member."""
    try:
        made = revival.named(value) if isinstance(value, Named) else revival.leaf(value)
    except Refused:
        return False
    return made is live or (isinstance(value, Scalar) and type(made) is type(live) and repr(made) == repr(live))
