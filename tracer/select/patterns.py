"""What a user writes to choose: boundary prefixes, and patterns of callables with `*`.

A boundary is a dotted prefix: `shop.pricing` covers that module and everything below it. A pattern is `MODULES` or
`MODULES:QUALNAMES`; in both halves `*` stands for any characters, and a name covers what lies below it, so `shop.cart` covers
`shop.cart.items:total`, and `shop.cart:Cart` covers `shop.cart:Cart.add`. `shop.*` covers what is below `shop`, not itself.

Used in the traced process: no regular expressions, nothing to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.errors import SelectionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def parse_boundary(text: str) -> str:
    """Return a boundary prefix as it was given.

    Raises:
        SelectionError: it is not a dotted name; the remedy says how to write it where that can be guessed.
    """
    if not _is_dotted_name(text):
        raise SelectionError(f"use boundary {text!r}", "it is not a dotted module name", _boundary_remedy(text))
    return text


def parse_pattern(text: str) -> str:
    """Return a pattern as it was given.

    Raises:
        SelectionError: it has an empty part, more than one colon, or something that no callable's name can have.
    """
    halves = text.split(":")
    if len(halves) > 2 or not all(_is_glob(half) for half in halves):  # noqa: PLR2004  (a module half and a name half)
        raise SelectionError(
            f"use pattern {text!r}",
            "it is not of the form MODULES or MODULES:NAMES",
            "Write for example shop.cart, shop.*, shop.cart:Cart.add or *:*.__repr__.",
        )
    return text


def covers(prefix: str, module: str) -> bool:
    """Whether a dotted prefix covers a module: it is the same, or the module lies below."""
    return module == prefix or module.startswith(prefix + ".")


def longest_cover(prefixes: Iterable[str], module: str) -> str | None:
    """Return the longest of the prefixes that covers the module, None where none does."""
    return max((prefix for prefix in prefixes if covers(prefix, module)), key=len, default=None)


def compile_patterns(include: Iterable[str], exclude: Iterable[str]) -> Callable[[str], bool]:
    """Return a predicate over callable names (`module:qualname`), which remembers its answers.

    A name is wanted where an `include` pattern covers it (or there are none) and no `exclude` pattern does.
    """
    included = tuple(parse_pattern(text) for text in include)
    excluded = tuple(parse_pattern(text) for text in exclude)
    answers: dict[str, bool] = {}

    def wanted(name: str) -> bool:
        answer = answers.get(name)
        if answer is None:
            answer = (not included or _any_matches(included, name)) and not _any_matches(excluded, name)
            answers[name] = answer
        return answer

    return wanted


def _any_matches(patterns: tuple[str, ...], name: str) -> bool:
    return any(_matches(pattern, name) for pattern in patterns)


def _matches(pattern: str, name: str) -> bool:
    modules, _, names = pattern.partition(":")
    module, _, qualname = name.partition(":")
    return _glob_covers(modules, module) and (not names or _glob_covers(names, qualname))


def _glob_covers(glob: str, text: str) -> bool:
    return _glob_equals(glob, text) or _glob_equals(glob + ".*", text)


def _glob_equals(glob: str, text: str) -> bool:
    """Whether the glob spells the text; each middle piece is taken where it first fits, so the time is linear in the stars."""
    head, *pieces = glob.split("*")
    if not pieces:
        return glob == text
    *middle, tail = pieces
    if not text.startswith(head) or len(text) < len(head) + len(tail) or not text.endswith(tail):
        return False
    start, end = len(head), len(text) - len(tail)
    for piece in middle:
        found = text.find(piece, start, end)
        if found < 0:
            return False
        start = found + len(piece)
    return True


def _is_dotted_name(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _is_glob(half: str) -> bool:
    parts = half.replace("<locals>", "x").replace("<lambda>", "x").split(".")
    return all(part and part.replace("*", "x").isidentifier() for part in parts)


def _boundary_remedy(text: str) -> str:
    guess = text.removesuffix(".py").replace("/", ".").replace(":", ".").strip(".").removesuffix(".*")
    if _is_dotted_name(guess):
        return f"Write it as {guess}; everything below is covered."
    return "Write the module or package as it is imported, for example shop.pricing."
