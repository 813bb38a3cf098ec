"""Reading a cassette: by lane and block, without loading all, trusting nothing in the file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from tracer import errors, model
from tracer.storage import format as form
from tracer.storage.block_reader import read_columns
from tracer.storage.blocks import LARGEST_BLOCK, digest_of, lane_digest
from tracer.storage.regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self

_HEAD_SIZE: Final = len(form.MAGIC) + 32
_CONFLICT: Final = (b"<<<<<<< ", b"||||||| ", b"======= ", b">>>>>>> ")
_CONVERTED_LINES: Final = (b"\x89tracer\r\r\n", b"\x89tracer\n", b"\x89tracer\r\n\x1a\r", b"\x89tracer\r\x1a")
# Replacement characters, re-encoded Latin-1, the eighth bit cleared, the byte left out.
_CONVERTED_TEXT: Final = (b"\xef\xbf\xbdtracer", b"\xc2\x89tracer", b"\ttracer", b"tracer\r\n\x1a")
_LFS_POINTER: Final = b"version https://git-lfs"


class Cassette:
    """An open cassette file; a `model.RecordedRun`. Safe to read from several threads.

    It keeps the file open until `close`, best used in a `with` statement. Blocks are read and checked when someone asks for their calls.
    """

    def __init__(
        self, path: Path, stream: BinaryIO, recording: model.Recording, lanes: tuple[form.LaneEntry, ...]
    ) -> None:
        self.path = path
        self._stream = stream
        self._recording = recording
        self._entries = {lane.summary.name: lane for lane in lanes}
        self._lanes = tuple(lane.summary for lane in lanes)
        self._firsts = {
            lane.summary.name: tuple(accumulate((entry.calls for entry in lane.blocks), initial=0)) for lane in lanes
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._stream.close()

    @property
    def recording(self) -> model.Recording:
        """What is known of the run beside its calls."""
        return self._recording

    @property
    def lanes(self) -> tuple[model.LaneSummary, ...]:
        """The lanes, sorted by name."""
        return self._lanes

    def blocks(self, lane: str) -> tuple[model.BlockSummary, ...]:
        """Return the blocks of a lane in order. Raises KeyError for a lane that is not there."""
        return tuple(model.BlockSummary(entry.digest, entry.calls) for entry in self._entries[lane].blocks)

    def calls(self, lane: str, block: int | None = None) -> Iterator[model.Call]:
        """Yield the calls of a lane in the order they began; only those of one block when `block` is given.

        Raises:
            CassetteDamaged: while iterating, at the first block whose bytes are not whole.
        """
        entries, firsts = self._entries[lane].blocks, self._firsts[lane]
        for number in range(len(entries)) if block is None else (block,):
            yield from self._calls_of(lane, entries[number], firsts[number])

    def columns(self, lane: str, block: int) -> model.CallColumns:
        """Return the calls of one block, part by part.

        Raises:
            CassetteDamaged: the bytes of the block are not whole.
        """
        first = self._firsts[lane][block]
        meta, body = self._read_block(lane, self._entries[lane].blocks[block], first)
        try:
            return _whole(read_columns(body, first, meta.open_calls), meta.calls)
        except form.MALFORMED as error:
            raise form.damaged(self.path, f"a block of lane {lane!r} is malformed ({error})") from error

    def _calls_of(self, lane: str, entry: form.BlockEntry, first: int) -> Iterator[model.Call]:
        meta, body = self._read_block(lane, entry, first)
        try:
            columns = _whole(read_columns(body, first, meta.open_calls), meta.calls)
        except form.MALFORMED as error:
            raise form.damaged(self.path, f"a block of lane {lane!r} is malformed ({error})") from error
        yield from map(columns.call, range(len(columns)))

    def _read_block(self, lane: str, entry: form.BlockEntry, first: int) -> tuple[form.BlockMeta, bytes]:
        data = self._read(entry)
        try:
            meta, body = form.parse_block(data, min(LARGEST_BLOCK, entry.raw))
        except form.MALFORMED as error:
            raise form.damaged(self.path, f"a block of lane {lane!r} is not whole ({error})") from error
        told = (lane, first, entry.calls, entry.digest)
        if (meta.lane, meta.first, meta.calls, meta.digest) != told:
            raise form.damaged(self.path, f"a block of lane {lane!r} is not the one its index tells of")
        return meta, body

    def _read(self, entry: form.BlockEntry) -> bytes:
        descriptor = self._stream.fileno()
        try:
            return os.pread(descriptor, entry.packed, entry.offset)
        except (OSError, OverflowError) as error:
            raise errors.CassetteError(f"read cassette {str(self.path)!r}", str(error)) from error

    def verify(self) -> Verified:
        """Check every checksum and digest of the file by reading all of it.

        Raises:
            CassetteDamaged: at the first that does not match.
        """
        blocks = calls = 0
        for lane in self._entries.values():
            first = 0
            for entry in lane.blocks:
                self._verify_block(lane.summary.name, entry, first)
                first += entry.calls
            digest = lane_digest((entry.digest for entry in lane.blocks), lane.summary.thinned)
            if first != lane.summary.calls or digest != lane.summary.digest:
                raise form.damaged(self.path, f"the digest of lane {lane.summary.name!r} does not match")
            blocks += len(lane.blocks)
            calls += first
        return Verified(lanes=len(self._lanes), blocks=blocks, calls=calls)

    def _verify_block(self, lane: str, entry: form.BlockEntry, first: int) -> None:
        _, body = self._read_block(lane, entry, first)
        if digest_of(body) != entry.digest or sum(1 for _ in self._calls_of(lane, entry, first)) != entry.calls:
            raise form.damaged(self.path, f"the digest of a block of lane {lane!r} does not match")


@dataclass(frozen=True, slots=True)
class Verified:
    """What `verify` found whole."""

    lanes: int
    blocks: int
    calls: int


def verify(path: Path | str) -> Verified:
    """Check every checksum and digest of a cassette. Raises as `open_cassette` and `Cassette.verify` do."""
    with open_cassette(path) as cassette:
        return cassette.verify()


def open_cassette(path: Path | str) -> Cassette:
    """Open a cassette for reading; its index is read and checked at once, its blocks when asked for.

    Raises:
        CassetteNotFound, NotACassette, CassetteTooNew, CassetteMangled, CassetteDamaged: as their names say.
        CassetteError: the file cannot be read (permissions, a folder, ...).
    """
    path = Path(path)
    try:
        stream = open_regular(path)
    except FileNotFoundError as error:
        raise _absent(path) from error
    except OSError as error:
        raise errors.CassetteError(f"read cassette {str(path)!r}", error.strerror or str(error)) from error
    try:
        return Cassette(path, stream, *_read_index(path, stream))
    except BaseException:
        stream.close()
        raise


def _absent(path: Path) -> errors.CassetteNotFound:
    action = f"read cassette {str(path)!r}"
    part = path.with_name(path.name + ".part")
    if part.is_dir():
        return errors.CassetteNotFound(
            action, "its recording was never closed", f"Run `tracer recover {part}` to keep what was recorded."
        )
    return errors.CassetteNotFound(action, "there is no such file", "Record one with `tracer record`.")


def _read_index(path: Path, stream: BinaryIO) -> tuple[model.Recording, tuple[form.LaneEntry, ...]]:
    try:
        check_head(path, stream.read(_HEAD_SIZE))
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - form.FOOTER.size))
        start, packed, raw, crc = form.parse_footer(stream.read(form.FOOTER.size))
        if start + packed + form.FOOTER.size != size:
            raise form.damaged(path, "bytes are missing or were added")
        stream.seek(start)
        recording, lanes = form.parse_index(form.unpack_index(stream.read(packed), start, raw, crc))
    except form.MALFORMED as error:
        raise form.damaged(path, str(error)) from error
    except OSError as error:
        raise errors.CassetteError(f"read cassette {str(path)!r}", error.strerror or str(error)) from error
    if len({lane.summary.name for lane in lanes}) != len(lanes):
        raise form.damaged(path, "its index names a lane twice")
    if cause := form.misplaced(lanes, start):
        raise form.damaged(path, cause)
    return recording, lanes


def _whole(columns: model.CallColumns, calls: int) -> model.CallColumns:
    """Return the calls of a block, which are as many as the index tells of: others count on that."""
    if len(columns) != calls:
        message = f"{len(columns)} calls where {calls} are told of"
        raise ValueError(message)
    return columns


def check_head(path: Path, head: bytes) -> None:
    """Check magic and version; `head` is the first bytes of the file.

    Raises:
        NotACassette, CassetteTooNew, CassetteMangled, CassetteDamaged: as their names say.
    """
    if not head.startswith(form.MAGIC):
        raise _wrong_magic(path, head)
    line, newline, _ = head[len(form.MAGIC) :].partition(b"\n")
    word, _, number = line.partition(b" ")
    if not newline or word != b"format" or not number.isdigit():
        raise form.damaged(path, "its version line is not whole")
    if int(number) > form.FORMAT:
        raise errors.CassetteTooNew(
            f"read cassette {str(path)!r}",
            f"it has format {int(number)}, this tracer reads up to {form.FORMAT}",
            "Upgrade tracer, or record the cassette again.",
        )
    if int(number) < 1:
        raise form.damaged(path, "its version line is not whole")


def _wrong_magic(path: Path, head: bytes) -> errors.CassetteError:
    action = f"read cassette {str(path)!r}"
    if form.MAGIC.startswith(head):
        return form.damaged(path, "it is cut short" if head else "it is empty")
    if mangled := _mangled_by(head):
        remedy = "Mark cassettes as binary in .gitattributes (`*.cassette binary`) and restore one side whole."
        return errors.CassetteMangled(action, mangled, remedy)
    if head.startswith(form.MAGIC[:7]):
        return form.damaged(path, "its first bytes are changed")
    if head.startswith(_LFS_POINTER):
        return errors.NotACassette(action, "it is a Git LFS pointer", "Fetch its content with `git lfs pull`.")
    return errors.NotACassette(action, "it is another kind of file")


def _mangled_by(head: bytes) -> str:
    """Return what a text tool did to the magic, empty where none did."""
    if head.startswith(_CONFLICT):
        return "it holds the conflict markers of a text merge"
    if head.startswith(_CONVERTED_LINES):
        return "its line endings were converted"
    if head.startswith(_CONVERTED_TEXT):
        return "its bytes were converted as if they were text"
    return ""
