"""Looking at classes and instances without running any code of theirs.

`isinstance`, `x.__class__`, `x.__dict__`, `in` on a tuple of classes and a class as a dictionary key may all run
properties, `__getattribute__`, or a metaclass's `__eq__` and `__hash__`. Everything here goes through the
descriptors of `type` and `object`, which are C.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import (
    ClassMethodDescriptorType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_mro: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_namespace: Callable[[type], Mapping[str, Any]] = type.__dict__["__dict__"].__get__
module_of: Callable[[type], Any] = type.__dict__["__module__"].__get__
qualname_of: Callable[[type], Any] = type.__dict__["__qualname__"].__get__
_attribute: Callable[[Any, str], Any] = object.__getattribute__

mro = _mro
namespace = _namespace

_SOLID = (WrapperDescriptorType, MethodDescriptorType, ClassMethodDescriptorType, GetSetDescriptorType)

_FAKED: Final = "datetime"
"""The module whose classes tools that stop the clock replace (freezegun): its values are the same as ever."""

SCALARS: Final = frozenset(map(id, (str, bytes, int, float, bool, type(None))))
"""The exact types, by identity, of which an item costs no node of its own."""


def type_name(cls: type) -> str:
    """Return `module:qualname` of a class; `?` for a part that is no exact string."""
    try:
        module = module_of(cls)
    except AttributeError:
        module = None
    return f"{text(module)}:{text(qualname_of(cls))}"


def text(name: Any) -> str:
    """Return a name that can be written as UTF-8; `?` for what is no exact string."""
    if type(name) is not str:
        return "?"
    return name if name.isascii() else name.encode("utf-8", "backslashreplace").decode()


def derives(cls: type, base: type | None) -> bool:
    """Say whether `base` stands in the method resolution order of `cls`, by identity alone."""
    return base is not None and any(each is base for each in _mro(cls))


def declared(cls: type, name: str) -> Any:
    """Return what the first class of the method resolution order that has `name` holds under it, unbound; None without."""
    for each in _mro(cls):
        found = _namespace(each).get(name)
        if found is not None:
            return found
    return None


def loaded(module: str, name: str) -> Any:
    """Return a global of a module that is already imported; None where it is not. Never imports."""
    found = sys.modules.get(module)
    # Past `__getattribute__`: a lazy module would load itself on the first look.
    entry = None if found is None else _attribute(found, "__dict__").get(name)
    return entry if module != _FAKED else _genuine(entry, name)


def _genuine(entry: Any, name: str) -> Any:
    """Return the class that a test's clock, which stands in its place and derives from it, was put in for."""
    if entry is None or not derives(type(entry), type):
        return entry
    return next((each for each in _mro(entry) if qualname_of(each) == name and module_of(each) == _FAKED), entry)


def foreign(cls: type) -> bool:
    """Say whether a class is made in C, so that its instances may hold what no attribute shows.

    A class statement leaves only functions, plain attributes, slot members and the two getters `__dict__` and
    `__weakref__` behind; a C type has slot wrappers, method descriptors or getters that belong to it.
    """
    for name, entry in _namespace(cls).items():
        if any(type(entry) is kind for kind in _SOLID) and name not in ("__dict__", "__weakref__"):
            owner: Any = entry.__objclass__
            if owner is cls:
                return True
    return False


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the attributes of a class's instances are. Holds no reference to the class, which may be short-lived.

    `dictionary` says there is an instance dictionary, `slots` names the slots; `hidden` those (a slot's or the
    dictionary's) whose name a subclass has taken for something else, with their class's place in the order.
    """

    dictionary: bool
    slots: tuple[str, ...]
    hidden: tuple[tuple[str, int], ...]


def layout(cls: type) -> Layout:
    """Return where instances of `cls` keep their attributes."""
    taken: dict[str, Any] = {}
    slots: list[str] = []
    hidden: list[tuple[str, int]] = []
    dictionary = False
    for depth, each in enumerate(_mro(cls)):
        if each is not object:
            is_foreign = foreign(each)
            for name, entry in _namespace(each).items():
                slot = type(entry) is MemberDescriptorType and not is_foreign and type(name) is str
                getter = name == "__dict__" and type(entry) is GetSetDescriptorType and not dictionary
                if (slot or getter) and name in taken:
                    hidden.append((name, depth))
                elif slot:
                    slots.append(name)
                dictionary = dictionary or getter
        for name in _namespace(each):
            taken.setdefault(name, each)
    visible = dictionary and not any(name == "__dict__" for name, _ in hidden)
    return Layout(visible, tuple(slots), tuple(hidden))


def fields(value: Any, where: Layout) -> tuple[list[Any], list[Any]]:
    """Return the names and the values of an instance's attributes, in the order they were set, slots last."""
    names: list[Any] = []
    values: list[Any] = []
    if where.dictionary:
        _read(_attribute(value, "__dict__"), names, values)
    if where.slots:
        _read_slots(value, where.slots, names, values)
    for name, depth in where.hidden:
        _read_hidden(value, name, depth, names, values)
    return names, values


def state(value: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the names and the values in an instance's dictionary, taken in one step: another thread may be adding attributes.

    Not by copying it: that may compare keys, which may be of any class.
    """
    pairs = list(dict.items(_attribute(value, "__dict__")))
    if not pairs:
        return (), ()
    names, values = zip(*pairs, strict=True)
    return names, values


def _read(dictionary: Any, names: list[Any], values: list[Any]) -> None:
    pairs = list(dict.items(dictionary))  # in one step: another thread may be adding attributes
    names += [name for name, _ in pairs]
    values += [value for _, value in pairs]


def _read_slots(value: Any, slots: tuple[str, ...], names: list[Any], values: list[Any]) -> None:
    try:
        values += [_attribute(value, name) for name in slots]
    except AttributeError:  # one of them is not set
        pass
    else:
        names += slots
        return
    for name in slots:
        try:
            values.append(_attribute(value, name))
        except AttributeError:
            continue
        names.append(name)


def _read_hidden(value: Any, name: str, depth: int, names: list[Any], values: list[Any]) -> None:
    owner = _mro(type(value))[depth]
    try:
        found = _namespace(owner)[name].__get__(value, owner)
    except AttributeError:
        return
    if name == "__dict__":
        _read(found, names, values)
    else:
        names.append(name)
        values.append(found)


def heavy(items: Any) -> int:
    """Return how many items may cost nodes of their own: all but exact scalars."""
    count = 0
    for item in items:
        if id(type(item)) not in SCALARS:  # by identity: hashing a class may run its metaclass's code
            count += 1
    return count
