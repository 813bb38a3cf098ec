"""Rules as tables: those of a TOML file, and the TOML text of a cassette's rules for people to read and edit."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from tracer.errors import ConfigError
from tracer.rules import KINDS, USER, Rule
from tracer.suggest import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PLACES: Final = ("callable", "kind", "path", "type")
ACTIONS: Final = ("absolute", "relative", "regex", "unordered", "presence", "compare")
TABLES: Final = "rules"
"""The name of the array of tables in a file of rules."""


def rule_from_table(table: Any, keys: tuple[str, ...]) -> Rule:
    """Return the rule that a table of a TOML file says; `keys` are those it may have.

    Raises:
        ConfigError: the table is none, is empty, has another key, or a value cannot be used.
    """
    if not isinstance(table, dict) or not table:
        remedy = f"Valid: a table with one or more of {', '.join(keys[:-1])} and {keys[-1]}."
        raise ConfigError(f"use {_clipped(table)} as a rule for differences", "it says nothing", remedy)
    for key in table:
        if key not in keys:
            remedy = f"{suggestion(key, keys)}Valid keys: {', '.join(keys)}."
            raise ConfigError("use a rule for differences", f"there is no key {key!r}", remedy)
    if isinstance(kind := table.get("kind"), str) and kind not in KINDS and (hint := suggestion(kind, KINDS)):
        raise ConfigError(
            "use a rule for differences", f"there is no kind {kind!r}", f"{hint}Valid: '*', {', '.join(KINDS)}."
        )
    return Rule(**table)


def _clipped(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "\N{HORIZONTAL ELLIPSIS}"  # noqa: PLR2004  (one line of a terminal)


def rules_text(rules: Iterable[Rule], heading: str) -> str:
    """Return rules as a TOML file, which `rules_from_tables` takes back as they were."""
    lines = [f"# {line}" for line in heading.splitlines()]
    for rule in rules:
        lines += ["", f"[[{TABLES}]]", *_lines(rule)]
    return "\n".join(lines) + "\n"


def rules_from_tables(content: dict[str, Any]) -> tuple[Rule, ...]:
    """Return the rules of a file as it was read. What has no `source` its user wrote.

    Raises:
        ConfigError: something in it is no rule that a cassette may hold.
    """
    for key in content:
        if key != TABLES:
            raise ConfigError(
                "use the file of rules", f"there is no key {key!r}", f"Write each rule under [[{TABLES}]]."
            )
    tables = content.get(TABLES, [])
    if not isinstance(tables, list):
        raise ConfigError(
            "use the file of rules", f"{TABLES!r} is no list of tables", f"Write each under [[{TABLES}]]."
        )
    keys = (*PLACES, *(action for action in ACTIONS if action != "compare"), "source")
    return tuple(dict.fromkeys(rule_from_table(table, keys) for table in tables))


def _lines(rule: Rule) -> Iterator[str]:
    for field in fields(rule):
        value = getattr(rule, field.name)
        shown = field.name in {"callable", "kind", "path"} or (field.name == "source" and value != USER)
        if shown or value != field.default:
            yield f"{field.name} = {_toml(value)}"


def _toml(value: str | float | bool) -> str:
    if isinstance(value, str):
        return "".join(_safe(char) for char in json.dumps(value, ensure_ascii=False))
    return json.dumps(value)


def _safe(char: str) -> str:
    """Return a character of a TOML text so that no terminal or editor obeys it. Half a surrogate pair becomes any character."""
    if char.isprintable():
        return char
    code = ord(char)
    return "?" if 0xD800 <= code <= 0xDFFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004  (planes of Unicode)
