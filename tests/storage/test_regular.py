"""Files are opened, made and replaced so that nobody else's file, pipe or device comes between."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from tracer import errors, model
from tracer.review.acceptances import load
from tracer.storage.compact import compact
from tracer.storage.reader import open_cassette
from tracer.storage.regular import make_folder
from tracer.storage.store import accepted_path, read_side, replacing, side_path, write_cassette

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def no_mask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nobody_else_may_write_a_new_cassette_whatever_the_umask_says(tmp_path: Path, no_mask: None) -> None:
    write_cassette(tmp_path / "a.cassette", model.Recording(), {})

    assert mode(tmp_path / "a.cassette") == 0o664


def test_the_umask_holds_for_a_new_cassette(tmp_path: Path, no_mask: None) -> None:
    os.umask(0o077)

    write_cassette(tmp_path / "a.cassette", model.Recording(), {})

    assert mode(tmp_path / "a.cassette") == 0o600


@pytest.mark.parametrize(("before", "after"), [(0o640, 0o640), (0o666, 0o664), (0o600, 0o600)])
def test_a_replaced_cassette_keeps_its_mode_but_for_the_writing_of_others(
    tmp_path: Path, before: int, after: int
) -> None:
    path = tmp_path / "a.cassette"
    path.touch()
    path.chmod(before)

    write_cassette(path, model.Recording(), {})

    assert mode(path) == after


def test_a_link_is_replaced_and_what_it_leads_to_stays_as_it_is(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    link = tmp_path / "a.cassette"
    link.symlink_to(precious)

    with replacing(link) as stream:
        stream.write(b"new")

    assert precious.read_text() == "mine"
    assert not link.is_symlink()
    assert link.read_bytes() == b"new"


@pytest.mark.parametrize("make", [lambda path: os.mkfifo(path), lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, make: object) -> None:
    cassette = tmp_path / "a.cassette"
    for path in (cassette, side_path(cassette), accepted_path(cassette)):
        make(path)  # type: ignore[operator]

    with pytest.raises(errors.CassetteError, match="no regular file"):
        open_cassette(cassette)
    with pytest.raises(errors.ReviewError, match="no regular file"):
        load(accepted_path(cassette))
    assert read_side(cassette) == {}


def test_a_journal_is_never_read_through_a_link(tmp_path: Path) -> None:
    part = tmp_path / "a.cassette.part"
    part.mkdir()
    (part / "1-x.journal").symlink_to("/etc/hostname")

    with pytest.raises(errors.CassetteError, match="read journal"):
        compact(part, tmp_path / "a.cassette")


def test_folders_are_made_that_others_cannot_write_and_nothing_else_of_the_name_is_taken_for_one(
    tmp_path: Path, no_mask: None
) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").write_text("not a folder", encoding="ascii")

    assert [mode(tmp_path / "a"), mode(tmp_path / "a" / "b")] == [0o775, 0o775]
    for name in ("file", "file/below"):
        with pytest.raises(NotADirectoryError):
            make_folder(tmp_path / name)
