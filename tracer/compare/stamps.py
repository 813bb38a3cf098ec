"""Stamps: short digests of changes, the same in every process and on every machine.

By them an accepted change is known again. Fingerprints, which are cheaper, hold within one process only.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from tracer.compare.fingerprint import children, token
from tracer.values import Atom, Mapping, Named, Object, Opaque, Reference, Scalar, Sequence, Truncated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracer.values import Value

SHOWN: Final = 16
"""Up to so many stamps are kept one by one; of more only one that stands for all."""
_SIZE: Final = 6
MOST_STAMPS: Final = 4_096
"""Distinct changes of one finding that are stamped; what differs beyond is counted."""


class Stamps:
    """The stamps of one finding, each distinct change once."""

    def __init__(self) -> None:
        self._known: dict[object, str] = {}
        self._beyond = 0

    def add(self, before: str | None, after: str | None) -> None:
        """Take in a change that is told of as text."""
        if before is not None or after is not None:
            self.take((before, after), stamp(before, after))

    def take(self, mark: tuple[object, object], found: str) -> None:
        """Take in the stamp of a change; `mark` stands for its sides, zeros for none. Where the mark is known the stamp may be left out."""
        if mark in self._known or not any(mark):
            return
        if len(self._known) < MOST_STAMPS:
            self._known[mark] = found
        else:
            self._beyond += 1

    def absorb(self, other: Stamps) -> None:
        """Take in those of another finding."""
        self._known.update(other._known)
        self._beyond += other._beyond

    def told(self, before: str, after: str, count: int) -> tuple[str, ...]:
        """Return what the finding is known by. Calls that came, went or moved have no values: their example and how many there are do."""
        if not self._known:
            return (stamp(before, after, str(count)),)
        beyond = [stamp(f"{self._beyond} more")] if self._beyond else []
        return condensed([*self._known.values(), *beyond])


def stamp(*sides: Value | str | None) -> str:
    """Return the stamp of a change, given as its sides: 12 hexadecimal digits."""
    digest = blake2b(digest_size=_SIZE)
    for side in sides:
        for part in _parts(side):
            digest.update(repr(part).encode("utf-8", "surrogatepass"))
            digest.update(b"\n")
    return digest.hexdigest()


def condensed(stamps: Iterable[str]) -> tuple[str, ...]:
    """Return distinct stamps in order, or one for all of them where there are more than can be shown."""
    distinct = sorted(set(stamps))
    return tuple(distinct) if len(distinct) <= SHOWN else (stamp(",".join(distinct)),)


def _parts(side: Value | str | None) -> Iterator[object]:
    """Yield what a snapshot is made of, parents before children, with a stack of our own: snapshots may be deeper than Python's."""
    if side is None or isinstance(side, str):
        yield "absent" if side is None else ("text", side)
        return
    todo = [side]
    while todo:
        node = todo.pop()
        inside = list(children(node))
        yield (*_own(node), len(inside))
        todo += reversed(inside)


def _own(node: Value) -> tuple[object, ...]:  # noqa: PLR0911  (one per case)
    """Return what a node is without what is inside it."""
    match node:
        case Scalar(value):
            return ("scalar", type(value).__name__, token(value))
        case Sequence(type=kind):
            return ("sequence", kind)
        case Mapping():
            return ("mapping",)
        case Object(type=kind, form=form, fields=fields, payload=payload):
            return ("object", kind, form.value, [name for name, _ in fields], payload is None)
        case Truncated(type=kind, size=size, digest=digest):
            return ("truncated", kind, None if size is None else hex(size), digest)
        case Atom(type=kind, text=text) | Named(kind=kind, name=text):
            return ("atom" if isinstance(node, Atom) else "named", kind, text)
        case Opaque(type=kind):
            return ("opaque", kind)
        case Reference(ordinal):
            return ("reference", ordinal)
        case _:
            return ("redacted",)
