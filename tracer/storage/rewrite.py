"""Other rules for a cassette: everything else of the file stays as it is, byte for byte."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from tracer.storage import format as form
from tracer.storage.reader import open_cassette
from tracer.storage.store import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tracer.rules import Rule

_RULES = frozenset({form.RULE, form.FULL_RULE})
_CHUNK = 1 << 20


def write_rules(path: Path, rules: Iterable[Rule]) -> None:
    """Make these the rules of a cassette, in one step.

    Blocks are copied unread, and so is what a later tracer added to the index. A cassette that is written twice with the same
    rules has the same bytes.

    Raises:
        CassetteError: the cassette cannot be read, or its folder not be written.
    """
    open_cassette(path).close()  # every error of a file that is no whole cassette
    with path.open("rb") as source, replacing(path) as target:
        source.seek(-form.FOOTER.size, os.SEEK_END)
        start, packed, raw, crc = form.parse_footer(source.read(form.FOOTER.size))
        source.seek(start)
        index = form.unpack_index(source.read(packed), start, raw, crc)
        source.seek(0)
        _copy(source, target, start)
        target.write(form.index_and_footer(b"".join(_with_rules(index, rules)), start))


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size:
        chunk = source.read(min(size, _CHUNK))
        target.write(chunk)
        size -= len(chunk)


def _with_rules(index: bytes, rules: Iterable[Rule]) -> Iterator[bytes]:
    """Yield the frames of an index with other rules, which stand where they always do: before the lanes."""
    others = [(kind, frame) for kind, frame in form.index_frames(index) if kind not in _RULES]
    first = next((at for at, (kind, _) in enumerate(others) if kind == form.LANE), len(others))
    yield from (frame for _, frame in others[:first])
    yield from form.rule_frames(dict.fromkeys(rules))
    yield from (frame for _, frame in others[first:])
