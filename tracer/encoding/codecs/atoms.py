"""Standard library values with one canonical text. Read through the base type's C descriptors, whatever a subclass overrides."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tracer.encoding import looks

if TYPE_CHECKING:
    import re

    from tracer.encoding.walk import Walk


def int_content(walk: Walk, value: int) -> bytes:
    """Encode the number in an int subclass."""
    return walk.value(int.__int__(value))


def float_content(walk: Walk, value: float) -> bytes:
    """Encode the number in a float subclass."""
    return walk.value(float.__float__(value))


def str_content(walk: Walk, value: str) -> bytes:
    """Encode the text in a str subclass."""
    return walk.text(str.__str__(value))


def complex_content(walk: Walk, value: complex) -> bytes:
    """Encode a complex number."""
    return walk.number("builtins:complex", complex.__repr__(value))


def range_content(walk: Walk, value: range) -> bytes:
    """Encode a range; it cannot be subclassed."""
    return walk.number("builtins:range", range.__repr__(value))


def constant_content(walk: Walk, value: Any) -> bytes:
    """Encode Ellipsis or NotImplemented."""
    return walk.atom("builtins:" + type(value).__name__, "Ellipsis" if value is ... else "NotImplemented")


def decimal_content(walk: Walk, value: Any) -> bytes:
    """Encode a Decimal. The context decides about the case of its E; the text does not."""
    base = looks.loaded("decimal", "Decimal")
    return walk.number("decimal:Decimal", base.__str__(value).replace("e", "E"))


def fraction_content(walk: Walk, value: Any) -> bytes:
    """Encode a Fraction from its two slots."""
    numerator, denominator = (object.__getattribute__(value, part) for part in ("_numerator", "_denominator"))
    return walk.number("fractions:Fraction", f"{int.__repr__(numerator)}/{int.__repr__(denominator)}")


def uuid_content(walk: Walk, value: Any) -> bytes:
    """Encode a UUID from its number."""
    digits = f"{int.__int__(object.__getattribute__(value, 'int')):032x}"
    return walk.atom("uuid:UUID", "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))


def path_content(walk: Walk, value: Any) -> bytes:
    """Encode a path of exactly one of pathlib's classes."""
    return walk.atom("pathlib:" + type(value).__name__, str(value))


def date_content(walk: Walk, value: Any) -> bytes:
    """Encode a date."""
    return walk.atom("datetime:date", _date_text(value))


def datetime_content(walk: Walk, value: Any) -> bytes:
    """Encode a datetime: ISO text with microseconds, and its time zone by name, since asking that for an offset may run foreign code."""
    return walk.atom("datetime:datetime", f"{_date_text(value)}T{_time_text(walk, 'datetime', value)}")


def time_content(walk: Walk, value: Any) -> bytes:
    """Encode a time."""
    return walk.atom("datetime:time", _time_text(walk, "time", value))


def timedelta_content(walk: Walk, value: Any) -> bytes:
    """Encode a timedelta."""
    return walk.atom("datetime:timedelta", looks.loaded("datetime", "timedelta").__str__(value))


def timezone_content(walk: Walk, value: Any) -> bytes:
    """Encode a fixed offset from UTC."""
    return walk.atom("datetime:timezone", _zone_text(value))


def zoneinfo_content(walk: Walk, value: Any) -> bytes:
    """Encode a time zone by its key."""
    return walk.atom("zoneinfo:ZoneInfo", _zone_text(value))


def _date_text(value: Any) -> str:
    base = looks.loaded("datetime", "date")
    year, month, day = (getattr(base, part).__get__(value) for part in ("year", "month", "day"))
    return f"{year:04}-{month:02}-{day:02}"


def _time_text(walk: Walk, base_name: str, value: Any) -> str:
    base = looks.loaded("datetime", base_name)
    hour, minute, second, micro, zone, fold = (
        getattr(base, part).__get__(value) for part in ("hour", "minute", "second", "microsecond", "tzinfo", "fold")
    )
    text = f"{hour:02}:{minute:02}:{second:02}" + (f".{micro:06}" if micro else "")
    if zone is not None:
        text += f"[{_zone_text(zone)}]"
        if looks.type_name(type(zone)) not in _ZONES:
            walk.shared.lost("opaque", looks.type_name(type(zone)))
    return text + (" fold=1" if fold else "")


def _zone_text(zone: Any) -> str:
    """Return a time zone's canonical text: an offset, a key, or the name of a class that may not be asked."""
    kind = type(zone)
    fixed = looks.loaded("datetime", "timezone")
    if kind is fixed:
        offset, name = fixed.utcoffset(zone, None), fixed.tzname(zone, None)
        plain = fixed.tzname(fixed(offset), None)
        return plain if type(name) is not str or name == plain else f"{plain} {name}"
    if kind is looks.loaded("zoneinfo", "ZoneInfo"):
        key = kind.key.__get__(zone)
        return key if type(key) is str else "?"
    return looks.type_name(kind)


_ZONES = ("datetime:timezone", "zoneinfo:ZoneInfo")


def pattern_fields(value: re.Pattern[Any]) -> tuple[list[str], list[Any]]:
    """Return what a compiled pattern is made of."""
    return ["pattern", "flags"], [value.pattern, value.flags]


def match_fields(value: re.Match[Any]) -> tuple[list[str], list[Any]]:
    """Return what a match found, without the text it searched."""
    return ["pattern", "span", "groups"], [value.re.pattern, value.span(), (value.group(), *value.groups())]


def buffer_fields(value: Any) -> tuple[list[str], list[Any]]:
    """Return the content and the position of an io.StringIO or io.BytesIO; nothing of a closed one."""
    if value.closed:
        return ["closed"], [True]
    return ["value", "position"], [value.getvalue(), value.tell()]


def namespace_fields(value: SimpleNamespace) -> tuple[list[Any], list[Any]]:
    """Return the attributes of a types.SimpleNamespace, which keeps them as no Python class does."""
    pairs = list(dict.items(SimpleNamespace.__dict__["__dict__"].__get__(value)))
    return [name for name, _ in pairs], [each for _, each in pairs]


def slice_fields(value: slice) -> tuple[list[str], list[Any]]:
    """Return the three parts of a slice."""
    return ["start", "stop", "step"], [value.start, value.stop, value.step]


def partial_fields(value: Any) -> tuple[list[str], list[Any]]:
    """Return what a functools.partial calls, and with what."""
    base = looks.loaded("functools", "partial")
    names = ["func", "args", "keywords"]
    return names, [base.__dict__[name].__get__(value) for name in names]
