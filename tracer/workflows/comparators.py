"""The functions of the user's that rules name: found in the user's own process, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from tracer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.rules import Rule

Comparator: TypeAlias = Callable[[Any, Any], object]


def load_comparators(rules: Iterable[Rule]) -> dict[str, Comparator]:
    """Return the functions that rules name, by name, importing their modules.

    Raises:
        ConfigError: there is no such module or function.
    """
    return {rule.compare: _load(rule.compare) for rule in rules if rule.compare is not None}


def not_applied(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Return a sentence for each rule whose function is not called here."""
    return tuple(
        f"A rule was not applied: {rule.compare!r} is only called where code of yours runs anyway, by tracer.cassette and pytest, "
        "or by tracer.diff(..., allow_imports=True)."
        for rule in rules
        if rule.compare is not None
    )


def _load(name: str) -> Comparator:
    module, _, path = name.partition(":") if ":" in name else name.rpartition(".")
    try:
        found: Any = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"use the comparator {name!r}", str(error), "Name a function as in 'package.module:function'."
        ) from error
    if not callable(found):
        raise ConfigError(f"use the comparator {name!r}", "it cannot be called", "Name a function of two arguments.")
    comparator: Comparator = found
    return comparator
