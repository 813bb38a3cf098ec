"""Cassettes on other file systems: whole or not at all there, nothing secret in what is told, every failure one sentence."""

from __future__ import annotations

import errno
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tracer
from tests.helpers import Project
from tracer import errors, model, workflows
from tracer.storage import remote, store
from tracer.storage.remote import Url, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

fsspec = pytest.importorskip("fsspec", reason="needs the extra tracer[remote]")
MEMORY = importlib.import_module("fsspec.implementations.memory").MemoryFileSystem
CREDENTIALS = type("NoCredentialsError", (Exception,), {})


class Brittle(MEMORY):  # type: ignore[misc,valid-type]
    """A file system whose disk is full, of which half of a file arrives, or that wants credentials, by what the path begins with."""

    protocol = "brittle"
    store: dict[str, Any] = {}
    pseudo_dirs = [""]

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        stripped: str = super()._strip_protocol(path.removeprefix("brittle://"))
        return stripped

    def put_file(self, lpath: str, rpath: str, **kwargs: Any) -> None:
        super().put_file(lpath, rpath, **kwargs)
        if rpath.startswith("/full"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if rpath.startswith("/short"):
            self.pipe_file(rpath, self.cat_file(rpath)[:-1])

    def get_file(self, rpath: str, lpath: str, **kwargs: Any) -> None:
        if rpath.startswith("/locked"):
            raise CREDENTIALS("Unable to locate credentials\nfor brittle://locked?sig=hush-hush")
        super().get_file(rpath, lpath, **kwargs)


@pytest.fixture(autouse=True)
def empty_systems() -> Iterator[None]:
    fsspec.register_implementation("brittle", Brittle, clobber=True)
    yield
    for system in (MEMORY, Brittle):
        system.store.clear()
        system.pseudo_dirs[:] = [""]


@pytest.fixture
def cassette(tmp_path: Path, plain_calls: Callable[[Iterable[int]], list[model.Call]]) -> Path:
    path = tmp_path / "made.cassette"
    store.write_cassette(path, model.Recording(), {"main": plain_calls(range(50))})
    return path


@pytest.fixture
def working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, which the test works in."""
    project = Project(tmp_path / "project").with_files(
        {"pyproject.toml": "", "gate_for_urls.py": "def f(x): return x\n"}
    )
    project.write()
    monkeypatch.chdir(project.folder)
    monkeypatch.syspath_prepend(str(project.folder))
    return project.folder


@pytest.mark.parametrize(
    ("word", "place"),
    [
        ("cassettes/a.cassette", Path("cassettes/a.cassette")),
        ("file:///tmp/a.cassette", Path("/tmp/a.cassette")),
        ("s3://bucket/a.cassette", Url("s3://bucket/a.cassette")),
        ("simplecache::s3://bucket/a.cassette", Url("simplecache::s3://bucket/a.cassette")),
        ("tests/t.py::test_a.cassette", Path("tests/t.py::test_a.cassette")),
    ],
)
def test_a_word_is_a_path_or_a_url(word: str, place: object) -> None:
    assert place_of(word) == place


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sftp://ada:s3cret@host/a.cassette", "sftp://ada@host/a.cassette"),
        ("https://host/a.cassette?X-Sig=s3cret&e=1", "https://host/a.cassette?…"),
        ("s3://bucket/a.cassette", "s3://bucket/a.cassette"),
    ],
)
def test_a_url_shows_no_secret(text: str, shown: str) -> None:
    assert str(Url(text)) == shown
    assert "s3cret" not in repr(Url(text))
    assert Url(text).name == "a.cassette"


def test_what_is_sent_comes_back_and_replaces_in_one_step(cassette: Path, tmp_path: Path) -> None:
    url = Url("memory://runs/a.cassette")
    remote.send(cassette, url)
    remote.send(cassette, url)
    (tmp_path / "copy").mkdir()

    copy = remote.fetch(url, tmp_path / "copy")

    assert copy.read_bytes() == cassette.read_bytes()
    assert MEMORY().find("/") == ["/runs/a.cassette"]
    assert remote.cassettes_below(Url("memory://runs")) == ["a.cassette"]


@pytest.mark.parametrize(("path", "cause"), [("full", "No space left on device"), ("short", "bytes arrived")])
def test_a_failed_upload_leaves_what_was_there(path: str, cause: str, cassette: Path) -> None:
    MEMORY.pipe_file(Brittle(), f"/{path}/a.cassette", b"before")

    with pytest.raises(errors.CassetteError, match=cause):
        remote.send(cassette, Url(f"brittle://{path}/a.cassette"))

    assert Brittle().find("/") == [f"/{path}/a.cassette"]
    assert Brittle().cat_file(f"/{path}/a.cassette") == b"before"


def test_a_cut_cassette_is_told_by_its_url(cassette: Path) -> None:
    MEMORY().pipe_file("/runs/a.cassette", cassette.read_bytes()[:-3])

    with pytest.raises(errors.CassetteDamaged) as raised:
        tracer.diff("memory://runs/a.cassette", cassette)

    assert "read cassette 'memory://runs/a.cassette'" in str(raised.value)
    assert "tracer recover memory://runs/a.cassette" in str(raised.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("memory://no/a.cassette", "there is no such file. Check the URL."),
        ("nowhere://a.cassette", "Protocol not known: nowhere. Begin the URL"),
        (
            "brittle://locked/a.cassette",
            "its credentials are missing or not accepted (Unable to locate credentials). Set",
        ),
        ("http://127.0.0.1:9/a.cassette?sig=hush-hush", "Check the URL, and that the server can be reached."),
        ("gs://bucket/a.cassette", "Install what this kind of URL needs"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(url: str, told: str, cassette: Path) -> None:
    Brittle().pipe_file("/locked/a.cassette", cassette.read_bytes())

    with pytest.raises(errors.CassetteError) as raised:
        tracer.diff(url, cassette)

    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "hush" not in str(raised.value)


def test_a_block_is_recorded_into_a_url_and_compared_there(working: Path) -> None:
    import gate_for_urls  # type: ignore[import-not-found]

    for number in (1, 2):
        with tracer.record(f"memory://runs/{number}/a.cassette", boundaries=["gate_for_urls"]):
            gate_for_urls.f(number)

    one = tracer.diff("memory://runs/1/a.cassette", "memory://runs/2/a.cassette")
    both = tracer.diff("memory://runs/1", "memory://runs/2")

    assert one.old.cassette == "memory://runs/1/a.cassette"
    assert one.findings
    assert [finding.key for finding in both.findings] == [finding.key for finding in one.findings]
    assert not list((working / ".tracer" / "remote").rglob("*.cassette*"))


def test_what_cannot_be_sent_is_kept_here_and_the_remedy_sends_it(working: Path) -> None:
    import gate_for_urls

    with (
        pytest.raises(errors.CassetteError, match="No space left on device") as raised,
        tracer.record("brittle://full/a.cassette", boundaries=["gate_for_urls"]),
    ):
        gate_for_urls.f(1)

    (kept,) = (working / ".tracer" / "remote").rglob("*.cassette")
    assert f"`tracer merge --force brittle://full/a.cassette {kept}` sends it again" in str(raised.value)
    workflows.merge(Url("brittle://room/a.cassette"), [kept])
    assert tracer.diff("brittle://room/a.cassette", kept).verdict.value == "same"


def test_an_exception_of_the_block_is_never_hidden_by_a_failed_upload(working: Path) -> None:
    import gate_for_urls

    with (
        pytest.raises(ZeroDivisionError),
        tracer.record("brittle://full/a.cassette", boundaries=["gate_for_urls"]),
    ):
        gate_for_urls.f(1 / 0)


def test_cassettes_of_tests_lie_in_a_folder_here(working: Path) -> None:
    with pytest.raises(errors.ConfigError, match="it is a URL"), tracer.cassette("s3://bucket/a"):
        pass
    with pytest.raises(errors.ConfigError, match="it is a URL"), tracer.cassette("a", folder="s3://bucket"):
        pass
