"""From recorded names to classes, functions and modules, importing nothing but what is allowed.

A name from a stranger's cassette is hostile. Each part of it is looked up in a module's or a class's own dictionary, so no
attribute hook runs; all but the last must be classes; and what is found must carry the recorded name itself, so that what
an allowed module merely imported (`shop.tools:system`) is not reached through it.
"""

from __future__ import annotations

import builtins
import io
import re
import sys
import types
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tracer.encoding import looks, standard
from tracer.encoding.causes import Cause, Refused
from tracer.encoding.places import Places, check_fields
from tracer.encoding.standard import COMPUTING, may_be_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.encoding.places import Setter

T = TypeVar("T")

_EMPTY: Final[dict[Any, Any]] = {}
_NAMELESS: Final = (
    *(type(_EMPTY.keys()), type(_EMPTY.values()), type(_EMPTY.items())),
    *(types.MappingProxyType, type(None), type(...), type(NotImplemented)),
)
"""Builtin types that no module names as their own name says."""

_NAMED_ELSEWHERE: Final = (
    *(types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType),
    *(re.Pattern, re.Match, io.StringIO, io.BytesIO),
)
_BY_NAME: Final = {looks.type_name(cls): cls for cls in (*_NAMELESS, *_NAMED_ELSEWHERE)}

_ABSTRACT: Final = frozenset({"collections.abc", "numbers"})
"""Modules of which each class is allowed by name: they only tell kinds of values apart."""

_ARITHMETIC: Final = frozenset({"_operator", "cmath", "math"})
_CALLS: Final = frozenset({"call"})


class Resolver:
    """Finds what recorded names stand for. Answers are remembered. `may_import` is asked for each module of the user's."""

    def __init__(self, may_import: Callable[[str], bool]) -> None:
        self._may_import = may_import
        self._classes: dict[str, type | Refused] = {}
        self._places: dict[int, Places] = {}
        self._setters: dict[tuple[int, tuple[str, ...]], tuple[Setter, ...] | Refused] = {}

    def find_class(self, name: str) -> type:
        """Return the class of a recorded name.

        Raises:
            Refused: it may not be imported, is gone, or is no class.
        """
        known = self._classes.get(name)
        if known is None:
            try:
                known = self._class(name)
            except Refused as refusal:
                known = refusal
            self._classes[name] = known
        return _given(known)

    def setters(self, cls: type, names: tuple[str, ...], more: dict[str, Setter] | None = None) -> tuple[Setter, ...]:
        """Return what puts the recorded attributes of an instance of one of these classes where they belong.

        Raises:
            Refused: the class has other fields today.
        """
        key = id(cls), names  # its table keeps the class
        known = self._setters.get(key)
        if known is None:
            try:
                check_fields(cls, names)
                if id(cls) not in self._places:
                    self._places[id(cls)] = Places(cls, more)
                known = self._places[id(cls)].setters(names)
            except Refused as refusal:
                known = refusal
            self._setters[key] = known
        return _given(known)

    def named(self, kind: str, name: str) -> Any:
        """Return the class, function or module of a name.

        Raises:
            Refused: as `find_class`, `function` and `module`.
        """
        match kind:
            case "class":
                return self.find_class(name)
            case "function":
                return self.function(name)
            case "module":
                return self.module(name)
            case "method":
                raise Refused(Cause.BOUND, name)
            case _:
                raise Refused(Cause.DAMAGED, name)

    def function(self, name: str) -> Any:
        """Return the function of a recorded name, as its module or class holds it.

        Raises:
            Refused: it may not be imported, is gone, is no function, or may be a method that was bound to something.
        """
        module, _, qualname = name.partition(":")
        if module not in _ARITHMETIC and not (module == "builtins" and _harmless(qualname)):
            self._check(module, name)
        elif qualname in _CALLS or qualname.startswith("__"):
            raise Refused(Cause.FORBIDDEN, name)
        owner, last = self._owner(module, qualname, name)
        found = _entry(owner, last, name)
        if type(found) is staticmethod:
            found = found.__func__
        if type(found) not in (types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType):
            raise Refused(Cause.OTHER_KIND, name)
        if (looks.text(found.__qualname__), _home(found)) != (qualname, module):
            raise Refused(Cause.OTHER_KIND, name)
        return found

    def module(self, name: str) -> types.ModuleType:
        """Return the module of a recorded name.

        Raises:
            Refused: it may not be imported, or cannot be.
        """
        self._check(name, name)
        return self._import(name, name)

    def _class(self, name: str) -> type:
        if name in _BY_NAME:
            return _BY_NAME[name]
        module, _, qualname = name.partition(":")
        if module != "builtins" and module not in _ABSTRACT and not may_be_named(module, qualname):
            self._check(module, name)
        owner, last = self._owner(module, qualname, name)
        found = _entry(owner, last, name)
        if not looks.derives(type(found), type):
            raise Refused(Cause.OTHER_KIND, name)
        if looks.type_name(found) != name and module not in standard.TYPES:
            raise Refused(Cause.OTHER_KIND, name)
        return found  # type: ignore[no-any-return]

    def _check(self, module: str, name: str) -> None:
        if not module or not self._may_import(module):
            raise Refused(Cause.FORBIDDEN, name, f"Allow {module!r} to be imported." if module else "")

    def _import(self, module: str, name: str) -> types.ModuleType:
        try:
            found = sys.modules.get(module) or import_module(module)
        except (Exception, SystemExit) as error:  # a module's body may raise anything
            raise Refused(Cause.NOT_IMPORTED, name) from error
        if not looks.derives(type(found), types.ModuleType):
            raise Refused(Cause.OTHER_KIND, name)
        return found

    def _owner(self, module: str, qualname: str, name: str) -> tuple[Any, str]:
        """Return the module or the innermost class that is to hold the last part of a name, and that part."""
        if "<" in qualname:
            raise Refused(Cause.LOCAL, name)
        *outer, last = qualname.split(".")
        owner: Any = builtins if module == "builtins" else self._import(module, name)
        for part in outer:
            owner = _entry(owner, part, name)
            if not looks.derives(type(owner), type):
                raise Refused(Cause.OTHER_KIND, name)
        return owner, last


def _given(known: T | Refused) -> T:
    """Return what was found, or raise anew what was found to stand against it."""
    if isinstance(known, Refused):
        raise Refused(known.cause, known.type_name, known.remedy)
    return known


def _harmless(qualname: str) -> bool:
    """Say whether a builtin function, or a method of a builtin type (`str.upper`), may be handed to a callee."""
    owner, _, last = qualname.rpartition(".")
    return qualname in COMPUTING if not owner else not last.startswith("_") and owner not in {"object", "type"}


def _home(function: Any) -> Any:
    """Return the module that a function says it is of; a method of a C type is of its type's."""
    if type(function) is types.MethodDescriptorType:
        return looks.module_of(function.__objclass__)
    return looks.text(function.__module__)


def _entry(owner: Any, part: str, name: str) -> Any:
    space = looks.namespace(owner) if looks.derives(type(owner), type) else object.__getattribute__(owner, "__dict__")
    try:
        return space[part]
    except KeyError:
        raise Refused(Cause.GONE, name) from None
