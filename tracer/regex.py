"""Regular expressions in time linear in the text, whatever the expression: for texts that someone else chose.

`re` backtracks: `(a+)+$` against 26 characters takes it half a minute, and twice that with each character more. Here an expression is
parsed by `re`, made into a nondeterministic automaton, and all its states go along the text together (Thompson 1968); what was found
out about a set of states is remembered, so that most characters cost one look into a dictionary. Only whether the whole text matches
is asked, which needs no groups. What cannot be had in bounded time (back references, look-around) is refused when compiling.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Final, NamedTuple, TypeAlias

_HOME = "re._{}" if sys.version_info >= (3, 11) else "sre_{}"  # no other way leads to the parsed form of an expression
_parser: Any = import_module(_HOME.format("parser" if sys.version_info >= (3, 11) else "parse"))
_compiler: Any = import_module(_HOME.format("compiler" if sys.version_info >= (3, 11) else "compile"))

_LONGEST: Final = 1_000  # characters of an expression
_MOST_STATES: Final = 2_000  # after its counted repeats are written out
_MOST_SETS: Final = 1_000  # of states, that are remembered
_MOST_VISITS: Final = 1_000_000  # of states, by one text: about a second where nothing can be remembered
_START, _END, _LAST_NEWLINE = "", "end", "last newline"  # stand where a character would; no character has their length

_REFUSED: Final = {
    "GROUPREF": "back references",
    "GROUPREF_EXISTS": "conditional groups",
    "ASSERT": "look-around",
    "ASSERT_NOT": "look-around",
    "ATOMIC_GROUP": "atomic groups",
    "POSSESSIVE_REPEAT": "possessive repeats",
}


class Unsupported(ValueError):
    """The expression does not compile, or needs what cannot be had in bounded time. Its text says which."""


@dataclass(frozen=True, slots=True)
class _One:
    """One character that `accepts` matches, then on to state `then`."""

    accepts: re.Pattern[str]
    then: int


@dataclass(frozen=True, slots=True)
class _Fork:
    """On to each of these states without a character."""

    ways: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """On to state `then` where the place between two characters is the one called `name`."""

    name: str
    flags: int
    then: int


class _Set(NamedTuple):
    """States that a text may be in, the kind of the character before, and how many states were looked at to get here."""

    states: frozenset[int]
    before: str
    cost: int = 0


_State: TypeAlias = "_One | _Fork | _Place | None"  # None: the text matches if it ends here


class Expression:
    """A compiled expression. Get one by `compile_expression`, which keeps those it made."""

    def __init__(self, pattern: str) -> None:
        self._states: list[_State] = [None]
        self._ones: dict[tuple[str, int], re.Pattern[str]] = {}
        parsed = _parse(pattern)
        self._first = self._sequence(parsed, parsed.state.flags, 0)
        self._sets: dict[_Set, dict[str, _Set]] = {}

    def matches(self, text: str) -> bool:
        """Whether the whole text matches. One that takes too many steps does not: the same everywhere, as time would not be."""
        at = _Set(frozenset((self._first,)), _START)
        steps = self._steps(at)
        last, visits = len(text) - 1, 0
        for number, char in enumerate(text):
            seen = _LAST_NEWLINE if char == "\n" and number == last else char
            step = steps.get(seen)
            if step is None:
                closed = self._closed(at, seen)
                step = steps[seen] = self._next(closed, seen)
            visits += step.cost
            if not step.states or visits > _MOST_VISITS:
                return False
            at, steps = step, self._steps(step)
        return 0 in self._closed(at, _END)

    # -- walking -------------------------------------------------------------------------------------------------------------

    def _steps(self, at: _Set) -> dict[str, _Set]:
        """Return the steps from a set of states that are known so far, by character."""
        steps = self._sets.get(at)
        if steps is None:
            if len(self._sets) >= _MOST_SETS:
                self._sets.clear()
            steps = self._sets[at] = {}
        return steps

    def _next(self, closed: set[int], seen: str) -> _Set:
        char = "\n" if seen == _LAST_NEWLINE else seen
        ones = [state for number in closed if isinstance(state := self._states[number], _One)]
        accepted = {one.accepts: one.accepts.fullmatch(char) is not None for one in ones}
        return _Set(frozenset(one.then for one in ones if accepted[one.accepts]), _kind(char), len(closed))

    def _closed(self, at: _Set, seen: str) -> set[int]:
        """Return the states that those of a set lead to without a character, before the one seen."""
        found: set[int] = set()
        todo = list(at.states)
        while todo:
            number = todo.pop()
            if number in found:
                continue
            found.add(number)
            match self._states[number]:
                case _Fork(ways):
                    todo.extend(ways)
                case _Place(name, flags, then) if _is_at(name, flags, at.before, seen):
                    todo.append(then)
                case _:
                    pass
        return found

    # -- building: each returns the state that a part begins with, given the one to go on to -------------------------------------

    def _add(self, state: _State) -> int:
        if len(self._states) >= _MOST_STATES:
            raise Unsupported(f"it is too large: written out it has more than {_MOST_STATES:,} parts")
        self._states.append(state)
        return len(self._states) - 1

    def _sequence(self, parts: Any, flags: int, then: int) -> int:
        for part in reversed(list(parts)):
            then = self._part(part, flags, then)
        return then

    def _part(self, part: Any, flags: int, then: int) -> int:
        code, value = part
        name = str(code)
        if name in _REFUSED:
            raise Unsupported(f"it has {_REFUSED[name]}, which cannot be matched in bounded time")
        match name:
            case "BRANCH":
                return self._add(_Fork(tuple(self._sequence(way, flags, then) for way in value[1])))
            case "SUBPATTERN":
                _, added, removed, inner = value
                return self._sequence(inner, (flags | added) & ~removed, then)
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, inner = value
                return self._repeat(least, most, inner, flags, then)
            case "AT":
                return self._add(_Place(str(value), flags, then))
            case _:
                key = (repr(part), flags)
                if key not in self._ones:
                    self._ones[key] = _one_character(part, flags)
                return self._add(_One(self._ones[key], then))

    def _repeat(self, least: int, most: Any, inner: Any, flags: int, then: int) -> int:
        if most is _parser.MAXREPEAT:
            loop = self._add(None)
            self._states[loop] = _Fork((self._sequence(inner, flags, loop), then))
            start = loop
        else:
            start = then
            for _ in range(most - least):
                start = self._add(_Fork((self._sequence(inner, flags, start), then)))
        for _ in range(least):
            before = len(self._states)
            start = self._sequence(inner, flags, start)
            if len(self._states) == before:
                break  # nothing in it: once is as good as any number of times
        return start


@lru_cache(maxsize=256)
def compile_expression(pattern: str) -> Expression:
    """Compile an expression in the syntax of `re`.

    Raises:
        Unsupported: it does not compile, or needs what cannot be had in bounded time.
    """
    try:
        return Expression(pattern)
    except RecursionError as error:
        raise Unsupported("it is nested too deeply") from error


def _parse(pattern: str) -> Any:
    if len(pattern) > _LONGEST:
        raise Unsupported(f"it has more than {_LONGEST:,} characters")
    try:
        re.compile(pattern)
        return _parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise Unsupported(f"it does not compile: {error}") from error


def _one_character(part: Any, flags: int) -> re.Pattern[str]:
    """Return a pattern of `re` for a part that stands for one character: sets, case and categories are its business."""
    state = _parser.State()
    state.flags = flags & ~re.DEBUG
    pattern: re.Pattern[str] = _compiler.compile(_parser.SubPattern(state, [part]), state.flags)
    return pattern


@lru_cache(maxsize=4)
def _word(flags: int) -> re.Pattern[str]:
    return re.compile(r"\w", flags & re.ASCII)


def _kind(char: str) -> str:
    """Return what places have to know of the character before them, as one character of its kind."""
    if char == "\n" or ord(char) > 127:  # noqa: PLR2004  (beyond ASCII, what is a word depends on the flags)
        return char
    return "a" if char.isalnum() or char == "_" else " "


def _is_at(name: str, flags: int, before: str, seen: str) -> bool:
    match name:
        case "AT_BEGINNING" if flags & re.MULTILINE:
            return before in (_START, "\n")
        case "AT_BEGINNING" | "AT_BEGINNING_STRING":
            return before == _START
        case "AT_END":
            return seen in (_END, _LAST_NEWLINE) or bool(flags & re.MULTILINE and seen == "\n")
        case "AT_END_STRING":
            return seen == _END
        case _:
            between = _is_word(before, flags) != _is_word(seen, flags)
            return between == (name == "AT_BOUNDARY")


def _is_word(char: str, flags: int) -> bool:
    return len(char) == 1 and _word(flags).fullmatch(char) is not None
