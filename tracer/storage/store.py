"""Where cassettes lie: names and paths, replacing in one step, listing, and what lies beside a cassette.

cassettes/NAME.cassette              the baseline
cassettes/NAME.cassette.pending      a recording that waits for a decision
cassettes/NAME.cassette.part/        the journals of a recording that is not closed yet
cassettes/NAME.cassette.side.json    the command and its environment: differs between runs, kept out of version control
cassettes/NAME.cassette.timings      when each call began and ended, where that was asked for; kept out as well
cassettes/NAME.cassette.accepted.toml  changes that someone accepted, for people and merges to read
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from tracer.errors import CassetteError
from tracer.storage.format import write_calls
from tracer.storage.regular import make_folder, open_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tracer import model

SUFFIX: Final = ".cassette"
PENDING: Final = ".pending"
_PART: Final = ".part"
SIDE: Final = ".side.json"
TIMINGS: Final = ".timings"
ACCEPTED: Final = ".accepted.toml"
LEARNED: Final = ".replay"
IGNORED: Final = (
    f"*{SUFFIX}{PENDING}",
    f"*{SUFFIX}{_PART}*/",
    *(f"*{SUFFIX}{waits}{beside}" for beside in (SIDE, TIMINGS) for waits in ("", PENDING)),
)
"""What version control has no use for, as patterns of its ignore file."""

_CHUNK: Final = 1 << 20
_LARGEST_SIDE: Final = 1 << 20
_LONGEST_NAME: Final = 120
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._\[\]=,+@-]+")
# Names that are devices on Windows, whatever follows the first dot.
_RESERVED: Final = re.compile(r"(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")


def file_name(name: str) -> str:
    """Return a file name, without suffix, for any cassette name or test id.

    Folders of the name stay folders elsewhere (`path_for`); here every character that some file system refuses becomes `-`. A name
    that had to change, that is too long, or that another system would fold with a like one, ends in a digest of the whole name, so two
    names never share a file.
    """
    safe = _UNSAFE.sub("-", name).strip(".-")
    if safe and safe == name and len(safe) <= _LONGEST_NAME and safe == safe.lower() and not _RESERVED.match(safe):
        return safe
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()
    head = safe[: _LONGEST_NAME - len(digest) - 1].strip(".-") or "cassette"
    if _RESERVED.match(head):
        head = f"_{head}"
    return f"{head}-{digest}"


def path_for(folder: Path | str, name: str) -> Path:
    """Return where the cassette called `name` lies in `folder`; a name that ends in `.cassette` is a path already."""
    if name.endswith(SUFFIX):
        return Path(name)
    return Path(folder) / (file_name(name) + SUFFIX)


def pending_path(cassette: Path) -> Path:
    """Return where a new recording waits beside its baseline."""
    return cassette.with_name(cassette.name + PENDING)


def part_folder(cassette: Path) -> Path:
    """Return where the journals of a recording lie until it is closed."""
    return cassette.with_name(cassette.name + _PART)


def side_path(cassette: Path) -> Path:
    """Return where it is kept how a cassette was made."""
    return cassette.with_name(cassette.name + SIDE)


def timings_path(cassette: Path) -> Path:
    """Return where the times of a cassette's calls lie."""
    return cassette.with_name(cassette.name + TIMINGS)


def accepted_path(cassette: Path) -> Path:
    """Return where the accepted changes of a cassette are written down."""
    return cassette.with_name(cassette.name + ACCEPTED)


def learned_path(cassette: Path) -> Path:
    """Return where it is written down which calls of a cassette are not replayed, since more than their arguments decides about them."""
    return cassette.with_name(cassette.name + LEARNED)


def belongings(cassette: Path) -> tuple[Path, ...]:
    """Return every file a cassette may have: itself first, then what lies beside it."""
    pending = pending_path(cassette)
    beside = (place(each) for place in (side_path, timings_path) for each in (cassette, pending))
    return cassette, pending, *beside, accepted_path(cassette), learned_path(cassette)


def list_cassettes(folder: Path | str) -> list[Path]:
    """Return the cassettes in a folder and below, sorted; none where there is no such folder."""
    return sorted(path for path in Path(folder).rglob(f"*{SUFFIX}") if path.is_file())


def unclosed(folder: Path | str) -> list[Path]:
    """Return the folders of recordings that were never closed, or still go on, in a folder and below it, sorted."""
    return sorted(path for path in Path(folder).rglob(f"*{SUFFIX}{_PART}*") if path.is_dir())


def list_pending(folder: Path | str) -> list[Path]:
    """Return the baselines' paths for which a recording waits, sorted; the baseline itself need not exist."""
    return sorted(path.with_suffix("") for path in Path(folder).rglob(f"*{SUFFIX}{PENDING}") if path.is_file())


def baseline_of(path: Path) -> Path:
    """Return the cassette that a path names, itself or by the recording that waits beside it."""
    return path.with_suffix("") if path.name.endswith(SUFFIX + PENDING) else path


def drop_pending(cassette: Path) -> None:
    """Remove the recording that waits beside a cassette, with what is known of its run."""
    pending = pending_path(cassette)
    pending.unlink(missing_ok=True)
    side_path(pending).unlink(missing_ok=True)
    timings_path(pending).unlink(missing_ok=True)


def copy_into_place(source: Path, target: Path) -> None:
    """Make a copy of a file, which may lie on another file system, the one at `target`, in one step.

    Raises:
        CassetteError: the folder cannot be written, or the disk is full.
    """
    with replacing(target) as stream, source.open("rb") as content:
        shutil.copyfileobj(content, stream, _CHUNK)


def move_into_place(closed: Path, cassette: Path) -> None:
    """Make a closed cassette, which lies on the same file system, the one at `cassette`, in one step; its times come along.

    Raises:
        CassetteError: the folder cannot be written.
    """
    try:
        closed.replace(cassette)
        move_timings(closed, cassette)
        _sync_folder(cassette.parent)
    except OSError as error:
        raise _unwritable(cassette, error) from error


def move_timings(closed: Path, cassette: Path) -> None:
    """Put the times of one cassette beside another; where there are none, those that lie there are of calls no longer in it."""
    beside = timings_path(closed)
    if beside.exists():
        beside.replace(timings_path(cassette))
    else:
        timings_path(cassette).unlink(missing_ok=True)


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """Give a stream whose content becomes `target` when the block ends without error, in one step.

    Before, and after any error, the target is as it was; a reader sees the old file or the new one, whole. Where the target is a link,
    that is replaced, and what it leads to stays as it is.

    Raises:
        CassetteError: the folder cannot be written, or the disk is full.
    """
    temporary = None
    try:
        make_folder(target.parent)
        # No suffix of a cassette, so that one left behind by kill -9 is never taken for one.
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(_mode_for(target))
        Path(temporary).replace(target)
        temporary = None
        _sync_folder(target.parent)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()


def write_cassette(
    path: Path | str,
    recording: model.Recording,
    lanes: Mapping[str, Iterable[model.Call]],
    thinned: Mapping[str, tuple[model.Thinned, ...]] = MappingProxyType({}),
) -> None:
    """Write a cassette from calls, in memory or streamed from another cassette, and put it in place in one step.

    Raises:
        CassetteError: the folder cannot be written, or the disk is full.
    """
    with replacing(Path(path)) as stream:
        write_calls(stream, recording, lanes, thinned)


def write_side(cassette: Path, side: Mapping[str, Any]) -> None:
    """Keep beside a cassette how it was made, as JSON."""
    with replacing(side_path(cassette)) as stream:
        stream.write(json.dumps(dict(side), indent=1, sort_keys=True).encode() + b"\n")


def read_side(cassette: Path) -> dict[str, Any]:
    """Return what lies beside a cassette; nothing where there is no such file or it cannot be read: it is never needed."""
    try:
        with open_regular(side_path(cassette)) as stream:
            side = json.loads(stream.read(_LARGEST_SIDE).decode())  # as text: of bytes json would guess an encoding
    except (OSError, ValueError, RecursionError):
        return {}
    return side if isinstance(side, dict) else {}


def _mode_for(target: Path) -> int:
    """Return the mode of the file that is replaced, or what the umask gives a new one (`mkstemp` gives 0600); others never write.

    A link is not what it leads to: it is replaced by a new file.
    """
    with suppress(OSError):
        found = target.lstat().st_mode
        if stat.S_ISREG(found):
            return found & 0o777 & ~stat.S_IWOTH
    mask = os.umask(0o22)
    os.umask(mask)
    return 0o666 & ~mask & ~stat.S_IWOTH


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(target: Path, error: OSError) -> CassetteError:
    remedy = "Check its folder's permissions and the room on the disk."
    return CassetteError(f"write cassette {str(target)!r}", error.strerror or str(error), remedy)
