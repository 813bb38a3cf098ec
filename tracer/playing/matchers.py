"""What of a call's arguments counts when its recorded one is looked for."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from tracer import wire
from tracer.errors import ConfigError
from tracer.model import ParameterKind
from tracer.playing.likeness import Grade, Likeness, likeness
from tracer.values import Mapping, Scalar, ValuePath

if TYPE_CHECKING:
    from collections.abc import Mapping as Map
    from collections.abc import Sequence

    from tracer.model import Callable, Parameter
    from tracer.values import Value

MATCHES: Final = ("arguments", "callable")
"""How calls are told apart: by their arguments, or not at all but for their order."""

_NIL: Final = b"\xc0"


@dataclass(frozen=True, slots=True)
class Matchers:
    """Which arguments count.

    ignore: names of parameters, or of one callable's: `timeout`, `shop.gateway:Client.send.headers`. What a call takes as `**kwargs`
        goes by the names in there.
    match: for patterns of callables, `shop.gateway:*`, one of `MATCHES`. The first that fits counts; "arguments" where none does.
    """

    ignore: tuple[str, ...] = ()
    match: tuple[tuple[str, str], ...] = ()

    def whole(self, noun: Callable) -> bool:
        """Whether all arguments of a callable count."""
        return not self.ignore and not self._by_order(noun)

    def key(self, noun: Callable, arguments: bytes) -> bytes | None:
        """Return what equal calls have in common; None where that is not to be told from the bytes."""
        if self._by_order(noun):
            return b""
        if not self.ignore:
            return arguments
        parts = _parts(arguments, len(noun.parameters))
        if parts is None:
            return None
        kept = (self._kept(noun, *each) for each in zip(noun.parameters, parts, strict=True))
        return b"\0".join(kept)

    def likeness(self, noun: Callable, recorded: tuple[Value, ...], called: tuple[Value, ...]) -> Likeness:
        """Compare the arguments of two calls of one callable, as far as they count."""
        if self._by_order(noun):
            return Likeness(Grade.EQUAL)
        if len(recorded) != len(called) or len(recorded) != len(noun.parameters):
            return Likeness(Grade.EQUAL if recorded == called else Grade.DIFFERENT)
        worst = Likeness(Grade.EQUAL)
        for parameter, old, new in zip(noun.parameters, recorded, called, strict=True):
            if self._ignored(noun, parameter.name):
                continue
            found = likeness(
                self._without(noun, parameter, old),
                self._without(noun, parameter, new),
                ValuePath(("argument", parameter.name)),
            )
            if found.grade > worst.grade:
                worst = found
        return worst

    def _by_order(self, noun: Callable) -> bool:
        return next((how for pattern, how in self.match if fnmatchcase(noun.name, pattern)), "") == "callable"

    def _ignored(self, noun: Callable, name: str) -> bool:
        return name in self.ignore or f"{noun.name}.{name}" in self.ignore

    def _kept(self, noun: Callable, parameter: Parameter, part: bytes) -> bytes:
        if self._ignored(noun, parameter.name):
            return _NIL
        if parameter.kind is not ParameterKind.VAR_KEYWORD:
            return part
        given = wire.unpack(part)
        if not isinstance(given, dict):
            return part
        return wire.packer()({name: value for name, value in given.items() if not self._ignored(noun, name)})

    def _without(self, noun: Callable, parameter: Parameter, value: Value) -> Value:
        """Return what a call took as `**kwargs` without what is ignored of it."""
        if parameter.kind is not ParameterKind.VAR_KEYWORD or not isinstance(value, Mapping):
            return value
        kept = [
            (key, item)
            for key, item in value.items
            if not (isinstance(key, Scalar) and self._ignored(noun, str(key.value)))
        ]
        return Mapping(tuple(kept))


def as_names(action: str, given: Sequence[str]) -> tuple[str, ...]:
    """Return names that an action is told of.

    Raises:
        ConfigError: they are one text, which would be taken letter by letter.
    """
    if isinstance(given, str):
        raise ConfigError(action, f"{given!r} is no list", f"Write it as [{given!r}].")
    return tuple(given)


def matchers(ignore: Sequence[str], match: str | Map[str, str] | None, by_order: Sequence[str] = ()) -> Matchers:
    """Return the matchers that a user asks for; `match` is one way for all callables or a way for each pattern, and goes before `by_order`.

    Raises:
        ConfigError: there is no such way.
    """
    chosen: dict[str, Any] = {"*": match} if isinstance(match, str) else dict(match or {})
    for how in chosen.values():
        if how not in MATCHES:
            raise ConfigError("match calls", f"{how!r} is no way to match", f"Use one of: {', '.join(MATCHES)}.")
    ordered = ((pattern, "callable") for pattern in by_order)
    return Matchers(tuple(ignore), (*chosen.items(), *ordered))


def _parts(arguments: bytes, count: int) -> list[bytes] | None:
    try:
        parts = wire.split_array(arguments)
    except ValueError:
        return None
    return parts if len(parts) == count else None
