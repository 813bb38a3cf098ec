"""Two signatures of one callable -> what a caller has to know, after griffe's list of API breakages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracer.compare.delta import Difference
from tracer.model import Callable, CallableKind, Flow, Parameter, ParameterKind

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARIADIC = frozenset({ParameterKind.VAR_POSITIONAL, ParameterKind.VAR_KEYWORD})
_POSITIONAL = (ParameterKind.POSITIONAL_ONLY, ParameterKind.POSITIONAL_OR_KEYWORD)
# A generator is called as a function that returns an iterator is; what a call returns is told of the calls.
_ITERABLE_FLOWS = frozenset({Flow.CALL, Flow.GENERATOR})
_MARKS = {ParameterKind.VAR_POSITIONAL: "*", ParameterKind.VAR_KEYWORD: "**"}


@dataclass(frozen=True, slots=True)
class SignatureChange:
    """One change. `subject` is a parameter's name, "flow" or "kind"; an empty text stands for nothing there.

    `difference` is TYPE or KEY_REMOVED where calls that bound before may not bind now, KEY_ADDED where all still do,
    VALUE where they bind to something else.
    """

    subject: str
    difference: Difference
    before: str
    after: str


def signature_changes(old: Callable, new: Callable) -> tuple[SignatureChange, ...]:
    """Return what differs, in the order of the old parameters and then of the new."""
    if CallableKind.FOREIGN in (old.kind, new.kind) and not (old.parameters and new.parameters):
        return ()  # what C functions tell of their signature differs between builds
    return (*_nature(old, new), *_parameters(_callers_view(old), _callers_view(new)))


def _nature(old: Callable, new: Callable) -> Iterator[SignatureChange]:
    if CallableKind.FOREIGN in (old.kind, new.kind):
        return
    if old.flow != new.flow:
        difference = Difference.KEY_ADDED if {old.flow, new.flow} == _ITERABLE_FLOWS else Difference.TYPE
        yield SignatureChange("flow", difference, _flow_text(old.flow), _flow_text(new.flow))
    if (old.kind is CallableKind.PROPERTY) != (new.kind is CallableKind.PROPERTY):
        yield SignatureChange("kind", Difference.TYPE, old.kind.value, new.kind.value)


def _flow_text(flow: Flow) -> str:
    return flow.name.lower().replace("_", " ")


def _callers_view(side: Callable) -> tuple[Parameter, ...]:
    """Return the parameters without the receiver, whose name callers do not use."""
    return side.parameters[1:] if side.bound else side.parameters


def _parameters(old: tuple[Parameter, ...], new: tuple[Parameter, ...]) -> Iterator[SignatureChange]:
    after = {parameter.name: parameter for parameter in new}
    places = {parameter.name: place for place, parameter in enumerate(_by_position(new))}
    for parameter in old:
        other = after.pop(parameter.name, None)
        if other is None:
            yield _gone(parameter, new)
        else:
            yield from _altered(parameter, other)
    for place, parameter in enumerate(_by_position(old)):
        if places.get(parameter.name, place) != place:
            yield SignatureChange(
                parameter.name,
                Difference.TYPE,
                f"{_text(parameter)} at position {place}",
                f"{_text(parameter)} at position {places[parameter.name]}",
            )
    for parameter in after.values():
        required = parameter.default is None and parameter.kind not in _VARIADIC
        yield SignatureChange(
            parameter.name, Difference.TYPE if required else Difference.KEY_ADDED, "", _text(parameter)
        )


def _by_position(parameters: tuple[Parameter, ...]) -> list[Parameter]:
    return [parameter for parameter in parameters if parameter.kind in _POSITIONAL]


def _gone(parameter: Parameter, new: tuple[Parameter, ...]) -> SignatureChange:
    """A removed parameter breaks calls, unless `*args` and `**kwargs` take what was passed for it."""
    kinds = {other.kind for other in new}
    swallowed = {
        ParameterKind.POSITIONAL_ONLY: ParameterKind.VAR_POSITIONAL in kinds,
        ParameterKind.KEYWORD_ONLY: ParameterKind.VAR_KEYWORD in kinds,
        ParameterKind.POSITIONAL_OR_KEYWORD: kinds >= _VARIADIC,
    }.get(parameter.kind, False)
    return SignatureChange(
        parameter.name, Difference.VALUE if swallowed else Difference.KEY_REMOVED, _text(parameter), ""
    )


def _altered(old: Parameter, new: Parameter) -> Iterator[SignatureChange]:
    if old.kind is not new.kind:
        widened = new.kind is ParameterKind.POSITIONAL_OR_KEYWORD and old.kind not in _VARIADIC
        difference = Difference.KEY_ADDED if widened else Difference.TYPE
        yield SignatureChange(
            old.name, difference, f"{_text(old)} ({old.kind.value})", f"{_text(new)} ({new.kind.value})"
        )
    elif old.default != new.default:
        if new.default is None:
            difference = Difference.TYPE
        else:
            difference = Difference.KEY_ADDED if old.default is None else Difference.VALUE
        yield SignatureChange(old.name, difference, _text(old), _text(new))


def _text(parameter: Parameter) -> str:
    text = _MARKS.get(parameter.kind, "") + parameter.name
    return text if parameter.default is None else f"{text}={parameter.default}"
