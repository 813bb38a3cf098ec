"""Regular expressions against texts that someone else chose. The only home of the package `regex`.

`re` cannot be stopped: `(a|aa)+b` against 40 characters takes it a minute, and twice that with each two more. `regex` takes the same
syntax and a time limit.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from tracer.errors import ComparisonError

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST: Final = 1_000  # characters of an expression
_SECONDS: Final = 2.0  # for one text; what is no runaway takes microseconds


class Unsupported(ValueError):
    """The expression does not compile. Its text says why."""


class Expression:
    """A compiled expression. Get one by `compile_expression`, which keeps those it made."""

    def __init__(self, pattern: str) -> None:
        import regex  # noqa: PLC0415  (20 ms that only those pay who have expressions)

        if len(pattern) > _LONGEST:
            raise Unsupported(f"it has more than {_LONGEST:,} characters")
        try:
            self._compiled: Any = regex.compile(pattern, cache_pattern=False)
        except (regex.error, OverflowError, RecursionError, ValueError) as error:
            raise Unsupported(f"it does not compile: {error}") from error

    def matches(self, text: str) -> bool:
        """Whether the whole text matches.

        Raises:
            ComparisonError: finding out takes too long.
        """
        try:
            return self._compiled.fullmatch(text, timeout=_SECONDS) is not None
        except TimeoutError as error:
            raise ComparisonError(
                f"match the expression {self._compiled.pattern!r} of a rule",
                f"it did not end within {_SECONDS:.0f} seconds on a text of {len(text):,} characters",
                "Repeats inside repeats are what takes so long: write it without.",
            ) from error

    def ends_soon(self, texts: Iterable[str]) -> bool:
        """Whether finding the expression in each of these texts, with something behind it that it cannot match, takes no long time."""
        try:
            for text in texts:
                self._compiled.sub("", f"{text}\x00", timeout=_SOON)
        except TimeoutError:
            return False
        return True


_TRIALS: Final = tuple(
    text * 2_000 for text in ("a", "A", "0", " ", "-", "a0", "aA0 ", "/a", "a.", "a,", "=", "xy", "\\", '"', "(")
)
_SOON: Final = 0.2


def ends_soon(pattern: str) -> bool:
    """Whether finding an expression does not take long in texts that are made to make it long, runs of few characters.

    It is a trial and no proof: one who wants to can write an expression that passes it.

    Raises:
        Unsupported: it does not compile.
    """
    return compile_expression(pattern).ends_soon(_TRIALS)


@lru_cache(maxsize=2048)
def compile_expression(pattern: str) -> Expression:
    """Compile an expression in the syntax of `re`.

    Raises:
        Unsupported: it does not compile.
    """
    return Expression(pattern)
