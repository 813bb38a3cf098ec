"""How much a change matters to callers: one small rule each, the first that has an opinion decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tracer.compare.delta import Difference
from tracer.compare.result import Kind, Severity

if TYPE_CHECKING:
    from collections.abc import Callable

_ITERATORS = frozenset({"generator", "map", "filter", "zip", "enumerate", "reversed"})
_DEFINITION_KINDS = frozenset({Kind.CALLABLE_MISSING, Kind.SIGNATURE})
_EXCEPTION_KINDS = frozenset({Kind.RAISED, Kind.NO_LONGER_RAISED, Kind.EXCEPTION_TYPE})


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at.

    `private` says that the callable's name is not for others to use, `relied_on` that someone was seen to rely on what changed of
    its definition, `lazy` that both values are iterators of the standard library.
    """

    kind: Kind
    difference: Difference = Difference.VALUE
    internal: bool = False
    private: bool = False
    relied_on: bool = True
    lazy: bool = False


def private_state(facts: Facts) -> Severity | None:
    """Private attributes are no one's business but their owner's."""
    return Severity.INTERNAL if facts.internal or facts.kind is Kind.STATE else None


def private_callable(facts: Facts) -> Severity | None:
    """A private callable may go or change its signature."""
    return Severity.INTERNAL if facts.private and facts.kind in _DEFINITION_KINDS else None


def relied_on_by_no_one(facts: Facts) -> Severity | None:
    """An interface is what others call: what no one was seen to rely on may go or change without breaking what was seen."""
    return Severity.COMPATIBLE if not facts.relied_on and facts.kind in _DEFINITION_KINDS else None


def callable_gone(facts: Facts) -> Severity | None:
    """Callers of a callable that is gone fail."""
    return Severity.BREAKING if facts.kind is Kind.CALLABLE_MISSING else None


def other_exception(facts: Facts) -> Severity | None:
    """Callers handle exceptions by type."""
    return Severity.BREAKING if facts.kind in _EXCEPTION_KINDS else None


def other_iterator(facts: Facts) -> Severity | None:
    """Callers iterate over either: a generator, a map, a chain."""
    return Severity.COMPATIBLE if facts.lazy else None


def other_type(facts: Facts) -> Severity | None:
    """A value of another type or shape."""
    return Severity.BREAKING if facts.difference is Difference.TYPE else None


def key_removed(facts: Facts) -> Severity | None:
    """A key or attribute that callers may read, a parameter that they may pass."""
    return Severity.BREAKING if facts.difference is Difference.KEY_REMOVED else None


def key_added(facts: Facts) -> Severity | None:
    """Callers that do not know a key or an optional parameter do not miss it."""
    return Severity.COMPATIBLE if facts.difference is Difference.KEY_ADDED else None


def call_added(facts: Facts) -> Severity | None:
    """A call more changes no value by itself."""
    return Severity.COMPATIBLE if facts.kind is Kind.CALL_ADDED else None


def other_value(facts: Facts) -> Severity | None:  # noqa: ARG001  (every rule takes the facts)
    """Everything else."""
    return Severity.CHANGED


RULES: Final[tuple[Callable[[Facts], Severity | None], ...]] = (
    private_state,
    private_callable,
    relied_on_by_no_one,
    callable_gone,
    other_exception,
    other_iterator,
    other_type,
    key_removed,
    key_added,
    call_added,
    other_value,
)


def severity(facts: Facts) -> Severity:
    """Return the verdict of the first rule that has one; the last always has."""
    return next(verdict for rule in RULES if (verdict := rule(facts)) is not None)


def is_iterator(type_name: str) -> bool:
    """Whether a type is one of the standard library's lazy iterators."""
    module, _, name = type_name.partition(":")
    return module == "itertools" or (module == "builtins" and (name in _ITERATORS or name.endswith("iterator")))


def is_private(callable_name: str) -> bool:
    """Whether a `module:qualname` is not for others to import.

    That is: a part of it has a leading underscore (and is no dunder), or it is defined inside a function, or is a lambda or one of
    several definitions that its name is not bound to (`name#2`).
    """
    parts = callable_name.replace(":", ".").split(".")
    hidden = any(part.startswith("_") and not (part.startswith("__") and part.endswith("__")) for part in parts)
    return hidden or "<" in callable_name or "#" in callable_name
