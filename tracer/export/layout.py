"""Expressions of Python laid out as formatters lay them out: on one line where it fits, else one item to a line.

A broken bracket ends in a comma, by which ruff and black keep it broken whatever line length they are set to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

WIDTH: Final = 88
INDENT: Final = "    "


@dataclass(frozen=True, slots=True)
class Leaf:
    """Text that is never broken."""

    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """What stands in a bracket, with what is written before it: `name=`, `"key": `, `*`."""

    value: Expression
    before: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A bracket and what stands in it. `start` holds all up to the opening bracket, that included: `{`, `shop.Cart(`."""

    start: str
    items: tuple[Item, ...]
    end: str


Expression: TypeAlias = Leaf | Group


def call(name: str, *arguments: Item | Expression) -> Group:
    """Return the call of a name."""
    return Group(f"{name}(", tuple(each if isinstance(each, Item) else Item(each) for each in arguments), ")")


def flat(expression: Expression) -> str:
    """Return an expression on one line."""
    if isinstance(expression, Leaf):
        return expression.text
    inside = ", ".join(item.before + flat(item.value) for item in expression.items)
    return f"{expression.start}{inside}{',' if _is_lone(expression) else ''}{expression.end}"


def lay_out(expression: Expression, indent: str = "", taken: int = 0) -> str:
    """Return an expression over as many lines as it needs; `taken` is what else stands on its first line."""
    line = flat(expression)
    if isinstance(expression, Leaf) or not expression.items or len(indent) + taken + len(line) <= WIDTH:
        return line
    deeper = indent + INDENT
    inside = "".join(
        f"{deeper}{item.before}{lay_out(item.value, deeper, len(item.before) + 1)},\n" for item in expression.items
    )
    return f"{expression.start}\n{inside}{indent}{expression.end}"


def _is_lone(group: Group) -> bool:
    """Say whether it is a tuple of one, which its comma makes a tuple."""
    return group.start == "(" and len(group.items) == 1
