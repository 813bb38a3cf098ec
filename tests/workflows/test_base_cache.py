"""The recording of a revision is made once, and again when anything it depends on is another."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.workflows.checkouts import FLAT, MAIN, NEW_TAX, RUN, changed, compared
from tracer.config import Config
from tracer.model import Recording
from tracer.rules import Rule
from tracer.storage.store import write_cassette
from tracer.workflows.base_cache import BaseCache, base_key

if TYPE_CHECKING:
    import pytest

    from tests.helpers import Project


def from_cache(project: Project, *words: str, **more: Any) -> tuple[bool, dict[str, Any]]:
    done, report = compared(project, *words, **more)
    assert done.exit in (0, 1), done.stderr
    cached = "from the cache" in done.stderr
    assert cached == ("The base recording is from the cache." in report["notes"])
    assert cached == ("tracer: recording HEAD" not in done.stderr)
    return cached, report


def test_the_second_comparison_with_a_revision_runs_here_only(project: Project) -> None:
    old = project.with_files(FLAT)
    old.commit("old")
    new = old.with_files({"shop/tax.py": NEW_TAX})

    first, report = from_cache(new, "--base", "HEAD", *RUN)
    second, again = from_cache(new, "--base", "main", *RUN)
    kept = next((project.folder / ".tracer" / "base").iterdir())
    kept.write_bytes(kept.read_bytes()[:-40])
    damaged, repaired = from_cache(new, "--base", "HEAD", *RUN)
    kept.unlink()
    not_asked, _ = from_cache(new, "--base", "HEAD", "--no-cache", *RUN)

    assert (first, second, damaged, not_asked) == (False, True, False, False)
    assert changed(report) == changed(again) == changed(repaired)
    assert list(kept.parent.iterdir()) == []
    assert new.run("git", "status", "--porcelain").stdout == " M shop/tax.py\n"


def test_a_run_that_failed_is_not_kept(project: Project) -> None:
    failing = project.with_files({**FLAT, "shop/__main__.py": MAIN + "raise SystemExit(3)\n"})
    failing.commit("old")

    _, report = from_cache(failing, "--base", "HEAD", *RUN)

    assert not (project.folder / ".tracer").exists()
    assert "The command exited with 3 at HEAD." in report["notes"]


def test_a_recording_is_known_by_all_it_depends_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(root=tmp_path)
    command = (sys.executable, "-m", "pytest")

    def key(commit: str = "c" * 40, place: str = ".", **other: Any) -> str:
        words, setup = other.pop("command", command), other.pop("setup", None)
        return base_key(commit, Path(place), words, setup, replace(config, **other))

    same = key()
    keys = [
        same,
        key(commit="d" * 40),
        key(place="sub"),
        key(command=(*command, "-q")),
        key(setup="make"),
        key(setup=""),
        key(boundaries=("shop",)),
        key(granularity="package"),
        key(redact=("name",)),
        key(runs=3),
    ]
    unrecorded = key(fail_on="breaking", ignore=(Rule("x"),), mode="all", command=command, cassettes="other")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    keys.append(key())
    installed = tmp_path / "env" / "lib" / "python3.12" / "site-packages" / "dep-1.0.dist-info"
    program = tmp_path / "env" / "bin" / "python"
    installed.mkdir(parents=True)
    program.parent.mkdir()
    program.symlink_to(sys.executable)
    keys.append(key(command=(str(program),)))
    installed.rename(installed.with_name("dep-2.0.dist-info"))
    keys.append(key(command=(str(program),)))

    assert unrecorded == same
    assert len(set(keys)) == len(keys)
    assert all(len(each) < 64 for each in keys)


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = BaseCache(tmp_path)
    cassette = tmp_path / "x.cassette"
    write_cassette(cassette, Recording(), {})

    for number in range(10):
        cache.keep(f"key{number}", cassette)
        os.utime(tmp_path / ".tracer" / "base" / f"key{number}.cassette", (number, number))
    assert cache.fetch("key0", tmp_path / "used")
    cache.keep("key10", cassette)
    kept = sorted(path.stem for path in (tmp_path / ".tracer" / "base").iterdir())

    assert kept == sorted([f"key{number}" for number in range(11) if number != 1])
    assert not cache.fetch("key1", tmp_path / "gone")
    assert (tmp_path / ".tracer" / ".gitignore").read_text("utf-8") == "*\n"


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / ".tracer").write_text("a file", encoding="utf-8")
    cassette = tmp_path / "x.cassette"
    write_cassette(cassette, Recording(), {})
    cache = BaseCache(tmp_path)

    cache.keep("key", cassette)

    assert not cache.fetch("key", tmp_path / "none")
