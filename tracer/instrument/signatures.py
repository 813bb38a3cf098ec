"""Parameters, flow and default texts of callables, read without running anything of the host."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from tracer.model import CallableKind, Flow, Parameter, ParameterKind

if TYPE_CHECKING:
    from collections import abc
    from types import CodeType, FunctionType

CO_VARARGS: Final = 0x04
CO_VARKEYWORDS: Final = 0x08
CO_GENERATOR: Final = 0x20
CO_COROUTINE: Final = 0x80
CO_ASYNC_GENERATOR: Final = 0x200

MAX_DEFAULT_TEXT: Final = 80
MAX_WHOLE_TEXT: Final = 1_024
"""Of a default that is still to be looked at: a secret cut in two is harder to know."""
"""Characters of a default's text; what is longer ends in an ellipsis."""
MAX_DEFAULT_ITEMS: Final = 8
"""Items of a tuple or frozenset default that are rendered."""
MAX_INTEGER_BITS: Final = 256
"""Larger integers are rendered by type: their text costs quadratic time."""

_FOREIGN: Final = "tracer.instrument.proxies"
"""The module of the wrappers that stand for callables without Python code."""
_OWN_TEXT: Final = (type(None), bool, float, complex, type(Ellipsis), bytes)
_CONSTRUCTORS: Final = frozenset({"__init__", "__new__"})
_IMPLICIT_CLASS_METHODS: Final = frozenset({"__init_subclass__", "__class_getitem__"})


def flow_of(code: CodeType) -> Flow:
    """Return how a function of this code runs."""
    flags = code.co_flags
    if flags & CO_ASYNC_GENERATOR:
        return Flow.ASYNC_GENERATOR
    if flags & CO_COROUTINE:
        return Flow.COROUTINE
    return Flow.GENERATOR if flags & CO_GENERATOR else Flow.CALL


def kind_by_name(name: str, in_class: bool) -> CallableKind:
    """Return the kind a function's name and place suggest, before its class exists to be asked."""
    if not in_class:
        return CallableKind.FUNCTION
    if name in _CONSTRUCTORS:
        return CallableKind.CONSTRUCTOR
    if name in _IMPLICIT_CLASS_METHODS:
        return CallableKind.CLASS_METHOD
    return CallableKind.DUNDER if is_dunder(name) else CallableKind.METHOD


def is_dunder(name: str) -> bool:
    """Whether a simple name is one of the language's own."""
    return len(name) > 4 and name.startswith("__") and name.endswith("__")  # noqa: PLR2004 - four underscores


def parameters_of(
    code: CodeType,
    defaults: tuple[Any, ...] | None = None,
    keyword_defaults: dict[str, Any] | None = None,
) -> tuple[Parameter, ...]:
    """Return the parameters of a code object in the order of `inspect.signature`.

    Defaults belong to a live function (`__defaults__`, `__kwdefaults__`); without one they stay None.
    """
    names = code.co_varnames
    positional, keyword_only = code.co_argcount, code.co_kwonlyargcount
    first_default = positional - len(defaults or ())
    found = []
    for place, name in enumerate(names[:positional]):
        kind = ParameterKind.POSITIONAL_ONLY if place < code.co_posonlyargcount else ParameterKind.POSITIONAL_OR_KEYWORD
        text = default_text(defaults[place - first_default]) if defaults and place >= first_default else None
        found.append(_parameter(name, kind, text))
    starred = positional + keyword_only
    if code.co_flags & CO_VARARGS:
        found.append(_parameter(names[starred], ParameterKind.VAR_POSITIONAL))
        starred += 1
    for name in names[positional : positional + keyword_only]:
        text = default_text(keyword_defaults[name]) if keyword_defaults and name in keyword_defaults else None
        found.append(_parameter(name, ParameterKind.KEYWORD_ONLY, text))
    if code.co_flags & CO_VARKEYWORDS:
        found.append(_parameter(names[starred], ParameterKind.VAR_KEYWORD))
    return tuple(found)


@lru_cache(maxsize=4096)
def _parameter(name: str, kind: ParameterKind, default: str | None = None) -> Parameter:
    """Return the one object for a parameter that many functions have alike, as `self`."""
    return Parameter(name, kind, default)


def parameters_of_function(function: FunctionType, code: CodeType) -> tuple[Parameter, ...]:
    """Return the parameters of a live function whose code, before any engine touched it, is `code`."""
    return parameters_of(code, function.__defaults__, function.__kwdefaults__)


def default_text(value: Any) -> str:
    """Return a bounded text of a default that is the same in every run; signatures keep it `shortened`.

    Only exact builtin constants are rendered; all else by the name of its type, so that no `repr` of the host runs and no
    address or mutable state gets into a signature.
    """
    text = _constant_text(value)
    return text if len(text) <= MAX_WHOLE_TEXT else text[: MAX_WHOLE_TEXT - 1] + "…"


def shortened(text: str) -> str:
    """Return the text of a default as signatures keep it."""
    return text if len(text) <= MAX_DEFAULT_TEXT else text[: MAX_DEFAULT_TEXT - 1] + "…"


def _constant_text(value: Any) -> str:
    kind = type(value)
    if class_module(kind) == _FOREIGN:
        value = value._self_bare  # noqa: SLF001  (what a wrapper stands for; see `proxies`)
        kind = type(value)
    if kind in _OWN_TEXT:
        return repr(value)
    if kind is int:
        return repr(value) if value.bit_length() <= MAX_INTEGER_BITS else "<int>"
    if kind is str:
        return repr(value[:MAX_WHOLE_TEXT])
    if kind is tuple:
        return f"({_items_text(value)}{',' if len(value) == 1 else ''})"
    if kind is frozenset:
        texts = sorted(map(_constant_text, value)) if len(value) <= MAX_DEFAULT_ITEMS else ["…"]
        return f"frozenset({{{', '.join(texts)}}})"
    return f"<{type_name(kind)}>"


def _items_text(items: abc.Sequence[Any]) -> str:
    texts = [_constant_text(item) for item in items[:MAX_DEFAULT_ITEMS]]
    return ", ".join(texts if len(items) <= MAX_DEFAULT_ITEMS else [*texts, "…"])


_MRO: Final = type.__dict__["__mro__"].__get__
_QUALNAME: Final = type.__dict__["__qualname__"].__get__
_MODULE: Final = type.__dict__["__module__"].__get__
_NAMESPACE: Final = type.__dict__["__dict__"].__get__


def type_name(kind: type) -> str:
    """Return a class's name as `module.qualname` (builtins without module), past any metaclass that overrides it."""
    module = class_module(kind)
    return class_qualname(kind) if module == "builtins" else f"{module}.{class_qualname(kind)}"


def class_module(kind: type) -> str:
    """Return the module a class says it is of, "builtins" where it says nothing that is a name."""
    module = _MODULE(kind)
    return module if type(module) is str else "builtins"


def class_namespace(kind: type) -> abc.Mapping[str, Any]:
    """Return a class's own `__dict__`, past any metaclass that overrides attribute access."""
    namespace: abc.Mapping[str, Any] = _NAMESPACE(kind)
    return namespace


def defining(kind: type, name: str) -> tuple[type, Any]:
    """Return the class that gives a class's instances an attribute, and what it holds; `object` and None where none does."""
    for base in mro(kind):
        if name in class_namespace(base):
            return base, class_namespace(base)[name]
    return object, None


def mro(kind: type) -> tuple[type, ...]:
    """Return a class and those it inherits from, past any metaclass that overrides attribute access."""
    found: tuple[type, ...] = _MRO(kind)
    return found


def class_qualname(kind: type) -> str:
    """Return a class's `__qualname__`, past any metaclass that overrides attribute access."""
    qualname: str = _QUALNAME(kind)
    return qualname
