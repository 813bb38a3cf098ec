"""Values with one canonical text as source: Decimal, datetime, UUID, path, range, complex, enum member.

The text comes from a cassette, so it is read, never copied: what is written are numbers and literals.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tracer.export.layout import Expression, Group, Item, Leaf, call
from tracer.export.literals import is_name, literal, number, quoted
from tracer.export.names import PLACE, UNKNOWN, Names, Unwritable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.values import Atom

PLACES: Final = ("<project>", "<tmp>", "<recording>")
"""How paths of the machine begin once they are recorded."""

_INTEGER: Final = r"-?\d+"
_RANGE: Final = re.compile(rf"range\(({_INTEGER}), ({_INTEGER})(?:, ({_INTEGER}))?\)")
_FRACTION: Final = re.compile(rf"({_INTEGER})/(\d+)")
_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_TIME: Final = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{6}))?(?:\[([^\]]*)\])?( fold=1)?")
_DELTA: Final = re.compile(rf"(?:({_INTEGER}) days?, )?(\d+):(\d\d):(\d\d)(?:\.(\d{{6}}))?")
_OFFSET: Final = re.compile(r"UTC(?:([+-])(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{6}))?)?)?(?: (.*))?", re.DOTALL)
_KEY: Final = re.compile(r"[A-Za-z0-9_+\-]+(?:/[A-Za-z0-9_+\-]+)*")


def atom(value: Atom, names: Names) -> Expression:
    """Return the source of an atom.

    Raises:
        Unwritable: its text is none that is known.
    """
    known = _KNOWN.get(value.type)
    return known(value.text, names) if known else _member(value, names)


def at_place(text: str) -> bool:
    """Say whether a text names a path of the machine it was recorded on, which nobody knows any more."""
    return any(place in text for place in PLACES)


def _parsed(pattern: re.Pattern[str], text: str) -> tuple[str | None, ...]:
    match = pattern.fullmatch(text)
    if match is None:
        raise Unwritable(UNKNOWN)
    return match.groups()


def _numbers(name: str, *parts: str | None) -> Group:
    return call(name, *(Leaf(str(int(part))) for part in parts if part is not None))


def _range(text: str, _: Names) -> Expression:
    return _numbers("range", *_parsed(_RANGE, text))


def _complex(text: str, _: Names) -> Expression:
    try:
        value = complex(text)
    except ValueError:
        raise Unwritable(UNKNOWN) from None
    return call("complex", Leaf(number(value.real)), Leaf(number(value.imag)))


def _quoted(name: str) -> Callable[[str, Names], Expression]:
    return lambda text, names: call(names.standard(name), Leaf(quoted(text)))


def _fraction(text: str, names: Names) -> Expression:
    return _numbers(names.standard("fractions.Fraction"), *_parsed(_FRACTION, text))


def _path(name: str) -> Callable[[str, Names], Expression]:
    def write(text: str, names: Names) -> Expression:
        if at_place(text):
            raise Unwritable(PLACE)
        return call(names.standard(name), Leaf(quoted(text)))

    return write


def _date(text: str, names: Names) -> Expression:
    return _numbers(names.standard("datetime.date"), *_parsed(_DATE, text))


def _time(text: str, names: Names) -> Expression:
    return Group("datetime.time(", _clock(_parsed(_TIME, text), names), ")")


def _datetime(text: str, names: Names) -> Expression:
    day, _, clock = text.partition("T")
    date = tuple(Item(Leaf(str(int(part or 0)))) for part in _parsed(_DATE, day))
    return Group("datetime.datetime(", (*date, *_clock(_parsed(_TIME, clock), names)), ")")


def _clock(parts: tuple[str | None, ...], names: Names) -> tuple[Item, ...]:
    hour, minute, second, micro, zone, fold = parts
    names.standard("datetime.time")
    kept = [hour, minute] if second == "00" and micro is None else [hour, minute, second, *([micro] if micro else [])]
    items = [Item(Leaf(str(int(part or 0)))) for part in kept]
    if zone is not None:
        items.append(Item(_zone(zone, names), "tzinfo="))
    if fold:
        items.append(Item(Leaf("1"), "fold="))
    return tuple(items)


def _delta(text: str, names: Names) -> Expression:
    days, hours, minutes, seconds, micros = (int(part or 0) for part in _parsed(_DELTA, text))
    return _timedelta(names, days, 3600 * hours + 60 * minutes + seconds, micros)


def _timedelta(names: Names, days: int, seconds: int, micros: int) -> Group:
    parts = (("days", days), ("seconds", seconds), ("microseconds", micros))
    return call(
        names.standard("datetime.timedelta"), *(Item(Leaf(str(part)), f"{name}=") for name, part in parts if part)
    )


def _zone(text: str, names: Names) -> Expression:
    """Write a time zone: a fixed offset from UTC, or one that is known by its key."""
    if _OFFSET.fullmatch(text):
        return _offset(text, names)
    if not _KEY.fullmatch(text):  # the name of a class that was not asked for its offset
        raise Unwritable(UNKNOWN)
    return call(names.standard("zoneinfo.ZoneInfo"), Leaf(quoted(text)))


def _offset(text: str, names: Names) -> Expression:
    sign, hours, minutes, seconds, micros, label = _parsed(_OFFSET, text)
    zone = names.standard("datetime.timezone")
    if sign is None and label is None:
        return Leaf(f"{zone}.utc")
    whole = 3600 * int(hours or 0) + 60 * int(minutes or 0) + int(seconds or 0)
    factor = -1 if sign == "-" else 1
    offset = _timedelta(names, 0, factor * whole, factor * int(micros or 0))
    return call(zone, offset, *([Leaf(quoted(label))] if label is not None else []))


def _member(value: Atom, names: Names) -> Expression:
    """Write a member of an enum by its name, a flag by its names or its number."""
    owner = names.recorded(value.type)
    parts = value.text.split("|")
    if all(map(is_name, parts)):
        return Leaf(" | ".join(f"{owner}.{part}" for part in parts))
    if re.fullmatch(_INTEGER, value.text):
        return call(owner, Leaf(literal(int(value.text))))
    raise Unwritable(UNKNOWN)


def _constant(text: str) -> Callable[[str, Names], Expression]:
    return lambda _, __: Leaf(text)


_KNOWN: Final[dict[str, Callable[[str, Names], Expression]]] = {
    "builtins:range": _range,
    "builtins:complex": _complex,
    "builtins:ellipsis": _constant("..."),
    "builtins:NotImplementedType": _constant("NotImplemented"),
    "decimal:Decimal": _quoted("decimal.Decimal"),
    "fractions:Fraction": _fraction,
    "uuid:UUID": _quoted("uuid.UUID"),
    "pathlib:PosixPath": _path("pathlib.Path"),
    "pathlib:WindowsPath": _path("pathlib.Path"),
    "pathlib:PurePosixPath": _path("pathlib.PurePosixPath"),
    "pathlib:PureWindowsPath": _path("pathlib.PureWindowsPath"),
    "datetime:date": _date,
    "datetime:datetime": _datetime,
    "datetime:time": _time,
    "datetime:timedelta": _delta,
    "datetime:timezone": _offset,
    "zoneinfo:ZoneInfo": _zone,
    "logging:Logger": _quoted("logging.getLogger"),
    "numpy:dtype": _quoted("numpy.dtype"),
}
