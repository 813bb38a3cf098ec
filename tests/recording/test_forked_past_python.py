"""A child that C code forked, without a word to Python, leaves the recording of its parent whole."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.helpers import Project
from tracer.model import Loss
from tracer.recording import native
from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "shop.py": """
        def price(number, note=""):
            return number * 2
    """,
    "app.py": """
        import ctypes, os, sys, threading
        from shop import price

        def work(start, count, note):
            for number in range(start, start + count):
                price(number, note)

        def record(count):
            import tracer

            with tracer.record("own.cassette", boundaries=["shop"]):
                work(200_000, count, "child")

        work(0, 200, "before")
        sys.stdout.flush()
        child = ctypes.PyDLL(None).fork()
        if child == 0:
            if sys.argv[3] != "0":
                record(int(sys.argv[3]))
            work(100_000, int(sys.argv[1]), "child")
            if sys.argv[2] == "left":
                os._exit(0)
            sys.exit(3)
        work(1_000, 2_000, "parent " * 20)
        _, status = os.waitpid(child, 0)
        work(5_000, 100, "after")
        print(os.waitstatus_to_exitcode(status))
    """,
}


@pytest.mark.skipif(not native.in_use() or sys.platform != "linux", reason="the hooks in C know it, by Linux's help")
@pytest.mark.parametrize(
    ("count", "end", "detail_calls", "own"),
    [
        (10, "left", "50", 0),
        (6_000, "left", "0", 0),
        (0, "ended", "0", 0),
        (3_000, "ended", "50", 0),
        (10, "left", "50", 20),
        (3_000, "ended", "0", 3_000),
    ],
)
def test_it_is_told_and_nothing_of_its_parent_is_lost(
    tmp_path: Path, count: int, end: str, detail_calls: str, own: int
) -> None:
    """In detail and past its budget; by whoever ends at once, who ends in order, and who first makes a recording of its own."""
    project = Project(tmp_path, FILES)
    words = [
        "record",
        "--detail-calls",
        detail_calls,
        "-o",
        "run.cassette",
        "--",
        sys.executable,
        "app.py",
        str(count),
        end,
    ]
    done = project.tracer(*words, str(own))

    assert (done.exit, done.stdout) == (0, "0\n" if end == "left" else "3\n"), done.stderr
    with open_cassette(tmp_path / "run.cassette") as cassette:
        losses = cassette.recording.losses
        assert sum(lane.calls_made for lane in cassette.lanes) == 2_300
        assert all(b"child" not in call.arguments for lane in cassette.lanes for call in cassette.calls(lane.name))
    assert losses == (Loss("*", "forked processes that could not be recorded", 1),)
    if own:
        with open_cassette(tmp_path / "own.cassette") as cassette:
            assert sum(lane.calls_made for lane in cassette.lanes) == own
