"""Files where strangers may be: what they put in place is opened with care, and what is made here they may never write."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path


def open_regular(path: Path, *, follow: bool = True) -> BinaryIO:
    """Open a regular file for reading, without waiting for anybody; a link only where `follow` says so.

    Raises:
        OSError: as `open`; it is a folder, or a pipe or device.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW))
    try:
        _check(path, os.fstat(descriptor).st_mode)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, as the umask has it, but that others never write into them.

    Raises:
        NotADirectoryError: there is something else of that name, or above.
        OSError: it cannot be made.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(mode=0o775)
    except FileExistsError as error:
        if not folder.is_dir():  # else somebody else was faster
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from error


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet, as the umask has it, but that others never write it.

    Raises:
        FileExistsError: there is one, or a link.
        OSError: it cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o664)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _check(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "It is no regular file", str(path))
