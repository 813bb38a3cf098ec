"""What rules call equal although it is not the same: numbers within a tolerance, texts of one shape, lists in any order.

Differences are found as without rules, and then judged. Only where it depends on a rule which parts of two values belong together
(lists in any order, lists of numbers that all differ a little) or whether to look into them at all (comparators) does a
comparison ask before.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from tracer.compare.parts import type_name
from tracer.errors import ComparisonError
from tracer.regex import compile_expression
from tracer.rules import Action, covers_path, matches
from tracer.values import Atom, Mapping, Named, Object, Opaque, Redacted, Scalar, Sequence, Truncated, Value, ValuePath

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping as Table

    from tracer.rules import Rule

    Comparators = Table[str, Callable[[Any, Any], object]]
    Resolve = Callable[[Value], Value]

_LARGEST: Final = 5_000  # digits of a number, before or after the point
_MOST_ASKED: Final = 10_000  # pairs of elements of two lists
_DEEPEST: Final = 100  # levels that a comparator is given


class Lenience:
    """The rules for one callable that a comparison of two values has to know."""

    def __init__(self, rules: tuple[Rule, ...], comparators: Comparators) -> None:
        self._unordered = [rule for rule in rules if rule.action is Action.UNORDERED]
        self._leaves = [rule for rule in rules if rule.action in (Action.TOLERANCE, Action.REGEX)]
        self._compared = [rule for rule in rules if rule.compare in comparators]
        self._comparators = comparators

    def unordered(self, path: ValuePath) -> bool:
        """Whether the order of the list at a path does not count."""
        return any(is_at(rule, path) for rule in self._unordered)

    def pairs(
        self, olds: list[Value], news: list[Value], equal: Callable[[Value, Value], bool], *, in_order: bool
    ) -> dict[int, int]:
        """Return position in `olds` -> position in `news` for elements that are `equal` under rules for scalars, each the first that fits."""
        pairs: dict[int, int] = {}
        if not self._leaves or len(olds) * len(news) > _MOST_ASKED:
            return pairs
        free = list(range(len(news)))
        for i, old in enumerate(olds):
            j = next((j for j in free if equal(old, news[j])), None)
            if j is not None:
                pairs[i] = j
                free = [other for other in free if other > j or (other < j and not in_order)]
        return pairs

    def alike(self, path: ValuePath, old: Value | None, new: Value | None) -> bool:
        """Whether two different scalars at a path are called equal."""
        return any(covers(rule, path) and equal_under(rule, old, new) for rule in self._leaves)

    def equivalent(self, path: ValuePath, old: tuple[Value, Resolve], new: tuple[Value, Resolve]) -> bool:
        """Whether a comparator for this path calls two values equal; each is given with what resolves references in it.

        Raises:
            ComparisonError: a comparator raised an exception.
        """
        rules = [rule for rule in self._compared if is_at(rule, path)]
        return any(self._ask(str(rule.compare), plain(*old), plain(*new)) for rule in rules)

    def _ask(self, name: str, old: Any, new: Any) -> bool:
        try:
            return bool(self._comparators[name](old, new))
        except Exception as error:
            told = f"it raised {type(error).__name__}: {error}"
            raise ComparisonError(f"compare two values with {name!r}", told) from error


def is_lenient(rule: Rule) -> bool:
    """Whether a comparison of two values has to know a rule."""
    return rule.action in (Action.UNORDERED, Action.TOLERANCE, Action.REGEX, Action.COMPARE)


def covers(rule: Rule, path: ValuePath) -> bool:
    """Whether a path is, or lies below, one of a rule's; positions may be given by number or as `[*]`."""
    return covers_path(rule.path, str(path.general)) or covers_path(rule.path, str(path))


def is_at(rule: Rule, path: ValuePath) -> bool:
    """Whether a path is one of a rule's, and does not only lie below."""
    return matches(rule.path, str(path.general)) or matches(rule.path, str(path))


def equal_under(rule: Rule, old: Value | None, new: Value | None) -> bool:
    """Whether a tolerance or an expression calls two values equal. Values of two types never are."""
    if old is None or new is None or type_name(old) != type_name(new):
        return False
    if rule.regex is not None:
        expression = compile_expression(rule.regex)
        return all(text is not None and expression.matches(text) for text in (_text(old), _text(new)))
    return _close(rule, _number(old), _number(new))


def _close(rule: Rule, old: Fraction | None, new: Fraction | None) -> bool:
    """Compare in exact numbers: 1.02 is no further than 0.01 from 1.01, though the floats are."""
    if old is None or new is None:
        return False
    room = max(
        Fraction(repr(rule.absolute or 0)),
        Fraction(repr(rule.relative or 0)) * max(abs(old), abs(new)),
    )
    return abs(old - new) <= room


def _number(value: Value) -> Fraction | None:  # noqa: PLR0911  (one per case)
    """Return a finite number as its text says it; None for what is none, or has too many digits to reckon with."""
    try:
        match value:
            case Scalar(value=bool()):
                return None
            case Scalar(value=int() as number):
                return Fraction(number)
            case Scalar(value=float() as number):
                return Fraction(repr(number))
            case Atom(type="decimal:Decimal", text=text) if len(text) <= _LARGEST:
                decimal = Decimal(text)
                return Fraction(decimal) if decimal.is_finite() and abs(decimal.adjusted()) <= _LARGEST else None
            case Atom(type="fractions:Fraction", text=text) if len(text) <= _LARGEST:
                return Fraction(text)
            case _:
                return None
    except (ValueError, ZeroDivisionError, InvalidOperation):  # inf and nan, or a text that no such value has
        return None


def _text(value: Value) -> str | None:
    try:
        match value:
            case Scalar(value=str() as text) | Atom(text=text) | Named(name=text):
                return text
            case Scalar(value=bytes() as data):
                return data.decode("latin-1")
            case Scalar(value=plain):
                return repr(plain)
            case _:
                return None
    except ValueError:  # an int of more digits than Python writes
        return None


def plain(value: Value, resolve: Resolve, depth: int = _DEEPEST) -> Any:  # noqa: PLR0911  (one per case)
    """Return a snapshot as a comparator gets it.

    Scalars and containers are what they were; an object is a namespace of its fields, with its content as `content_`; what has one
    canonical text (Decimal, datetime, UUID, enum members) is that text; what was not recorded in full is None.
    """

    def inner(part: Value) -> Any:
        return plain(part, resolve, depth - 1)

    match resolve(value) if depth else None:
        case Scalar(value=scalar):
            return scalar
        case Sequence(type="bytearray", items=(Scalar(value=bytes() as data),)):
            return bytearray(data)
        case Sequence(type=kind, items=items):
            made = [inner(item) for item in items]
            return made if kind == "list" else tuple(made) if kind == "tuple" else _set(made)
        case Mapping(items=pairs):
            return {_hashable(inner(key)): inner(item) for key, item in pairs}
        case Object(fields=fields, payload=payload):
            content = {} if payload is None else {"content_": inner(payload)}
            return SimpleNamespace(**{name: inner(item) for name, item in fields}, **content)
        case Atom(text=text) | Named(name=text):
            return text
        case Opaque() | Redacted() | Truncated():
            return None
        case _:
            return None


def _set(items: list[Any]) -> Any:
    return set(map(_hashable, items))


def _hashable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value
