"""From canonical texts back to standard library values: the other half of `atoms` and of the members and loggers in `names`.

Each text was written by this project's encoder; what does not read as one is refused, never guessed.
"""

from __future__ import annotations

import re
from enum import Enum, Flag
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from tracer.encoding import looks
from tracer.encoding.causes import Cause, Refused
from tracer.encoding.codecs import numpy, pandas

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.encoding.revival import Revival
    from tracer.values import Atom

_RANGE: Final = re.compile(r"range\((-?\d+), (-?\d+)(?:, (-?\d+))?\)")
_NUMBER: Final = re.compile(r"-?\d+")
_DATE: Final = r"(\d{4})-(\d\d)-(\d\d)"
_TIME: Final = r"(\d\d):(\d\d):(\d\d)(?:\.(\d{6}))?(?:\[(.*)\])?( fold=1)?"
_DURATION: Final = re.compile(r"(?:(-?\d+) days?, )?(\d+):(\d\d):(\d\d)(?:\.(\d{6}))?")
_OFFSET: Final = re.compile(r"UTC(?:([+-])(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{6}))?)?)?(?: (.*))?", re.DOTALL)


def atom_value(revival: Revival, value: Atom) -> Any:
    """Return the value of a canonical text.

    Raises:
        Refused: its type may not be imported, or the text is not one of it.
    """
    constant = _CONSTANTS.get(value.type)
    if constant is not None:
        return constant[1] if value.text == constant[0] else _refuse()
    for special in (numpy.revive_dtype, pandas.revive_missing):
        found = special(revival, value)
        if found is not None:
            return found
    if value.type == "logging:Logger":
        return import_module("logging").getLogger(value.text)
    is_path = value.type.startswith("pathlib:")
    read = _plain if is_path else _READERS.get(value.type)
    text = revival.paths.text(value.text) if is_path else value.text
    cls = revival.resolver.find_class(value.type)
    try:
        return _member(cls, text) if read is None else read(cls, text)
    except (ValueError, TypeError, ArithmeticError, OverflowError, KeyError, NotImplementedError, OSError) as error:
        raise Refused(Cause.TEXT) from error


def _refuse() -> Any:
    raise Refused(Cause.TEXT)


def _matched(pattern: re.Pattern[str] | str, text: str) -> re.Match[str]:
    found = re.fullmatch(pattern, text, re.DOTALL) if isinstance(pattern, str) else pattern.fullmatch(text)
    return found or _refuse()


def _range(_: type, text: str) -> range:
    start, stop, step = _matched(_RANGE, text).groups()
    return range(int(start), int(stop), int(step or 1))


def _fraction(cls: Any, text: str) -> Any:
    numerator, _, denominator = text.partition("/")
    return cls(int(numerator), int(denominator))


def _plain(cls: Any, text: str) -> Any:
    return cls(text)


def _date(cls: Any, text: str) -> Any:
    return cls(*map(int, _matched(_DATE, text).groups()))


def _datetime(cls: Any, text: str) -> Any:
    day, clock = text[:10], text[11:]
    return cls(*map(int, _matched(_DATE, day).groups()), **_clock(clock))


def _time(cls: Any, text: str) -> Any:
    return cls(**_clock(text))


def _clock(text: str) -> dict[str, Any]:
    hour, minute, second, micro, zone, fold = _matched(_TIME, text).groups()
    numbers = {"hour": int(hour), "minute": int(minute), "second": int(second), "microsecond": int(micro or 0)}
    return {**numbers, "tzinfo": None if zone is None else _zone(zone), "fold": int(fold is not None)}


def _timedelta(cls: Any, text: str) -> Any:
    days, hours, minutes, seconds, micro = _matched(_DURATION, text).groups()
    return cls(
        days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=int(seconds), microseconds=int(micro or 0)
    )


def _zone(text: str) -> Any:
    """Return a time zone by its offset, its key, or not at all: a class that might not be asked left only its name."""
    if _OFFSET.fullmatch(text):
        return _timezone(None, text)
    if ":" in text or text == "?":
        raise Refused(Cause.ZONE, text)
    return import_module("zoneinfo").ZoneInfo(text)


def _timezone(_: Any, text: str) -> Any:
    sign, hours, minutes, seconds, micro, name = _matched(_OFFSET, text).groups()
    datetime = import_module("datetime")
    parts = {"hours": hours, "minutes": minutes, "seconds": seconds, "microseconds": micro}
    offset = datetime.timedelta(**{part: int(number or 0) for part, number in parts.items()})
    offset = -offset if sign == "-" else offset
    if name is not None:
        return datetime.timezone(offset, name)
    return datetime.timezone(offset) if offset else datetime.timezone.utc


def _member(cls: Any, text: str) -> Any:
    """Return an enumeration's member by name; a flag's by number or by the names of its parts."""
    if not looks.derives(cls, Enum):
        raise Refused(Cause.OTHER_KIND)
    members = looks.declared(cls, "_member_map_") or {}
    if text in members:
        return members[text]
    if not looks.derives(cls, Flag):
        raise Refused(Cause.GONE)
    number = 0
    for part in text.split("|"):
        if part in members:
            number |= object.__getattribute__(members[part], "__dict__")["_value_"]
        elif _NUMBER.fullmatch(part):  # bits without a name
            number |= int(part)
        else:
            raise Refused(Cause.GONE)
    known = (looks.declared(cls, "_value2member_map_") or {}).get(number)
    return known or _composite(cls, number)


def _composite(cls: Any, number: int) -> Any:
    """Return a flag of several parts, as the standard library makes it, whatever `_missing_` a class has of its own."""
    spaces = [looks.namespace(each) for each in looks.mro(cls) if looks.module_of(each) == "enum"]
    return next(space["_missing_"] for space in spaces if "_missing_" in space).__func__(cls, number)


_CONSTANTS: Final[dict[str, tuple[str, Any]]] = {
    "builtins:ellipsis": ("Ellipsis", ...),
    "builtins:NotImplementedType": ("NotImplemented", NotImplemented),
}

_READERS: Final[dict[str, Callable[[Any, str], Any]]] = {
    "builtins:complex": _plain,
    "builtins:range": _range,
    "decimal:Decimal": _plain,
    "fractions:Fraction": _fraction,
    "uuid:UUID": _plain,
    "datetime:date": _date,
    "datetime:datetime": _datetime,
    "datetime:time": _time,
    "datetime:timedelta": _timedelta,
    "datetime:timezone": _timezone,
    "zoneinfo:ZoneInfo": _plain,
}
