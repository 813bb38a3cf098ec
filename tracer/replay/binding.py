"""Recorded arguments brought into a call of today's callable, whose parameters may be others than they were."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tracer.model import ParameterKind
from tracer.values import Object, Opaque, Scalar, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.model import Parameter

MISSING: Final = object()
"""Stands for a value that is left to the parameter's default."""

_POSITIONAL: Final = (ParameterKind.POSITIONAL_ONLY, ParameterKind.POSITIONAL_OR_KEYWORD)


@dataclass(slots=True)
class Bound:
    """What to call with."""

    positional: list[Any] = field(default_factory=list)
    named: dict[str, Any] = field(default_factory=dict)


def is_default(parameter: Parameter, value: Value) -> bool:
    """Whether a recorded argument can only be the parameter's default, so that it need not be passed.

    Exact constants by their text; objects that nothing is known of but the type where the default is one of that type.
    """
    default = parameter.default
    if default is None:
        return False
    match value:
        case Scalar(value=constant):
            return repr(constant) == default
        case Opaque(type=name) | Object(type=name, fields=(), payload=None):
            return default == f"<{_plain_name(name)}>"
        case _:
            return False


def bind(then: Sequence[Parameter], now: Sequence[Parameter], values: Sequence[Any]) -> Bound:
    """Bring values in the order of the parameters of then into a call of a callable with the parameters of now.

    Values that are `MISSING` are left out. What today's callable does not take is passed by name all the same: it refuses it, as
    it would refuse its caller.
    """
    places = {parameter.name: place for place, parameter in enumerate(now)}
    bound = Bound()
    in_order = True  # as long as nothing was left out, so that the next value is at its place
    for place, (parameter, value) in enumerate(zip(then, values, strict=True)):
        if parameter.kind is ParameterKind.VAR_POSITIONAL:
            bound.positional.extend(value)
        elif parameter.kind is ParameterKind.VAR_KEYWORD:
            bound.named.update(value)
        elif value is MISSING:
            in_order = False
        elif parameter.kind not in _POSITIONAL:
            bound.named[parameter.name] = value
        elif parameter.kind is ParameterKind.POSITIONAL_ONLY or (
            in_order and _stands_there(parameter, place, places, now)
        ):
            bound.positional.append(value)
        else:
            bound.named[parameter.name] = value
    return bound


def _stands_there(parameter: Parameter, place: int, places: dict[str, int], now: Sequence[Parameter]) -> bool:
    """Whether a value may go by position: its parameter stands where it stood, or is not known by its name any more."""
    found = places.get(parameter.name)
    if found is None:
        return True
    return found == place and now[found].kind in _POSITIONAL


def _plain_name(name: str) -> str:
    """Return `module:qualname` as signatures tell types: `module.qualname`, builtins without their module."""
    return name.removeprefix("builtins:").replace(":", ".", 1)
