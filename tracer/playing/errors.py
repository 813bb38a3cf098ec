"""Recorded exceptions that are their class and plain arguments, made again without reading the rest of the snapshot each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tracer import wire
from tracer.encoding.codecs.instances import exception_maker
from tracer.playing.plain import NOT_PLAIN, plain
from tracer.values import Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.values import Object

_ONLY_ARGUMENTS: Final = b"\x91\xa4args\x91"
"""The names of the fields, one, and the header of their values: the end of what snapshots of one class have in common."""
_REMEMBERED: Final = 1024  # classes


class Errors:
    """What makes exceptions of classes that were made once in full, by what the snapshots of a class begin with. Safe for threads."""

    def __init__(self) -> None:
        self._makers: dict[bytes, Callable[[tuple[Any, ...]], BaseException]] = {}

    def remember(self, value: Object, live: BaseException) -> None:
        """Take note of the class of an exception that was made of a snapshot in full, where that is its class and arguments."""
        if (
            [name for name, _ in value.fields] != ["args"]
            or value.form is not Form.EXCEPTION
            or value.payload is not None
        ):
            return
        make = exception_maker(type(live))
        if make is not None and len(self._makers) < _REMEMBERED:
            pack = wire.packer()
            start = wire.array_header(4) + pack(value.type) + pack(value.form.value) + _ONLY_ARGUMENTS
            self._makers[start] = make

    def make(self, snapshot: bytes) -> BaseException | None:
        """Return a new exception; None where it has to be made in full."""
        head = _HEADS.get(snapshot[0])
        end = snapshot.find(_ONLY_ARGUMENTS) + len(_ONLY_ARGUMENTS)
        make = None if head is None else self._makers.get(snapshot[head:end])
        if make is None or head is None or snapshot[:head] != wire.extension(wire.OBJECT, snapshot[head:])[:head]:
            return None
        arguments = _tuple(snapshot[end:])
        return None if arguments is None else make(arguments)


_HEADS: Final = {0xC7: 3, 0xC8: 4}
"""Bytes before the payload of an extension, by its first; exceptions are longer than what the others hold."""


def _tuple(snapshot: bytes) -> tuple[Any, ...] | None:
    """Return a tuple of plain data, None of anything else."""
    items = NOT_PLAIN

    def held(code: int, data: bytes) -> None:
        nonlocal items
        if code == wire.TUPLE:
            items = plain(data)

    try:
        inside = wire.unpack_own(snapshot, held)
    except ValueError:
        return None
    return tuple(items) if inside is None and type(items) is list else None
