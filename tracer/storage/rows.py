"""Nouns as plain rows for msgpack, and back: the two directions of each stand side by side.

Journals and cassettes both hold these rows. Reading checks every type, since a cassette may come from a stranger.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final, TypeAlias, TypeVar

from tracer import model, sums
from tracer.errors import ConfigError
from tracer.rules import Rule

Row: TypeAlias = "list[Any]"
T = TypeVar("T")

_MOST_COUNTED: Final = 1 << 48


def callable_to_row(watched: model.Callable) -> Row:
    """Return a callable as a row."""
    return [
        watched.name,
        watched.component,
        watched.kind.value,
        int(watched.flow),
        [[parameter.name, parameter.kind.value, parameter.default] for parameter in watched.parameters],
        watched.bound,
        watched.code,
        [list(pair) for pair in watched.reach],
        watched.file,
    ]


def callable_from_row(row: Any) -> model.Callable:
    """Return the callable a row describes.

    Raises:
        ValueError, TypeError: the row is no callable.
    """
    name, component, kind, flow, parameters, bound, code, reach, file = row
    return model.Callable(
        name=checked(str, name),
        component=checked(str, component),
        kind=model.CallableKind(kind),
        flow=model.Flow(flow),
        parameters=tuple(_parameter_from_row(parameter) for parameter in parameters),
        bound=checked(bool, bound),
        code=checked(str, code),
        reach=tuple((checked(str, inner), checked(str, digest)) for inner, digest in reach),
        file=checked(str, file),
    )


def _parameter_from_row(row: Any) -> model.Parameter:
    name, kind, default = row
    return model.Parameter(
        name=checked(str, name),
        kind=model.ParameterKind(kind),
        default=None if default is None else checked(str, default),
    )


def loss_to_row(loss: model.Loss) -> Row:
    """Return a loss as a row."""
    return [loss.callable, loss.reason, loss.count]


def loss_from_row(row: Any) -> model.Loss:
    """Return the loss a row describes. Raises ValueError or TypeError where it is none."""
    name, reason, count = row
    return model.Loss(checked(str, name), checked(str, reason), checked(int, count))


def thinned_to_row(run: model.Thinned) -> Row:
    """Return a run of thinned calls as a row."""
    return [run.callable, run.caller, run.calls, run.raised, run.unfinished, run.inputs, run.outcomes]


def thinned_from_row(row: Any) -> model.Thinned:
    """Return the run a row describes. Raises ValueError or TypeError where it is none."""
    name, caller, calls, raised, unfinished, inputs, outcomes = row
    for count in (calls, raised, unfinished):
        if not 0 <= checked(int, count) < _MOST_COUNTED:
            raise ValueError("a run of calls that cannot be")
    for found in (inputs, outcomes):
        sums.read(checked(bytes, found))
    return model.Thinned(checked(str, name), checked(str, caller), calls, raised, unfinished, inputs, outcomes)


def is_plain(rule: Rule) -> bool:
    """Whether a rule fits the row that every tracer reads; others go into a map of their own kind."""
    return rule == Rule(rule.callable, rule.kind, rule.path, rule.source)


def rule_to_row(rule: Rule) -> Row:
    """Return a plain rule as a row."""
    return [rule.callable, rule.kind, rule.path, rule.source]


def rule_from_row(row: Any) -> Rule:
    """Return the rule a row describes. Raises ValueError or TypeError where it is none."""
    name, kind, path, source = row
    return _rule({"callable": name, "kind": kind, "path": path or "*", "source": source})


def rule_to_map(rule: Rule) -> dict[str, Any]:
    """Return a rule as a map of the parts that are set, in the order of the class."""
    parts = {field.name: getattr(rule, field.name) for field in fields(Rule)}
    return {name: value for name, value in parts.items() if value is not None}


def rule_from_map(parts: Any) -> Rule:
    """Return the rule a map describes. Raises ValueError or TypeError where it is none.

    One that names code of a user's is none: a cassette may come from a stranger.
    """
    parts = checked(dict, parts)
    if "compare" in parts:
        raise ValueError("a rule names a function to call")
    return _rule(parts)


def _rule(parts: dict[str, Any]) -> Rule:
    try:
        return Rule(**parts)
    except ConfigError as error:
        raise ValueError(str(error)) from error


def meta_to_map(recording: model.Recording) -> dict[str, Any]:
    """Return what a recording knows beside its callables, losses and rules."""
    return {
        "python": recording.python,
        "boundaries": list(recording.boundaries),
        "granularity": recording.granularity,
        "components": [[component.name, component.watched] for component in recording.components],
        **({"block": True} if recording.block else {}),
        **({"detail": recording.detail} if recording.detail != model.Recording().detail else {}),
        **({"detail_calls": recording.detail_calls} if recording.detail_calls else {}),
        **({"items_summed": [list(each) for each in recording.items_summed]} if recording.items_summed else {}),
        **({"ambient": list(recording.ambient)} if recording.ambient else {}),
    }


def meta_from_map(meta: Any) -> model.Recording:
    """Return a recording with what the map knows, the defaults elsewhere; unknown keys are passed over.

    Raises:
        ValueError, TypeError: a value has another type than its key asks for.
    """
    meta = checked(dict, meta)
    return model.Recording(
        python=checked(str, meta.get("python", "")),
        boundaries=tuple(checked(str, boundary) for boundary in checked(list, meta.get("boundaries", []))),
        granularity=checked(str, meta.get("granularity", "module")),
        components=tuple(
            model.Component(checked(str, name), checked(bool, watched)) for name, watched in meta.get("components", [])
        ),
        block=checked(bool, meta.get("block", False)),
        detail=checked(str, meta.get("detail", model.Recording().detail)),
        detail_calls=checked(int, meta.get("detail_calls", 0)),
        items_summed=tuple((checked(str, name), checked(int, count)) for name, count in meta.get("items_summed", [])),
        ambient=tuple(checked(str, kind) for kind in checked(list, meta.get("ambient", []))),
    )


def checked(kind: type[T], value: Any) -> T:
    """Return `value` if it is exactly of that type; raise TypeError otherwise."""
    if type(value) is kind:
        return value
    message = f"expected {kind.__name__}, not {type(value).__name__}"
    raise TypeError(message)
