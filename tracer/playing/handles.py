"""Objects that have no live form, stood in for: what is asked of them is answered from the cassette."""

from __future__ import annotations

from functools import lru_cache
from inspect import BoundArguments, Signature
from inspect import Parameter as Bound
from typing import TYPE_CHECKING, Any, Protocol

from tracer.encoding.plans import tell_as
from tracer.errors import CallNotRecorded
from tracer.model import Callable, CallableKind, Flow, ParameterKind
from tracer.values import Named, Object, Opaque, Truncated

if TYPE_CHECKING:
    from tracer.values import Value


class Answers(Protocol):
    """What handles ask."""

    def noun(self, name: str) -> Callable | None:
        """Return what was recorded of a callable, None where it never was called."""
        ...

    def call(self, noun: Callable, arguments: list[Any]) -> Any:
        """Answer a call as its stand-in would."""
        ...

    def never(self, name: str) -> CallNotRecorded:
        """Return the error for a call of what was not recorded at all."""
        ...

    def part(self, value: Value) -> Any:
        """Return the live form of a part of a recorded value."""
        ...

    def class_of(self, name: str) -> type | None:
        """Return a recorded class by name, where it may be had."""
        ...


class AttributeNotRecorded(CallNotRecorded, AttributeError):
    """An attribute of an object that is stood in for, which nobody looked at when it was recorded: `hasattr` says there is none."""


class Handle:
    """Stands for an object of a recorded type.

    Its methods and attributes are those that were recorded; public fields that were recorded with it are there too. What is set on it stays on it.
    """

    _tracer_type = ""
    _tracer_kind = True  # whether `_tracer_type` names a class

    def __init__(self, answers: Answers, value: Value) -> None:
        self.__dict__["_tracer_answers"] = answers
        self.__dict__["_tracer_fields"] = _fields(value)

    @property  # type: ignore[misc]  # writable in `object`
    def __class__(self) -> type:
        """The recorded class where it can be had, so that `isinstance` says what it said."""
        if not self._tracer_kind:
            return type(self)
        return self._tracer_answers.class_of(self._tracer_type) or type(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        answers: Answers = self.__dict__["_tracer_answers"]
        fields = self.__dict__["_tracer_fields"]
        if name in fields:
            live = self.__dict__[name] = answers.part(fields[name])
            return live
        noun = answers.noun(f"{self._tracer_type}.{name}")
        if noun is None:
            missed = answers.never(f"{self._tracer_type}.{name}")
            raise AttributeNotRecorded(missed.callable, missed.arguments, missed.cassette, missed.cause)
        if noun.kind is CallableKind.PROPERTY:
            return answers.call(noun, [self])
        return _Method(self, noun)

    def __repr__(self) -> str:
        return f"<{self._tracer_type}, played back>"

    def _tracer_call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        answers: Answers = self.__dict__["_tracer_answers"]
        noun = answers.noun(f"{self._tracer_type}.{name}")
        if noun is None:
            raise answers.never(f"{self._tracer_type}.{name}")
        return answers.call(noun, bind(noun, (self, *args), kwargs))


class _Method:
    """A method of a handle."""

    def __init__(self, owner: Handle, noun: Callable) -> None:
        self.__self__ = owner
        self.__name__ = noun.name.rpartition(".")[2]
        self._noun = noun

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        owner = self.__self__
        return owner._tracer_answers.call(self._noun, bind(self._noun, (owner, *args), kwargs))  # noqa: SLF001


class Function(Handle):
    """Stands for a function or bound method that was handed out."""

    _tracer_kind = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Answer a call of it."""
        answers: Answers = self.__dict__["_tracer_answers"]
        noun = answers.noun(self._tracer_type)
        if noun is None:
            raise answers.never(self._tracer_type)
        given = (Missing(), *args) if noun.bound else args  # what a method was bound to is not recorded
        return answers.call(noun, bind(noun, given, kwargs))


def handle(answers: Answers, value: Value) -> Any:
    """Return what stands for a recorded value without a live form."""
    if isinstance(value, Named):
        return _class_of(value.name, Function, frozenset())(answers, value)
    name = value.type if isinstance(value, Opaque | Object | Truncated) else "builtins:object"
    has = frozenset(each for each in _SOMETIMES if answers.noun(f"{name}.{each}") is not None)
    return _class_of(name, Handle, has)(answers, value)


def _fields(value: Value) -> dict[str, Value]:
    match value:
        case Object(fields=fields):
            return dict(fields)
        case _:
            return {}


_ALWAYS = ("__iter__", "__aiter__", "__enter__", "__exit__", "__aenter__", "__aexit__", "__getitem__")
"""Methods of the language that say what was not recorded where it was not."""

_SOMETIMES = (
    *("__call__", "__next__", "__anext__", "__await__"),
    *("__len__", "__bool__", "__contains__", "__setitem__", "__delitem__"),
)
"""Those that are looked for in order to find out what an object is: there only where they were recorded."""


@lru_cache(maxsize=1024)
def _class_of(name: str, base: type[Handle], has: frozenset[str]) -> type[Handle]:
    short = name.rpartition(":")[2].rpartition(".")[2] or name
    methods = {each: _method(each) for each in (*_ALWAYS, *sorted(has))} if base is Handle else {}
    return type(short, (base,), {**methods, "_tracer_type": name})


def _method(name: str) -> Any:
    def method(self: Handle, *args: Any, **kwargs: Any) -> Any:
        made = self._tracer_call(name, args, kwargs)
        return made.__await__() if name == "__await__" else made

    method.__name__ = name
    return method


_KINDS = {
    ParameterKind.POSITIONAL_ONLY: Bound.POSITIONAL_ONLY,
    ParameterKind.POSITIONAL_OR_KEYWORD: Bound.POSITIONAL_OR_KEYWORD,
    ParameterKind.VAR_POSITIONAL: Bound.VAR_POSITIONAL,
    ParameterKind.KEYWORD_ONLY: Bound.KEYWORD_ONLY,
    ParameterKind.VAR_KEYWORD: Bound.VAR_KEYWORD,
}


class Missing:
    """Stands for an argument that a call leaves to its default, of which only the text was recorded."""


def bind(noun: Callable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """Return the arguments of a call in the order of the recorded parameters.

    Raises:
        TypeError: they do not fit.
    """
    signature = _signature(noun)
    bound: BoundArguments = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return [bound.arguments[name] for name in signature.parameters]


@lru_cache(maxsize=1024)
def _signature(noun: Callable) -> Signature:
    return Signature(
        [
            Bound(each.name, _KINDS[each.kind], default=Bound.empty if each.default is None else Missing())
            for each in noun.parameters
        ]
    )


def flow_of_handed_out(name: str) -> tuple[str, Flow] | None:
    """Return, for the type of an object that a plain call handed out to be driven, the method and flow it is played by."""
    return _DRIVEN.get(name)


_DRIVEN = {
    "builtins:generator": ("__iter__", Flow.GENERATOR),
    "builtins:coroutine": ("__await__", Flow.COROUTINE),
    "builtins:async_generator": ("__aiter__", Flow.ASYNC_GENERATOR),
}

tell_as(Handle, lambda walk, value: walk.opaque(value, type(value)._tracer_type))  # noqa: SLF001
tell_as(Missing, lambda walk, value: walk.opaque(value, ""))
