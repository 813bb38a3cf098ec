"""A rule about differences: at which places it holds, and what it makes of them. Settings, cassettes and the Python API share it.

A rule never makes a difference; it says of one that is there that it does not count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from math import isfinite
from typing import Final

from tracer.errors import ConfigError
from tracer.regex import Unsupported, compile_expression

ROOTS_OF: Final = {
    "returned-value": ("return",),
    "returned-type": ("return",),
    "raised": ("raised",),
    "no-longer-raised": ("raised",),
    "exception-type": ("raised",),
    "exception-message": ("raised",),
    "argument-passed": ("argument", "sent", "thrown"),
    "argument-after": ("after",),
    "yielded": ("yielded",),
    "call-added": ("call",),
    "call-removed": ("call",),
    "call-moved": ("call",),
    "callable-missing": ("callable",),
    "signature": ("signature",),
    "state": ("argument", "after", "sent", "thrown"),
}
"""What the paths of each kind of change begin with."""
KINDS: Final = tuple(ROOTS_OF)

USER: Final = "user"
LEARNED: Final = "learned"
LEARNED_PRESENCE: Final = "learned presence"
CONFIRMED: Final = "seen between two runs of the new side"
CONFIRMED_PRESENCE: Final = "presence seen between two runs of the new side"
SOURCES: Final = (USER, LEARNED, LEARNED_PRESENCE, CONFIRMED, CONFIRMED_PRESENCE)

_ACTION: Final = "rule for differences"
_COMPARATOR: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*[.:][^\W\d]\w*(\.[^\W\d]\w*)*")
_PATH: Final = re.compile(r"(?s)[^.\[\]]+(\.[^.\[\]]+)*(\[.+\](\.[^.\[\]]+)*)?")
"""Names after dots, and between brackets anything: keys may hold brackets of their own."""


class Action(Enum):
    """What a rule makes of a difference at its places."""

    IGNORE = "ignore"
    TOLERANCE = "tolerance"
    REGEX = "regex"
    UNORDERED = "unordered"
    PRESENCE = "presence"
    COMPARE = "compare"


@dataclass(frozen=True, slots=True)
class Rule:
    """Which differences do not count.

    Where it holds: each of these may be a glob of `*` and `?`, or a regular expression between slashes.

    callable: `module:qualname`, as in `shop.tax:vat` or `shop.*`.
    kind: a kind of change, `returned-value`; no regular expression.
    path: where in a call, as reports write it: `return.items[*].id`. What lies below counts as well, but for `unordered` and `compare`.
    type: the type of the values, or of an object they lie in: `datetime:datetime`, `shop.cart:Line`, `float`.

    What it makes of a difference there, at most one; with none the difference is ignored:

    absolute, relative: two numbers are equal that are no further apart (`relative` is a share of the larger one).
    regex: two texts are equal that both match as a whole (in the syntax of `re`).
    unordered: two lists are equal that hold the same items in any order.
    presence: only whether there is a value counts, not which.
    compare: `module:function`, called with both values where the user's own process compares.

    source: who made the rule. Only what `"user"` wrote may hide another type, a new exception or a changed signature.

    Raises:
        ConfigError: a part cannot be used.
    """

    callable: str = "*"
    kind: str = "*"
    path: str = "*"
    source: str = USER
    type: str = "*"
    absolute: float | None = None
    relative: float | None = None
    regex: str | None = None
    unordered: bool | None = None
    presence: bool | None = None
    compare: str | None = None

    def __post_init__(self) -> None:
        for name in ("callable", "kind", "path", "type"):
            _check_place(name, getattr(self, name), learned=self.learned)
        _check_kind(self.kind)
        if not (self.learned or is_expression(self.path)):  # what was learned is the path of a difference as it was
            _check_path(self.path, self.kind)
        _check_actions(self)
        if self.source not in SOURCES:
            raise _refused("source", self.source, f"Valid: {', '.join(map(repr, SOURCES))}.")

    @property
    def action(self) -> Action:
        """What the rule makes of a difference."""
        if self.absolute is not None or self.relative is not None:
            return Action.TOLERANCE
        chosen = (action for action in Action if getattr(self, action.value, None) is not None)
        return next(chosen, Action.IGNORE)

    @property
    def learned(self) -> bool:
        """Whether runs of the same code gave the rule, and nobody wrote it."""
        return self.source != USER

    def __str__(self) -> str:
        """Return the rule as one line."""
        more = [f"of type {self.type}"] if self.type != "*" else []
        match self.action:
            case Action.TOLERANCE:
                bounds = {"absolute": self.absolute, "relative": self.relative}
                more += [f"{name} {bound!r}" for name, bound in bounds.items() if bound is not None]
            case Action.REGEX | Action.COMPARE as action:
                more.append(f"{action.value} {getattr(self, action.value)}")
            case Action.UNORDERED | Action.PRESENCE as action:
                more.append(action.value)
            case Action.IGNORE:
                pass
        return " ".join((self.callable, self.kind, self.path, *more, f"({self.source})"))


def _refused(part: str, value: object, remedy: str, *, cause: str = "") -> ConfigError:
    return ConfigError(f"use {part!r} of a {_ACTION}", cause or f"it is {value!r}", remedy)


def _check_place(name: str, value: object, *, learned: bool) -> None:
    if not isinstance(value, str) or not value:
        raise _refused(name, value, "Valid: a non-empty text.")
    if is_expression(value) and learned:
        raise _refused(name, value, "Only rules that someone wrote have expressions: leave out its source.")
    if is_expression(value):
        _compiled(name, value[1:-1])


def _check_kind(kind: str) -> None:
    if not any(glob_matches(kind, known) for known in KINDS):
        raise _refused("kind", kind, f"Valid: '*', {', '.join(map(repr, KINDS))}.")


def _check_path(path: str, kind: str) -> None:
    """Refuse a path that no difference can have."""
    if not _PATH.fullmatch(path):
        raise _refused(
            "path", path, "A path has names after dots and keys or positions in brackets: return.items[*].id"
        )
    kinds = [known for known in KINDS if glob_matches(kind, known)]
    roots = dict.fromkeys(root for known in kinds for root in ROOTS_OF[known])
    head = re.split(r"[.\[]", path, maxsplit=1)[0]
    if not any(
        glob_matches(head, root) or ("*" in head and glob_matches(head.partition("*")[0] + "*", root)) for root in roots
    ):
        about = "" if kind == "*" else f" of kind {kind!r}"
        raise _refused("path", path, f"The paths of a difference{about} begin with: {', '.join(roots)}.")


def _check_actions(rule: Rule) -> None:
    for name in ("absolute", "relative"):
        _check_bound(name, getattr(rule, name))
    for name in ("unordered", "presence"):
        if getattr(rule, name) not in (None, True):
            raise _refused(name, getattr(rule, name), "Valid: true. Leave it out where it is not meant.")
    expression: object = rule.regex
    if expression is not None:
        if rule.learned:
            raise _refused("regex", expression, "Only rules that someone wrote have expressions: leave out its source.")
        if not isinstance(expression, str) or not expression:
            raise _refused("regex", expression, "Valid: a regular expression.")
        _compiled("regex", expression)
    function: object = rule.compare
    if function is not None and not (isinstance(function, str) and _COMPARATOR.fullmatch(function)):
        raise _refused("compare", function, "Valid: a function by name, as in 'tests.comparators:same_money'.")
    tolerance = rule.absolute is not None or rule.relative is not None
    chosen = [name for name in ("regex", "unordered", "presence", "compare") if getattr(rule, name) is not None]
    if len(chosen) + tolerance > 1:
        names = [*(["absolute, relative"] if tolerance else []), *chosen]
        raise ConfigError(f"use a {_ACTION}", f"it has {' and '.join(names)}", "Make one rule for each.")


def _check_bound(name: str, bound: object) -> None:
    if bound is None:
        return
    if isinstance(bound, bool) or not isinstance(bound, int | float) or not isfinite(bound) or bound <= 0:
        raise _refused(name, bound, "Valid: a number above 0.")


def _compiled(name: str, expression: str) -> None:
    try:
        compile_expression(expression)
    except Unsupported as error:
        remedy = "The syntax is that of Python's re."
        raise _refused(name, expression, remedy, cause=f"{expression!r} is no expression: {error}") from None


# -- matching places -----------------------------------------------------------------------------------------------------------


def is_pattern(text: str) -> bool:
    """Whether a text of a rule may match others than itself."""
    return "*" in text or "?" in text or is_expression(text)


def is_expression(pattern: str) -> bool:
    """Whether a pattern is a regular expression, written between slashes."""
    return len(pattern) > 2 and pattern[0] == pattern[-1] == "/"  # noqa: PLR2004  (both slashes and something between)


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern of a rule, a glob or an expression between slashes, matches a text as a whole."""
    return compile_expression(pattern[1:-1]).matches(text) if is_expression(pattern) else glob_matches(pattern, text)


def covers_path(pattern: str, path: str) -> bool:
    """Whether a pattern matches a path, or one that it lies below."""
    if matches(pattern, path):
        return True
    if is_expression(pattern):
        return any(matches(pattern, path[:at]) for at, char in enumerate(path) if char in ".[")
    return glob_matches(pattern + ".*", path) or glob_matches(pattern + "[*", path)


def glob_matches(glob: str, text: str) -> bool:
    """Whether a glob of `*` and `?` matches a text as a whole; brackets, of which paths are full, stand for themselves.

    The first place where a part between two stars fits is as good as any later one, so nothing is tried twice.
    """
    if "*" not in glob and "?" not in glob:
        return glob == text
    first, *parts = glob.split("*")
    if not parts:
        return _part(first).fullmatch(text) is not None
    *middle, last = parts
    start = _part(first).match(text)
    at = start.end() if start else -1
    for part in middle:
        found = _part(part).search(text, at) if at >= 0 else None
        at = found.end() if found else -1
    return 0 <= at <= len(text) - len(last) and _part(last).fullmatch(text, len(text) - len(last)) is not None


@lru_cache(maxsize=4096)
def _part(glob: str) -> re.Pattern[str]:
    return re.compile("".join("." if char == "?" else re.escape(char) for char in glob), re.DOTALL)
