"""`[tool.tracer]` in pyproject.toml, or tracer.toml, as one frozen, checked `Config`. The only home of tomllib."""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tracer.ambient import AMBIENT_KINDS, CALLERS, CHOICES
from tracer.errors import ConfigError
from tracer.regex import Unsupported, ends_soon
from tracer.rule_tables import ACTIONS, PLACES, rule_from_table
from tracer.rules import KINDS, Rule
from tracer.suggest import suggestion

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

GRANULARITIES = ("module", "package")
MODES = ("none", "once", "new_episodes", "all", "off")
LEVELS = ("value", "shape")
DETAILS = ("sampled", "full")
CALLS_IN_DETAIL = 10_000
SEVERITIES = ("breaking", "changed", "compatible", "internal", "noise")


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, checked. Each field is the TOML key of the same name, except `root` and `source`.

    root: the folder relative settings refer to: that of the file, else where the search began.
    source: the file the settings were read from, None where there is none.
    boundaries: prefixes whose interfaces are watched; empty for the project's own modules.
    include, exclude: patterns of callables, `shop.*` down to `shop.cart:Cart.*`; an empty `include` means all.
    granularity: "module" or "package": what a component is where no boundary is named.
    redact, redact_allow: further names whose values are never stored; names that are harmless though they look like secrets.
    redact_values: regular expressions of what is a secret inside texts.
    redact_with: a function (`module:function`) that is given each text as it is recorded, and returns it without its secrets.
    redact_entropy: whether what looks random inside a text is a secret.
    cassettes: the folder of the cassettes, relative to `root`.
    command: what `tracer diff OLD` runs where nothing here knows which command made OLD, as an argument vector; empty where not set.
    runs: how often `tracer record` records in order to learn noise, at least 1.
    fail_on: the lowest severity that makes the exit code 1.
    ignore: places where no difference counts.
    rules: the user's own rules for differences: what is equal that is not the same.
    detail: how much of values is looked at: "sampled" keeps recording cheap, "full" looks at every crossing, so that calls can be replayed.
    detail_calls: how many calls of a callable are kept in detail in each lane; of those after them sums are kept. 0 keeps all in detail; where it is
        not set, 10,000 are kept, and with full detail all.
    dunders: dunder methods to record that are left out by default.
    timings: whether recording takes the time of each call too, which goes into a file beside the cassette.
    level: what is compared: every "value", or the "shape" alone (types, keys, what may be absent).
    playback_ignore: parameters that do not count when a recorded call is looked for.
    playback_by_order: patterns of callables whose recorded calls are told apart by their order alone.
    playback_allow: prefixes of modules that may be imported to make recorded values live again.
    ambient: what a program reads of its surroundings that is recorded too, of `tracer.ambient.CHOICES`.
    renamed: modules or packages by the name they had in the old cassette, with the name they go by now.
    mode: what happens on a call that the cassette does not hold; the environment variable TRACER_MODE wins over the file.
    """

    root: Path
    source: Path | None = None
    boundaries: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    granularity: str = "module"
    redact: tuple[str, ...] = ()
    redact_allow: tuple[str, ...] = ()
    redact_values: tuple[str, ...] = ()
    redact_with: str = ""
    redact_entropy: bool = False
    cassettes: str = "cassettes"
    command: tuple[str, ...] = ()
    runs: int = 1
    fail_on: str = "changed"
    ignore: tuple[Rule, ...] = ()
    rules: tuple[Rule, ...] = ()
    detail: str = "sampled"
    detail_calls: int | None = None
    dunders: tuple[str, ...] = ()
    mode: str = "once"
    level: str = "value"
    timings: bool = False
    playback_ignore: tuple[str, ...] = ()
    playback_by_order: tuple[str, ...] = ()
    playback_allow: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    ambient: tuple[str, ...] = ()

    @property
    def calls_in_detail(self) -> int:
        """How many calls of a callable are kept in detail in each lane; 0 for all."""
        if self.detail_calls is not None:
            return self.detail_calls
        return 0 if self.detail == "full" else CALLS_IN_DETAIL

    @property
    def cassette_folder(self) -> Path:
        """The folder of the cassettes as an absolute path."""
        return self.root / self.cassettes


def load_config(start: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Return the settings that hold in the folder `start`.

    The nearest folder upward that has a tracer.toml or a pyproject.toml with `[tool.tracer]` gives them; the search ends at
    the first pyproject.toml or `.git`. Without any, the defaults.

    Raises:
        ConfigError: a file cannot be read, a setting is unknown, its value is bad, or one folder has both files.
    """
    start = start.resolve()
    source = _find_source(start)
    settings = _read_settings(source) if source else {}
    checked = {key: _check(key, value, source) for key, value in settings.items()}
    if mode := environ.get("TRACER_MODE"):
        checked["mode"] = _check_value("mode", mode, "environment variable TRACER_MODE")
    return Config(root=source.parent if source else start, source=source, **checked)


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises:
        ConfigError: the file cannot be opened, is not UTF-8 or not TOML; the line is named.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"read {path}", error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"read {path}", f"it is not UTF-8 (at line {line})", "Save it as UTF-8.") from error
    return parse_toml(text, str(path))


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Return the content of a TOML text; `source` says where it comes from.

    Raises:
        ConfigError: it is not TOML; the line is named.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"read {source}", f"it is not valid TOML: {error}") from error


def _find_source(start: Path) -> Path | None:
    for folder in (start, *start.parents):
        own, project = folder / "tracer.toml", folder / "pyproject.toml"
        has_table = project.is_file() and "tracer" in _tools(project)
        if own.is_file() and has_table:
            raise ConfigError(
                f"choose between {own} and [tool.tracer] in {project}", "both hold settings", "Keep one of them."
            )
        if own.is_file():
            return own
        if has_table:
            return project
        if project.is_file() or (folder / ".git").exists():
            return None
    return None


def _tools(project: Path) -> dict[str, Any]:
    tools = read_toml(project).get("tool", {})
    return tools if isinstance(tools, dict) else {}


def _read_settings(source: Path) -> dict[str, Any]:
    table = read_toml(source) if source.name == "tracer.toml" else _tools(source)["tracer"]
    if not isinstance(table, dict):
        raise ConfigError(
            f"read [tool.tracer] in {source}",
            f"it is {table!r}",
            "It has to be a table: [tool.tracer] on its own line.",
        )
    return table


def _check(key: str, value: Any, source: Path | None) -> Any:
    place = f"{source}" if source and source.name == "tracer.toml" else f"[tool.tracer] in {source}"
    if key not in _SETTINGS:
        remedy = f"{suggestion(key, _SETTINGS)}Valid settings: {', '.join(sorted(_SETTINGS))}."
        raise ConfigError(f"use setting {key!r} of {place}", "there is no such setting", remedy)
    return _check_value(key, value, place)


def _check_value(key: str, value: Any, place: str) -> Any:
    setting = _SETTINGS[key]
    try:
        return setting.parse(value)
    except _BadValueError as bad:
        remedy = f"{bad.suggestion}Valid: {setting.valid}."
        raise ConfigError(f"use setting {key!r} of {place}", f"its value is {bad.value!r}", remedy) from None
    except ConfigError as error:  # of a rule, which does not know where it stands
        raise ConfigError(
            f"use setting {key!r} of {place}", f"couldn't {error.action}: {error.cause}", error.remedy
        ) from None


class _BadValueError(ValueError):
    def __init__(self, value: Any, suggestion: str = "") -> None:
        self.value = value
        self.suggestion = suggestion
        super().__init__(value)


class _Setting(NamedTuple):
    parse: Callable[[Any], Any]
    valid: str


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise _BadValueError(value)
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise _BadValueError(value)
    return tuple(value)


def _one_of(valid: tuple[str, ...]) -> _Setting:
    def parse(value: Any) -> str:
        if value not in valid:
            raise _BadValueError(value, suggestion(value, valid) if isinstance(value, str) else "")
        return str(value)

    return _Setting(parse, ", ".join(repr(name) for name in valid))


def _positive(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise _BadValueError(value)
    return value


def _natural(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise _BadValueError(value)
    return value


def _command(value: Any) -> tuple[str, ...]:
    if not isinstance(value, str):
        words = _texts(value)
    else:
        try:
            words = tuple(shlex.split(value))
        except ValueError as error:
            raise _BadValueError(value, f"As a shell line it does not end: {error}. ") from None
    if not words:
        raise _BadValueError(value)
    return words


def _dunders(value: Any) -> tuple[str, ...]:
    names = _texts(value)
    for name in names:
        if not (name.startswith("__") and name.endswith("__") and name.isidentifier() and name.strip("_")):
            raise _BadValueError(
                name, f"Did you mean '__{name.strip('_')}__'? " if name.strip("_").isidentifier() else ""
            )
    return names


def _rules(keys: tuple[str, ...]) -> Callable[[Any], tuple[Rule, ...]]:
    def parse(value: Any) -> tuple[Rule, ...]:
        if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
            raise _BadValueError(value)
        return tuple(rule_from_table(table, keys) for table in value)

    return parse


def _renamed(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise _BadValueError(value)
    for name in (*value.keys(), *value.values()):
        if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
            raise _BadValueError(name)
    return tuple(value.items())


def _expressions(value: Any) -> tuple[str, ...]:
    """Check expressions that are matched where nothing can stop them: in the process that is recorded, which has `re` alone."""
    for pattern in _texts(value):
        try:
            re.compile(pattern)
            quick = ends_soon(pattern)
        except (re.error, Unsupported) as error:
            raise _BadValueError(pattern, f"It is no regular expression: {error}. ") from error
        if not quick:
            raise _BadValueError(pattern, "It takes too long on some texts: write it without repeats inside repeats. ")
    return _texts(value)


def _function(value: Any) -> str:
    module, colon, name = _text(value).partition(":")
    if not colon or not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise _BadValueError(value)
    return f"{module}:{name}"


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _BadValueError(value)
    return value


def _ambient(value: Any) -> tuple[str, ...]:
    if value is True or value == "all":
        return AMBIENT_KINDS
    if value is False or value == "none":
        return ()
    kinds = _texts([value] if isinstance(value, str) else value)
    for kind in kinds:
        if kind not in (*CHOICES, "all"):
            raise _BadValueError(kind, suggestion(kind, CHOICES))
    return tuple(kind for kind in CHOICES if kind in kinds or ("all" in kinds and kind != CALLERS))


_AMBIENT = _Setting(_ambient, f"'all', 'none', or a list of {', '.join(repr(kind) for kind in CHOICES)}")


def ambient_kinds(wanted: bool | str | Iterable[str]) -> tuple[str, ...]:
    """Return the kinds of reads that are meant: by names, by a text of names with commas between, by `all` or True, `none` or False.

    Raises:
        ConfigError: one of them is none.
    """
    if isinstance(wanted, str):
        names = [name.strip() for name in wanted.split(",") if name.strip()]
        wanted = names[0] if len(names) == 1 else names
    elif not isinstance(wanted, bool):
        wanted = list(wanted)
    try:
        return _ambient(wanted)
    except _BadValueError as bad:
        remedy = f"{bad.suggestion}Valid: all, none, {', '.join(CHOICES)}."
        raise ConfigError("record what a program reads", f"{bad.value!r} is no kind of read", remedy) from None


_NAMES = _Setting(_texts, "a list of non-empty texts")
_SETTINGS = {
    "boundaries": _Setting(_texts, "a list of dotted prefixes, as in ['shop.pricing']"),
    "include": _Setting(_texts, "a list of patterns, as in ['shop.*', 'shop.cart:Cart.*']"),
    "exclude": _Setting(_texts, "a list of patterns, as in ['shop.*', 'shop.cart:Cart.*']"),
    "granularity": _one_of(GRANULARITIES),
    "redact": _NAMES,
    "redact_allow": _NAMES,
    "redact_values": _Setting(_expressions, "a list of regular expressions, as in ['ACME-[0-9]{8}']"),
    "redact_with": _Setting(_function, "a function as 'module:function'"),
    "redact_entropy": _Setting(_flag, "true or false"),
    "cassettes": _Setting(_text, "the name of a folder"),
    "command": _Setting(_command, "a command as one text or as a list of texts"),
    "runs": _Setting(_positive, "a whole number from 1"),
    "fail_on": _one_of(SEVERITIES),
    "ignore": _Setting(
        _rules(PLACES),
        f"a list of tables with one or more of {', '.join(PLACES)}; "
        f"kind is '*' or one of {', '.join(repr(kind) for kind in KINDS)}",
    ),
    "rules": _Setting(
        _rules((*PLACES, *ACTIONS)),
        f"a list of tables with one or more of {', '.join(PLACES)}, and what is equal there: {', '.join(ACTIONS)}",
    ),
    "detail": _one_of(DETAILS),
    "detail_calls": _Setting(_natural, "a whole number from 0"),
    "dunders": _Setting(_dunders, "a list of dunder names, as in ['__repr__']"),
    "mode": _one_of(MODES),
    "level": _one_of(LEVELS),
    "timings": _Setting(_flag, "true or false"),
    "playback_ignore": _NAMES,
    "playback_by_order": _NAMES,
    "playback_allow": _NAMES,
    "ambient": _AMBIENT,
    "renamed": _Setting(_renamed, "a table of dotted names, as in {'shop.old' = 'shop.new'}"),
}
