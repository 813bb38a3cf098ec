"""Parameters of callables without Python code, and the arguments of their calls in the order of these."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tracer.instrument.signatures import class_namespace, default_text, mro
from tracer.model import Parameter, ParameterKind

if TYPE_CHECKING:
    from collections import abc

Bind: TypeAlias = "abc.Callable[[tuple[Any, ...], dict[str, Any]], tuple[Any, ...] | None]"
"""Brings arguments into the order of the parameters; None where they do not fit."""

RECEIVER: Final = (Parameter("self", ParameterKind.POSITIONAL_ONLY),)
"""What precedes the unknown parameters of a method."""

_UNKNOWN: Final = (Parameter("args", ParameterKind.VAR_POSITIONAL), Parameter("kwargs", ParameterKind.VAR_KEYWORD))
_POSITIONAL: Final = (ParameterKind.POSITIONAL_ONLY, ParameterKind.POSITIONAL_OR_KEYWORD)


def signature_of(value: Any, first: tuple[Parameter, ...] = ()) -> tuple[tuple[Parameter, ...], Bind]:
    """Return the parameters of a callable and what binds arguments to them.

    Where it does not tell its signature, or only by code of the host, they are `first`, `*args` and `**kwargs`.
    """
    try:
        signature = None if _computes_signature(value) else inspect.signature(value)
    except (ValueError, TypeError):
        signature = None
    if signature is None:
        return (*first, *_UNKNOWN), _unknown_binder(len(first))
    parameters = tuple(_parameter(parameter) for parameter in signature.parameters.values())
    plain = all(parameter.kind in _POSITIONAL for parameter in parameters)
    return parameters, _binder(signature, len(parameters) if plain else -1)


def spread(parameters: tuple[Parameter, ...], arguments: abc.Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the positional and the keyword arguments of a call that has these arguments, one per parameter."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for parameter, value in zip(parameters, arguments, strict=True):
        if parameter.kind is ParameterKind.VAR_POSITIONAL:
            args.extend(value)
        elif parameter.kind is ParameterKind.VAR_KEYWORD:
            kwargs.update(value)
        elif parameter.kind is ParameterKind.KEYWORD_ONLY:
            kwargs[parameter.name] = value
        else:
            args.append(value)
    return args, kwargs


def _computes_signature(value: Any) -> bool:
    """Whether a type defines `__signature__`, as that of numpy's ufuncs does."""
    return any("__signature__" in class_namespace(base) for base in mro(type(value)))


def _unknown_binder(first: int) -> Bind:
    def bind(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...] | None:
        return (*args[:first], args[first:], kwargs) if len(args) >= first else None

    return bind


def _binder(signature: inspect.Signature, plain: int) -> Bind:
    names = tuple(signature.parameters)

    def bind(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...] | None:
        if len(args) == plain and not kwargs:
            return args
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return None
        bound.apply_defaults()
        return tuple(bound.arguments[name] for name in names)

    return bind


def _parameter(parameter: inspect.Parameter) -> Parameter:
    kind = ParameterKind(
        parameter.kind.description.replace("variadic", "var").replace(" or ", "-or-").replace(" ", "-")
    )
    return Parameter(
        parameter.name, kind, None if parameter.default is parameter.empty else default_text(parameter.default)
    )
