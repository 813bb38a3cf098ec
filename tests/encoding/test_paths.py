"""Paths below known folders are the same on every machine; others stay."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import pytest

from tracer.encoding.paths import PathNormaliser

if TYPE_CHECKING:
    from pathlib import Path

NORMALISER = PathNormaliser("/home/ann/shop", temporary=["/tmp", "/var/tmp"])


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("/home/ann/shop", "<project>"),
        ("/home/ann/shop/a/b.py", "<project>/a/b.py"),
        ("File '/home/ann/shop/a.py', line 3", "File '<project>/a.py', line 3"),
        ("/home/ann/shop2/a.py", "/home/ann/shop2/a.py"),
        ("/home/ann/shop.bak", "/home/ann/shop.bak"),
        ("/srv/home/ann/shop/a", "/srv/home/ann/shop/a"),
        ("file:///tmp/x", "file://<tmp>/x"),
        ("wrote to /tmp.", "wrote to <tmp>."),
        ("/tmpfile", "/tmpfile"),
        ("/tmp/pytest-of-root/pytest-12/test_a0/x", "<tmp>/pytest/test_a0/x"),
        ("/tmp/pytest-of-root/pytest-12/popen-gw3/test_a0", "<tmp>/pytest/test_a0"),
        ("/tmp/tmpab12cd_x/f.txt", "<tmp>/tmp*/f.txt"),
        ("/tmp/tmpab12cd_x.json", "<tmp>/tmp*.json"),
        ("/tmp/tmpdirectory/f", "/tmp/tmpdirectory/f".replace("/tmp/", "<tmp>/", 1)),
        ("/var/tmp/a:/tmp/b", "<tmp>/a:<tmp>/b"),
        ("a/b /home/bob", "a/b /home/bob"),
    ],
)
def test_known_roots_are_replaced_as_whole_components(text: str, normal: str) -> None:
    assert NORMALISER.text(text) == normal


def test_a_project_inside_the_temporary_folder_is_the_project() -> None:
    normaliser = PathNormaliser("/tmp/pytest-of-root/pytest-1/test_x0/project", temporary=["/tmp"])

    assert normaliser.text("/tmp/pytest-of-root/pytest-1/test_x0/project/a.py") == "<project>/a.py"
    assert normaliser.text("/tmp/pytest-of-root/pytest-1/test_x0/other") == "<tmp>/pytest/test_x0/other"


def test_pytests_base_folder_may_be_anywhere() -> None:
    normaliser = PathNormaliser(None, temporary=[])
    normaliser.set_basetemp("/srv/base")

    assert normaliser.text("/srv/base/test_a0") == "<tmp>/pytest/test_a0"


def test_folders_count_with_their_links_resolved(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    normaliser = PathNormaliser(str(tmp_path / "link"), temporary=[])

    assert normaliser.text(f"{tmp_path}/real/a") == normaliser.text(f"{tmp_path}/link/a") == "<project>/a"


def test_names_that_tempfile_makes_are_alike() -> None:
    normaliser = PathNormaliser(None)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        assert normaliser.text(one) == normaliser.text(other) == "<tmp>/tmp*"


def test_bytes_without_a_root_need_no_closer_look() -> None:
    assert not NORMALISER.found(b"/srv/data")
    assert NORMALISER.found(b"x/tmp/data")


def test_the_folder_of_the_recording_is_the_same_in_every_recording() -> None:
    """The settings file's path is in the environment, which programs copy and hand on."""
    for folder in ("/proj/shop/a.cassette.part", "/tmp/b.cassette.part"):
        normaliser = PathNormaliser("/proj/shop", temporary=["/tmp"], recording=folder)

        assert normaliser.text(f"{folder}/settings.json") == "<recording>/settings.json"
