"""Functions by which a program reads its surroundings, and how what they return is kept and given back.

What is kept is a scalar: a number, a text, bytes. Kept texts are those of the values' own standard forms, so that a person can read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

_CLOCKS: Final = ("time", "monotonic", "perf_counter", "process_time", "thread_time")
_FRACTIONS: Final = (
    *("random", "uniform", "triangular", "gauss", "normalvariate", "lognormvariate", "expovariate", "vonmisesvariate"),
    *("gammavariate", "betavariate", "paretovariate", "weibullvariate"),
)
_WHOLE: Final = ("getrandbits", "randint", "randrange", "binomialvariate")
_SCALARS: Final = (int, float, str, bytes, bool, type(None))


class CannotGive(Exception):
    """What was kept says nothing about this read. The message says why."""


def _as_it_is(kept: Any, arguments: tuple[Any, ...]) -> Any:
    del arguments
    return kept


def _always(arguments: tuple[Any, ...], named: dict[str, Any]) -> bool:
    del arguments, named
    return True


@dataclass(frozen=True, slots=True)
class Source:
    """One function that reads the surroundings.

    name: `module:qualname`.
    kept: the exact type of what is kept.
    keep: turns what the function returned into that.
    give: the way back, given all arguments of the read as well. Raises `CannotGive`.
    applies: whether a read with these arguments depends on the surroundings.
    clock: whether what it returns goes on from one read to the next, so that differences make sense.
    """

    name: str
    kept: type
    keep: Callable[[Any], Any] = lambda value: value
    give: Callable[[Any, tuple[Any, ...]], Any] = _as_it_is
    applies: Callable[[tuple[Any, ...], dict[str, Any]], bool] = _always
    clock: bool = False

    def key(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> str:
        """Return what a read has to be called with in order to be the same."""
        return key_of(arguments, named)

    def live(self, called: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any]:
        """Read; return what is read, and what is kept of it."""
        value = called(*arguments, **named)
        return value, self.keep(value)

    def again(self, kept: Any, called: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Return what was read, of what was kept of it.

        Raises:
            CannotGive: it says nothing about this read.
        """
        del called
        if type(kept) is not self.kept:
            raise CannotGive("it was not kept whole")
        try:
            return self.give(kept, (*arguments, *named.values()))
        except (TypeError, ValueError, OverflowError):  # hidden in part, or not of this recorder's making
            raise CannotGive("it is not what such a read gives") from None


def key_of(arguments: tuple[Any, ...], named: dict[str, Any]) -> str:
    """Return a text that says what a read was called with; of anything but scalars only the type is said."""
    texts = [_text(each) for each in arguments]
    texts += [f"{name}={_text(each)}" for name, each in named.items()]
    return ", ".join(texts)


def _text(value: Any) -> str:
    kind = type(value)
    return repr(value) if any(kind is each for each in _SCALARS) else f"<{kind.__name__}>"


def plain_sources(module: ModuleType, kinds: frozenset[str]) -> Iterator[tuple[Any, Source]]:
    """Yield the functions of a standard library module that read what `kinds` name, each with its source."""
    for kind, make in _MAKERS.get(module.__name__, ()):
        if kind in kinds:
            yield from make(module)


def _named(
    module: ModuleType, names: tuple[str, ...], kept: type, *, clock: bool = False
) -> Iterator[tuple[Any, Source]]:
    for name in names:
        function = getattr(module, name, None)
        if function is not None:
            yield function, Source(f"{module.__name__}:{name}", kept, clock=clock)


# -- time --------------------------------------------------------------------------------------------------------------------


def _of_time(time: ModuleType) -> Iterator[tuple[Any, Source]]:
    yield from _named(time, _CLOCKS, float, clock=True)
    yield from _named(time, tuple(f"{name}_ns" for name in _CLOCKS), int, clock=True)
    yield from _named(time, ("clock_gettime",), float)
    yield from _named(time, ("clock_gettime_ns",), int)
    for name in ("localtime", "gmtime"):
        yield getattr(time, name), _broken_down(time, name)
    for name, given in (("ctime", 0), ("asctime", 0), ("strftime", 1)):
        yield getattr(time, name), Source(f"time:{name}", str, applies=_at_most(given))


def _at_most(count: int) -> Callable[[tuple[Any, ...], dict[str, Any]], bool]:
    def applies(arguments: tuple[Any, ...], named: dict[str, Any]) -> bool:
        return not named and all(each is None for each in arguments[count:])

    return applies


def _broken_down(time: ModuleType, name: str) -> Source:
    def keep(value: Any) -> str:
        # With spaces it may look like the number of a payment card, which is hidden.
        return ",".join([*map(str, value), str(value.tm_gmtoff), value.tm_zone])

    def give(kept: str, arguments: tuple[Any, ...]) -> Any:
        del arguments
        *numbers, offset, zone = kept.split(",", 10)
        return time.struct_time((*map(int, numbers), zone, int(offset)))

    return Source(f"time:{name}", str, keep, give, _at_most(0))


def _of_datetime(module: ModuleType) -> Iterator[tuple[Any, Source]]:
    stamp, day = module.datetime, module.date

    def give(kept: str, arguments: tuple[Any, ...]) -> Any:
        found = stamp.fromisoformat(kept)
        zone = arguments[0] if arguments else None
        if (found.tzinfo is None) != (zone is None):
            raise CannotGive("another time zone")
        return found if zone is None else found.astimezone(zone)

    def give_day(kept: str, arguments: tuple[Any, ...]) -> Any:
        del arguments
        return day.fromisoformat(kept)

    for name in ("now", "utcnow", "today"):
        source = Source(f"datetime:datetime.{name}", str, stamp.isoformat, give, clock=True)
        yield getattr(stamp, name), source
    yield day.today, Source("datetime:date.today", str, day.isoformat, give_day, clock=True)


# -- chance ------------------------------------------------------------------------------------------------------------------


def _of_uuid(module: ModuleType) -> Iterator[tuple[Any, Source]]:
    def give(kept: str, arguments: tuple[Any, ...]) -> Any:
        del arguments
        return module.UUID(kept)

    for name in ("uuid1", "uuid4"):
        yield getattr(module, name), Source(f"uuid:{name}", str, str, give)


def _of_secrets(module: ModuleType) -> Iterator[tuple[Any, Source]]:
    yield from _named(module, ("token_bytes",), bytes)
    yield from _named(module, ("token_hex", "token_urlsafe"), str)
    yield from _named(module, ("randbelow", "randbits"), int)


def _of_os(module: ModuleType) -> Iterator[tuple[Any, Source]]:
    yield from _named(module, ("urandom", "getrandom"), bytes)


def _of_random(module: ModuleType) -> Iterator[tuple[Any, Source]]:
    yield from _named(module, _FRACTIONS, float)
    yield from _named(module, _WHOLE, int)
    yield from _named(module, ("randbytes",), bytes)


_MAKERS: Final = {
    "time": (("time", _of_time),),
    "datetime": (("time", _of_datetime),),
    "random": (("random", _of_random),),
    "secrets": (("secrets", _of_secrets),),
    "os": (("secrets", _of_os),),
    "uuid": (("uuid", _of_uuid),),
}
