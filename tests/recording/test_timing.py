"""`tracer record --timings` takes the time of each call and changes nothing of the cassette."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from tests.export.test_perfetto import check
from tracer.cli.command_line import run as run_words
from tracer.storage import store
from tracer.storage.reader import open_cassette
from tracer.storage.timings import open_timings

if TYPE_CHECKING:
    import pytest

    from tests.helpers import Project

FILES = {
    "pyproject.toml": "",
    "app/__init__.py": "",
    "app/work.py": """
        import asyncio, threading, os
        from app.inner import leaf, items, later

        def run():
            leaf(1)
            list(items(2))
            try:
                leaf(None)
            except TypeError:
                pass
            thread = threading.Thread(target=leaf, args=(3,))
            thread.start()
            thread.join()
            async def main():
                await asyncio.gather(*(later(n) for n in range(3)))
            asyncio.run(main())
            if not (child := os.fork()):
                leaf(5)
                os._exit(0)
            os.waitpid(child, 0)
        """,
    "app/inner.py": """
        import asyncio

        def leaf(n):
            return n + 1

        def items(n):
            for each in range(n):
                yield leaf(each)

        async def later(n):
            await asyncio.sleep(0)
            return leaf(n)
        """,
    "main.py": "from app.work import run\nrun()\n",
}


def record(project: Project, name: str, *words: str) -> None:
    done = project.tracer("record", *words, "-o", f"{name}.cassette", "--", sys.executable, "main.py")
    assert done.exit == 0, done.stderr


def test_times_lie_beside_a_cassette_that_is_the_same_without_them(project: Project) -> None:
    """Each call has its beginning and its end; a later recording without times leaves none of the earlier one."""
    project = project.with_files(FILES)
    path = project.folder / "run.cassette"
    record(project, "run", "--timings")
    timed = path.read_bytes()
    with open_cassette(path) as run:
        timings = open_timings(store.timings_path(path), run.lanes)
        assert timings is not None
        lanes = {lane.name: list(timings.of(lane.name)) for lane in run.lanes}
        assert {name: len(times) for name, times in lanes.items()} == {lane.name: lane.calls for lane in run.lanes}
        for times in lanes.values():
            assert all(began > 0 and end is not None and end >= began for began, end in times)
            assert [began for began, _ in times] == sorted(began for began, _ in times)
    record(project, "run")

    assert path.read_bytes() == timed
    assert not store.timings_path(path).exists()


def test_a_trace_is_valid_and_says_where_its_times_are_from(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = project.with_files({**FILES, "tracer.toml": "timings = true"})
    record(project, "run")
    monkeypatch.chdir(project.folder)

    assert run_words(["export", "run.cassette", "--perfetto", "timed.json"]) == 0
    assert capsys.readouterr().err == ""
    store.timings_path(project.folder / "run.cassette").unlink()
    assert run_words(["export", "run.cassette", "--perfetto", "ordered.json"]) == 0
    assert "Record with --timings." in capsys.readouterr().err
    assert run_words(["export", "run.cassette", "--perfetto", "ordered.json"]) == 2
    assert "Write over it with --force." in capsys.readouterr().err
    for name, time in (("timed", "clock"), ("ordered", "call order")):
        told = json.loads((project.folder / f"{name}.json").read_text())
        check(told["traceEvents"])
        assert told["otherData"]["time"].startswith(time)


def test_a_block_takes_times_where_it_is_asked_to(project: Project) -> None:
    program = """
        import tracer

        with tracer.record("block.cassette", boundaries=["app.inner"], timings=True):
            from app.work import run
            run()
        """
    project = project.with_files({**FILES, "block.py": program})
    done = project.run("python", "block.py")
    path = project.folder / "block.cassette"

    assert done.exit == 0, done.stderr
    with open_cassette(path) as run:
        assert open_timings(store.timings_path(path), run.lanes) is not None
