"""Names become safe paths, and a file is replaced whole or not at all."""

from __future__ import annotations

import os
import resource
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer import errors, model
from tracer.storage import store


@given(st.text(max_size=300))
def test_every_name_becomes_a_safe_and_bounded_file_name(name: str) -> None:
    safe = store.file_name(name)

    assert 0 < len(safe.encode()) <= 120
    assert not set(safe) & set('/\\:*?"<>|\0 ')
    assert not safe.startswith((".", "-"))
    assert not safe.endswith(".")


@given(st.text("aAbB/:. é-", max_size=6), st.text("aAbB/:. é-", max_size=6))
def test_two_names_never_share_a_file_even_where_case_is_folded(one: str, other: str) -> None:
    assert (store.file_name(one).lower() == store.file_name(other).lower()) == (one == other)


@pytest.mark.parametrize("name", ["checkout", "test_cart.py", "a[1-x]"])
def test_a_simple_name_stays_readable(name: str) -> None:
    assert store.file_name(name) == name


def test_a_test_id_keeps_its_words() -> None:
    assert store.file_name("tests/test_a.py::test_x[1]").startswith("tests-test_a.py-test_x[1]-")


@pytest.mark.parametrize("name", ["con", "nul.x", "COM1"])
def test_device_names_are_avoided(name: str) -> None:
    assert store.file_name(name).partition(".")[0].lower() not in {"con", "nul", "com1"}


def test_a_name_lies_in_the_folder_and_a_path_stays_a_path() -> None:
    assert store.path_for("cassettes", "a") == Path("cassettes/a.cassette")
    assert store.path_for("cassettes", "other/a.cassette") == Path("other/a.cassette")


def test_listing_tells_cassettes_from_what_lies_beside_them(tmp_path: Path) -> None:
    for name in ("b", "sub/a"):
        path = tmp_path / f"{name}.cassette"
        store.write_cassette(path, model.Recording(), {})
        store.write_side(path, {"seconds": 1})
        store.part_folder(path).mkdir()
    store.write_cassette(store.pending_path(tmp_path / "c.cassette"), model.Recording(), {})

    assert store.list_cassettes(tmp_path) == [tmp_path / "b.cassette", tmp_path / "sub" / "a.cassette"]
    assert store.list_pending(tmp_path) == [tmp_path / "c.cassette"]
    assert store.list_cassettes(tmp_path / "absent") == []


def test_an_error_while_writing_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "a.cassette"
    target.write_bytes(b"old")

    with pytest.raises(ZeroDivisionError), store.replacing(target) as stream:
        stream.write(b"half")
        raise ZeroDivisionError

    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_keeps_the_old_file_and_is_a_cassette_error(tmp_path: Path) -> None:
    target = tmp_path / "a.cassette"
    target.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(errors.CassetteError, match="File too large"), store.replacing(target) as stream:
            stream.write(bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_made_is_a_cassette_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(errors.CassetteError, match="permissions"):
        store.write_cassette(tmp_path / "file" / "a.cassette", model.Recording(), {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_a_cassette_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(errors.CassetteError, match="permissions"):
            store.write_cassette(tmp_path / "a.cassette", model.Recording(), {})
    finally:
        tmp_path.chmod(0o700)


def test_a_reader_of_the_old_file_is_not_disturbed(tmp_path: Path) -> None:
    from tracer.storage.reader import open_cassette

    call = model.Call("m:f", "m", 0, model.Flow.CALL, b"\x90", model.Unfinished())
    store.write_cassette(tmp_path / "a.cassette", model.Recording(), {"main": [call]})
    with open_cassette(tmp_path / "a.cassette") as old:
        store.write_cassette(tmp_path / "a.cassette", model.Recording(), {})

        assert list(old.calls("main")) == [call]


def test_the_file_is_as_readable_as_any_new_one_and_keeps_its_mode_after(tmp_path: Path) -> None:
    target = tmp_path / "a.cassette"
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    store.write_cassette(target, model.Recording(), {})
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)

    target.chmod(0o640)
    store.write_cassette(target, model.Recording(), {})
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_the_side_file_round_trips_and_a_broken_one_is_as_none(tmp_path: Path) -> None:
    cassette = tmp_path / "a.cassette"
    store.write_side(cassette, {"seconds": 1.5})
    assert store.read_side(cassette) == {"seconds": 1.5}

    store.side_path(cassette).write_bytes(b"{")
    assert store.read_side(cassette) == {}
