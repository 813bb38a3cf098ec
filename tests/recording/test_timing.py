"""`tracer record --timings` takes the time of each call and changes nothing of the cassette."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from tests.export.test_perfetto import check
from tracer.storage import store
from tracer.storage.reader import open_cassette
from tracer.storage.timings import open_timings

if TYPE_CHECKING:
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


def test_the_cassette_is_the_same_with_and_without_times(project: Project) -> None:
    project = project.with_files(FILES)
    record(project, "with", "--timings")
    record(project, "without")
    timed, plain = (project.folder / f"{name}.cassette" for name in ("with", "without"))

    assert timed.read_bytes() == plain.read_bytes()
    assert store.timings_path(timed).exists()
    assert not store.timings_path(plain).exists()
    with open_cassette(timed) as run:
        timings = open_timings(store.timings_path(timed), run.lanes)
        assert timings is not None
        lanes = {lane.name: list(timings.of(lane.name)) for lane in run.lanes}
        assert {name: len(times) for name, times in lanes.items()} == {lane.name: lane.calls for lane in run.lanes}
        for times in lanes.values():
            assert all(began > 0 and end is not None and end >= began for began, end in times)
            assert [began for began, _ in times] == sorted(began for began, _ in times)


def test_a_recording_without_times_leaves_none_of_an_earlier_one(project: Project) -> None:
    project = project.with_files(FILES)
    record(project, "run", "--timings")
    record(project, "run")

    assert not store.timings_path(project.folder / "run.cassette").exists()


def test_a_trace_of_it_is_valid_and_says_where_its_times_are_from(project: Project) -> None:
    project = project.with_files({**FILES, "tracer.toml": "timings = true"})
    record(project, "run")
    timed = project.tracer("export", "run.cassette", "--perfetto", "timed.json")
    store.timings_path(project.folder / "run.cassette").unlink()
    ordered = project.tracer("export", "run.cassette", "--perfetto", "ordered.json")
    again = project.tracer("export", "run.cassette", "--perfetto", "ordered.json")

    assert (timed.exit, timed.stderr) == (0, "")
    assert ordered.exit == 0
    assert "Record with --timings." in ordered.stderr
    assert again.exit == 2
    assert "Write over it with --force." in again.stderr
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
