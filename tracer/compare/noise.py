"""Rules applied to differences, each counting what it hid; and learning them from differences between runs of the same code."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from tracer.compare.delta import Difference
from tracer.compare.lenience import Lenience, covers, equal_under, is_at, is_lenient
from tracer.compare.parts import type_name
from tracer.compare.result import Kind
from tracer.rules import (
    CONFIRMED,
    CONFIRMED_PRESENCE,
    LEARNED,
    LEARNED_PRESENCE,
    Action,
    Rule,
    glob_matches,
    is_pattern,
    matches,
)
from tracer.values import Key, ValuePath

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.compare.kinds import CallChange
    from tracer.compare.lenience import Comparators

    Steps: TypeAlias = tuple[str | int | Key, ...]
    _Paths: TypeAlias = dict[ValuePath, set[Difference]]

_ALWAYS_TOLD: Final = frozenset(
    {Kind.RETURNED_TYPE, Kind.RAISED, Kind.EXCEPTION_TYPE, Kind.CALLABLE_MISSING, Kind.SIGNATURE}
)
_KEYS: Final = (Difference.KEY_ADDED, Difference.KEY_REMOVED)
_PARTS: Final = (*_KEYS, Difference.ITEM_ADDED, Difference.ITEM_REMOVED)
_PRESENCE: Final = frozenset({LEARNED_PRESENCE, CONFIRMED_PRESENCE})
_ONE_CHANNEL: Final = (
    frozenset({Kind.CALL_ADDED.value, Kind.CALL_REMOVED.value}),
    frozenset({Kind.ARGUMENT_PASSED.value, Kind.ARGUMENT_AFTER.value, Kind.STATE.value}),
)
"""Kinds that are two sides of one thing: by chance it is the one or the other that shows."""
_WITHOUT_VALUE: Final = frozenset(
    {
        Kind.RAISED,
        Kind.NO_LONGER_RAISED,
        Kind.CALL_ADDED,
        Kind.CALL_REMOVED,
        Kind.CALL_MOVED,
        Kind.CALLABLE_MISSING,
        Kind.SIGNATURE,
    }
)
_NUMBERED: Final = re.compile(r"\[\d|^/")
"""Paths that may tell one position of a list from another."""
CALL: Final = ValuePath(("call",))
"""Where a call stands that came, went or moved as a whole."""
_MOST_KNOWN: Final = 50_000
_MOST_PATHS: Final = (
    64  # of one callable and kind: beyond, a rule for what they have in common hides what did not differ, too
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A difference as rules see it: where it is, and of what sort."""

    callable: str
    kind: Kind
    path: ValuePath
    difference: Difference = Difference.VALUE

    @property
    def general(self) -> Subject:
        """The same at any position of a list."""
        return replace(self, path=self.path.general)


def holds_at(rule: Rule, subject: Subject) -> bool:
    """Whether a difference is at a place of a rule, and one that such a rule may hide.

    `*` and `?` are wildcards everywhere; a path also covers what lies below it. A learned rule never hides another type or shape,
    a new exception or a changed signature: a rule someone wrote may. It hides a lost key only at the very place where keys were
    seen to come and go.
    """
    if rule.learned and _protected(subject) and not _came_and_went(rule, subject):
        return False
    return matches(rule.callable, subject.callable) and _is_kind(rule, subject.kind) and covers(rule, subject.path)


def _is_kind(rule: Rule, kind: Kind) -> bool:
    if glob_matches(rule.kind, kind.value):
        return True
    return rule.learned and any(rule.kind in kinds and kind.value in kinds for kinds in _ONE_CHANNEL)


def _protected(subject: Subject) -> bool:
    return subject.kind in _ALWAYS_TOLD or subject.difference in (Difference.TYPE, Difference.KEY_REMOVED)


def _came_and_went(rule: Rule, subject: Subject) -> bool:
    return (
        rule.source in _PRESENCE
        and subject.difference is Difference.KEY_REMOVED
        and subject.kind not in _ALWAYS_TOLD
        and is_at(rule, subject.path)
    )


class Filter:
    """Rules applied to many differences, and how many each one hid. `seen` takes in, in general form, those that none did."""

    def __init__(
        self, rules: Iterable[Rule], *, comparators: Comparators | None = None, seen: set[Subject] | None = None
    ) -> None:
        self._rules = tuple(dict.fromkeys(rules))
        self._comparators = comparators or {}
        self._seen = seen
        self._numbers = {rule: number for number, rule in enumerate(self._rules)}
        self._by_number = any(_NUMBERED.search(rule.path) for rule in self._rules)
        self._of = _ByCallable(self._rules)
        self._known: dict[tuple[object, ...], tuple[Rule, ...]] = {}
        self._hidden: Counter[Rule] = Counter()
        self._concerned: set[str] = set()

    def hides(self, subject: Subject, change: CallChange | None = None) -> bool:
        """Whether a rule covers a difference; counts it for the first one that does. `change` is what differs, if values do."""
        rule = self.hiding(subject, change)
        self.count(rule, subject)
        return rule is not None

    def hiding(self, subject: Subject, change: CallChange | None) -> int | None:
        """Return the number of the first rule that covers a difference, None where none does. Nothing is counted."""
        return next((self._numbers[rule] for rule in self._at(subject) if _decides(rule, subject, change)), None)

    def count(self, rule: int | None, subject: Subject) -> None:
        """Count a difference for the rule that hid it, by its number, or take it in as one that none did."""
        if rule is None:
            self._note(subject)
        else:
            self._hidden[self._rules[rule]] += 1
            self._concerned.add(subject.callable)

    def concerns(self, callable_: str) -> bool:
        """Whether a rule hid a difference of a callable so far, or says how its values are compared."""
        return callable_ in self._concerned or any(map(is_lenient, self._of.of(callable_)))

    def lets_go(self, callable_: str) -> bool:
        """Whether a callable may not be called at all any more, and not only less often: a rule someone wrote says so, or runs did."""
        subject = Subject(callable_, Kind.CALL_REMOVED, CALL, Difference.KEY_REMOVED)
        if any(_decides(rule, subject, None) for rule in self._at(subject)):
            return True
        self._note(subject)
        return False

    @property
    def learning(self) -> bool:
        """Whether differences are taken in to learn rules from them."""
        return self._seen is not None

    def _note(self, subject: Subject) -> None:
        if self._seen is not None and len(self._seen) < _MOST_KNOWN:
            self._seen.add(subject.general)

    def lenience(self, callable_: str) -> Lenience | None:
        """Return what a comparison of a callable's values has to know; None where no rule concerns it.

        It is made anew each time, since there is a limit to what each may ask.
        """
        rules = tuple(rule for rule in self._of.of(callable_) if is_lenient(rule))
        return Lenience(rules, self._comparators) if rules else None

    @property
    def hidden(self) -> tuple[tuple[str, int], ...]:
        """Return how many differences each rule hid, in the order of the rules."""
        return tuple((str(rule), self._hidden[rule]) for rule in self._rules if self._hidden[rule])

    def _at(self, subject: Subject) -> tuple[Rule, ...]:
        if not self._rules:
            return ()
        path = subject.path if self._by_number else subject.path.general
        key = (subject.callable, subject.kind, path, subject.difference)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[key] = tuple(rule for rule in self._of.of(subject.callable) if holds_at(rule, subject))
        return found


class _ByCallable:
    """Rules by the callable they hold for: most name one, and are found without asking each."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._named: defaultdict[str, list[tuple[int, Rule]]] = defaultdict(list)
        self._patterns: list[tuple[int, Rule]] = []
        self._known: dict[str, tuple[Rule, ...]] = {}
        for number, rule in enumerate(rules):
            (self._patterns if is_pattern(rule.callable) else self._named[rule.callable]).append((number, rule))

    def of(self, callable_: str) -> tuple[Rule, ...]:
        """Return the rules for a callable, in their order."""
        found = self._known.get(callable_)
        if found is None:
            numbered = [each for each in self._patterns if matches(each[1].callable, callable_)]
            numbered += self._named.get(callable_, [])
            found = self._known[callable_] = tuple(rule for _, rule in sorted(numbered, key=lambda each: each[0]))
        return found


def _decides(rule: Rule, subject: Subject, change: CallChange | None) -> bool:
    """Whether a rule that holds at the place of a difference hides it, by what differs there."""
    if rule.type != "*" and not _of_type(rule.type, change):
        return False
    match rule.action:
        case Action.IGNORE:
            return True
        case Action.TOLERANCE | Action.REGEX:
            return change is not None and equal_under(rule, change.before, change.after)
        case Action.UNORDERED:
            return subject.difference is Difference.ORDER and is_at(rule, subject.path)
        case Action.PRESENCE:
            there = subject.difference in _PARTS and is_at(rule, subject.path)
            return subject.kind not in _WITHOUT_VALUE and not there
        case Action.COMPARE:
            return subject.difference is Difference.EQUIVALENT and is_at(rule, subject.path)


def _of_type(pattern: str, change: CallChange | None) -> bool:
    """Whether both values of a change are of a type, or it lies in an object of that type."""
    if change is None:
        return False
    values = [type_name(value) for value in (change.before, change.after) if value is not None]
    return any(matches(pattern, type_) for type_ in change.inside) or (
        bool(values) and all(matches(pattern, type_) for type_ in values)
    )


# -- learning ------------------------------------------------------------------------------------------------------------------


def learn(seen: Iterable[Subject], *, confirming: bool = False) -> tuple[Rule, ...]:
    """Return rules for differences between runs of the same code, sorted; `confirming` says that they hold for one comparison only.

    What no learned rule may hide gives none: a run that now and then returns another type stays visible.
    """
    places: defaultdict[tuple[str, Kind], _Paths] = defaultdict(dict)
    for subject in seen:
        if _can_be_learned(subject):
            paths = places[subject.callable, _one_kind(subject.kind)]
            paths.setdefault(subject.path.general, set()).add(subject.difference)
    plain, presence = (CONFIRMED, CONFIRMED_PRESENCE) if confirming else (LEARNED, LEARNED_PRESENCE)
    rules = {
        Rule(callable_, kind.value, str(path) or "*", plain if found.isdisjoint(_KEYS) else presence)
        for (callable_, kind), paths in places.items()
        for path, found in _folded(_any_key(paths)).items()
    }
    return tuple(sorted(rules, key=lambda rule: (rule.callable, rule.kind, rule.path, rule.source)))


def told_all_the_same(seen: Iterable[Subject]) -> tuple[str, ...]:
    """Return the callables that differ by chance in ways no learned rule may hide, sorted.

    What raised in the first run only may raise anew in any other.
    """
    told = (each for each in seen if each.kind is Kind.NO_LONGER_RAISED or not _can_be_learned(each))
    return tuple(sorted({subject.callable for subject in told}))


def _can_be_learned(subject: Subject) -> bool:
    return subject.kind not in _ALWAYS_TOLD and subject.difference is not Difference.TYPE


def _one_kind(kind: Kind) -> Kind:
    """Return the kind that stands for a call that came or went."""
    return Kind.CALL_ADDED if kind is Kind.CALL_REMOVED else kind


def _any_key(paths: _Paths) -> _Paths:
    """Where a mapping lost keys and got others for them, any key may go: those of the next run are others again."""
    lost = {_mapping(path) for path, found in paths.items() if Difference.KEY_REMOVED in found}
    got = {_mapping(path) for path, found in paths.items() if Difference.KEY_ADDED in found}
    made: _Paths = {}
    for path, found in paths.items():
        parent = _mapping(path)
        any_ = parent is not None and parent in lost & got and not found.isdisjoint(_KEYS)
        made.setdefault(parent.child(Key("*")) if parent and any_ else path, set()).update(found)
    return made


def _mapping(path: ValuePath) -> ValuePath | None:
    """Return the path of the mapping whose key a path ends with; None where it ends with a field."""
    return ValuePath(path.steps[:-1]) if path.steps and isinstance(path.steps[-1], Key) else None


def _folded(paths: _Paths) -> _Paths:
    """Return one path above all values that differ, where there are too many to read."""
    if len(paths) <= _MOST_PATHS:
        return paths
    first, *others = (path.steps for path in paths)
    length = min(_common(first, other) for other in others)
    keys = {path: found for path, found in paths.items() if not found.isdisjoint(_KEYS)}
    return {ValuePath(first[:length]): {Difference.VALUE}, **keys}


def _common(one: Steps, other: Steps) -> int:
    """Return how many steps two paths have in common at their heads."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
